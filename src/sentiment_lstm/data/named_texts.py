"""Texts of sources that a setting names as `SOURCE` or `SOURCE:SPLIT`: excluded or unlabelled."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace

from sentiment_lstm.data.open import evaluation_split, open_source, read_texts
from sentiment_lstm.data.screening import SetAside, fingerprints
from sentiment_lstm.data.source_names import NEED_NAME
from sentiment_lstm.errors import DataError
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings


def excluded_texts(data: DataSettings) -> set[bytes]:
    """Digests of the texts of all sources in `data.exclude`; their labels are not read."""
    digests: set[bytes] = set()
    for name in data.exclude:
        source, split_name = named_split(name)
        split_name = split_name or evaluation_split(source)
        digests |= digests_of(replace(data, source=source, split=split_name, streaming=True))
    return digests


def digests_of(data: DataSettings) -> set[bytes]:
    """Digests of a source's texts."""
    return fingerprints(texts_only(replace(data, strict=False), SetAside(None)))


def texts_only(data: DataSettings, set_aside: SetAside) -> Iterator[Example]:
    """A source's texts, from the training's text column, else from the usual one.

    Its encoding and separator are detected, because they may differ from those of the training.
    """
    own = ("label_column", "group_column", "weight_column", "encoding", "separator")
    plain = replace(data, label_map={}, **dict.fromkeys(own))  # type: ignore[arg-type]
    try:
        next(open_source(plain, labelled=False).rows(), None)
    except DataError:
        if plain.text_column is None:
            raise
        plain = replace(plain, text_column=None)
    return read_texts(plain, set_aside=set_aside)


def named_split(name: str) -> tuple[str, str | None]:
    """`"PATH:test"` -> `("PATH", "test")`; `"PATH"`, `"data:NAME"`, `"hf:NAME"` name no split."""
    source, _, tail = name.rpartition(":")
    named = re.fullmatch(r"[A-Za-z]\w*", tail) and source not in ("", *NEED_NAME)
    is_file = os.path.exists(name)  # noqa: PTH110 - a name that is too long is no error
    return (source, tail) if named and not is_file else (name, None)
