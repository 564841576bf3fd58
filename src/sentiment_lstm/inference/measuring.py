"""A model measured on a source of labelled texts. Knows no formats, no layout of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import tee
from pathlib import Path
from typing import Any

import numpy as np

from sentiment_lstm.batching import lengths_of
from sentiment_lstm.bundle import Config
from sentiment_lstm.errors import DataError
from sentiment_lstm.evaluation.calibration import checked_threshold, coverage_at
from sentiment_lstm.evaluation.metrics import confident_mistakes, evaluate
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.records import Review
from sentiment_lstm.reviews.corpus import evaluation_split, validation_reviews
from sentiment_lstm.reviews.open import list_splits, read_reviews
from sentiment_lstm.reviews.screening import SetAside
from sentiment_lstm.settings import DataSettings, Settings

_MISTAKES = 10


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

    def reviews(self, set_aside: SetAside, classes: tuple[str, ...]) -> Iterable[Review]:
        """The labelled reviews; of a source's own split no good row is dropped."""
        if self.kept_back:
            return validation_reviews(self.data, self.seed, set_aside, classes)
        return read_reviews(self.data, set_aside=set_aside, classes=classes)


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
    return EvaluationData(data, trained.training.seed, kept_back)


def measure(
    predictor: Predictor, wanted: EvaluationData, set_aside: SetAside, abstain_below: float = 0.0
) -> dict[str, Any]:
    """Score every good row and compare with its label.

    Args:
        predictor: the model.
        wanted: what to read.
        set_aside: takes the bad rows.
        abstain_below: texts of a lower score count as not answered, in `abstain` and `mistakes`.

    Returns:
        `evaluation.metrics.Scores` as a dictionary, of all texts; `abstain` (threshold, coverage,
        accuracy of those answered); `data`, `split`, `classes`, `set_aside` (rows by reason) and
        `mistakes`, the most confident ones: id, true, predicted, score, text.

    Raises:
        DataError: the source cannot be read, or has no usable row.
        UsageError: `abstain_below` is not in [0, 1).
    """
    least = checked_threshold(abstain_below)
    left_out: Counter[str] = Counter()
    found = wanted.reviews(set_aside, predictor.classes)
    reviews, again = tee(_with_an_answer(found, left_out))
    parts, lengths, kept = [], [], []
    for texts, encoded, shares in predictor.windows(review.text for review in again):
        rows = [next(reviews) for _ in texts]
        labels = np.array([predictor.classes.index(str(row.label)) for row in rows])
        parts.append((labels, shares))
        lengths.append(lengths_of([one.ids for one in encoded]))
        worst = confident_mistakes(labels, shares, _MISTAKES)
        kept += [_mistake(rows[i], shares[i], predictor.classes) for i in worst]
    if not parts:
        raise DataError(f"Expected labelled texts in {wanted.data.source}, found none.")
    labels, shares = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    right = shares.argmax(axis=1) == labels
    return {
        "data": wanted.data.source,
        "split": wanted.split,
        "classes": list(predictor.classes),
        "set_aside": {**set_aside.counts, **left_out},
        **evaluate(labels, shares, np.concatenate(lengths)).to_dict(),
        "abstain": coverage_at(least, shares.max(axis=1), right),
        "mistakes": _worst(kept, least),
    }


def _with_an_answer(reviews: Iterable[Review], left_out: Counter[str]) -> Iterator[Review]:
    """A text half of one class and half of the other has no right answer: it is only counted."""
    for review in reviews:
        if review.share == 0.5:
            left_out["half of each class"] += 1
        else:
            yield review


def _same(source: str, other: str) -> bool:
    """Whether two names lead to one source, however a path is written."""
    return source == other or (
        Path(source).exists() and Path(source).resolve() == Path(other).resolve()
    )


def _worst(mistakes: list[dict[str, Any]], least: float) -> list[dict[str, Any]]:
    """The most confident mistakes; where the model abstains it makes none."""
    answered = [row for row in mistakes if row["score"] >= least]
    return sorted(answered, key=lambda row: -row["score"])[:_MISTAKES]


def _mistake(review: Review, share: Any, classes: tuple[str, ...]) -> dict[str, Any]:  # noqa: ANN401
    winner = int(share.argmax())
    return {
        "id": review.id,
        "true": review.label,
        "predicted": classes[winner],
        "score": float(share[winner]),
        "text": review.text,
    }
