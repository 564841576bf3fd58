"""Measures of predictions: counts and sums first, one division at the end.

Works on plain arrays of class indices and probabilities. Knows nothing of models, texts or files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sentiment_lstm.evaluation.calibration import (
    coverage_curve,
    expected_calibration_error,
    reliability_bins,
)
from sentiment_lstm.evaluation.ranking import Ranking, curve_points

LENGTH_BINS = (50, 100, 200, 400)
"""The longest text of each length bin, in tokens. One more bin holds all longer texts."""
_LEAST = 1e-12  # a probability of 0 for the true class costs 27.6 nats, not infinity
_Z95 = 1.959963984540054  # 97.5% quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Scores:
    """All measures on one set of texts with C classes. Fractions are between 0 and 1."""

    n: int
    """Number of texts."""
    accuracy: float
    accuracy_interval: tuple[float, float]
    """95% Wilson interval."""
    precision: float
    """Of the second of two classes, else the mean over the classes that occur in the labels or the
    predictions; 0 if undefined. The same holds for `recall` and `f1`."""
    recall: float
    f1: float
    macro_recall: float
    """Mean over the classes that occur in the labels, also called balanced accuracy."""
    macro_f1: float
    """Mean over the classes that occur in the labels or the predictions, as in scikit-learn."""
    roc_auc: float | None
    """Of the second of two classes, else the mean of each class against the rest. None if a class
    is absent or is the only one."""
    log_loss: float
    """Mean of -ln p of the true class, with p at least 1e-12."""
    ece: float
    """Expected calibration error, a fraction, over 15 bins of equal width."""
    reliability: list[dict[str, Any]]
    """These bins, as `calibration.reliability_bins` returns them."""
    coverage_curve: list[dict[str, Any]]
    """Accuracy on the answered texts, as `calibration.coverage_curve` returns it."""
    confusion: list[list[int]]
    """[C, C] as nested lists: rows are true classes, columns predicted ones."""
    accuracy_by_length: list[dict[str, Any]] | None
    """Per bin `{"tokens": "51-100", "n": ..., "accuracy": ..., "interval": ...}`. The interval is
    Wilson's, 95%. Accuracy and interval of an empty bin are None. None without lengths."""

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values for JSON, without NaN and tuples."""
        return asdict(self) | {"accuracy_interval": list(self.accuracy_interval)}


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over texts. Tallies of batches or ranks add up exactly to that of all texts.

    `confusion`: int64 [C, C], rows are true classes. `loss`: sum of -ln p of the true class.
    """

    confusion: NDArray[np.int64]
    loss: float

    @classmethod
    def of(cls, labels: ArrayLike, probabilities: ArrayLike) -> Self:
        """Count one batch: `labels` int [N], `probabilities` float [N, C].

        Raises:
            ValueError: shapes do not fit, a label is out of range, or a value is not a probability.
        """
        y, p = _checked(labels, probabilities)
        confusion = confusion_matrix(y, p.argmax(axis=1), p.shape[1])
        return cls(confusion, float(text_losses(y, p).sum()))

    def __add__(self, other: Tally) -> Tally:
        """Add a tally over the same classes."""
        return Tally(self.confusion + other.confusion, self.loss + other.loss)

    @property
    def n(self) -> int:
        """Number of texts."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Fraction of texts whose likeliest class is the true one."""
        return float(np.trace(self.confusion)) / self._divisor()

    @property
    def log_loss(self) -> float:
        """Mean of -ln p of the true class."""
        return self.loss / self._divisor()

    def _divisor(self) -> int:
        if not self.n:
            raise ValueError("Expected at least one text to measure, found none.")
        return self.n


def evaluate(
    labels: ArrayLike, probabilities: ArrayLike, lengths: ArrayLike | None = None
) -> Scores:
    """Measure predictions against true labels.

    Args:
        labels: int [N], true class indices.
        probabilities: float [N, C]; each row sums to 1.
        lengths: int [N], tokens of each text, for `accuracy_by_length`.

    Raises:
        ValueError: there is no text, or the arrays do not fit.
    """
    tally = Tally.of(labels, probabilities)
    y, p = _checked(labels, probabilities)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    precision, recall, f1 = headline(tally.confusion)
    return Scores(
        n=tally.n,
        accuracy=tally.accuracy,
        accuracy_interval=wilson_interval(int(np.trace(tally.confusion)), tally.n),
        precision=precision,
        recall=recall,
        f1=f1,
        macro_recall=macro_recall(tally.confusion),
        macro_f1=float(_per_class(tally.confusion)[2][_occurs(tally.confusion)].mean()),
        roc_auc=roc_auc(y, p),
        log_loss=tally.log_loss,
        ece=expected_calibration_error(confidence, right),
        reliability=reliability_bins(confidence, right),
        coverage_curve=coverage_curve(confidence, right),
        confusion=tally.confusion.tolist(),
        accuracy_by_length=None if lengths is None else accuracy_by_length(y, p, lengths),
    )


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """Return the 95% interval of a fraction after Wilson (1927). It stays within [0, 1].

    `wilson_interval(8, 10)` is about `(0.490, 0.943)`.
    """
    fraction, z2 = right / n, _Z95**2
    centre = fraction + z2 / (2 * n)
    half = _Z95 * float(np.sqrt(fraction * (1 - fraction) / n + z2 / (4 * n * n)))
    low, high = (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)
    return max(0.0, low), min(1.0, high)


def roc_auc(labels: ArrayLike, probabilities: ArrayLike) -> float | None:
    """Return the area under the ROC curve, as `Scores.roc_auc` describes it. Ties count half.

    Args:
        labels: int [N].
        probabilities: float [N, C].
    """
    y, p = _checked(labels, probabilities)
    return mean_area([Ranking(y == c, p[:, c]).area() for c in curve_classes(p.shape[1])])


def curve_classes(classes: int) -> Sequence[int]:
    """Return the indices of the classes with a ROC curve: the second of two, else all."""
    return [1] if classes == 2 else range(classes)


def mean_area(areas: Sequence[float | None]) -> float | None:
    """Return the mean of the classes' areas, None if one is undefined."""
    known = [area for area in areas if area is not None]
    return float(np.mean(known)) if len(known) == len(areas) else None


def accuracy_by_length(
    labels: ArrayLike, probabilities: ArrayLike, lengths: ArrayLike
) -> list[dict[str, Any]]:
    """Return the accuracy in each length bin of `LENGTH_BINS`.

    Args:
        labels: int [N].
        probabilities: float [N, C].
        lengths: int [N], in tokens.
    """
    y, p = _checked(labels, probabilities)
    if (shape := np.shape(lengths)) != y.shape:
        raise ValueError(f"Expected one length for each of {len(y)} texts, found {shape}.")
    return right_by_length(p.argmax(axis=1) == y, np.asarray(lengths))


def right_by_length(right: NDArray[np.bool_], lengths: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return `accuracy_by_length`, from which texts are right, [N], and their tokens, [N]."""
    bins = np.searchsorted(LENGTH_BINS, lengths)  # 50 falls into "<=50", 51 into "51-100"
    names = enumerate(_bin_names(LENGTH_BINS))
    return [{"tokens": name, **_accuracy_of(right[bins == k])} for k, name in names]


def accuracy_by_value(
    right: NDArray[np.bool_], values: Sequence[str], most: int = 15
) -> list[dict[str, Any]]:
    """Return the accuracy for each value of a column (its slices).

    Args:
        right: whether the predicted class is the true one, [N].
        values: the column, [N].
        most: the number of values with a row of their own, the commonest first. One more row joins
            the others.

    Returns:
        Per value `{"value": ..., "n": ..., "accuracy": ..., "interval": ...}`. The interval is
        Wilson's, 95%. In the joined row `value` is None, and `joined` is its number of values.
    """
    column = np.asarray(values, dtype=object)
    names = [name for name, _ in Counter(values).most_common()]
    shown = names if len(names) <= most + 1 else names[:most]
    rows = [{"value": name, **_accuracy_of(right[column == name])} for name in shown]
    if rest := set(names[len(shown) :]):
        others = np.array([value in rest for value in values])
        rows.append({"value": None, "joined": len(rest), **_accuracy_of(right[others])})
    return rows


def roc_curve(
    labels: ArrayLike, probabilities: ArrayLike, most: int = 100
) -> dict[int, list[tuple[float, float]]]:
    """Return ROC curves: of the second of two classes, else of each class against the rest.

    A class that is absent or the only one has no curve.

    Args:
        labels: int [N].
        probabilities: float [N, C].
        most: the number of points of a curve, evenly spaced along it, both ends included.

    Returns:
        Class index -> (false positive rate, true positive rate) from (0, 0) to (1, 1).
    """
    y, p = _checked(labels, probabilities)
    curves = {c: curve_points(y == c, p[:, c], most) for c in curve_classes(p.shape[1])}
    return {c: points for c, points in curves.items() if points}


def confusion_matrix(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Count the texts, int64 [C, C]: rows are true classes, columns predicted ones."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return pairs.astype(np.int64).reshape(classes, classes)


def text_losses(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return -ln p of the true class of each text, [N], with p at least 1e-12."""
    true = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.clip(true, _LEAST, 1.0))


def headline(confusion: NDArray[np.int64]) -> Sequence[float]:
    """Return precision, recall and F1, as `Scores.precision` describes them."""
    chosen = _occurs(confusion) if len(confusion) > 2 else [1]
    return [float(values[chosen].mean()) for values in _per_class(confusion)]


def macro_recall(confusion: NDArray[np.int64]) -> float:
    """Return the mean over the classes that occur in the labels."""
    present = confusion.sum(axis=1) > 0
    return float(_per_class(confusion)[1][present].mean())


def confident_mistakes(
    labels: ArrayLike, probabilities: ArrayLike, most: int = 10
) -> NDArray[np.int64]:
    """Return the rows of the most confident wrong predictions, int64, at most `most`.

    Rows of equal confidence keep their order.
    """
    y, p = _checked(labels, probabilities)
    wrong = np.flatnonzero(p.argmax(axis=1) != y)
    order = np.argsort(-p[wrong].max(axis=1), kind="stable")
    return wrong[order[:most]].astype(np.int64)


def _checked(
    labels: ArrayLike, probabilities: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    y, p = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or y.shape != p.shape[:1] or p.shape[1] < 2:
        raise ValueError(
            f"Expected labels [N] and probabilities [N, C] of at least two classes, found "
            f"{list(y.shape)} and {list(p.shape)}."
        )
    if not len(y):
        raise ValueError("Expected at least one text to measure, found none.")
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= p.shape[1]:
        raise ValueError(f"Expected labels to be integers from 0 to {p.shape[1] - 1}.")
    if not (np.isfinite(p).all() and (p >= 0).all() and (p <= 1 + 1e-6).all()):
        raise ValueError("Expected probabilities between 0 and 1, found others or NaN.")
    return y.astype(np.int64), p


def _per_class(
    confusion: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return precision, recall and F1 of each class, float [C] each; 0 if undefined."""
    hits = np.diag(confusion).astype(np.float64)
    predicted, present = confusion.sum(axis=0), confusion.sum(axis=1)
    return (
        hits / np.maximum(predicted, 1),
        hits / np.maximum(present, 1),
        2 * hits / np.maximum(predicted + present, 1),
    )


def _occurs(confusion: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which classes occur in the labels or the predictions, [C]."""
    return np.asarray(confusion.sum(axis=0) + confusion.sum(axis=1) > 0)


def _accuracy_of(right: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the number of texts, their accuracy and its interval."""
    n, hits = len(right), int(right.sum())
    interval = list(wilson_interval(hits, n)) if n else None
    return {"n": n, "accuracy": hits / n if n else None, "interval": interval}


def _bin_names(ends: Sequence[int]) -> list[str]:
    """`(50, 100)` -> `["<=50", "51-100", ">100"]`."""
    return [f"<={ends[0]}", *(f"{a + 1}-{b}" for a, b in pairwise(ends)), f">{ends[-1]}"]
