"""Detects the encoding of a text file from its bytes, and decodes the file.

The rule, in this order:

1. A byte order mark states the encoding.
2. Many NUL bytes at every second place: UTF-16.
3. Valid UTF-8 is UTF-8.
4. Otherwise the lines with other characters than ASCII decide. If at least half of them are UTF-8,
   the file is UTF-8, and the other lines are bad rows.
5. Otherwise the file is cp1252, if its letters and bytes look like a western language.

This file knows nothing of rows or separators.
"""

from __future__ import annotations

import codecs
import io
import logging
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from sentiment_lstm.errors import DataError, UsageError

UTF_8, CP1252 = "utf-8", "cp1252"
SAMPLE_BYTES = 1 << 16
"""The first bytes of a file, which show a byte order mark, UTF-16 and the separator."""

_BLOCK_BYTES = 1 << 20
_ENOUGH_LINES = 10_000
"""If one encoding leads by this many lines, the rest of the file is not read."""
_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),  # it begins like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BAD_BYTES = "sentiment_lstm.bad_bytes"
_HIGH_BYTES = bytes(range(0x80, 0x100))
_NOT_LETTERS = bytes(set(range(0x80)) - set(string.ascii_letters.encode()))
_UNDEFINED = bytes.fromhex("81 8d 8f 90 9d")
"""Bytes that mean nothing in cp1252, but letters in cp850, the old encoding of DOS."""
_CUT = re.compile(
    rb"[\xc2\xc3](?![A-Za-z\x80-\xff])"
    rb"|[\xe0-\xef](?![\x85\x91-\x97\xa0\xab\xbb])[\x80-\xbf](?![\x80-\xbf])"
    rb"|[\xf0-\xf4][\x80-\xbf]{1,2}(?![\x80-\xbf])"
)
"""The beginning of a UTF-8 character whose end is missing. A line without other bad bytes is
a bad row in any encoding, so it does not count. In rare cases such bytes are valid cp1252: a word
that ends with the capital Â or Ã, or a letter before a sign other than a dash, quote or space."""
_FEWEST_LETTERS = 100
"""Fewer letters are too few to recognise a language."""
_WESTERN = 0.4
"""In western languages, a smaller fraction of the letters is outside ASCII."""

_logger = logging.getLogger(__name__)


def check_encoding(name: str) -> str:
    """The name of a text encoding as Python writes it: `UTF8` -> `utf-8`.

    Raises:
        UsageError: Python does not know it, or it does not encode text.
    """
    try:
        "a".encode(name)
        python_name = codecs.lookup(name).name
        decoded_start(b"a\xff", python_name)
    except (LookupError, ValueError) as error:  # such as `undefined` and `idna`, or a NUL
        raise UsageError(
            f"Expected an encoding such as utf-8, utf-16 or cp1252, found {name!r}; name one."
        ) from error
    return python_name.replace("utf-8-sig", UTF_8)


def decoded(stream: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """The bytes as text, without a byte order mark.

    A byte that means nothing in this encoding becomes a lone surrogate (0xDC00 plus the byte),
    which `screening.is_utf8` detects.
    """
    return io.TextIOWrapper(stream, _codec(encoding), errors=_BAD_BYTES, newline="")


def decoded_start(sample: bytes, encoding: str) -> str:
    """The text of a file's first bytes. A character that is cut at the end is left out."""
    return codecs.getincrementaldecoder(_codec(encoding))(_BAD_BYTES).decode(sample)


def bad_bytes(encoding: str) -> str:
    """The reason to set a row aside, such as `bad UTF-8`."""
    return f"bad {shown(encoding)}"


def shown(encoding: str) -> str:
    """The name of an encoding for people: `UTF-16`, `cp1252`."""
    return encoding.upper() if encoding.startswith("utf") else encoding


def judge_encoding(stream: IO[bytes], name: str) -> str:
    """The encoding of a file, detected from its bytes by the rule above.

    Reads on until the answer is clear. Memory holds one block. Rules 4 and 5 log a warning if
    over 1% of the lines look like the other encoding.

    Args:
        stream: the bytes, unpacked, from their start.
        name: the file's name, for messages.

    Raises:
        DataError: the file has another encoding.
    """
    sample = stream.read(SAMPLE_BYTES)
    stated = _stated_encoding(sample) or _utf_16_by_nul(sample)
    if stated:
        return stated
    counts = _Counts()
    for block in _whole_lines(sample, stream):
        counts.add(block)
        if abs(counts.utf_8 - counts.other) > _ENOUGH_LINES:
            break
    return _judged(counts, name)


@dataclass
class _Counts:
    """Lines with other characters than ASCII, and the bytes of those that are not UTF-8.

    Lines with a cut character are not counted.
    """

    utf_8: int = 0
    other: int = 0
    letters: int = 0
    high: int = 0
    undefined: int = 0

    def add(self, block: bytes) -> None:
        """Count the lines of a block."""
        if block.isascii():
            return
        for line in block.splitlines():
            if line.isascii():
                continue
            if _is_utf_8(line):
                self.utf_8 += 1
            elif not _is_utf_8(_CUT.sub(b"", line)):
                self._add_other(line)

    def _add_other(self, line: bytes) -> None:
        self.other += 1
        self.letters += len(line.translate(None, _NOT_LETTERS))
        self.high += len(line) - len(line.translate(None, _HIGH_BYTES))
        self.undefined += any(byte in line for byte in _UNDEFINED)

    @property
    def look_western(self) -> bool:
        """Whether the lines that are not UTF-8 may be cp1252."""
        if self.letters < _FEWEST_LETTERS:
            return True
        return self.high <= _WESTERN * self.letters and 100 * self.undefined <= self.other


def _judged(counts: _Counts, name: str) -> str:
    if counts.utf_8 >= counts.other:
        if 100 * counts.other > counts.utf_8:
            _logger.warning(
                "%s is read as UTF-8. At least %d of its lines are not: their rows are set aside.",
                name, counts.other,
            )  # fmt: skip
        return UTF_8
    if counts.look_western:
        if 100 * counts.utf_8 > counts.other:
            _logger.warning(
                "%s is read as cp1252. At least %d of its lines look like UTF-8.",
                name, counts.utf_8,
            )  # fmt: skip
        return CP1252
    raise DataError(
        f"Expected UTF-8, UTF-16 or cp1252 text in {name}, found another encoding; "
        "name it with --encoding, such as cp1250, cp1251 or gb18030."
    )


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _whole_lines(sample: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    """The bytes in blocks that end at line breaks. A block of one long line ends
    between two characters.
    """
    rest = sample
    while block := stream.read(_BLOCK_BYTES):
        rest += block
        end = max(rest.rfind(b"\n"), rest.rfind(b"\r")) + 1 or _end_of_characters(rest)
        yield rest[:end]
        rest = rest[end:]
    yield rest


def _end_of_characters(block: bytes) -> int:
    """The end of the last whole UTF-8 character; the last one may be cut."""
    starts = (at for at in range(len(block) - 1, max(0, len(block) - 5), -1) if block[at] >= 0xC0)
    return next(starts, len(block))


def _stated_encoding(sample: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if sample.startswith(mark)), None)


def _utf_16_by_nul(sample: bytes) -> str | None:
    """UTF-16 without a mark: in its ASCII characters every second byte is NUL."""
    even, odd = sample[::2], sample[1::2]
    for full, empty, encoding in ((even, odd, "utf-16-le"), (odd, even, "utf-16-be")):
        if 5 * empty.count(0) > len(empty) and 50 * full.count(0) <= len(full):
            return encoding
    return None


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding == UTF_8 else encoding


def _as_surrogates(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error(_BAD_BYTES, _as_surrogates)
