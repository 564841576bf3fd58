r"""The replacements that clean raw text, and the pattern that cuts clean text into tokens.

The patterns use the regular expressions of `tokenizers`. Every repetition is bounded or cannot
overlap with what follows it, so matching takes linear time even on hostile text. Nothing here knows
a vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tokenizers import Regex, normalizers, pre_tokenizers

TAG = r"</?[A-Za-z][^<>]{0,200}>"
"""An HTML tag. The bound keeps "<" without ">" linear. "<3" and "a < b" are not tags."""
LONGEST_OPEN_TAG = 203
"""The most characters of a tag before its `>`."""

LINK = (
    r"(?:(?i:https?)://|(?<![A-Za-z0-9])(?i:www)\.)"
    r"[A-Za-z0-9]+(?:(?:[-_~:/?#@&=%+]{1,3}|\.)[A-Za-z0-9]+){0,500}/?"
)
"""A web address. Letters and marks alternate, so matching never backtracks far. Brackets, quotes,
commas and several dots end it, because a sentence may go on after them."""
USER = (
    r"(?<=@)(?<![A-Za-z0-9_.]@)[A-Za-z_][A-Za-z0-9_]{0,29}"
    "(?![A-Za-z0-9_\u0080-\U0010ffff]|[.][A-Za-z0-9])"
)
"""A user name after "@", as in "@reader_7". Prices, e-mail addresses and "@José" do not match."""

_VIRAMAS = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"
"""The signs of Indian scripts that join two consonants, for use in brackets."""
SOUTH_EAST_ASIAN = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Letters of Thai, Lao, Burmese and Khmer, which have no spaces between words; for use in
brackets."""
UNSPACED = SOUTH_EAST_ASIAN + "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Those letters, and Japanese and Chinese ones; for use in brackets."""
NEWER_REPLACEMENTS: tuple[tuple[str, str], ...] = (
    # In these scripts, some people write a zero-width space between words.
    (f"(?<=[{SOUTH_EAST_ASIAN}])\u200b+(?=[{SOUTH_EAST_ASIAN}])", " "),
    # Joiners beside a virama and the Arabic tatweel only change how a word is drawn. Elsewhere, a
    # joiner separates: Persian writes it between the parts of a word.
    (f"\u0640|(?<=[{_VIRAMAS}])[\u200c\u200d]|[\u200c\u200d](?=[{_VIRAMAS}])", ""),
)
"""Pairs of a pattern and its replacement that bundles of versions before 0.3 lack. They change no
text in a European script."""
OLDER_REPLACEMENTS: tuple[tuple[str, str], ...] = (
    (TAG, " "),  # a tag separates words
    # These only change how a character is drawn or where a line may break: soft hyphen, zero-width
    # space, word joiner, byte order mark, text and emoji variation selectors, skin tones.
    ("\u00ad|\u200b|\u2060|\ufeff|\ufe0e|\ufe0f|[\U0001f3fb-\U0001f3ff]", ""),
    # Curly and misused accents, and Windows-1252 bytes read as Latin-1 (IMDb has many).
    ("[\u2018\u2019\u201b`\u00b4\u0091\u0092]|&(?:apos|#0?39|#x27|[lr]squo|#821[67]);", "'"),
    ("[\u201c\u201d\u201e\u0084\u0093\u0094]|&(?:quot|#34|#x22|[lrb]dquo|#822[01]);", '"'),
    ("[\u2010-\u2015\u0096\u0097]|&(?:[nm]dash|#821[12]);", "-"),
    ("[\u2026\u0085]|&(?:hellip|#8230);", "..."),
    ("&(?:nbsp|#160|#xa0);", " "),
    ("&(?:lt|#60);", "<"),
    ("&(?:gt|#62);", ">"),
    # The last entity, so that an escaped entity is decoded only once, as HTML requires.
    ("&(?:amp|#38);", "&"),
    # Links and user names carry no opinion. Links are removed; of user names the "@" stays.
    (LINK, " "),
    (USER, ""),
)
REPLACEMENTS = NEWER_REPLACEMENTS + OLDER_REPLACEMENTS
"""Pairs of a pattern and its replacement, applied in this order."""
DOTTED_I = ("\u0130", "i")
"""Lowercasing turns the Turkish capital I with a dot into two characters."""

WORD_CHARACTER = r"\p{L}\p{M}\p{N}"
"""The characters of words, for use in brackets: letters, marks and numbers, no underscore."""

NO_TOKEN = r"\p{Cc}\p{Cf}"
"""Control and format characters, for use in brackets."""

_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_JOINER = "\u200d"

TOKEN = "|".join(
    (
        # Emoticons. A letter is a mouth only at the end of a word. ":/" must not match "http://".
        rf"[:;=]['^o-]?(?:[)(\]\[\\|*]|/(?!/)|[dpoDPO](?![{WORD_CHARACTER}]))",
        r"</?3(?![0-9])",
        r"\^_{0,3}\^",
        # One emoji, with the parts that are joined to it.
        rf"[{_EMOJI}](?:{_JOINER}[{_EMOJI}])*",
        # Numbers and ratings: 1,000 and 8.5/10; "10th" and "80's" are words.
        rf"[0-9]{{1,20}}(?:[.,][0-9]{{1,20}}){{0,9}}(?:/[0-9]{{1,20}})?(?!'?[{WORD_CHARACTER}])",
        # Words with their apostrophes: don't, 80's, rock'n'roll.
        rf"[{WORD_CHARACTER}]+(?:'[{WORD_CHARACTER}]+)*",
        # Runs of marks that carry a tone, cut short so that there are few different ones.
        r"[!?]{1,3}",
        r"\*{1,5}",
        # Any other mark with at most two repeats ("...", "--"). White space, control and format
        # characters are not tokens.
        rf"([^\s{NO_TOKEN}])\1{{0,2}}",
    )
)
"""A token of clean text. Characters that do not match separate tokens."""
WORD_START = "\u2581"
"""The first character of a subword that starts a word."""


_TAG = re.compile(TAG)
_SPACE = re.compile(r"\s")
_OTHER_SPACE = re.compile(r"[^\S \x85]")
"""White space that is no plain space, but for U+0085, which becomes a token."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def parts_of(text: str) -> list[str]:
    """Split a text at tags and white space. No token crosses them."""
    return _without_tags(text).split()


def parts_in_pieces(text: str, characters: int) -> Iterator[list[str]]:
    """Yield the parts of a text in lists, each of about this many characters.

    A list may be empty, or longer because parts stay whole.
    """
    text, start = _without_tags(text), 0
    while start < len(text):
        space = _SPACE.search(text, start + characters)
        end = space.start() if space else len(text)
        yield text[start:end].split()
        start = end


def _without_tags(text: str) -> str:
    # U+0085 is white space in Unicode but "..." in Windows-1252, so it becomes a token.
    return _TAG.sub(" ", text).replace("\x85", "...")


def normalizer(*, lowercase: bool) -> normalizers.Normalizer:
    """Return the steps `REPLACEMENTS`, Unicode NFC and, if `lowercase`, lower case."""
    lower = [_replace(*DOTTED_I), normalizers.Lowercase()] if lowercase else []
    return normalizers.Sequence([*_steps(REPLACEMENTS), normalizers.NFC(), *lower])


def older_normalizer(*, lowercase: bool) -> normalizers.Normalizer:
    """Return the steps of bundles of versions before 0.3."""
    lower = [normalizers.Lowercase()] if lowercase else []
    return normalizers.Sequence([*_steps(OLDER_REPLACEMENTS), normalizers.NFC(), *lower])


def _steps(replacements: Sequence[tuple[str, str]]) -> list[normalizers.Normalizer]:
    return [_replace(*pair) for pair in replacements]


def _replace(pattern: str, content: str) -> normalizers.Normalizer:
    return normalizers.Replace(Regex(pattern), content)


def pre_tokenizer(*, mark_starts: bool) -> pre_tokenizers.PreTokenizer:
    """Return the step that keeps the matches of `TOKEN`, with their offsets.

    `mark_starts` puts `WORD_START` before each match, so that subwords show where a word starts.
    """
    cut = pre_tokenizers.Split(Regex(TOKEN), behavior="removed", invert=True)
    if not mark_starts:
        return cut
    mark = pre_tokenizers.Metaspace(WORD_START, prepend_scheme="always", split=False)
    return pre_tokenizers.Sequence([cut, mark])


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode, by U+FFFD. The length stays the same."""
    if text.isascii():
        return text
    return _SURROGATE.sub("\ufffd", text)


def with_plain_spaces(text: str) -> str:
    """Replace each white space by a plain space, so that a user name ends at any of them."""
    return _OTHER_SPACE.sub(" ", text)
