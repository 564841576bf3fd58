"""A model measured on a source of labelled texts. Knows no formats, no layout of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, tee
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import lengths_of
from sentiment_lstm.bundle import Config
from sentiment_lstm.data.corpus import evaluation_split, validation_examples
from sentiment_lstm.data.open import is_missing, list_splits, open_rows, read_examples
from sentiment_lstm.data.screening import SetAside, mark_duplicates
from sentiment_lstm.errors import DataError, MissingExtraError
from sentiment_lstm.evaluation import bootstrap
from sentiment_lstm.evaluation.calibration import checked_threshold, coverage_at
from sentiment_lstm.evaluation.label_errors import likely_label_errors
from sentiment_lstm.evaluation.metrics import (
    accuracy_by_value,
    confident_mistakes,
    evaluate,
    roc_curve,
)
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings, Settings

_MISTAKES = 10
_HELD = 100
"""Most texts that are held at a time beyond two windows: the most confident mistakes so far."""
NO_VALUE = "(none)"
"""The slice of texts whose column is empty."""


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """What to measure on: a source, or what a training with these `data` and `seed` keeps back."""

    data: DataSettings
    seed: int
    kept_back: bool

    @property
    def split(self) -> str:
        """The name of what is measured."""
        return "validation" if self.kept_back else self.data.split

    def examples(self, set_aside: SetAside, classes: tuple[str, ...]) -> Iterable[Example]:
        """The labelled reviews; of a source's own split no good row is dropped."""
        if self.kept_back:
            return validation_examples(self.data, self.seed, set_aside, classes)
        return read_examples(self.data, set_aside=set_aside, classes=classes)

    def column(self, name: str) -> dict[str, str]:
        """Another column of the source, a value for each row's id; the source is read once more.

        Raises:
            DataError: the source has no such column.
        """
        whole = self.kept_back and self.data.split == "train"
        own = whole and "validation" in list_splits(self.data.source)
        split = "validation" if own else self.data.split
        rows = open_rows(replace(self.data, group_column=name, split=split))
        most = self.data.stream_rows if self.data.streaming and self.kept_back else None
        values = {row.id: _value(row.group) for row in islice(rows, most)}
        if not any(values.values()):
            raise DataError(
                f"Expected values in a column {name!r} of {self.data.source}, found none: "
                "name another column, or none."
            )
        return values


@dataclass
class _Measured:
    """What is kept of the texts as they come by: numbers of all, words of the worst."""

    labels: NDArray[np.int64]
    shares: NDArray[np.float64]
    lengths: NDArray[np.int64]
    ids: list[str]
    mistakes: dict[int, dict[str, Any]]
    """By their row, the most confident first."""
    duplicates: Counter[str]


def evaluation_data(
    config: Config, source: str | None, split: str | None, options: Mapping[str, object]
) -> EvaluationData:
    """Where a model is measured: on its own validation texts, unless a source is named.

    Args:
        config: the model's, which tells what it was trained on.
        source: as `--data` names it; None or the model's own: with the columns it was trained on.
        split: None: `test` where a named source has one, else validation of the model's own
            source, else everything.
        options: settings that differ.

    Raises:
        DataError: no source is named, and the model's own isn't here.
    """
    trained = Settings.from_dict(config.provenance.get("settings", {}))  # type: ignore[arg-type]
    own = source is None or _same(source, trained.data.source)
    data = replace(trained.data, strict=False) if own else DataSettings(source=str(source))
    found = evaluation_split(data.source) if source else "validation"
    split = split or ("validation" if own and found == "train" else found)
    kept_back = split == "validation" and (own or split not in list_splits(data.source))
    if not kept_back:
        data = replace(data, split=split, streaming=False, exclude=())
    data = Settings(data=data).updated(options).data
    if source is None and is_missing(data.source):
        raise DataError(
            f"Expected the texts that the model was trained on at {data.source}, found nothing: "
            "name labelled texts to measure on, --data SOURCE."
        )
    return EvaluationData(data, trained.training.seed, kept_back)


def measure(
    predictor: Predictor,
    wanted: EvaluationData,
    set_aside: SetAside,
    abstain_below: float = 0.0,
    slices: Sequence[str] = (),
    *,
    in_full: bool = False,
) -> dict[str, Any]:
    """Score every good row and compare with its label.

    Args:
        predictor: the model.
        wanted: what to read.
        set_aside: takes the bad rows.
        abstain_below: texts of a lower score count as not answered, in `abstain` and `mistakes`.
        slices: columns of the source whose values are measured apart.
        in_full: what takes some seconds more and a report shows: `intervals` and `label_errors`.

    Returns:
        `evaluation.metrics.Scores` as a dictionary, of all texts; `abstain` (threshold, coverage,
        accuracy of those answered); `data`, `split`, `classes`, `set_aside` (rows by reason),
        `duplicates`; `roc_curve` (class -> points) and `slices` (column -> rows) as
        `evaluation.metrics` gives them; and `mistakes`, the most confident ones: id, true,
        predicted, score, text. In full also `intervals` (measure -> its 95% bounds) and
        `label_errors`: `found` (their number, None where unknown), `note` (why), and as `examples`
        those among the hundred most confident mistakes.

    Raises:
        DataError: the source cannot be read, has no usable row, or lacks a column of `slices`.
        UsageError: `abstain_below` is not in [0, 1).
    """
    least = checked_threshold(abstain_below)
    columns = {name: wanted.column(name) for name in slices}
    left_out: Counter[str] = Counter()
    examples = _with_an_answer(wanted.examples(set_aside, predictor.classes), left_out)
    found = _scored(predictor, examples)
    if found is None:
        raise DataError(f"Expected labelled texts in {wanted.data.source}, found none.")
    labels, shares = found.labels, found.shares
    right = shares.argmax(axis=1) == labels
    curves = roc_curve(labels, shares)
    return {
        "data": wanted.data.source,
        "split": wanted.split,
        "classes": list(predictor.classes),
        "set_aside": {**set_aside.counts, **left_out},
        "duplicates": dict(found.duplicates),
        **evaluate(labels, shares, found.lengths).to_dict(),
        "roc_curve": {predictor.classes[c]: points for c, points in curves.items()},
        "slices": {
            name: accuracy_by_value(right, [values[i] or NO_VALUE for i in found.ids])
            for name, values in columns.items()
        },
        "abstain": coverage_at(least, shares.max(axis=1), right),
        "mistakes": [row for row in found.mistakes.values() if row["score"] >= least][:_MISTAKES],
        **(_in_full(found) if in_full else {}),
    }


def _scored(predictor: Predictor, examples: Iterable[Example]) -> _Measured | None:
    """Score every review; None where there is none."""
    duplicates = Counter({"duplicates": 0, "disagreeing duplicates": 0})
    ahead, behind = tee(example for example, _ in mark_duplicates(examples, duplicates))
    parts: list[tuple[Any, ...]] = []
    ids: list[str] = []
    mistakes: dict[int, dict[str, Any]] = {}
    for texts, encoded, shares in predictor.windows(example.text for example in ahead):
        rows = list(islice(behind, len(texts)))
        labels = np.array([predictor.classes.index(str(row.label)) for row in rows])
        parts.append((labels, shares, lengths_of([one.ids for one in encoded])))
        for i in confident_mistakes(labels, shares, _HELD):
            mistakes[len(ids) + int(i)] = _mistake(rows[i], shares[i], predictor.classes)
        ids += [row.id for row in rows]
        worst = sorted(mistakes.items(), key=lambda item: -item[1]["score"])
        mistakes = dict(worst[:_HELD])
    if not parts:
        return None
    labels, shares, lengths = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return _Measured(labels, shares, lengths, ids, mistakes, duplicates)


def _in_full(found: _Measured) -> dict[str, Any]:
    return {
        "intervals": bootstrap.intervals(found.labels, found.shares),
        "label_errors": _label_errors(found),
    }


def _label_errors(found: _Measured) -> dict[str, Any]:
    try:
        rows = likely_label_errors(found.labels, found.shares).tolist()
    except (DataError, MissingExtraError) as error:
        return {"found": None, "note": str(error), "examples": []}
    examples = [found.mistakes[row] for row in rows if row in found.mistakes]
    return {"found": len(rows), "note": "", "examples": examples[:_MISTAKES]}


def _with_an_answer(examples: Iterable[Example], left_out: Counter[str]) -> Iterator[Example]:
    """A text half of one class and half of the other has no right answer: it is only counted."""
    for example in examples:
        if example.soft_label == 0.5:
            left_out["half of each class"] += 1
        else:
            yield example


def _value(found: str | None) -> str:
    """A column's value as it can be shown and stored."""
    return (found or "").strip().encode(errors="replace").decode()


def _same(source: str, other: str) -> bool:
    """Whether two names lead to one source, however a path is written."""
    return source == other or (
        Path(source).exists() and Path(source).resolve() == Path(other).resolve()
    )


def _mistake(example: Example, share: Any, classes: tuple[str, ...]) -> dict[str, Any]:  # noqa: ANN401
    winner = int(share.argmax())
    return {
        "id": example.id,
        "true": example.label,
        "predicted": classes[winner],
        "score": float(share[winner]),
        "text": example.text,
    }
