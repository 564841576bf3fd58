"""The tasks of `own_data.py`: labelled texts as users bring them, whole and cut to few labels.

Texts come from the registered data sets (`data:NAME`). This file trains nothing.
"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.splitting import split
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import write_together

DEVELOPMENT_FRACTION, DEVELOPMENT_SEED = 0.2, 20_770
"""The part of a training split that `--dev` measures on. It is the same for every seed."""


@dataclass(frozen=True)
class Task:
    """A data set, or a cut of its training split.

    `per_class` texts of each class remain, or `in_all` texts; 0 means all of them. `multi_label`:
    a text may have several labels. `label_column`: None: the data set's own.
    """

    name: str
    source: str
    per_class: int = 0
    in_all: int = 0
    label_column: str | None = None
    multi_label: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether the seed chooses the training texts."""
        return bool(self.per_class or self.in_all)


TASKS = (
    Task("banking77", "data:banking77"),
    Task("emotion", "data:emotion"),
    Task("offensive", "data:offensive"),
    Task("agnews6k", "data:agnews6k"),
    Task("tweets_german", "data:tweets_german"),
    Task("banking77-64", "data:banking77", per_class=64),
    Task("banking77-16", "data:banking77", per_class=16),
    Task("banking77-8", "data:banking77", per_class=8),
    Task("emotion-16", "data:emotion", per_class=16),
    Task("offensive-200", "data:offensive", in_all=200),
    Task("tweets_german-200", "data:tweets_german", in_all=200),
    Task("goemotions", "data:goemotions", label_column="emotions", multi_label=True),
    Task("goemotions-groups", "data:goemotions", label_column="groups", multi_label=True),
)
SEPARATOR = "|"
"""Stands between the labels of a text that may have several."""


@dataclass(frozen=True)
class Texts:
    """Labelled texts: N texts and the names of their classes, [N]; several joined."""

    texts: list[str]
    labels: list[str]

    def as_csv(self) -> bytes:
        """A file with the columns `text` and `label`."""
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(zip(self.texts, self.labels, strict=True))
        return file.getvalue().encode()


@dataclass(frozen=True)
class Problem:
    """What a system gets: texts to learn from and texts to measure on, also as files.

    `folder` holds `train.csv` and `test.csv`. `seed` chooses the cut, and is the system's seed.
    """

    task: Task
    seed: int
    train: Texts
    test: Texts
    folder: Path

    @property
    def classes(self) -> list[str]:
        """The names of the classes, sorted."""
        every = (*self.train.labels, *self.test.labels)
        return sorted({name for labels in every for name in self.names(labels)})

    def names(self, labels: str) -> list[str]:
        """The labels of a text."""
        if self.task.multi_label:
            return [name for name in labels.split(SEPARATOR) if name]
        return [labels]

    def targets(self, texts: Texts) -> NDArray[np.bool_]:
        """Which labels the texts have, [N, C]."""
        classes, rows = self.classes, [set(self.names(labels)) for labels in texts.labels]
        return np.array([[name in row for name in classes] for row in rows])

    def examples(self, texts: Texts) -> list[Example]:
        """The texts as examples, with their row as id."""
        several = self.task.multi_label
        return [
            Example(
                text,
                None if several else labels,
                str(row),
                labels=tuple(self.names(labels)) if several else None,
            )
            for row, (text, labels) in enumerate(zip(texts.texts, texts.labels, strict=True))
        ]


def make_problem(task: Task, seed: int, development: bool, folder: Path) -> Problem:
    """Read a task, cut it, and write its two files.

    Args:
        task: the task.
        seed: chooses the texts of a cut.
        development: measure on a fixed fifth of the training split instead of the test split.
        folder: a folder for the files.

    Raises:
        DataError: the data set is not on this machine.
    """
    train = _read(task, "train")
    if development:
        train, test = split(train, DEVELOPMENT_FRACTION, DEVELOPMENT_SEED)
    else:
        test = _read(task, "test")
    problem = Problem(task, seed, as_texts(_cut(train, task, seed)), as_texts(test), folder)
    files = {"train.csv": problem.train.as_csv(), "test.csv": problem.test.as_csv()}
    write_together(folder, files)
    return problem


def _read(task: Task, split_name: str) -> list[Example]:
    data = DataSettings(
        source=task.source,
        split=split_name,
        label_column=task.label_column,
        multi_label=task.multi_label,
    )
    return list(read_examples(data, set_aside=SetAside(None)))


def as_texts(examples: Sequence[Example]) -> Texts:
    """The texts and labels of examples."""
    return Texts([e.text for e in examples], [SEPARATOR.join(e.all_labels) for e in examples])


def _cut(examples: Sequence[Example], task: Task, seed: int) -> list[Example]:
    """The texts with the lowest hashes, in the order of the source."""
    if not task.is_cut:
        return list(examples)
    rows_of: defaultdict[str | None, list[int]] = defaultdict(list)
    for row in sorted(range(len(examples)), key=lambda row: _hash(examples[row].text, seed)):
        rows_of[examples[row].label if task.per_class else None].append(row)
    most = task.per_class or task.in_all
    return [
        examples[row] for row in sorted(row for rows in rows_of.values() for row in rows[:most])
    ]


def _hash(text: str, seed: int) -> bytes:
    return blake2b(text.encode(), digest_size=8, key=f"own data {seed}".encode()).digest()


def describe(problem: Problem) -> str:
    """A line such as "banking77-16: 1,232 texts, 77 classes; measured on 3,080"."""
    counts = Counter(name for labels in problem.train.labels for name in problem.names(labels))
    return (
        f"{problem.task.name}: {len(problem.train.texts):,} texts, {len(counts)} classes; "
        f"measured on {len(problem.test.texts):,}"
    )
