"""Edits that do not change what a text says: typing errors, case, punctuation, links.

Each is a function from text to text. The same text always gets the same edit. Knows nothing of
models.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from zlib import crc32

_WORD = re.compile(r"\b[a-z]{5,}\b")  # no names; a mistyped short word would be another word


def swap_letters(text: str) -> str:
    """Swap two inner letters of one word: `evening` -> `eveinng`."""
    return _mistyped(text, lambda word, i: word[:i] + word[i + 1] + word[i] + word[i + 2 :])


def drop_letter(text: str) -> str:
    """Leave out an inner letter of one word: `evening` -> `evning`."""
    return _mistyped(text, lambda word, i: word[:i] + word[i + 1 :])


def double_letter(text: str) -> str:
    """Type an inner letter of one word twice: `evening` -> `evvening`."""
    return _mistyped(text, lambda word, i: word[:i] + word[i] + word[i:])


def title_case(text: str) -> str:
    """Start each word with a capital. `str.title` would write `Don'T`."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def no_final_stop(text: str) -> str:
    """Leave out the full stop at the end."""
    return text.removesuffix(".")


def no_commas(text: str) -> str:
    """Leave out every comma."""
    return text.replace(",", "")


def spaced_marks(text: str) -> str:
    """Put a space before commas and full stops, as typists in a hurry do."""
    return re.sub(r"([,.])", r" \1", text)


def dashes(text: str) -> str:
    """Write dashes for commas."""
    return text.replace(", ", " - ")


def brackets(text: str) -> str:
    """Put the whole text in brackets."""
    return f"({text})"


def link_after(text: str) -> str:
    """Add a link at the end."""
    return f"{text} https://example.org/{crc32(text.encode()):x}"


def link_before(text: str) -> str:
    """Start with a link."""
    return f"https://example.org/{crc32(text.encode()):x} {text}"


def link_in_brackets(text: str) -> str:
    """Add a web address in brackets."""
    return f"{text} (see www.example.org/page/{crc32(text.encode()) % 1000})"


def mention_before(text: str) -> str:
    """Start with the name of another user."""
    return f"@reader{crc32(text.encode()) % 100} {text}"


EDITS: dict[str, Callable[[str], str]] = {
    "lower_case": str.lower,
    "upper_case": str.upper,
    **{
        edit.__name__: edit
        for edit in (
            swap_letters, drop_letter, double_letter, title_case, no_final_stop, no_commas,
            spaced_marks, dashes, brackets, link_after, link_before, link_in_brackets,
            mention_before,
        )
    },
}  # fmt: skip
"""The edits by their names in the suite's files."""


def _mistyped(text: str, mistype: Callable[[str, int], str]) -> str:
    """Mistype one word of at least five letters between its first and its last letter."""
    spans = [match.span() for match in _WORD.finditer(text)]
    if not spans:
        return text
    number = crc32(text.encode())
    start, end = spans[number % len(spans)]
    word = text[start:end]
    inner = [i for i in range(1, len(word) - 2) if word[i] != word[i + 1]]
    typed = mistype(word, inner[number // len(spans) % len(inner)])
    return text[:start] + typed + text[end:]
