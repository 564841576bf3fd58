"""Counts the rows, classes and lengths of a source, before a training reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sentiment_lstm.data.label_sets import MISSING, UNMAPPED
from sentiment_lstm.data.open import list_splits, read_examples, read_texts
from sentiment_lstm.data.screening import SetAside, drop_duplicates
from sentiment_lstm.data.weights import BAD_WEIGHT
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings


def survey(data: DataSettings, set_aside: SetAside) -> dict[str, Any]:
    """Read everything once; no text stays in memory.

    Returns:
        `rows`, `set aside` by reason, `splits`, `classes` with their counts, `duplicates`,
        `disagreeing duplicates`, and `words`: the 10th, 50th and 90th percentile and the maximum
        of the texts' lengths, in words between white space.

    Raises:
        DataError: as `read_examples`.
    """
    counts: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    words: list[int] = []
    for _ in drop_duplicates(_counted(_examples(data, set_aside), classes, words), counts):
        pass
    percents = np.percentile(words, [10, 50, 90, 100], method="lower")
    return {
        "rows": set_aside.rows,
        "set aside": set_aside.counts,
        "splits": ", ".join(list_splits(data.source)) or "none",
        "classes": dict(classes.most_common()),
        "duplicates": counts["duplicates"],
        "disagreeing duplicates": counts["disagreeing duplicates"],
        "words": dict(zip(("10%", "50%", "90%", "longest"), map(int, percents), strict=True)),
    }


def _examples(data: DataSettings, set_aside: SetAside) -> Iterator[Example]:
    """The source's examples; without labels if no good row has one (an unlabelled split)."""
    labels = SetAside(None)
    try:
        next(read_examples(data, set_aside=labels))
    except DataError:
        if MISSING in labels.counts and labels.counts.keys().isdisjoint({UNMAPPED, BAD_WEIGHT}):
            return read_texts(data, set_aside=set_aside)
    return read_examples(data, set_aside=set_aside)


def _counted(
    examples: Iterable[Example], classes: Counter[str], words: list[int]
) -> Iterator[Example]:
    for example in examples:
        classes.update(example.all_labels or ["no label"])
        words.append(len(example.text.split()))
        yield example
