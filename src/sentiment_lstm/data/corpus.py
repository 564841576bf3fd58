"""What a training reads: classes, training and validation reviews, and what was left out.

Knows nothing of tokens or models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from sentiment_lstm.data.labels import Labeller
from sentiment_lstm.data.open import (
    labeller_of,
    list_splits,
    open_source,
    read_examples,
    read_texts,
    some,
)
from sentiment_lstm.data.screening import (
    SetAside,
    fingerprint,
    fingerprints,
    screen_row,
    unique,
)
from sentiment_lstm.data.source import Source
from sentiment_lstm.data.splitting import in_validation, split
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings, Settings


@dataclass
class Corpus:
    """The reviews of a training.

    `sample` holds all training reviews; of a stream, the training part of its first
    `data.stream_rows` rows. `validation` holds the source's own validation split where it has one
    (of a stream, its first `stream_rows` reviews), else our split's validation side (of a stream,
    of those first rows). `screening` counts: `rows read`, `set aside` (by reason), `duplicates`,
    `disagreeing duplicates`, `excluded`.
    """

    classes: tuple[str, ...]
    sample: list[Example]
    validation: list[Example]
    streaming: bool
    screening: dict[str, object]
    _again: Callable[[], Iterator[Example]] | None = field(default=None, repr=False)

    def training(self) -> Iterator[Example]:
        """Every training review, in the source's order; a stream is read again from its start."""
        return iter(self.sample) if self._again is None else self._again()


def load_corpus(
    data: DataSettings, seed: int, set_aside: SetAside, mixture: Sequence[DataSettings] = ()
) -> Corpus:
    """Read, screen, drop duplicates and excluded texts, split.

    Args:
        data: the source that names the classes and validates.
        seed: of the split.
        set_aside: gets the bad rows of all sources.
        mixture: more sources of training texts; a text that stands in an earlier source, validates
            or is excluded by any of the sources is dropped.

    Raises:
        DataError: as `read_reviews`; fewer than two classes, in all or on the training side.
        UsageError: a mixture with a stream.
    """
    corpus = _load(data, seed, set_aside, None)
    if mixture:
        _mix(corpus, data, mixture, set_aside)
    return corpus


def validation_examples(
    data: DataSettings, seed: int, set_aside: SetAside, classes: Sequence[str]
) -> list[Example]:
    """The validation reviews of a training with this `data` and `seed`, labels as `classes`.

    The corpus is read again, so they are the same reviews.

    Raises:
        DataError: as `load_corpus`.
    """
    return _load(data, seed, set_aside, classes).validation


def _mix(
    corpus: Corpus, data: DataSettings, mixture: Sequence[DataSettings], set_aside: SetAside
) -> None:
    if corpus.streaming or any(source.streaming for source in mixture):
        raise UsageError("Expected one source where it is streamed, found several: leave one out.")
    known = _digests(corpus).union(*map(_excluded, (data, *mixture)))
    corpus.sample = [replace(example, weight=data.weight) for example in corpus.sample]
    dropped = 0
    for source in mixture:
        for example in read_examples(source, set_aside=set_aside, classes=corpus.classes):
            digest = fingerprint(example.text)
            if digest in known:
                dropped += 1
                continue
            known.add(digest)
            corpus.sample.append(replace(example, weight=source.weight))
    corpus.screening |= {
        "rows read": set_aside.rows,
        "set aside": dict(set_aside.counts),
        "dropped of the mixture": dropped,
    }


def _digests(corpus: Corpus) -> set[bytes]:
    return fingerprints([*corpus.sample, *corpus.validation])


def unlabelled_texts(settings: Settings, corpus: Corpus, set_aside: SetAside) -> list[Example]:
    """Texts to read without labels, each once, none that validates or stands in an excluded set.

    Args:
        settings: `language.sources` are named as `data.exclude` is, `SOURCE` or `SOURCE:SPLIT`;
            without a split the unlabelled one is read where there is one, else `train`. Sets that
            `data` or a source of the mixture excludes are left out here too.
        corpus: whose texts are known already.
        set_aside: gets the bad rows.

    Raises:
        DataError: as `read_texts`.
    """
    known = _digests(corpus).union(*(_excluded(d) for d in (settings.data, *settings.mixture)))
    found = []
    for name in settings.language.sources:
        source, split_name = _named_split(name)
        split_name = split_name or _unlabelled_split(source)
        for example in _texts(replace(settings.data, source=source, split=split_name), set_aside):
            digest = fingerprint(example.text)
            if digest not in known:
                known.add(digest)
                found.append(example)
    return found


def _load(
    data: DataSettings, seed: int, set_aside: SetAside, classes: Sequence[str] | None
) -> Corpus:
    source = open_source(data)
    labeller = labeller_of(source, data, classes)
    own_validation = data.split == "train" and "validation" in list_splits(data.source)
    excluded = _excluded(data)
    if own_validation:
        excluded |= _texts_of(replace(data, split="validation", streaming=True))
    reader = _Reader(data, seed, set_aside, source, labeller, own_validation, excluded)
    return reader.corpus()


@dataclass
class _Reader:
    """A source with all that decides which of its rows train.

    Duplicates in a stream are dropped within a window of its latest `stream_rows` texts: memory
    stays the same however long the stream is, and a duplicate further apart is trained on again.
    It never stands on both sides, for a stream's validation is chosen by the text (or group) alone.
    """

    data: DataSettings
    seed: int
    set_aside: SetAside
    source: Source
    labeller: Labeller
    own_validation: bool
    excluded: set[bytes]
    furthest: int = 0
    """Rows that a pass has reached: later passes do not count them again."""

    def corpus(self) -> Corpus:
        """The first pass: all rows, or as many of a stream as may be held."""
        counts: Counter[str] = Counter()
        rows = self.data.stream_rows if self.data.streaming else None
        good = some(self._screened(rows), self.data, self.set_aside)
        examples = list(self._kept(good, counts))
        self._check_classes(examples)
        # From here on a label that was not seen has no class to go to.
        self.labeller.close()
        classes = self.labeller.order()
        sample, validation = self._split(examples, classes)
        self._check_training(sample)
        report = self._report(counts)
        again = self.training if self.data.streaming else None
        return Corpus(classes, sample, validation, self.data.streaming, report, again)

    def training(self) -> Iterator[Example]:
        """A stream's training reviews, from its start."""
        for example in self._kept(self._screened(None), Counter()):
            if self.own_validation or not self._validates(example):
                yield example

    def _screened(self, rows: int | None) -> Iterator[Example]:
        """The good rows among the first `rows` (all if None)."""
        quiet = SetAside(None)
        for number, row in enumerate(islice(self.source.rows(), rows), start=1):
            sink = self.set_aside if number > self.furthest else quiet
            self.furthest = max(self.furthest, number)
            example = screen_row(row, self.labeller, self.data.max_characters, sink)
            if example is not None:
                yield example

    def _kept(self, examples: Iterable[Example], counts: Counter[str]) -> Iterator[Example]:
        """The reviews that stay: each text once, none of an excluded set."""
        window = self.data.stream_rows if self.data.streaming else None
        for example in unique(examples, counts, window):
            if self.excluded and fingerprint(example.text) in self.excluded:
                counts["excluded"] += 1
            else:
                yield example

    def _split(
        self, examples: list[Example], classes: Sequence[str]
    ) -> tuple[list[Example], list[Example]]:
        if self.own_validation:
            return examples, _own_validation(self.data, self.set_aside, classes)
        if not self.data.streaming:
            return split(examples, self.data.validation, self.seed)
        sides: dict[bool, list[Example]] = {False: [], True: []}
        for example in examples:
            sides[self._validates(example)].append(example)
        if not (sides[False] and sides[True]):
            raise DataError(
                f"Expected training and validation reviews in the first {self.data.stream_rows} "
                f"rows of {self.data.source}, found one side empty; raise data.stream_rows or "
                "choose another --group-column."
            )
        return sides[False], sides[True]

    def _validates(self, example: Example) -> bool:
        return in_validation(example, self.data.validation, self.seed)

    def _check_classes(self, examples: Sequence[Example]) -> None:
        if not examples:
            raise DataError(
                f"Expected reviews in {self.data.source} that do not stand in "
                f"{', '.join(self.data.exclude)}, found none; leave --exclude out or change it."
            )
        found = sorted({str(example.label) for example in examples})
        if len(found) < 2:
            where = f"the first {self.data.stream_rows} rows of " if self.data.streaming else ""
            more = ", or raise data.stream_rows if rows are sorted" if self.data.streaming else ""
            raise DataError(
                f"Expected at least two classes in {where}{self.data.source}, found "
                f"{', '.join(found)}; see --label-column and --label-map{more}."
            )

    def _check_training(self, sample: Sequence[Example]) -> None:
        found = {str(example.label) for example in sample}
        if len(found) < 2:
            raise DataError(
                f"Expected at least two classes to train on after the split of {self.data.source}, "
                f"found {', '.join(found)}; bring more reviews or choose another --group-column."
            )

    def _report(self, counts: Counter[str]) -> dict[str, object]:
        return {
            "rows read": self.set_aside.rows,
            "set aside": dict(self.set_aside.counts),
            **{name: counts[name] for name in ("duplicates", "disagreeing duplicates", "excluded")},
        }


def _own_validation(
    data: DataSettings, set_aside: SetAside, classes: Sequence[str]
) -> list[Example]:
    """The source's validation split; of a stream, as many reviews as may be held."""
    data = replace(data, split="validation")
    examples = read_examples(data, set_aside=set_aside, classes=classes)
    return list(islice(examples, data.stream_rows if data.streaming else None))


def _excluded(data: DataSettings) -> set[bytes]:
    """The texts of all sources in `data.exclude`, as digests; their labels are not read."""
    found: set[bytes] = set()
    for name in data.exclude:
        source, split_name = _named_split(name)
        split_name = split_name or evaluation_split(source)
        found |= _texts_of(replace(data, source=source, split=split_name, streaming=True))
    return found


def _texts_of(data: DataSettings) -> set[bytes]:
    """Digests of a source's texts."""
    return fingerprints(_texts(replace(data, strict=False), SetAside(None)))


def _texts(data: DataSettings, set_aside: SetAside) -> Iterator[Example]:
    """A source's texts, by the training's text column or else by the usual one."""
    plain = replace(data, label_column=None, group_column=None, label_map={})
    try:
        next(open_source(plain, labelled=False).rows(), None)
    except DataError:
        if plain.text_column is None:
            raise
        plain = replace(plain, text_column=None)
    return read_texts(plain, set_aside=set_aside)


def _named_split(name: str) -> tuple[str, str | None]:
    """`"PATH:test"` -> `("PATH", "test")`; `"PATH"`, `"data:NAME"`, `"hf:NAME"` name no split."""
    source, _, tail = name.rpartition(":")
    named = re.fullmatch(r"[A-Za-z]\w*", tail) and source not in ("", "data", "hf", "kaggle")
    return (source, tail) if named and not Path(name).exists() else (name, None)


def _unlabelled_split(source: str) -> str:
    """The split without labels as the hub's `imdb` calls it, where there is one, else `train`."""
    return "unsupervised" if "unsupervised" in list_splits(source) else "train"


def evaluation_split(source: str) -> str:
    """What an evaluation set is read from: its test split, else validation, else all it has."""
    splits = list_splits(source)
    return next((name for name in ("test", "validation") if name in splits), "train")
