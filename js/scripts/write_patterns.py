"""Writes `src/patterns.js`: the patterns of the text pipeline, and the characters of its classes.

Run it in the repository's root after a change of `sentiment_lstm.text.cleaning`:
`python js/scripts/write_patterns.py`. Engines of JavaScript know different versions of Unicode, so
the classes of characters are written out as the library `tokenizers` knows them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, normalizers

from sentiment_lstm.interpret.function_words import FUNCTION_WORDS
from sentiment_lstm.text.cleaning import (
    DOTTED_I,
    NEWER_REPLACEMENTS,
    NO_TOKEN,
    OLDER_REPLACEMENTS,
    TAG,
    TOKEN,
    WORD_CHARACTER,
)

OUT = Path(__file__).parents[1] / "src" / "patterns.js"
_CHARACTERS = [*range(0xD800), *range(0xE000, 0x110000)]
_TOGETHER = 2_000


def patterns() -> str:
    """Return the content of `src/patterns.js`."""
    classes = {
        "WORD_CHARACTERS": ranges(matching(f"[{WORD_CHARACTER}]")),
        "NO_TOKEN_CHARACTERS": ranges(matching(rf"[\s{NO_TOKEN}]")),
        "SPACES": ranges(code for code in _CHARACTERS if chr(code).isspace()),
    }
    lines = [
        "// Written by scripts/write_patterns.py. Do not edit.",
        _constant("TAG", TAG),
        _constant("NEWER_REPLACEMENTS", NEWER_REPLACEMENTS),
        _constant("OLDER_REPLACEMENTS", OLDER_REPLACEMENTS),
        _constant("DOTTED_I", DOTTED_I),
        _constant("TOKEN", TOKEN),
        _constant("FUNCTION_WORDS", " ".join(sorted(FUNCTION_WORDS))),
        *(_constant(name, value) for name, value in classes.items()),
    ]
    return "\n".join(lines) + "\n"


def matching(pattern: str) -> Iterator[int]:
    """Yield the characters that a pattern of `tokenizers` matches."""
    remove = normalizers.Replace(Regex(pattern), "")
    for start in range(0, len(_CHARACTERS), _TOGETHER):
        codes = _CHARACTERS[start : start + _TOGETHER]
        rest = set(remove.normalize_str("".join(map(chr, codes))))
        yield from (code for code in codes if chr(code) not in rest)


def ranges(codes: Iterable[int]) -> str:
    """Write rising code points for use in brackets of a pattern with the flag `u`."""
    pairs: list[list[int]] = []
    for code in codes:
        if pairs and code == pairs[-1][1] + 1:
            pairs[-1][1] = code
        else:
            pairs.append([code, code])
    return "".join(_escape(a) + (f"-{_escape(b)}" if b > a else "") for a, b in pairs)


def _escape(code: int) -> str:
    return f"\\u{{{code:x}}}"


def _constant(name: str, value: object) -> str:
    return f"export const {name} = {json.dumps(value)};"


if __name__ == "__main__":
    OUT.write_text(patterns())
