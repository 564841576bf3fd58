"""The examples of a training: classes, training and validation examples, and counts of the rest.

This file knows nothing of tokens or models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from sentiment_lstm.data.named_texts import (
    digests_of,
    excluded_texts,
    named_split,
    texts_only,
)
from sentiment_lstm.data.open import (
    has_own_validation,
    labeller_of,
    list_splits,
    open_source,
    read_examples,
    refuse_empty,
)
from sentiment_lstm.data.screening import (
    AnyLabeller,
    SetAside,
    drop_duplicates,
    drop_excluded,
    fingerprint,
    fingerprints,
    screen_row,
)
from sentiment_lstm.data.source import Source
from sentiment_lstm.data.splitting import in_validation, split
from sentiment_lstm.data.weights import mean_weight, scaled_weight, scaled_weights
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings, Settings


@dataclass
class Corpus:
    """The examples of a training.

    `sample` holds all training examples. For a stream it holds the training side of the first
    `data.stream_rows` rows.
    `validation` holds the source's own validation split if there is one (for a stream, its first
    `stream_rows` examples). Otherwise it holds the validation side of a seeded split (for a stream,
    of its first `stream_rows` rows).
    `screening` counts `rows read`, `set aside` (by reason), `duplicates`,
    `disagreeing duplicates`, `excluded` and, if a text may have several labels, `without a label`.
    """

    classes: tuple[str, ...]
    sample: list[Example]
    validation: list[Example]
    streaming: bool
    screening: dict[str, object]
    _again: Callable[[], Iterator[Example]] | None = field(default=None, repr=False)
    from_first_source: int | None = None
    """How many texts of `sample`, from its start, come from the first source; None: all."""

    @property
    def multi_label(self) -> bool:
        """Whether a text may have several labels."""
        return self.sample[0].labels is not None

    def training(self) -> Iterator[Example]:
        """Every training example, in the source's order; a stream is read again from its start."""
        return iter(self.sample) if self._again is None else self._again()


def load_corpus(
    data: DataSettings, seed: int, set_aside: SetAside, mixture: Sequence[DataSettings] = ()
) -> Corpus:
    """Read and screen the sources, drop duplicates and excluded texts, and split.

    Args:
        data: the main source, which gives the classes and the validation examples.
        seed: the seed of the split.
        set_aside: gets the bad rows of all sources.
        mixture: more sources of training texts. A text is dropped if an earlier source or the
            validation side holds it, or if any source excludes it.

    Raises:
        DataError: as `read_examples`; or there are fewer than two classes, in all texts or on the
            training side.
        UsageError: a stream with a mixture.
    """
    corpus = _load(data, seed, set_aside, None)
    if mixture:
        _mix(corpus, data, mixture, set_aside)
    return corpus


def validation_examples(
    data: DataSettings, seed: int, set_aside: SetAside, classes: Sequence[str]
) -> list[Example]:
    """The validation examples of a training with this `data` and `seed`, labelled by `classes`.

    The corpus is read again in the same way, so these are the same examples.

    Raises:
        DataError: as `load_corpus`.
    """
    return _load(data, seed, set_aside, classes).validation


def _mix(
    corpus: Corpus, data: DataSettings, mixture: Sequence[DataSettings], set_aside: SetAside
) -> None:
    if corpus.streaming or any(source.streaming for source in mixture):
        raise UsageError(
            "Expected one source with --streaming, found several: leave --streaming out."
        )
    known = _digests(corpus).union(*map(excluded_texts, (data, *mixture)))
    corpus.sample = scaled_weights(corpus.sample, 1.0, data.weight)
    corpus.from_first_source = len(corpus.sample)
    dropped = 0
    for source in mixture:
        added = []
        for example in read_examples(source, set_aside=set_aside, classes=corpus.classes):
            digest = fingerprint(example.text)
            if digest in known:
                dropped += 1
                continue
            known.add(digest)
            added.append(example)
        corpus.sample += scaled_weights(added, mean_weight(added), source.weight)
    corpus.screening |= {
        "rows read": set_aside.rows,
        "set aside": dict(set_aside.counts),
        "dropped of the mixture": dropped,
        **_weightless(set_aside),
    }
    if corpus.multi_label:
        texts = [*corpus.sample, *corpus.validation]
        corpus.screening["without a label"] = sum(not example.labels for example in texts)


def _digests(corpus: Corpus) -> set[bytes]:
    return fingerprints([*corpus.sample, *corpus.validation])


def unlabelled_texts(settings: Settings, corpus: Corpus, set_aside: SetAside) -> list[Example]:
    """The unlabelled texts, each once, without validation texts and excluded texts.

    Args:
        settings: `language.sources` names the sources as `SOURCE` or `SOURCE:SPLIT`. Without a
            split, the unlabelled split is read if there is one, else `train`. Texts that `data`
            or a source of the mixture excludes are left out.
        corpus: its texts are left out too.
        set_aside: gets the bad rows.

    Raises:
        DataError: as `read_texts`.
    """
    known = _digests(corpus).union(*(excluded_texts(d) for d in (settings.data, *settings.mixture)))
    unlabelled = []
    for name in settings.language.sources:
        source, split_name = named_split(name)
        split_name = split_name or _unlabelled_split(source)
        data = replace(settings.data, source=source, split=split_name)
        for example in texts_only(data, set_aside):
            digest = fingerprint(example.text)
            if digest not in known:
                known.add(digest)
                unlabelled.append(example)
    return unlabelled


def _load(
    data: DataSettings, seed: int, set_aside: SetAside, classes: Sequence[str] | None
) -> Corpus:
    source = open_source(data)
    labeller = labeller_of(source, data, classes)
    own_validation = has_own_validation(data)
    excluded = excluded_texts(data)
    validating = (
        digests_of(replace(data, split="validation", streaming=True)) if own_validation else set()
    )
    reader = _Reader(data, seed, set_aside, source, labeller, own_validation, excluded, validating)
    return reader.corpus()


@dataclass
class _Reader:
    """A source, and everything that decides which of its rows a training reads.

    Duplicates in a stream are dropped within a window of its latest `stream_rows` texts, so that
    memory does not grow with the stream. A duplicate further apart is trained on again. It is
    never on both sides, because only the text or the group decides the side.
    """

    data: DataSettings
    seed: int
    set_aside: SetAside
    source: Source
    labeller: AnyLabeller
    own_validation: bool
    excluded: set[bytes]
    """Digests of the texts that must not be trained on."""
    validating: set[bytes]
    """Digests of the source's own validation texts."""
    furthest: int = 0
    """The number of rows that a pass has reached; later passes do not count them again."""
    mean: float = 1.0  # the mean weight of the texts of the first pass

    def corpus(self) -> Corpus:
        """Make the first pass: read all rows, or the first `stream_rows` rows of a stream."""
        counts: Counter[str] = Counter()
        rows = self.data.stream_rows if self.data.streaming else None
        good = refuse_empty(self._screened(rows), self.data, self.set_aside)
        examples = list(self._kept(good, counts))
        self._check_classes(examples)
        self.labeller.freeze_classes()
        classes = self.labeller.classes()
        sample, validation = self._split(examples, classes, counts)
        self._check_training(sample)
        self.mean = mean_weight([*sample, *validation])
        sample, validation = (scaled_weights(side, self.mean) for side in (sample, validation))
        if self.data.multi_label:
            counts["without a label"] = sum(not example.labels for example in examples)
        report = self._report(counts)
        again = self.training if self.data.streaming else None
        return Corpus(classes, sample, validation, self.data.streaming, report, again)

    def training(self) -> Iterator[Example]:
        """A stream's training examples, from its start."""
        for example in self._kept(self._screened(None), Counter()):
            if self.own_validation or not self._validates(example):
                yield scaled_weight(example, self.mean)

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
        """The examples that are kept: each text once, without excluded texts."""
        window = self.data.stream_rows if self.data.streaming else None
        first = drop_duplicates(examples, counts, window)
        return drop_excluded(first, self.excluded | self.validating, counts)

    def _split(
        self, examples: list[Example], classes: Sequence[str], counts: Counter[str]
    ) -> tuple[list[Example], list[Example]]:
        if self.own_validation:
            own = _own_validation(self.data, self.set_aside, classes)
            return examples, self._allowed(own, counts)
        if not self.data.streaming:
            return split(examples, self.data.validation, self.seed)
        sides: dict[bool, list[Example]] = {False: [], True: []}
        for example in examples:
            sides[self._validates(example)].append(example)
        if not (sides[False] and sides[True]):
            raise DataError(
                f"Expected training and validation texts in the first {self.data.stream_rows} "
                f"rows of {self.data.source}, found one side empty; raise data.stream_rows or "
                "choose another --group-column."
            )
        return sides[False], sides[True]

    def _allowed(self, validation: list[Example], counts: Counter[str]) -> list[Example]:
        """Validation texts without excluded ones, because a last training may read them too.

        If all are excluded, the split itself was named. Then it stays, to validate.
        """
        return list(drop_excluded(validation, self.excluded, counts)) or validation

    def _validates(self, example: Example) -> bool:
        return in_validation(example, self.data.validation, self.seed)

    def _check_classes(self, examples: Sequence[Example]) -> None:
        if not examples:
            own = ["its own validation split"] if self.own_validation else []
            raise DataError(
                f"Expected texts in {self.data.source} that are not in "
                f"{' or '.join([*self.data.exclude, *own])}, found none; take the texts out of one "
                "of the two."
            )
        classes = sorted(_possible_classes(examples, self.labeller.classes()))
        if len(classes) < 2:
            where = f"the first {self.data.stream_rows} rows of " if self.data.streaming else ""
            more = ", or raise data.stream_rows if rows are sorted" if self.data.streaming else ""
            raise DataError(
                f"Expected at least two classes in {where}{self.data.source}, found "
                f"{', '.join(classes) or 'none'}{self.set_aside.in_brackets()}; see "
                f"--label-column and --label-map{more}."
            )

    def _check_training(self, sample: Sequence[Example]) -> None:
        classes = _possible_classes(sample, self.labeller.classes())
        if len(classes) < 2:
            raise DataError(
                f"Expected at least two classes to train on after the split of {self.data.source}, "
                f"found {', '.join(sorted(classes))}; add texts or choose another --group-column."
            )

    def _report(self, counts: Counter[str]) -> dict[str, object]:
        return {
            "rows read": self.set_aside.rows,
            "set aside": dict(self.set_aside.counts),
            **{name: counts[name] for name in ("duplicates", "disagreeing duplicates", "excluded")},
            **{name: counts[name] for name in ("without a label",) if name in counts},
            **_weightless(self.set_aside),
        }


def _weightless(set_aside: SetAside) -> dict[str, int]:
    """The number of rows of weight 0, if there are any."""
    return {"weight 0": set_aside.weightless} if set_aside.weightless else {}


def _possible_classes(examples: Iterable[Example], classes: Sequence[str]) -> set[str]:
    """The classes that some text has. With soft labels: with a probability above 0."""
    possible: set[str] = set()
    for example in examples:
        if example.class_probabilities:
            possible |= example.class_probabilities.keys()
        elif example.soft_label is not None and 0 < example.soft_label < 1:
            possible |= set(classes)
        else:
            possible |= set(example.all_labels)
    return possible


def _own_validation(
    data: DataSettings, set_aside: SetAside, classes: Sequence[str]
) -> list[Example]:
    """The source's validation split; for a stream, its first `stream_rows` examples."""
    data = replace(data, split="validation")
    examples = read_examples(data, set_aside=set_aside, classes=classes)
    return list(islice(examples, data.stream_rows if data.streaming else None))


def _unlabelled_split(source: str) -> str:
    """`unsupervised`, as the hub's `imdb` calls its split without labels, else `train`."""
    return "unsupervised" if "unsupervised" in list_splits(source) else "train"
