"""Reads `tokenizer.json`: compares it with what this package writes, and takes only the vocabulary.

A file may come from a stranger, and the library `tokenizers` runs any replacement and pattern that
it names. So each step is compared with our own steps, and the pipeline is built from ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tokenizers import Tokenizer, models

from sentiment_lstm.text.cleaning import (
    DOTTED_I,
    NEWER_REPLACEMENTS,
    OLDER_REPLACEMENTS,
    TOKEN,
    WORD_START,
    normalizer,
    older_normalizer,
    pre_tokenizer,
)

PAD = "<pad>"
UNKNOWN = "<unk>"
SPECIAL = [PAD, UNKNOWN]
_EMPTY: dict[str, object] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "post_processor": None,
    "decoder": None,
}
"""What a file says besides the normalizer, the pre-tokenizer and the model."""
_BPE: dict[str, object] = {
    "type": "BPE",
    "dropout": None,
    "unk_token": UNKNOWN,
    "continuing_subword_prefix": None,
    "end_of_word_suffix": None,
    "fuse_unk": False,
    "byte_fallback": False,
}
_WORDS: dict[str, object] = {"type": "WordLevel", "unk_token": UNKNOWN}


def read_pipeline(text: str) -> Tokenizer:
    """Build the pipeline that the content of a file describes.

    Raises:
        ValueError: it is damaged, or this package never writes such a pipeline.
    """
    try:
        values = json.loads(text)
    except RecursionError as error:
        raise ValueError("a damaged file") from error
    parts = _object(values, {*_EMPTY, "normalizer", "pre_tokenizer", "model"})
    if any(parts[key] != value for key, value in _EMPTY.items()):
        raise ValueError("added tokens, padding, truncation or other steps")
    model, mark_starts = _read_model(parts["model"])
    if parts["pre_tokenizer"] != pre_tokenizer_as_json(mark_starts=mark_starts):
        raise ValueError("another way to cut texts")
    pipeline = Tokenizer(model)
    pipeline.normalizer = _read_normalizer(parts["normalizer"])
    pipeline.pre_tokenizer = pre_tokenizer(mark_starts=mark_starts)
    return pipeline


def normalizer_as_json(*, lowercase: bool, newer: bool) -> dict[str, object]:
    """Return the steps of `cleaning.normalizer` (`newer`) or `older_normalizer`, as stored."""
    replacements = (NEWER_REPLACEMENTS if newer else ()) + OLDER_REPLACEMENTS
    steps = [*map(_replacement, replacements), {"type": "NFC"}]
    if lowercase:
        steps += [_replacement(DOTTED_I)] if newer else []
        steps.append({"type": "Lowercase"})
    return {"type": "Sequence", "normalizers": steps}


def pre_tokenizer_as_json(*, mark_starts: bool) -> dict[str, object]:
    """Return the steps of `cleaning.pre_tokenizer`, as stored."""
    cut = {
        "type": "Split",
        "pattern": {"Regex": TOKEN},
        "behavior": "Removed",
        "invert": True,
    }
    if not mark_starts:
        return cut
    mark = {
        "type": "Metaspace",
        "replacement": WORD_START,
        "prepend_scheme": "always",
        "split": False,
    }
    return {"type": "Sequence", "pretokenizers": [cut, mark]}


def _replacement(pair: tuple[str, str]) -> dict[str, object]:
    pattern, content = pair
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _read_normalizer(value: object) -> Any:  # noqa: ANN401
    for make, newer in ((normalizer, True), (older_normalizer, False)):
        for lowercase in (True, False):
            if value == normalizer_as_json(lowercase=lowercase, newer=newer):
                return make(lowercase=lowercase)
    raise ValueError("another way to clean texts")


def _read_model(value: object) -> tuple[Any, bool]:
    """Return the model, and whether its subwords show where a word starts."""
    if isinstance(value, dict) and value.get("type") == "WordLevel":
        parts = _object(value, {*_WORDS, "vocab"})
        _check_options(parts, _WORDS)
        return models.WordLevel(_vocabulary(parts["vocab"]), unk_token=UNKNOWN), False
    parts = _object(value, {*_BPE, "ignore_merges", "vocab", "merges"})
    _check_options(parts, _BPE)
    whole_words_first = parts["ignore_merges"]
    if not isinstance(whole_words_first, bool):
        raise TypeError("other options of the vocabulary")
    merges = [_pair(merge) for merge in parts["merges"]]
    vocabulary = _vocabulary(parts["vocab"])
    options = {"unk_token": UNKNOWN, "ignore_merges": whole_words_first}
    return models.BPE(vocab=vocabulary, merges=merges, **options), True


def _check_options(parts: Mapping[str, object], expected: Mapping[str, object]) -> None:
    if any(parts[key] != value for key, value in expected.items()):
        raise ValueError("other options of the vocabulary")


def _vocabulary(value: object) -> dict[str, int]:
    """Return tokens with their ids from 0 on, padding and the unknown word first."""
    vocabulary = dict(value) if isinstance(value, dict) else {}
    ids = list(vocabulary.values())
    are_numbers = all(type(id_) is int for id_ in ids)
    numbered = are_numbers and sorted(ids) == list(range(len(ids)))
    if not numbered or [vocabulary.get(token) for token in SPECIAL] != [0, 1]:
        raise ValueError("other special tokens or ids")
    return vocabulary


def _pair(merge: object) -> tuple[str, str]:
    first, second = merge if isinstance(merge, list) and len(merge) == 2 else (None, None)
    if not isinstance(first, str) or not isinstance(second, str):
        raise TypeError("merges that are no pairs of tokens")
    return first, second


def _object(value: object, keys: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != keys:
        raise ValueError("other parts")
    return value
