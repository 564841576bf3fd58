r"""The word tokenizer in plain Python, to read and to test the fast one against.

It uses the patterns of `cleaning`, and knows words but no subwords. A clean text is a list of
characters, each with the span of the raw text that it came from.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.cleaning import (
    DOTTED_I,
    REPLACEMENTS,
    TOKEN,
    with_plain_spaces,
    without_surrogates,
)
from sentiment_lstm.text.pipeline import SPECIAL, UNKNOWN

Span = tuple[int, int]
Character = tuple[str, Span]


def clean(text: str, *, lowercase: bool = True) -> list[Character]:
    """Turn raw text into clean characters, each with its span in the raw text."""
    text = with_plain_spaces(without_surrogates(text))
    characters = [(c, (i, i + 1)) for i, c in enumerate(text)]
    for pattern, content in REPLACEMENTS:
        characters = _replace(characters, pattern, content)
    characters = _compose(characters)
    if lowercase:
        characters = _replace(characters, *DOTTED_I)
        # Letter by letter, so that a sigma does not depend on its position in the word.
        characters = [(low, span) for c, span in characters for low in c.lower()]
    return characters


def tokens(text: str, *, lowercase: bool = True) -> list[tuple[str, Span]]:
    """Cut raw text into tokens, each with its span in the raw text.

    `tokens("Not <b>bad</b>!!")` is `[("not", (0, 3)), ("bad", (7, 10)), ("!!", (14, 16))]`.
    """
    characters = clean(text, lowercase=lowercase)
    normal = "".join(c for c, _ in characters)
    return [
        (match[0], (characters[match.start()][1][0], characters[match.end() - 1][1][1]))
        for match in _token_pattern().finditer(normal)
    ]


def learn(texts: Iterable[str], settings: TextSettings) -> dict[str, int]:
    """Number the most frequent words: padding, unknown, then words by falling frequency."""
    counts = Counter(
        token for text in texts for token, _ in tokens(text, lowercase=settings.lowercase)
    )
    known = [(-n, word) for word, n in counts.items() if n >= settings.min_frequency]
    words = [word for _, word in sorted(known)[: settings.vocabulary - len(SPECIAL)]]
    return {word: position for position, word in enumerate([*SPECIAL, *words])}


def encode(
    text: str, vocabulary: dict[str, int], *, lowercase: bool = True
) -> tuple[list[int], list[Span]]:
    """Return the ids and spans of a text's tokens. A text without tokens is one unknown token."""
    text_tokens = tokens(text, lowercase=lowercase) or [("", (0, 0))]
    unknown = vocabulary[UNKNOWN]
    ids = [vocabulary.get(token, unknown) for token, _ in text_tokens]
    return ids, [span for _, span in text_tokens]


def _replace(characters: list[Character], pattern: str, content: str) -> list[Character]:
    """Replace matches of `pattern` by `content`, with the span of the last replaced character."""
    normal = "".join(c for c, _ in characters)
    replaced: list[Character] = []
    done = 0
    for match in re.finditer(pattern, normal):
        replaced += characters[done : match.start()]
        done = match.end()
        replaced += [(c, characters[done - 1][1]) for c in content]
    return replaced + characters[done:]


def _compose(characters: list[Character]) -> list[Character]:
    """Apply Unicode NFC. A composed letter takes the span of its first part.

    The full decompositions before and after NFC have equally many letters. Each composed character
    stands for the next few of them, and takes the span of the first.
    """
    normal = "".join(c for c, _ in characters)
    if unicodedata.is_normalized("NFC", normal):
        return characters
    owners = [span for c, span in characters for _ in unicodedata.normalize("NFD", c)]
    composed: list[Character] = []
    letter = 0
    for c in unicodedata.normalize("NFC", normal):
        composed.append((c, owners[letter]))
        letter += len(unicodedata.normalize("NFD", c))
    return composed


@cache
def _token_pattern() -> re.Pattern[str]:
    r"""Compile `TOKEN` for `re`, which has no `\p{...}`."""
    return re.compile(re.sub(r"\\p\{(\w+)\}", lambda match: _category(match[1]), TOKEN))


@cache
def _category(name: str) -> str:
    """List the characters of a Unicode category, "L" or "Cf", as ranges for use in brackets."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if not unicodedata.category(chr(code)).startswith(name):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in ranges)
