"""Turns text into token ids, with each token's span in the raw text, and learns vocabularies.

Cleaning, cutting and look-up are one `tokenizers` pipeline, stored whole in `tokenizer.json`, so
training, prediction and export cannot diverge. A bundle's `config.json` says whether typing slips
are corrected too. Nothing here knows labels or the model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, trainers

from sentiment_lstm.errors import BundleError
from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.records import UNKNOWN_ID, Encoded
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.cleaning import (
    WORD_START,
    normalizer,
    parts_of,
    pre_tokenizer,
    with_plain_spaces,
    without_surrogates,
)
from sentiment_lstm.text.features import FeatureTable
from sentiment_lstm.text.hashing import Hashes
from sentiment_lstm.text.long_texts import LONG, encode_in_pieces
from sentiment_lstm.text.memory import PartMemory
from sentiment_lstm.text.pipeline import SPECIAL, UNKNOWN, read_pipeline
from sentiment_lstm.text.spelling import Spelling, Tokens

_CHUNK = 256  # texts encoded at once: bounds the library's own, larger records
_TOGETHER = 100
"""Parts that are cleaned as one text to find their words."""

# The library warns in each forked child unless this is set, and its thread pool does not survive a
# fork. So the parent uses threads unless the user turns them off, and a child never does.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        after_in_child=lambda: os.environ.update({"TOKENIZERS_PARALLELISM": "false"})
    )


class TextTokenizer:
    """A pipeline of cleaning and cutting, with its vocabulary.

    Id 0 is padding, id 1 stands for every unknown word. No text becomes id 0, not even "<pad>".
    """

    def __init__(
        self, pipeline: Tokenizer, *, correct_slips: bool = False, hashes: Hashes | None = None
    ) -> None:
        """Wrap a pipeline that `learn` or `load` made and checked.

        `hashes`: those of the features of the wide path, None for a model without one.
        """
        self._pipeline = pipeline
        self.features = None if hashes is None else FeatureTable(hashes, self.words_of_parts)
        self._correct_slips = correct_slips
        self._memory = PartMemory(self._cut)

    @classmethod
    def learn(cls, texts: Iterable[str], settings: TextSettings) -> Self:
        """Learn the vocabulary of `texts`. Their order does not change it.

        Words are sorted by falling frequency, then by text. Subwords (`kind="bpe"`) are sorted as
        they were learnt: first characters, then merges. A subword that starts a word begins with
        U+2581.
        """
        learner = _cleaning(Tokenizer(_empty_model(settings.kind)), settings)
        # With plain spaces, as texts are cut at all white space when they are encoded.
        plain = (with_plain_spaces(without_surrogates(text)) for text in texts)
        learner.train_from_iterator(plain, _trainer(settings))
        state = json.loads(learner.to_str())
        # As added tokens, special tokens would be found in raw text, and a reviewer's "<pad>" would
        # become padding. In the vocabulary alone, no text matches them.
        state["added_tokens"] = []
        return cls(Tokenizer.from_str(json.dumps(state)), correct_slips=settings.correct_slips)

    @classmethod
    def load(cls, path: Path, *, correct_slips: bool = False, hashes: Hashes | None = None) -> Self:
        """Read a file of `to_json`. The other arguments are those of the constructor.

        Raises:
            BundleError: the file is missing, damaged or not a tokenizer of this package.
        """
        try:
            pipeline = read_pipeline(path.read_text(encoding="utf-8"))
        except (KeyboardInterrupt, SystemExit, Interrupted):
            raise
        except BaseException as error:  # a panic of the library is no Exception
            raise BundleError(
                f"Expected a tokenizer of this package at {path}, found {str(error)[:200]}; take "
                "the file that was saved with the model."
            ) from error
        return cls(pipeline, correct_slips=correct_slips, hashes=hashes)

    def with_features(self, hashes: Hashes | None) -> Self:
        """Return this tokenizer with other features for the wide path, or with none."""
        return type(self)(self._pipeline, correct_slips=self._correct_slips, hashes=hashes)

    def cleaning_as_today(self, settings: TextSettings) -> Self:
        """Return a tokenizer with this vocabulary and this version's cleaning and cutting.

        Texts may be cut differently than before, so it is only for models that are trained further.

        Args:
            settings: those that the vocabulary was learnt with; `correct_slips` may differ.
        """
        pipeline = _cleaning(Tokenizer.from_str(self.to_json()), settings)
        return type(self)(pipeline, correct_slips=settings.correct_slips, hashes=self.hashes)

    @property
    def correct_slips(self) -> bool:
        """Whether typing slips are corrected (`text.spelling`)."""
        return self._correct_slips

    @property
    def hashes(self) -> Hashes | None:
        """The hashes of the wide path's features, uint32 [F]; None without a wide path."""
        return None if self.features is None else self.features.hashes

    def to_json(self) -> str:
        """Return the whole pipeline in the format of the `tokenizers` library."""
        return self._pipeline.to_str(pretty=True)

    def __len__(self) -> int:
        """Return the number of ids, padding and unknown included."""
        return self._pipeline.get_vocab_size()

    def token(self, id: int) -> str:  # noqa: A002
        """Return the token of an id.

        Raises:
            IndexError: there is no such id.
        """
        token = self._pipeline.id_to_token(id) if id >= 0 else None
        if token is None:
            raise IndexError(f"Expected an id from 0 to {len(self) - 1}, found {id}.")
        return token

    def words(self, text: str) -> list[str]:
        """Clean a text and cut it into words and marks, which may be no tokens of the model."""
        pipeline = self._pipeline
        normal = pipeline.normalizer.normalize_str(text)
        words = (word for word, _ in pipeline.pre_tokenizer.pre_tokenize_str(normal))
        return [word.removeprefix(WORD_START) for word in words]

    def words_of_parts(self, parts: Sequence[str]) -> list[list[str]]:
        """Do the same with many parts, which have no white space. It is faster than one by one."""
        words: list[list[str]] = [[] for _ in parts]
        joined = [i for i, part in enumerate(parts) if "<" not in part]
        # The cleaning leaves ASCII letters alone.
        lower = self._pipeline.normalizer.normalize_str("A") == "a"
        letters = {i for i in joined if parts[i].isascii() and parts[i].isalpha()}
        for i in letters:
            words[i].append(parts[i].lower() if lower else parts[i])
        joined = [i for i in joined if i not in letters]
        for group in (joined[i : i + _TOGETHER] for i in range(0, len(joined), _TOGETHER)):
            self._add_words([parts[i] for i in group], [words[i] for i in group])
        for i, part in enumerate(parts):
            if "<" in part:  # two of these could look like a tag
                words[i] = self.words(part)
        return words

    def _add_words(self, parts: Sequence[str], words: Sequence[list[str]]) -> None:
        """Clean parts as lines of one text, and append each part's words to a list of its own."""
        pipeline = self._pipeline
        normal = pipeline.normalizer.normalize_str("\n".join(parts))
        ends = [*accumulate(len(line) + 1 for line in normal.split("\n"))]
        line = 0
        for word, (start, _) in pipeline.pre_tokenizer.pre_tokenize_str(normal):
            while start >= ends[line]:
                line += 1
            words[line].append(word.removeprefix(WORD_START))

    def parts(self, text: str) -> list[str]:
        """Cut a text at white space and tags."""
        return parts_of(without_surrogates(text))

    def feature_ids(self, texts: Iterable[str]) -> Iterator[NDArray[np.int32]]:
        """Yield the indices of each text's features, int32 [K], without tokens.

        The model has a wide path.
        """
        assert self.features is not None
        rest = iter(texts)
        while chunk := [self.parts(text) for text in islice(rest, _CHUNK)]:
            yield from (features.ids for features in self.features.of(chunk))

    def encode(
        self, texts: Sequence[str], *, offsets: bool = False, last_word: int | None = None
    ) -> list[Encoded]:
        """Return the ids of each text and, with `offsets`, each token's span in the raw text.

        A model with a wide path also gets the features of each text. `last_word` is the hash of the
        word before the texts, if they are pieces of one.

        Texts are not truncated. A text without tokens becomes one unknown token with span (0, 0),
        so that it can be scored. A span covers the characters of its token, with two exceptions: of
        a replaced entity only the last one, of a composed letter only the first one.
        """
        rest = iter(texts)
        encoded: list[Encoded] = []
        while chunk := [without_surrogates(text) for text in islice(rest, _CHUNK)]:
            if not offsets and max(map(len, chunk)) > LONG:
                pair = (self._memory, self.features)
                encoded += [encode_in_pieces(text, LONG, *pair, last_word) for text in chunk]
            elif self.features is None:
                encoded += self._encode_chunk(chunk, offsets)
            else:
                encoded += self._encode_with_features(self.features, chunk, offsets, last_word)
        return encoded

    def _encode_with_features(
        self, table: FeatureTable, texts: list[str], offsets: bool, last_word: int | None
    ) -> list[Encoded]:
        parts = [parts_of(text) for text in texts]
        texts_ids, lengths = self._memory.ids_and_lengths(parts)
        if offsets:
            encodings = self._encode_chunk(texts, offsets)
        else:
            encodings = [_without_offsets(ids) for ids in texts_ids]
        features = table.of(parts, lengths, last_word)
        return [Encoded(e.ids, e.offsets, f) for e, f in zip(encodings, features, strict=True)]

    def _encode_chunk(self, texts: list[str], offsets: bool) -> list[Encoded]:
        if not offsets:
            return [_without_offsets(ids) for ids in self._memory.ids(texts)]
        texts = [with_plain_spaces(text) for text in texts]  # as `parts_of` cuts at all of them
        return [Encoded(_ids(ids), _spans(spans)) for ids, spans in self._tokens(texts)]

    def _cut(self, texts: list[str]) -> list[tuple[list[int], list[int]]]:
        """Return each text's token ids and the tokens' first characters."""
        return [(ids, [start for start, _ in spans]) for ids, spans in self._tokens(texts)]

    def _tokens(self, texts: list[str]) -> list[Tokens]:
        batch = self._pipeline.encode_batch(texts, add_special_tokens=False)
        tokens = [(encoding.ids, encoding.offsets) for encoding in batch]
        if not self._correct_slips:
            return tokens
        return [self._spelling.corrected(*pair) for pair in zip(texts, tokens, strict=True)]

    @cached_property
    def _spelling(self) -> Spelling:
        tokens = [self.token(id_) for id_ in range(len(self))]
        words = isinstance(self._pipeline.model, models.WordLevel)
        return Spelling(tokens, "" if words else WORD_START)


def head_and_tail(ids: NDArray[np.int32], most: int) -> NDArray[np.int32]:
    """Truncate a long text to its first and last tokens, `most` in total.

    Both halves are equally long; the tail gets an odd token. Reviews often state their verdict at
    the start or at the end. `head_and_tail([1, 2, 3, 4, 5, 6], 3)` is `[1, 5, 6]`.

    Args:
        ids: int32 [T].
        most: the number of tokens to keep, at least 1.
    """
    if len(ids) <= most:
        return ids
    head = most // 2
    return np.concatenate([ids[:head], ids[len(ids) - (most - head) :]])


def _empty_model(kind: str) -> Any:  # noqa: ANN401
    if kind == "word":
        return models.WordLevel({}, unk_token=UNKNOWN)
    return models.BPE(unk_token=UNKNOWN)


def _trainer(settings: TextSettings) -> Any:  # noqa: ANN401
    if settings.kind == "word":
        return trainers.WordLevelTrainer(
            vocab_size=settings.vocabulary,
            min_frequency=settings.min_frequency,
            special_tokens=SPECIAL,
            show_progress=False,
        )
    return trainers.BpeTrainer(
        vocab_size=settings.vocabulary,
        min_frequency=settings.min_frequency,
        special_tokens=SPECIAL,
        # Single characters take at most half of the ids. Rarer ones are unknown.
        limit_alphabet=max(1, settings.vocabulary // 2),
        show_progress=False,
    )


def _cleaning(pipeline: Tokenizer, settings: TextSettings) -> Tokenizer:
    """Return the pipeline with the steps of `cleaning`."""
    pipeline.normalizer = normalizer(lowercase=settings.lowercase)
    pipeline.pre_tokenizer = pre_tokenizer(mark_starts=settings.kind == "bpe")
    return pipeline


def _without_offsets(ids: NDArray[np.int32]) -> Encoded:
    return Encoded(ids if len(ids) else _ids([]))


def _ids(ids: list[int]) -> NDArray[np.int32]:
    return np.array(ids or [UNKNOWN_ID], dtype=np.int32)


def _spans(offsets: list[tuple[int, int]]) -> NDArray[np.int32]:
    return np.array(offsets or [(0, 0)], dtype=np.int32)
