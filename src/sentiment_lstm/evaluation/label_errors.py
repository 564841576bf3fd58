"""Finds labels that are likely wrong, from a model's probabilities (cleanlab).

Works on plain arrays. Knows no model and no text.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import DataError, MissingExtraError


def likely_label_errors(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Find texts whose label contradicts the model more than the model's own mistakes explain.

    Confident learning (Northcutt et al. 2021, "Confident Learning: Estimating Uncertainty in
    Dataset Labels"): a class's threshold is its mean probability over its own texts. The texts must
    not have been trained on.

    Args:
        labels: int [N].
        probabilities: float [N, C].

    Returns:
        The rows of these texts, int [K], the likeliest error first.

    Raises:
        DataError: the labels hold fewer than two classes.
        MissingExtraError: cleanlab is not installed.
    """
    present = np.unique(labels)
    if len(present) < 2:
        raise DataError(
            "Expected texts of at least two classes to look for label errors, found one: "
            "add texts of another class."
        )
    # cleanlab numbers only the classes that occur.
    columns = probabilities[:, present] + 1e-12
    columns /= columns.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():  # from cleanlab's dependencies, and about small classes
        warnings.simplefilter("ignore")
        try:
            from cleanlab.filter import find_label_issues
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "Expected cleanlab to look for label errors, found none: "
                "pip install 'sentiment-lstm[report]'."
            ) from error
        rows: NDArray[np.int64] = find_label_issues(
            np.searchsorted(present, labels),
            columns,
            return_indices_ranked_by="self_confidence",
            n_jobs=1,
        )
    return rows
