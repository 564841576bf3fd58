r"""The word tokenizer written out in plain Python: to read, and to test the fast one against.

It shares the patterns of `cleaning` and shows what is done with them; it knows words alone, no
subwords. A normal text is a list of characters, each with the span of the raw text it came from.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.cleaning import REPLACEMENTS, TOKEN, without_surrogates
from sentiment_lstm.text.tokenizer import SPECIAL, UNKNOWN

Span = tuple[int, int]
Character = tuple[str, Span]


def clean(text: str, *, lowercase: bool = True) -> list[Character]:
    """Turn raw text into normal characters, each with its span in the raw text."""
    text = without_surrogates(text)
    characters = [(c, (i, i + 1)) for i, c in enumerate(text)]
    for pattern, content in REPLACEMENTS:
        characters = _replace(characters, pattern, content)
    characters = _compose(characters)
    if lowercase:
        # Letter by letter, so that a sigma does not depend on its place in the word.
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
    """Count words and number the most frequent: padding, unknown, then by falling frequency."""
    counts = Counter(
        token for text in texts for token, _ in tokens(text, lowercase=settings.lowercase)
    )
    known = [(-n, word) for word, n in counts.items() if n >= settings.min_frequency]
    words = [word for _, word in sorted(known)[: settings.vocabulary - len(SPECIAL)]]
    return {word: position for position, word in enumerate([*SPECIAL, *words])}


def encode(
    text: str, vocabulary: dict[str, int], *, lowercase: bool = True
) -> tuple[list[int], list[Span]]:
    """Look up the ids of a text's tokens, with their spans; at least one, the unknown token."""
    found = tokens(text, lowercase=lowercase) or [("", (0, 0))]
    unknown = vocabulary[UNKNOWN]
    return [vocabulary.get(token, unknown) for token, _ in found], [span for _, span in found]


def _replace(characters: list[Character], pattern: str, content: str) -> list[Character]:
    """Put `content` where `pattern` matches; it takes the span of the last character replaced."""
    normal = "".join(c for c, _ in characters)
    replaced: list[Character] = []
    done = 0
    for match in re.finditer(pattern, normal):
        replaced += characters[done : match.start()]
        done = match.end()
        replaced += [(c, characters[done - 1][1]) for c in content]
    return replaced + characters[done:]


def _compose(characters: list[Character]) -> list[Character]:
    """Unicode NFC; a composed letter takes the span of its first part.

    Fully decomposed, a text has as many letters before as after: each composed character takes
    the next few of them, and the span of the character that gave the first.
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
