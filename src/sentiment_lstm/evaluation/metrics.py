"""How good predictions are: counts and sums first, one division at the end.

Works on plain arrays: class positions and probabilities. Knows nothing of models, texts or files.
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

LENGTH_BINS = (50, 100, 200, 400)
"""Longest text of each length bin, in tokens; the last bin has no end."""
_LEAST = 1e-12  # a probability of 0 for the true class costs 27.6 nats, not infinitely many
_Z95 = 1.959963984540054  # 97.5% quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything measured on one set of texts; C classes. Shares are between 0 and 1."""

    n: int
    """Texts."""
    accuracy: float
    accuracy_interval: tuple[float, float]
    """95% Wilson interval."""
    precision: float
    """Of the second class where there are two, else the mean over the classes; 0 where undefined.
    So are `recall` and `f1`."""
    recall: float
    f1: float
    macro_recall: float
    """Mean over the classes that occur among the labels: balanced accuracy."""
    macro_f1: float
    """Mean over all classes; 0 for one neither present nor predicted."""
    roc_auc: float | None
    """Of the second class where there are two, else the mean of each against the rest; None where
    a class is absent or stands alone."""
    log_loss: float
    """Mean of -ln p of the true class, p at least 1e-12."""
    ece: float
    """Expected calibration error: a fraction, 15 equal-width bins of the winner's confidence."""
    reliability: list[dict[str, Any]]
    """Those bins, as `calibration.reliability_bins` gives them."""
    coverage_curve: list[dict[str, Any]]
    """Accuracy among the texts answered, as `calibration.coverage_curve` gives it."""
    confusion: list[list[int]]
    """[C, C] as nested lists: row is the true class, column the predicted one."""
    accuracy_by_length: list[dict[str, Any]] | None
    """`{"tokens": "51-100", "n": ..., "accuracy": ..., "interval": ...}` a bin, the interval
    Wilson's of 95%, both None in an empty one; None where lengths were not given."""

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON can hold them: no NaN, no tuples."""
        return asdict(self) | {"accuracy_interval": list(self.accuracy_interval)}


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over texts that merge exactly, whatever the batches or ranks they came in.

    `confusion`: int64 [C, C], rows true. `loss`: sum of -ln p of the true class.
    """

    confusion: NDArray[np.int64]
    loss: float

    @classmethod
    def of(cls, labels: ArrayLike, probabilities: ArrayLike) -> Self:
        """Count one batch: `labels` int [N], `probabilities` float [N, C].

        Raises:
            ValueError: shapes that do not fit, a label outside the classes, no finite probability.
        """
        y, p = _checked(labels, probabilities)
        confusion = np.zeros((p.shape[1], p.shape[1]), dtype=np.int64)
        np.add.at(confusion, (y, p.argmax(axis=1)), 1)
        return cls(confusion, float(_losses(y, p).sum()))

    def __add__(self, other: Tally) -> Tally:
        """Merge two tallies over the same classes."""
        return Tally(self.confusion + other.confusion, self.loss + other.loss)

    @property
    def n(self) -> int:
        """Texts counted."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of texts whose most probable class is the true one."""
        return float(np.trace(self.confusion)) / self._some()

    @property
    def log_loss(self) -> float:
        """Mean of -ln p of the true class."""
        return self.loss / self._some()

    def _some(self) -> int:
        if not self.n:
            raise ValueError("Expected at least one text to measure, found none.")
        return self.n


def evaluate(
    labels: ArrayLike, probabilities: ArrayLike, lengths: ArrayLike | None = None
) -> Scores:
    """Measure predictions against the truth.

    Args:
        labels: int [N], true class positions.
        probabilities: float [N, C], each row adding up to 1.
        lengths: int [N], tokens of each text, for `accuracy_by_length`.

    Raises:
        ValueError: nothing to measure, or arrays that do not fit.
    """
    tally = Tally.of(labels, probabilities)
    y, p = _checked(labels, probabilities)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    precision, recall, f1 = _headline(tally.confusion)
    return Scores(
        n=tally.n,
        accuracy=tally.accuracy,
        accuracy_interval=wilson_interval(int(np.trace(tally.confusion)), tally.n),
        precision=precision,
        recall=recall,
        f1=f1,
        macro_recall=_macro_recall(tally.confusion),
        macro_f1=float(_per_class(tally.confusion)[2].mean()),
        roc_auc=roc_auc(y, p),
        log_loss=tally.log_loss,
        ece=expected_calibration_error(confidence, right),
        reliability=reliability_bins(confidence, right),
        coverage_curve=coverage_curve(confidence, right),
        confusion=tally.confusion.tolist(),
        accuracy_by_length=None if lengths is None else accuracy_by_length(y, p, lengths),
    )


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """Bound a share by its 95% interval after Wilson (1927); it stays within [0, 1].

    `wilson_interval(8, 10)` is about `(0.490, 0.943)`.
    """
    share, z2 = right / n, _Z95**2
    centre = share + z2 / (2 * n)
    half = _Z95 * float(np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)))
    low, high = (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)
    return max(0.0, low), min(1.0, high)


def roc_auc(labels: ArrayLike, probabilities: ArrayLike) -> float | None:
    """Area under the ROC curve, as `Scores.roc_auc` describes; ties count half.

    Args:
        labels: int [N].
        probabilities: float [N, C].
    """
    y, p = _checked(labels, probabilities)
    classes = [1] if p.shape[1] == 2 else range(p.shape[1])
    areas = [_area(y == c, p[:, c]) for c in classes]
    known = [area for area in areas if area is not None]
    return float(np.mean(known)) if len(known) == len(areas) else None


def accuracy_by_length(
    labels: ArrayLike, probabilities: ArrayLike, lengths: ArrayLike
) -> list[dict[str, Any]]:
    """Accuracy of short and long texts apart, in the bins of `LENGTH_BINS`.

    Args:
        labels: int [N].
        probabilities: float [N, C].
        lengths: int [N], in tokens.
    """
    y, p = _checked(labels, probabilities)
    tokens = np.asarray(lengths)
    if tokens.shape != y.shape:
        raise ValueError(f"Expected one length for each of {len(y)} texts, found {tokens.shape}.")
    bins = np.searchsorted(LENGTH_BINS, tokens)  # 50 falls into "<=50", 51 into "51-100"
    right = p.argmax(axis=1) == y
    names = _bin_names(LENGTH_BINS)
    return [{"tokens": name, **_accuracy_of(right[bins == k])} for k, name in enumerate(names)]


def accuracy_by_value(
    right: NDArray[np.bool_], values: Sequence[str], most: int = 15
) -> list[dict[str, Any]]:
    """Accuracy of the texts of each value apart: the slices of a column.

    Args:
        right: whether the winner is the true class, [N].
        values: the column, [N].
        most: values shown, the commonest first; the others are joined in a last row.

    Returns:
        `{"value": ..., "n": ..., "accuracy": ..., "interval": ...}` a value, the interval Wilson's
        of 95%; of the last row `value` is None, and `joined` the number of its values.
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
    """Points of the ROC curve: of the second class where there are two, else of each against the
    rest. Classes that are absent or alone have none.

    Args:
        labels: int [N].
        probabilities: float [N, C].
        most: points of a curve, evenly along it; both ends are among them.

    Returns:
        Class position -> (false positive rate, true positive rate) from (0, 0) to (1, 1).
    """
    y, p = _checked(labels, probabilities)
    classes = [1] if p.shape[1] == 2 else range(p.shape[1])
    curves = {c: _curve(y == c, p[:, c], most) for c in classes}
    return {c: points for c, points in curves.items() if points}


def confident_mistakes(
    labels: ArrayLike, probabilities: ArrayLike, most: int = 10
) -> NDArray[np.int64]:
    """Find the wrong predictions of highest confidence: int64 rows, at most `most`.

    Equal confidences keep the order of the texts.
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


def _losses(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    true = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.clip(true, _LEAST, 1.0))


def _per_class(
    confusion: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision, recall and F1 of each class, float [C] each; 0 where undefined."""
    hits = np.diag(confusion).astype(np.float64)
    predicted, present = confusion.sum(axis=0), confusion.sum(axis=1)
    return (
        hits / np.maximum(predicted, 1),
        hits / np.maximum(present, 1),
        2 * hits / np.maximum(predicted + present, 1),
    )


def _headline(confusion: NDArray[np.int64]) -> Sequence[float]:
    """Precision, recall, F1: of the second of two classes, else the mean over the classes."""
    values = _per_class(confusion)
    return [float(v[1]) if len(v) == 2 else float(v.mean()) for v in values]


def _macro_recall(confusion: NDArray[np.int64]) -> float:
    present = confusion.sum(axis=1) > 0
    return float(_per_class(confusion)[1][present].mean())


def _accuracy_of(right: NDArray[np.bool_]) -> dict[str, Any]:
    """How many texts, the share of right ones among them and its interval."""
    n, hits = len(right), int(right.sum())
    interval = list(wilson_interval(hits, n)) if n else None
    return {"n": n, "accuracy": hits / n if n else None, "interval": interval}


def _curve(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], most: int
) -> list[tuple[float, float]]:
    """Rates above each score that occurs, thinned out."""
    n, others = int(positive.sum()), int((~positive).sum())
    if not n or not others:
        return []
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # equal scores come together
    true = np.concatenate([[0], np.cumsum(positive[order])[last]]) / n
    false = np.concatenate([[0], np.cumsum(~positive[order])[last]]) / others
    places = np.unique(np.searchsorted(true + false, np.linspace(0, 2, most) - 1e-12))
    return [(float(false[k]), float(true[k])) for k in places]


def _area(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    """Share of pairs (positive, other) in which the positive one scores higher."""
    n, others = int(positive.sum()), int((~positive).sum())
    if not n or not others:
        return None
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle_ranks = np.cumsum(counts) - (counts - 1) / 2
    ranks = float(middle_ranks[places][positive].sum())
    return (ranks - n * (n + 1) / 2) / (n * others)


def _bin_names(ends: Sequence[int]) -> list[str]:
    """`(50, 100)` -> `["<=50", "51-100", ">100"]`."""
    between = [f"{low + 1}-{high}" for low, high in pairwise(ends)]
    return [f"<={ends[0]}", *between, f">{ends[-1]}"]
