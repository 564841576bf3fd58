"""Makes texts look hastily typed: typing errors, case, punctuation, user names.

The meaning stays the same. This file knows nothing of labels or sources.
"""

from __future__ import annotations

import re
from random import Random

KEPT = {
    "never", "nothing", "hardly", "without", "barely", "nobody", "scarcely", "rarely", "cannot",
    "neither",
}  # fmt: skip
"""Words that get no typing errors, because they reverse the meaning of a sentence."""

_WORD = re.compile(r"\b[A-Za-z]{5,}\b")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def roughen(text: str, random: Random) -> str:
    """The text as it might be typed on the web. About two in five texts stay unchanged.

    Args:
        text: any text.
        random: decides which changes are made.
    """
    if random.random() < 0.35:
        return text
    for probability, change in _CHANGES:
        if random.random() < probability:
            text = change(text, random)
    return text


def _with_slips(text: str, random: Random) -> str:
    words = [word for word in _WORD.finditer(text) if word[0].lower() not in KEPT]
    chosen = random.sample(words, min(len(words), random.choice((1, 1, 2))))
    # From the end, so that earlier positions stay valid.
    for word in sorted(chosen, key=lambda word: -word.start()):
        text = text[: word.start()] + _slip(word[0], random) + text[word.end() :]
    return text


def _slip(word: str, random: Random) -> str:
    """The word with a letter left out, doubled or changed, or two swapped; never the first."""
    index = random.randrange(1, len(word) - 1)
    before, letter, after = word[:index], word[index], word[index + 1 :]
    return random.choice(
        (
            before + after,
            before + letter + letter + after,
            before + random.choice(_LETTERS) + after,
            before + after[0] + letter + after[1:],
        )
    )


def _other_ending(text: str, random: Random) -> str:
    bare = text.rstrip(".!")
    if bare.endswith(("?", '"')) or bare == text:
        return text
    return bare + random.choice(("", "", "", "", "", "", "!", "!", "!!", "!!!", "...", " ."))


def _with_address(text: str, random: Random) -> str:
    name = "".join(random.choices(_LETTERS, k=random.randrange(3, 9)))
    # Cleaning turns a user's name into "@", and many tweets begin with one.
    extra = random.choice((f"@{name}", f"@{name}", f"@{name}", f"#{name}", "RT", "<br />"))
    return f"{extra} {text}" if random.random() < 0.7 else f"{text} {extra}"


def _with_spaced_marks(text: str, random: Random) -> str:
    return _MARK.sub(r" \1", text)


def _with_an_aside(text: str, random: Random) -> str:
    """A phrase between two commas, put between brackets or dashes instead."""
    return _ASIDE.sub(random.choice((r" (\1)", r" - \1 -", r" -- \1 --")), text, count=1)


_MARK = re.compile(r"(?<=\w)([,.!?])(?=[\s,.!?]|$)")
_ASIDE = re.compile(r", ([^,.!?]{2,60}),")

_CHANGES = (
    (0.45, _with_slips),
    (0.55, _other_ending),
    (0.3, lambda text, random: text.lower()),
    (0.06, lambda text, random: text.upper()),
    (0.1, lambda text, random: text.replace("'", "")),
    (0.1, lambda text, random: text.replace("'", "’")),
    (0.15, lambda text, random: text.replace(",", "")),
    (0.03, lambda text, random: f"({text})"),
    (0.04, lambda text, random: text.replace(", ", random.choice((" - ", "... ", " -- ")))),
    (0.05, _with_spaced_marks),
    (0.15, _with_an_aside),
    (0.08, _with_address),
)
"""Each change and its probability; they are tried in this order."""
