"""How a text file writes its rows: its encoding, and for csv its separator.

Both are detected from the file, or set. An unusual one is logged, in one line for each file.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sentiment_lstm.data import encodings, separators
from sentiment_lstm.data.encodings import CP1252, SAMPLE_BYTES, UTF_8
from sentiment_lstm.data.formats import DELIMITERS, TEXT_KINDS, Format, open_path
from sentiment_lstm.data.packing import Growth
from sentiment_lstm.data.separators import COMMA
from sentiment_lstm.errors import UsageError

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text file writes its rows.

    `encoding`: a name that Python knows. `separator`: the character between two columns of csv and
    tsv. `states_separator`: whether Excel's line `sep=;` comes before the header.
    """

    encoding: str = UTF_8
    separator: str = COMMA
    states_separator: bool = False


def check_dialect_options(
    encoding: str | None, separator: str | None, file_format: Format, name: str
) -> None:
    """Refuse options that do not fit the format.

    Raises:
        UsageError: an option has no such value, or the format has no encoding or separator.
    """
    if encoding is not None:
        encodings.check_encoding(encoding)
        if file_format.kind not in TEXT_KINDS:
            raise UsageError(
                f"Expected --encoding for csv, tsv or jsonl, found {name}: leave it out."
            )
    if separator is not None:
        separators.check_separator(separator)
        if file_format.kind not in DELIMITERS:
            raise UsageError(f"Expected --separator for csv or tsv, found {name}: leave it out.")


def find_dialect(
    path: Path,
    file_format: Format,
    encoding: str | None = None,
    separator: str | None = None,
    growth: Growth | None = None,
) -> Dialect:
    """The dialect of a text file. The answer is kept as long as the file does not change.

    Args:
        path: the file.
        file_format: its format, one of text.
        encoding: its encoding; None: it is detected.
        separator: its separator; None: it is detected.
        growth: as for `packing.unpacked`.

    Raises:
        UsageError: an option has no such value.
        DataError: the file is missing or damaged, or has an encoding that is not recognised.
    """
    check_dialect_options(encoding, separator, file_format, path.name)
    try:
        status = path.stat()
    except OSError:
        stamp = (0, 0)  # opening it gives the message
    else:
        stamp = (status.st_size, status.st_mtime_ns)
    return _find(path, stamp, file_format, (encoding, separator), growth)


@lru_cache(maxsize=256)
def _find(  # `stamp` is part of the key: a changed file is looked at again
    path: Path,
    stamp: tuple[int, int],
    file_format: Format,
    given: tuple[str | None, str | None],
    growth: Growth | None,
) -> Dialect:
    encoding = encodings.check_encoding(given[0]) if given[0] else None
    if encoding is None:
        with open_path(path, file_format, growth) as stream:
            encoding = encodings.judge_encoding(stream, path.name)
    if file_format.kind not in DELIMITERS:
        dialect = Dialect(encoding)
    else:
        with open_path(path, file_format, growth) as stream:
            sample, more = stream.read(SAMPLE_BYTES), bool(stream.read(1))
        text = encodings.decoded_start(sample, encoding).removeprefix("\ufeff")
        dialect = _csv_dialect(text, encoding, file_format, given[1], whole=not more)
    _say(path.name, dialect, file_format, given)
    return dialect


def _csv_dialect(
    text: str, encoding: str, file_format: Format, separator: str | None, *, whole: bool
) -> Dialect:
    stated = separators.stated_separator(text)
    if separator is not None:
        chosen = separators.check_separator(separator)
    elif stated is not None:
        chosen = stated
    elif DELIMITERS[file_format.kind] != COMMA:
        chosen = DELIMITERS[file_format.kind]
    else:
        chosen = separators.judge_separator(text, whole=whole)
    return Dialect(encoding, chosen, states_separator=stated is not None)


def _say(
    name: str, dialect: Dialect, file_format: Format, given: tuple[str | None, str | None]
) -> None:
    """Log an unusual encoding or separator."""
    parts, advice = [], ""
    if given[0] is None and dialect.encoding != UTF_8:
        parts.append(f"as {encodings.shown(dialect.encoding)}")
        if dialect.encoding == CP1252:
            advice = " It is not UTF-8; if letters look wrong, name its encoding with --encoding."
    usual = DELIMITERS.get(file_format.kind, dialect.separator)
    if given[1] is None and dialect.separator != usual:
        parts.append(f"with {separators.shown(dialect.separator)} between its columns")
    if parts:
        _logger.warning("Read %s %s.%s", name, ", ".join(parts), advice)
