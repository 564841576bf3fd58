"""Turns text into token ids, with each token's span in the raw text, and learns vocabularies.

Cleaning, cutting and look-up are one `tokenizers` pipeline, stored whole in `tokenizer.json`, so
training, prediction and export cannot diverge. A bundle's `config.json` says whether typing slips
are corrected too. Nothing here knows labels or the model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, trainers

from sentiment_lstm.errors import BundleError
from sentiment_lstm.records import PAD_ID, UNKNOWN_ID, Encoded
from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.cleaning import (
    WORD_START,
    normalizer,
    pre_tokenizer,
    without_surrogates,
)
from sentiment_lstm.text.memory import PartMemory
from sentiment_lstm.text.spelling import Spelling, Tokens

PAD = "<pad>"
UNKNOWN = "<unk>"
SPECIAL = [PAD, UNKNOWN]

_CHUNK = 256  # texts encoded at once: bounds the library's own, larger records

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

    def __init__(self, pipeline: Tokenizer, *, correct_slips: bool = False) -> None:
        """Wrap a pipeline that `learn` or `load` made and checked."""
        self._pipeline = pipeline
        self._correct_slips = correct_slips
        # A file of another version may clean differently, so its words are not cached.
        self._memory = PartMemory(self._cut) if _cuts_as_here(pipeline) else None

    @classmethod
    def learn(cls, texts: Iterable[str], settings: TextSettings) -> Self:
        """Learn the vocabulary of `texts`. Their order does not change it.

        Words are sorted by falling frequency, then by text. Subwords (`kind="bpe"`) are sorted as
        they were learnt: first characters, then merges. A subword that starts a word begins with
        U+2581.
        """
        learner = _cleaning(Tokenizer(_empty_model(settings.kind)), settings)
        learner.train_from_iterator(map(without_surrogates, texts), _trainer(settings))
        state = json.loads(learner.to_str())
        # As added tokens, special tokens would be found in raw text, and a reviewer's "<pad>" would
        # become padding. In the vocabulary alone, no text matches them.
        state["added_tokens"] = []
        return cls(Tokenizer.from_str(json.dumps(state)), correct_slips=settings.correct_slips)

    @classmethod
    def load(cls, path: Path, *, correct_slips: bool = False) -> Self:
        """Read a file of `to_json`. It does not say whether slips are corrected (`text.spelling`).

        Raises:
            BundleError: the file is missing, damaged or not a tokenizer of this package.
        """
        try:
            pipeline = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # the library raises plain Exception for a damaged file
            raise BundleError(
                f"Expected a tokenizer at {path}, found: {error}; copy the whole model again."
            ) from error
        _check(pipeline, path)
        return cls(pipeline, correct_slips=correct_slips)

    def cleaning_as_today(self, settings: TextSettings) -> Self:
        """Return a tokenizer with this vocabulary and this version's cleaning and cutting.

        Texts may be cut differently than before, so it is only for models that are trained further.

        Args:
            settings: those that the vocabulary was learnt with; `correct_slips` may differ.
        """
        pipeline = _cleaning(Tokenizer.from_str(self.to_json()), settings)
        return type(self)(pipeline, correct_slips=settings.correct_slips)

    @property
    def correct_slips(self) -> bool:
        """Whether typing slips are corrected (`text.spelling`)."""
        return self._correct_slips

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

    def encode(self, texts: Sequence[str], *, offsets: bool = False) -> list[Encoded]:
        """Return the ids of each text and, with `offsets`, each token's span in the raw text.

        Texts are not truncated. A text without tokens becomes one unknown token with span (0, 0),
        so that it can be scored. A span covers the characters of its token, with two exceptions: of
        a replaced entity only the last one, of a composed letter only the first one.
        """
        rest = iter(texts)
        encoded: list[Encoded] = []
        while chunk := [without_surrogates(text) for text in islice(rest, _CHUNK)]:
            encoded.extend(self._encode_chunk(chunk, offsets))
        return encoded

    def _encode_chunk(self, texts: list[str], offsets: bool) -> list[Encoded]:
        if self._memory is not None and not offsets:
            return [Encoded(ids if len(ids) else _ids([])) for ids in self._memory.ids(texts)]
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


def _check(pipeline: Tokenizer, path: Path) -> None:
    """Refuse a tokenizer of another program: other ids, added tokens, padding or truncation."""
    ids = sorted(pipeline.get_vocab().values())
    special = [pipeline.token_to_id(token) for token in SPECIAL]
    numbered = special == [PAD_ID, UNKNOWN_ID] and ids == list(range(len(ids)))
    unknown = getattr(pipeline.model, "unk_token", None) == UNKNOWN
    extras = (pipeline.get_added_tokens_decoder(), pipeline.padding, pipeline.truncation)
    if not (numbered and unknown) or any(extras):
        raise BundleError(
            f"Expected the tokenizer of a sentiment-lstm model in {path}, found one with other "
            "special tokens or ids; take the file that was saved with the model."
        )


def _cleaning(pipeline: Tokenizer, settings: TextSettings) -> Tokenizer:
    """Return the pipeline with the steps of `cleaning`."""
    pipeline.normalizer = normalizer(lowercase=settings.lowercase)
    pipeline.pre_tokenizer = pre_tokenizer(mark_starts=settings.kind == "bpe")
    return pipeline


def _cuts_as_here(pipeline: Tokenizer) -> bool:
    """Whether the pipeline's steps are those of `cleaning` in this version."""
    normal = [normalizer(lowercase=low).__getstate__() for low in (True, False)]
    cuts = [pre_tokenizer(mark_starts=mark).__getstate__() for mark in (True, False)]
    return (
        pipeline.normalizer.__getstate__() in normal
        and pipeline.pre_tokenizer.__getstate__() in cuts
    )


def _ids(ids: list[int]) -> NDArray[np.int32]:
    return np.array(ids or [UNKNOWN_ID], dtype=np.int32)


def _spans(offsets: list[tuple[int, int]]) -> NDArray[np.int32]:
    return np.array(offsets or [(0, 0)], dtype=np.int32)
