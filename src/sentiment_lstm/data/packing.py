"""Reads and writes packed files: gz, zst, and zip archives with one data file inside.

Nothing is ever extracted by name. A file that grows too much is refused. This file does not know
what the bytes mean.
"""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sentiment_lstm.data.libraries import zstandard
from sentiment_lstm.errors import DataError

PACKINGS = (".zip", ".gz", ".zst")
MOST_EXPANSION = 200
"""Text shrinks five- to tenfold. A file that grows by a larger factor is refused as a bomb."""
SMALL_BYTES = 1_000_000
"""A file that holds less than this may grow by any factor."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How much a packed file may grow: by `factor`, or to `small_bytes` if that is more."""

    factor: int
    small_bytes: int

    def allows(self, unpacked_size: int, packed_size: int) -> bool:
        """Whether so many bytes may come from so many packed bytes."""
        return unpacked_size <= max(self.small_bytes, self.factor * packed_size)


GROWTH_IN_SCORING = Growth(1_100, 100_000_000)
"""The limit for gz and zst files to score. It accepts every gz file, because gz makes at most 1,032
bytes from one."""

_BUFFER = 1 << 16
_ZST_INPUT = 1 << 10
"""Packed bytes that are unpacked at once. From them, a bomb can make 32 MB at most."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every member that is written, so that the same rows give the same bytes."""

# The errors of zipfile, zlib and lzma for damaged, encrypted or exotic archives.
_ZIP_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, OSError, RuntimeError,
    EOFError, ValueError,
)  # fmt: skip


def find_member(path: Path, suffixes: Sequence[str], growth: Growth | None = None) -> str:
    """The name of the one data file in a zip archive, a file with one of these endings.

    Args:
        path: the archive.
        suffixes: the endings.
        growth: how much each file in it may grow; None: `MOST_EXPANSION` and `SMALL_BYTES`.

    Raises:
        DataError: the archive is damaged, has unsafe names or sizes, or not exactly one data file.
    """
    if not path.is_file():
        raise DataError(f"Expected a zip archive at {path}, found no file.")
    with ExitStack() as stack:
        archive = _open_archive(path, path, stack)
        members = [m for m in archive.infolist() if not m.filename.endswith("/")]
    for member in members:
        _check_member(path, member, growth)
    names = [member.filename for member in members if _is_data(member.filename, suffixes)]
    if len(names) != 1:
        listed = ", ".join(name[:60] for name in names[:5]) or "none"
        raise DataError(
            f"Expected one file of texts ({', '.join(suffixes)}) in {path}, found {listed}; "
            "unpack the archive and name the file."
        )
    return names[0]


def check_sizes(file: IO[bytes], path: Path, growth: Growth | None = None) -> None:
    """Check an open zip archive of another kind, such as a workbook. `growth`: see `find_member`.

    Raises:
        DataError: it is damaged, or has unsafe names or sizes.
    """
    with ExitStack() as stack:
        for member in _open_archive(file, path, stack).infolist():
            _check_member(path, member, growth)
    file.seek(0)


@contextmanager
def unpacked(
    file: IO[bytes], path: Path, packing: str, member: str = "", growth: Growth | None = None
) -> Iterator[IO[bytes]]:
    """The unpacked content of an open file, as a stream that is read once from its start.

    Args:
        file: the packed file.
        path: its path, for messages.
        packing: one of `PACKINGS`, or "" for a plain file.
        member: the file to read in a zip archive.
        growth: how much a gz or zst file may grow; None: `MOST_EXPANSION` and `SMALL_BYTES`. A zip
            archive states its sizes, and `find_member` has checked them.

    Raises:
        DataError: here or while the stream is read: the file is damaged or grows too much.
        MissingExtraError: the library that reads zst is not installed.
    """
    with ExitStack() as stack:
        stream: Any = file
        expected = f"Expected to read {path}"
        damage: tuple[type[Exception], ...] = (OSError,)
        if packing == ".zip":
            stream = _open_member(file, path, member, stack)
            expected = f"Expected a readable zip archive at {path}"
            damage = _ZIP_DAMAGE
        elif packing:
            stream = gzip.GzipFile(fileobj=file) if packing == ".gz" else _ZstReader(file)
            expected = f"Expected a whole file at {path.name}"
            damage = (EOFError, OSError, zlib.error)
            damage += (zstandard().ZstdError,) if packing == ".zst" else ()
        checked = _Checked(stream, expected, damage)
        if packing in (".gz", ".zst"):
            checked = _Limited(stream, expected, damage, file, path, growth or usual_growth())
        yield io.BufferedReader(checked, _BUFFER)


class _Checked(io.RawIOBase):
    """A stream that turns damage into a `DataError`: `expected`, then the library's message."""

    def __init__(self, stream: Any, expected: str, damage: tuple[type[Exception], ...]) -> None:  # noqa: ANN401
        self._stream, self._expected, self._damage = stream, expected, damage

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        """Fill the buffer.

        Raises:
            DataError: the file is damaged.
        """
        try:
            return int(self._stream.readinto(buffer))
        except self._damage as error:
            raise DataError(f"{self._expected}, found: {error}.") from error


class _Limited(_Checked):
    """The same for a packed file that must not grow too much."""

    def __init__(
        self,
        stream: Any,  # noqa: ANN401
        expected: str,
        damage: tuple[type[Exception], ...],
        packed: IO[bytes],
        path: Path,
        growth: Growth,
    ) -> None:
        super().__init__(stream, expected, damage)
        self._packed, self._path, self._growth, self._size = packed, path, growth, 0

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        """Fill the buffer.

        Raises:
            DataError: the file is damaged, or it has grown too much.
        """
        number = super().readinto(buffer)
        self._size += number
        packed_size = self._packed.tell()
        if not self._growth.allows(self._size, packed_size):
            raise DataError(
                f"Expected text in {self._path}, found it growing from {packed_size} to more than "
                f"{self._size} bytes; unpack it by hand if you trust it."
            )
        return number


class _ZstReader(io.RawIOBase):
    """The content of a zst file. Unlike the library's own reader, it notices a missing end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._packed, self._ready = file, b"", memoryview(b"")
        self._frame = zstandard().ZstdDecompressor().decompressobj()

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        """Fill the buffer.

        Raises:
            EOFError: the file ends within a frame.
        """
        while not self._ready:
            self._packed = self._packed or self._file.read(_ZST_INPUT)
            if not self._packed:
                if not self._frame.eof:
                    raise EOFError("it ends too early")
                return 0
            if self._frame.eof:
                self._frame = zstandard().ZstdDecompressor().decompressobj()
            # A view, because copying the rest for each call would take quadratic time.
            self._ready = memoryview(self._frame.decompress(self._packed))
            self._packed = self._frame.unused_data
        number = min(len(buffer), len(self._ready))
        buffer[:number], self._ready = self._ready[:number], self._ready[number:]
        return number


def pack_piece(data: bytes, packing: str) -> bytes:
    """Pack a piece of a gz or zst file. Such pieces, joined, are again a whole file.

    For other packings the bytes stay unchanged, because `packing_into` packs the whole file.
    """
    if packing == ".gz":
        return gzip.compress(data, mtime=0)
    if packing == ".zst":
        packed: bytes = zstandard().ZstdCompressor().compress(data)
        return packed
    return data


@contextmanager
def packing_into(file: IO[bytes], packing: str, member: str = "") -> Iterator[IO[bytes]]:
    """A stream that packs what is written to it into `file`; in a zip, as its only `member`."""
    with ExitStack() as stack:
        stream: Any = file
        if packing == ".gz":
            stream = stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
        elif packing == ".zst":
            writer = zstandard().ZstdCompressor().stream_writer(file, closefd=False)
            stream = stack.enter_context(writer)
        elif packing == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(file, "w"))
            info = zipfile.ZipInfo(member, _EARLIEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16  # otherwise unzip makes a file that nobody may read
            stream = stack.enter_context(archive.open(info, "w", force_zip64=True))
        yield stream


def _open_archive(file: Path | IO[bytes], path: Path, stack: ExitStack) -> zipfile.ZipFile:
    try:
        return stack.enter_context(zipfile.ZipFile(file))
    except _ZIP_DAMAGE as error:
        raise DataError(f"Expected a readable zip archive at {path}, found: {error}.") from error


def _open_member(file: IO[bytes], path: Path, member: str, stack: ExitStack) -> IO[bytes]:
    archive = _open_archive(file, path, stack)
    try:
        return stack.enter_context(archive.open(member))
    except _ZIP_DAMAGE as error:
        raise DataError(f"Expected a readable zip archive at {path}, found: {error}.") from error


def usual_growth(factor: int | None = None) -> Growth:
    """The limit with another factor than `MOST_EXPANSION`."""
    return Growth(MOST_EXPANSION if factor is None else factor, SMALL_BYTES)


def _check_member(path: Path, member: zipfile.ZipInfo, growth: Growth | None) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or not member.filename.isprintable():
        raise DataError(
            f"Expected plain file names in {path}, found {member.filename[:60]!r}; "
            "unpack it by hand if you trust it."
        )
    if not (growth or usual_growth()).allows(member.file_size, member.compress_size):
        raise DataError(
            f"Expected text in {path}, found {name.name[:60]} growing from {member.compress_size} "
            f"to {member.file_size} bytes; unpack it by hand if you trust it."
        )


def _is_data(name: str, suffixes: Sequence[str]) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return not hidden and path.suffix.lower() in suffixes
