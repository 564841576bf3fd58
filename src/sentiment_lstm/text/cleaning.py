r"""The steps from raw text to normal text, and the pattern that cuts normal text into tokens.

Patterns are written for `tokenizers`' regular expressions; every repetition is bounded or cannot
overlap with what follows it, so that the time is linear in the text, however hostile.
Nothing here knows a vocabulary.
"""

from __future__ import annotations

import re

from tokenizers import Regex, normalizers, pre_tokenizers

TAG = r"</?[A-Za-z][^<>]{0,200}>"
"""The bound keeps "<" without ">" linear; "<3" and "a < b" are no tags."""

LINK = (
    r"(?:(?i:https?)://|(?<![A-Za-z0-9])(?i:www)\.)"
    r"[A-Za-z0-9]+(?:(?:[-_~:/?#@&=%+]{1,3}|\.)[A-Za-z0-9]+){0,500}/?"
)
"""Letters and marks take turns, so that it never goes far back; brackets, quotes, commas and
dots in a row end it, for sentences go on after them."""
USER = (
    r"(?<=@)(?<![A-Za-z0-9_.]@)[A-Za-z_][A-Za-z0-9_]{0,29}"
    "(?![A-Za-z0-9_\u0080-\U0010ffff]|[.][A-Za-z0-9])"
)
"""What follows "@" in a name like "@reader_7"; no price, no part of an e-mail, no "@José"."""

REPLACEMENTS: tuple[tuple[str, str], ...] = (
    (TAG, " "),  # it separates words
    # How a character is drawn or where a line may break says nothing: soft hyphen, zero-width
    # space, word joiner, byte order mark, text and emoji variation selectors, tones of skin.
    ("\u00ad|\u200b|\u2060|\ufeff|\ufe0e|\ufe0f|[\U0001f3fb-\U0001f3ff]", ""),
    # Curly and misused accents, and Windows-1252 bytes read as Latin-1 (IMDb has many).
    ("[\u2018\u2019\u201b`\u00b4\u0091\u0092]|&(?:apos|#0?39|#x27|[lr]squo|#821[67]);", "'"),
    ("[\u201c\u201d\u201e\u0084\u0093\u0094]|&(?:quot|#34|#x22|[lrb]dquo|#822[01]);", '"'),
    ("[\u2010-\u2015\u0096\u0097]|&(?:[nm]dash|#821[12]);", "-"),
    ("[\u2026\u0085]|&(?:hellip|#8230);", "..."),
    ("&(?:nbsp|#160|#xa0);", " "),
    ("&(?:lt|#60);", "<"),
    ("&(?:gt|#62);", ">"),
    # Last of these, so that an escaped entity is decoded once, as HTML says.
    ("&(?:amp|#38);", "&"),
    # Where a link leads and whom a text addresses says nothing: links go, of users "@" stays.
    (LINK, " "),
    (USER, ""),
)
"""Pattern and what stands for it, applied in this order."""

WORD_CHARACTER = r"\p{L}\p{M}\p{N}"
"""What words are made of, for use in brackets: letters, marks, numbers; no underscore."""

NO_TOKEN = r"\p{Cc}\p{Cf}"
"""Control and format characters, for use in brackets."""

_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_JOINER = "\u200d"

TOKEN = "|".join(
    (
        # Emoticons. A letter is a mouth only where no word goes on; ":/" not as in "http://".
        rf"[:;=]['^o-]?(?:[)(\]\[\\|*]|/(?!/)|[dpoDPO](?![{WORD_CHARACTER}]))",
        r"</?3(?![0-9])",
        r"\^_{0,3}\^",
        # One picture: joined parts stay with it.
        rf"[{_EMOJI}](?:{_JOINER}[{_EMOJI}])*",
        # Numbers and ratings: 1,000 and 8.5/10; "10th" and "80's" are words.
        rf"[0-9]{{1,20}}(?:[.,][0-9]{{1,20}}){{0,9}}(?:/[0-9]{{1,20}})?(?!'?[{WORD_CHARACTER}])",
        # Words with their apostrophes: don't, 80's, rock'n'roll.
        rf"[{WORD_CHARACTER}]+(?:'[{WORD_CHARACTER}]+)*",
        # Runs that mean more than their marks, cut short so that few different ones exist.
        r"[!?]{1,3}",
        r"\*{1,5}",
        # Every other mark with at most two repeats ("...", "--"); white space, control and format
        # characters are no tokens.
        rf"([^\s{NO_TOKEN}])\1{{0,2}}",
    )
)
"""One token of normal text; what matches nothing separates tokens."""
WORD_START = "\u2581"
"""With it a subword begins that begins a word."""


_TAG = re.compile(TAG)


def parts_of(text: str) -> list[str]:
    """What stands between tags and white space: no token is made across them."""
    # The one white space that is a token: "..." in Windows-1252.
    return _TAG.sub(" ", text).replace("\x85", "...").split()


def normalizer(*, lowercase: bool) -> normalizers.Normalizer:
    """Apply `REPLACEMENTS`, then Unicode NFC, then lower case if asked for."""
    steps: list[normalizers.Normalizer] = [
        normalizers.Replace(Regex(pattern), content) for pattern, content in REPLACEMENTS
    ]
    steps.append(normalizers.NFC())
    if lowercase:
        steps.append(normalizers.Lowercase())
    return normalizers.Sequence(steps)


def pre_tokenizer(*, mark_starts: bool) -> pre_tokenizers.PreTokenizer:
    """Keep what matches `TOKEN`, with its place, and drop the rest.

    `mark_starts` puts `WORD_START` before each, so that subwords know where a word begins.
    """
    cut = pre_tokenizers.Split(Regex(TOKEN), behavior="removed", invert=True)
    if not mark_starts:
        return cut
    mark = pre_tokenizers.Metaspace(WORD_START, prepend_scheme="always", split=False)
    return pre_tokenizers.Sequence([cut, mark])


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which UTF-8 has no form for, by U+FFFD: as long as before."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
