"""The sets of `domains.py`: texts that people labelled negative, neutral or positive.

Each set of the registry is read by its own rule. A user's set is a file or source with a column of
labels in a usual spelling.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.data.named_texts import named_split
from sentiment_lstm.data.open import list_splits, read_examples
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.three_class_sets import NUMBERED, STARS, comments, news
from sentiment_lstm.errors import DataError
from sentiment_lstm.evaluation.polarity import CLASSES
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.wording import first_names

TWO = {"0": "negative", "1": "positive"}
_SPELLINGS = {"neg": "negative", "-": "negative", "neu": "neutral", "pos": "positive",
              "+": "positive"} | {name: name for name in CLASSES}  # fmt: skip
_SCALES = (
    {"-1": "negative", "0": "neutral", "1": "positive"},
    TWO,
    NUMBERED,
    {"0": "negative", "2": "neutral", "4": "positive"},
)
"""Numbers as labels. A scale applies if its first and last labels occur."""

Pairs = Iterable[tuple[str, str]]
"""Texts and the names of their classes."""


@dataclass(frozen=True)
class LabelledTexts:
    """N texts and their class indices in `CLASSES`, int64 [N]."""

    texts: list[str]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Domain:
    """A set of the registry. `read` turns the name of a split into texts with their classes."""

    name: str
    read: Callable[[str], Pairs]


def _mapped(source: str, label_map: Mapping[str, str], split: str) -> Iterator[tuple[str, str]]:
    """The texts of a split, labelled by a map."""
    data = DataSettings(source, split=split, label_map=label_map)
    for example in read_examples(data, set_aside=SetAside(None)):
        yield example.text, str(example.label)


def _only_split(source: str, _: str) -> Pairs:
    """A set with one split: it is measured whichever split is asked for."""
    return _mapped(source, TWO, "validation")


def _sentences(split: str) -> Iterator[tuple[str, str]]:
    """Whole sentences of the treebank: its training split holds their phrases too."""
    data = DataSettings(
        "data:sst",
        split=split,
        label_column="stars",
        label_map=STARS,
        group_column="sentence",
    )
    for example in read_examples(data, set_aside=SetAside(None)):
        if split != "train" or str(example.group).casefold() == "true":
            yield example.text, str(example.label)


TAUGHT = (
    Domain("tweets", partial(_mapped, "data:tweets", NUMBERED)),
    Domain("news", news),
    Domain("GoEmotions", comments),
    Domain("treebank", _sentences),
)
"""Sets with neutral texts. Their training texts also train the linear model."""
DOMAINS = (
    *TAUGHT,
    Domain("IMDb", partial(_mapped, "data:imdb", TWO)),
    Domain("restaurants", partial(_only_split, "data:restaurants")),
    Domain("products", partial(_mapped, "data:products", TWO)),
    Domain("edited reviews", partial(_only_split, "data:counterfactual")),
)


def read_domains(
    domains: Iterable[Domain], split: str
) -> tuple[dict[str, LabelledTexts], dict[str, str]]:
    """A split of each set, by the set's name; and the reason for each set that cannot be read."""
    sets, left_out = {}, {}
    for domain in domains:
        try:
            sets[domain.name] = _collect(domain.read(split))
        except DataError as error:
            left_out[domain.name] = str(error)
    return sets, left_out


def read_user_set(name: str, split: str) -> LabelledTexts:
    """The texts of a file or source that a user names.

    Args:
        name: `SOURCE` or `SOURCE:SPLIT`.
        split: the split of a source that has several, if the name has none.

    Raises:
        DataError: the source cannot be read, has no such split, or has other labels.
    """
    source, named = named_split(name)
    data = DataSettings(source, split=named or _choose_split(source, split))
    examples = list(read_examples(data, set_aside=SetAside(None)))
    class_of = _classes_of_labels({str(example.label) for example in examples}, name)
    return _collect((example.text, class_of[str(example.label)]) for example in examples)


def _choose_split(source: str, split: str) -> str:
    """The split that is asked for; `train` if the source has nothing else.

    Raises:
        DataError: the source has other splits, and lacks this one.
    """
    splits = list_splits(source)
    if split in splits:
        return split
    if set(splits) <= {"train"}:
        return "train"
    raise DataError(
        f"Expected a split {split} in {source}, found {first_names(splits)}; "
        f"name one, such as {source}:{splits[0]}."
    )


def _classes_of_labels(labels: Collection[str], name: str) -> dict[str, str]:
    """The class of each label, from its name or from a scale of numbers.

    Raises:
        DataError: a label is neither.
    """
    words = {label: _SPELLINGS.get(label.strip().casefold(), "") for label in labels}
    if all(words.values()):
        return words
    for scale in _SCALES:
        if {min(scale, key=int), max(scale, key=int)} <= set(labels) <= scale.keys():
            return scale
    raise DataError(
        f"Expected the labels negative, neutral and positive in {name}, "
        f"found {first_names(sorted(labels))}; rename them."
    )


def _collect(pairs: Pairs) -> LabelledTexts:
    """Texts and labels as arrays.

    Raises:
        DataError: there are none.
    """
    texts, names = [], []
    for text, label in pairs:
        texts.append(text)
        names.append(label)
    if not texts:
        raise DataError("Expected labelled texts, found none.")
    return LabelledTexts(texts, np.array([CLASSES.index(name) for name in names]))
