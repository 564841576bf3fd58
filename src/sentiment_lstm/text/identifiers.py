"""Removes words that may identify a person, before a vocabulary or features are learnt.

These are words with a digit, such as account numbers, and addresses: e-mail, web, user names. A
name without a digit is an ordinary word here. Nothing here knows a vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sentiment_lstm.text.cleaning import UNSPACED

_WORD = re.compile(rf"[^\s{UNSPACED}]+")
"""In a script without spaces, a number ends where a letter begins."""
_IDENTIFIES = re.compile(r"[\d@\uff20]|://|&\#?\w|\b(?i:www)\.|[^\W\d_]{2}\.[^\W\d_]{2}")
"""A digit, an @, or a mark of a web address. An entity such as `&commat;` may hide one. Each
alternative has a bounded length, so a search takes linear time."""


def learnable(texts: Iterable[str], *, private: bool) -> Iterable[str]:
    """Return the texts to learn a vocabulary or features from; `private`: without identifiers."""
    return map(without_identifiers, texts) if private else texts


def without_identifiers(text: str) -> str:
    """Remove words with a digit and addresses: `"Ask ann@mail.org, no. 12a."` is `"Ask   no.  "`.

    Everything up to the next white space is removed.
    """
    return _WORD.sub(lambda word: " " if _IDENTIFIES.search(word[0]) else word[0], text)
