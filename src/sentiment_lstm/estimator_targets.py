"""The labels that a program gives to the estimator, as classes and names. Needs scikit-learn."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm import in_memory
from sentiment_lstm.errors import UsageError

_MOST_EXACT = 2**53
"""Up to here, a float holds every whole number."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Labels as scikit-learn and `train` need them.

    `classes`: sorted, [C]. `names`: their names in the model. `labels`: the name of each text's
    class, or a list of names. `one_hot`: [N, C]. `multi_label`: whether a text may have several
    labels.
    """

    classes: NDArray[Any]
    names: list[str]
    labels: list[Any]
    one_hot: NDArray[np.float64]
    multi_label: bool


def read_targets(y: object, count: int) -> Targets:
    """Check labels, and find the classes.

    Args:
        y: the label of each text, [N], or a matrix of 0 and 1, [N, L].
        count: the number of texts, N.

    Raises:
        UsageError: they do not fit `count` texts, or have fewer than two classes.
        ValueError: scikit-learn refuses them, for example because they are fractions.
    """
    if y is None:
        raise UsageError(
            "Expected labels: LSTMTextClassifier requires y to be passed, but the target y is None."
        )
    if _has_several_labels(y):
        table, columns = in_memory.read_table(y)
        in_memory.check_length("labels", len(table), count)
        names = [*in_memory.name_classes(columns).values()]
        rows = [[names[column] for column in np.flatnonzero(row)] for row in table]
        return Targets(np.arange(len(names)), names, rows, table.astype(np.float64), True)
    from sklearn.utils.multiclass import check_classification_targets

    labels = _one_label_each(y, count)
    check_classification_targets(labels)
    classes, indices = np.unique(labels, return_inverse=True)
    in_memory.check_classes(classes.tolist())
    names = [*in_memory.name_classes(classes.tolist()).values()]
    named = [names[index] for index in indices]
    return Targets(classes, names, named, np.eye(len(classes))[indices], False)


def comparable(y: object, count: int) -> object:
    """Labels that scikit-learn can compare with predicted ones: an array [N], or a matrix [N, L].

    Raises:
        UsageError: they do not fit `count` texts, or have several types.
    """
    return y if _has_several_labels(y) else _one_label_each(y, count)


def _has_several_labels(y: object) -> bool:
    """Whether this is a matrix [N, L] with several columns."""
    return in_memory.is_table(y) and getattr(y, "shape", (0, 0))[1] > 1


def _one_label_each(y: Any, count: int) -> NDArray[Any]:  # noqa: ANN401
    """The labels as an array [N] of the type that they have."""
    from sklearn.utils import column_or_1d

    if in_memory.is_table(y):
        y = column_or_1d(np.asarray(y), warn=True)
    listed: list[Hashable] = in_memory.checked_labels(y, count)
    is_string = {isinstance(label, str) for label in listed}
    if len(is_string) > 1:
        raise UsageError("Expected labels of one type, found strings and others: convert them.")
    labels = np.asarray(y if hasattr(y, "__array__") else listed)
    if is_string == {True}:
        # An array of fixed length drops a NUL at the end. scikit-learn does not know `StringDType`.
        is_whole = labels.dtype.kind == "U" and labels.tolist() == listed
        return labels if is_whole else np.array(listed, dtype=object)
    if labels.dtype == object:
        labels = np.array(listed)  # such as the booleans of pandas and Arrow
    if labels.dtype.kind in "fO" and (large := [n for n in listed if abs(n) > _MOST_EXACT]):  # type: ignore[arg-type]
        raise UsageError(
            "Expected labels that fit into numpy's integers of one type, found "
            f"{large[0]!r:.40}: give each class a name."
        )
    return labels


def class_factors(factors: Mapping[Any, object], classes: Sequence[Any]) -> list[float]:
    """The factor of each class, 1 if it is not given.

    Raises:
        UsageError: a factor is no weight; or some classes have none, but other labels have.
    """
    unknown = [label for label in factors if label not in classes]
    if unknown and any(label not in factors for label in classes):
        raise UsageError(
            f"Expected labels of the texts in class_weight, found {unknown[0]!r:.40}: correct it."
        )
    return in_memory.checked_weights([factors.get(c, 1.0) for c in classes], len(classes))
