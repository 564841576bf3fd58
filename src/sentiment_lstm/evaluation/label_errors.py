"""Labels that are likely wrong, by what a model says of their texts (cleanlab).

Works on plain arrays; knows no model and no text.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.errors import DataError, MissingExtraError


def likely_label_errors(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Find the texts whose label a model speaks against, more than its own mistakes explain.

    Confident learning (Northcutt et al. 2021, "Confident Learning: Estimating Uncertainty in
    Dataset Labels"): thresholds are each class's mean probability among its own texts. The
    texts must not have been trained on.

    Args:
        labels: int [N].
        probabilities: float [N, C].

    Returns:
        Their rows, int [K], the likeliest error first.

    Raises:
        DataError: fewer than two classes occur.
        MissingExtraError: cleanlab is not installed.
    """
    present = np.unique(labels)
    if len(present) < 2:
        raise DataError(
            "Expected texts of at least two classes to look for label errors, found one: "
            "bring some of another."
        )
    # cleanlab's classes are those that occur, by position.
    shares = probabilities[:, present] + 1e-12
    shares /= shares.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():  # of libraries it brings along, and of classes with few texts
        warnings.simplefilter("ignore")
        try:
            from cleanlab.filter import find_label_issues
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "Expected cleanlab to look for label errors, found none: "
                "pip install 'sentiment-lstm[report]'."
            ) from error
        found: NDArray[np.int64] = find_label_issues(
            np.searchsorted(present, labels),
            shares,
            return_indices_ranked_by="self_confidence",
            n_jobs=1,
        )
    return found
