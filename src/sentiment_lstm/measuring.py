"""Measures a model on labelled texts. This file knows no file formats and prints nothing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, tee
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.batching import lengths_of
from sentiment_lstm.bundle import Config
from sentiment_lstm.data.corpus import evaluation_split, named_split, validation_examples
from sentiment_lstm.data.open import is_missing, list_splits, open_rows, read_examples
from sentiment_lstm.data.screening import SetAside, mark_duplicates
from sentiment_lstm.data.source_names import is_remote
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
from sentiment_lstm.provenance import (
    caution_about,
    has_path,
    is_portable,
    is_same_source,
    recorded_hash,
    sha256_of,
)
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings, Settings

_logger = logging.getLogger(__name__)
_MISTAKES = 10
_HELD = 100
"""How many of the most confident mistakes are kept with their texts while scoring."""
NO_VALUE = "(none)"
"""The name of the slice of texts whose column is empty."""


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """The texts to measure on: a source, or the part that a training on it keeps for validation.

    `kept_back`: whether it is this validation part, chosen by `data` and `seed`. `caution`: a
    sentence about texts that may have trained the model, or empty. `measure` logs it as a warning.
    """

    data: DataSettings
    seed: int
    kept_back: bool
    caution: str = field(default="", compare=False)

    @property
    def split(self) -> str:
        """The name of the split that is measured."""
        return "validation" if self.kept_back else self.data.split

    def examples(self, set_aside: SetAside, classes: tuple[str, ...]) -> Iterable[Example]:
        """The labelled texts. If the split is the source's own, all good rows are kept."""
        if self.kept_back:
            return validation_examples(self.data, self.seed, set_aside, classes)
        return read_examples(self.data, set_aside=set_aside, classes=classes)

    def column(self, name: str) -> dict[str, str]:
        """The values of another column by row id; the source is read once more.

        Raises:
            DataError: the source has no such column.
        """
        whole = self.kept_back and self.data.split == "train"
        own = whole and "validation" in list_splits(self.data.source)
        split = "validation" if own else self.data.split
        rows = open_rows(replace(self.data, group_column=name, split=split))
        most = self.data.stream_rows if self.data.streaming and self.kept_back else None
        values = {row.id: _clean_cell(row.group) for row in islice(rows, most)}
        if not any(values.values()):
            raise DataError(
                f"Expected values in a column {name!r} of {self.data.source}, found none: "
                "name another column, or none."
            )
        return values


@dataclass
class _Measured:
    """The results for N texts of C classes.

    `labels`: class indices, [N]. `probabilities`: [N, C]. `lengths`: tokens of each text, [N].
    `ids`: the ids of the rows. `mistakes`: the most confident mistakes with their texts, by row
    number, most confident first. `duplicates`: counts by kind.
    """

    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    lengths: NDArray[np.int64]
    ids: list[str]
    mistakes: dict[int, dict[str, Any]]
    duplicates: Counter[str]


def evaluation_data(
    config: Config,
    source: str | None,
    split: str | None,
    options: Mapping[str, object],
    run: Settings | None = None,
) -> EvaluationData:
    """Choose the texts to measure a model on: its own validation texts unless a source is named.

    Args:
        config: the model's configuration, which names the texts that trained the model.
        source: as `--data` names it; if it is the model's own, its columns and label map apply.
        split: None means `test` if a named source has one, else the validation texts if the source
            is the model's own, else everything.
        options: settings that replace those of the model.
        run: the settings of the model's run, which say where its texts are (`run_settings`). None:
            a source must be named.

    Raises:
        DataError: no source is named, and the model's own source is unknown or not on this machine.
    """
    if source is None and run is None:
        raise DataError(
            "Expected labelled texts to measure on, found none: name them with --data SOURCE."
        )
    trained = run or Settings.from_dict(config.provenance.get("settings", {}))  # type: ignore[arg-type]
    data = _own_data(config, source, trained, has_run=run is not None)
    own = data is not None
    data = data or DataSettings(source=str(source))
    if source is None:
        _check_here(data)
    evaluated = evaluation_split(data.source) if source else "validation"
    split = split or ("validation" if own and evaluated == "train" else evaluated)
    kept_back = split == "validation" and (own or split not in list_splits(data.source))
    if kept_back:
        _check_excluded(data)
    else:
        data = replace(data, split=split, streaming=False, exclude=())
    caution = "" if own else caution_about(data.source, config.provenance)
    data = Settings(data=data).updated(options).data
    return EvaluationData(data, trained.training.seed, kept_back, caution)


def _own_data(
    config: Config, source: str | None, trained: Settings, *, has_run: bool
) -> DataSettings | None:
    """How to read a source that the model was trained on; None if it was trained on another."""
    own = replace(trained.data, strict=False)
    if source is None:
        return own
    if "settings" not in config.provenance and not has_run:
        return None
    same_source = is_same_source(source, own.source)
    sha256 = recorded_hash(config.provenance)
    if is_portable(source) or (has_run and same_source):
        return own if same_source else None
    if sha256 is None:  # a bare name may be the name of another file
        return own if same_source and has_path(own.source) else None
    # Another machine may have another file of that name, or the same file at another place.
    same_file = sha256_of(source) == sha256
    return replace(own, source=source) if same_file else None


def _check_here(data: DataSettings) -> None:
    """Refuse texts that the user did not name and that are not on this machine.

    Raises:
        DataError: the texts are read over the network, or they are missing.
    """
    for source in (data.source, *data.exclude):
        if is_remote(source):
            raise DataError(
                f"Expected texts on this machine to measure on, found a training on {source}: "
                "name labelled texts with --data SOURCE."
            )
    if is_missing(data.source):
        raise DataError(
            f"Expected the texts that the model was trained on at {data.source}, found nothing: "
            "name labelled texts to measure on, --data SOURCE."
        )


def _check_excluded(data: DataSettings) -> None:
    """Refuse to choose validation texts without the texts that the training excluded.

    Raises:
        DataError: such texts are not on this machine.
    """
    for excluded in data.exclude:
        source, _ = named_split(excluded)
        if is_missing(source):
            raise DataError(
                f"Expected the texts that the training excluded at {source}, found nothing: "
                "put them back, or name other labelled texts with --data SOURCE."
            )


def measure(
    predictor: Predictor,
    texts: EvaluationData,
    set_aside: SetAside,
    abstain_below: float = 0.0,
    slices: Sequence[str] = (),
    *,
    in_full: bool = False,
) -> dict[str, Any]:
    """Score every good row and compare the predictions with the labels.

    Args:
        predictor: the model.
        texts: the texts to read.
        set_aside: takes the bad rows.
        abstain_below: in `abstain` and `mistakes`, texts with a lower score count as unanswered.
        slices: columns of the source; each of their values is also measured separately.
        in_full: also compute `intervals` and `label_errors`, which takes a few seconds.

    Returns:
        A dictionary with the fields of `evaluation.metrics.Scores`; `abstain` (threshold, coverage,
        accuracy on the answered texts); `data`, `split`, `classes`, `set_aside` (rows by reason),
        `duplicates`; `roc_curve` (class -> points) and `slices` (column -> rows) in the form of
        `evaluation.metrics`; and `mistakes`, the most confident ones: id, true, predicted, score,
        text. In full also `intervals` (measure -> 95% bounds) and `label_errors`: `found` (their
        number, None if unknown), `note` (why), and `examples` (those among the hundred most
        confident mistakes).

    Raises:
        DataError: the source cannot be read, has no usable row, or lacks a column of `slices`.
        UsageError: `abstain_below` is not in [0, 1).
    """
    least = checked_threshold(abstain_below)
    if texts.caution:
        _logger.warning("%s", texts.caution)
    columns = {name: texts.column(name) for name in slices}
    left_out: Counter[str] = Counter()
    examples = _with_an_answer(texts.examples(set_aside, predictor.classes), left_out)
    measured = _scored(predictor, examples)
    if measured is None:
        raise DataError(f"Expected labelled texts in {texts.data.source}, found none.")
    labels, probabilities = measured.labels, measured.probabilities
    right = probabilities.argmax(axis=1) == labels
    curves = roc_curve(labels, probabilities)
    return {
        "data": texts.data.source,
        "split": texts.split,
        "classes": list(predictor.classes),
        "set_aside": {**set_aside.counts, **left_out},
        "duplicates": dict(measured.duplicates),
        **evaluate(labels, probabilities, measured.lengths).to_dict(),
        "roc_curve": {predictor.classes[c]: points for c, points in curves.items()},
        "slices": {
            name: accuracy_by_value(right, [values[i] or NO_VALUE for i in measured.ids])
            for name, values in columns.items()
        },
        "abstain": coverage_at(least, probabilities.max(axis=1), right),
        "mistakes": [row for row in measured.mistakes.values() if row["score"] >= least][
            :_MISTAKES
        ],
        **(_in_full(measured) if in_full else {}),
    }


def _scored(predictor: Predictor, examples: Iterable[Example]) -> _Measured | None:
    """Score every text; None if there are no texts."""
    duplicates = Counter({"duplicates": 0, "disagreeing duplicates": 0})
    ahead, behind = tee(example for example, _ in mark_duplicates(examples, duplicates))
    parts: list[tuple[Any, ...]] = []
    ids: list[str] = []
    mistakes: dict[int, dict[str, Any]] = {}
    for texts, encoded, probabilities in predictor.windows(example.text for example in ahead):
        rows = list(islice(behind, len(texts)))
        labels = np.array([predictor.classes.index(str(row.label)) for row in rows])
        parts.append((labels, probabilities, lengths_of([text.ids for text in encoded])))
        for i in confident_mistakes(labels, probabilities, _HELD):
            mistakes[len(ids) + int(i)] = _mistake(rows[i], probabilities[i], predictor.classes)
        ids += [row.id for row in rows]
        worst = sorted(mistakes.items(), key=lambda item: -item[1]["score"])
        mistakes = dict(worst[:_HELD])
    if not parts:
        return None
    labels, probabilities, lengths = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return _Measured(labels, probabilities, lengths, ids, mistakes, duplicates)


def _in_full(measured: _Measured) -> dict[str, Any]:
    return {
        "intervals": bootstrap.intervals(measured.labels, measured.probabilities),
        "label_errors": _label_errors(measured),
    }


def _label_errors(measured: _Measured) -> dict[str, Any]:
    try:
        rows = likely_label_errors(measured.labels, measured.probabilities).tolist()
    except (DataError, MissingExtraError) as error:
        return {"found": None, "note": str(error), "examples": []}
    examples = [measured.mistakes[row] for row in rows if row in measured.mistakes]
    return {"found": len(rows), "note": "", "examples": examples[:_MISTAKES]}


def _with_an_answer(examples: Iterable[Example], left_out: Counter[str]) -> Iterator[Example]:
    """Leave out, and count, texts with a soft label of one half: they have no right answer."""
    for example in examples:
        if example.soft_label == 0.5:
            left_out["half of each class"] += 1
        else:
            yield example


def _clean_cell(cell: str | None) -> str:
    """A value of a column as a string that can be shown and stored."""
    return (cell or "").strip().encode(errors="replace").decode()


def _mistake(
    example: Example, probabilities: NDArray[np.float64], classes: tuple[str, ...]
) -> dict[str, Any]:
    winner = int(probabilities.argmax())
    return {
        "id": example.id,
        "true": example.label,
        "predicted": classes[winner],
        "score": float(probabilities[winner]),
        "text": example.text,
    }
