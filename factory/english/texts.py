"""The texts and labels that the English start learns from.

Only training splits and unlabelled texts are read. No text validates or tests a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factory.texts.sources import GOEMOTIONS, IMDB, IRONY, NEWS, PRODUCTS, TREEBANK, TWEETS
from sentiment_lstm.data.open import open_rows, open_source
from sentiment_lstm.records import Row
from sentiment_lstm.settings import DataSettings

READ = (IMDB, PRODUCTS, TWEETS, IRONY, TREEBANK, GOEMOTIONS, NEWS)
"""All data sets that the start learns from."""
UNLABELLED = (IMDB, PRODUCTS, TWEETS, IRONY, GOEMOTIONS, NEWS)
"""Those that the language model reads. It leaves out the treebank: its phrases are fragments."""
_DISTINCT = (GOEMOTIONS, NEWS)
"""Sets in which a text may occur several times. The language model reads it once."""
_NEUTRAL_STARS = 2
_SENTIMENTS = {"negative": 0, "neutral": 1, "positive": 2}


@dataclass(frozen=True)
class Task:
    """Labelled texts that the start learns at the same time as those of other tasks.

    `targets`: class indices, int64 [N]; or, if a text may have several labels, 1 for each of its
    labels and else 0, float32 [N, C]. `outputs`: the number of classes or labels, C. `fraction`:
    the fraction of the updates that read this task.
    """

    name: str
    texts: Sequence[str]
    targets: NDArray[np.int64] | NDArray[np.float32]
    outputs: int
    fraction: float


def film_texts() -> list[str]:
    """IMDb's reviews, labelled and unlabelled, in the order of the files."""
    return [*_texts(IMDB), *_texts(IMDB, "unsupervised")]


def other_texts() -> list[str]:
    """The texts of all other sets that the language model reads."""
    texts: list[str] = []
    for source in UNLABELLED:
        if source in _DISTINCT:
            texts += dict.fromkeys(_texts(source))
        elif source != IMDB:
            texts += _texts(source)
    return texts


def all_tasks() -> list[Task]:
    """Sentiment of five kinds of text, irony, and emotions."""
    phrases = [row for row in _rows(TREEBANK) if _number(row) != _NEUTRAL_STARS]
    # A sentence with several targets occurs once for each, with labels that may differ.
    news = [row for row in _rows(NEWS, "targets") if row.group == "1"]
    return [
        _numbered_task("imdb", IMDB, 2, 0.15),
        _numbered_task("products", PRODUCTS, 2, 0.08),
        _numbered_task("tweets", TWEETS, 3, 0.25),
        _numbered_task("irony", IRONY, 2, 0.04),
        _task("sst", phrases, [int(_number(row) > _NEUTRAL_STARS) for row in phrases], 2, 0.15),
        _task("news", news, [_SENTIMENTS[str(row.label)] for row in news], 3, 0.08),
        _emotions(0.25),
    ]


def _numbered_task(name: str, source: str, outputs: int, fraction: float) -> Task:
    """A task whose labels are the class indices."""
    rows = _rows(source)
    return _task(name, rows, [_number(row) for row in rows], outputs, fraction)


def _task(
    name: str, rows: Sequence[Row], labels: Sequence[int], outputs: int, fraction: float
) -> Task:
    targets = np.array(labels, dtype=np.int64)
    return Task(name, [str(row.text) for row in rows], targets, outputs, fraction)


def _emotions(fraction: float) -> Task:
    """GoEmotions: a comment may have several of 28 emotions."""
    rows = _rows(GOEMOTIONS)
    emotions = sorted({emotion for row in rows for emotion in _listed(row)})
    targets = np.zeros((len(rows), len(emotions)), dtype=np.float32)
    for index, row in enumerate(rows):
        targets[index, [emotions.index(emotion) for emotion in _listed(row)]] = 1.0
    texts = [str(row.text) for row in rows]
    return Task("goemotions", texts, targets, len(emotions), fraction)


def _number(row: Row) -> int:
    return int(str(row.label))


def _listed(row: Row) -> list[str]:
    assert isinstance(row.label, list), row.id
    return row.label


def _rows(source: str, group_column: str | None = None) -> list[Row]:
    return list(open_rows(DataSettings(source=source, group_column=group_column)))


def _texts(source: str, split: str = "train") -> list[str]:
    """The texts of a split in the order of its file, without empty ones."""
    rows = open_source(DataSettings(source=source, split=split), labelled=False).rows()
    return [str(row.text) for row in rows if row.text]
