"""Makes the calls fail that change the disk, or kills the process there.

Each call to open a file for writing, write, fsync, rename, unlink, mkdir, rmdir or link within a
folder is a point. `Faults` counts the points, and strikes at one of them or from one on.
"""

# ruff: noqa: PTH100, PTH115, PTH118

import builtins
import errno
import io
import os
import signal
from pathlib import Path

NEVER = 0
_BY_PATH = ("mkdir", "rmdir", "unlink", "remove", "rename", "replace", "link", "symlink")
"""Functions of `os` whose first argument is a path; all have `dir_fd`, or two of them."""


class Faults:
    """Counts the points below a folder, and strikes.

    `kind` is "kill", the name of an error such as "ENOSPC", or "short": each write takes half of
    its bytes. `at` is the number of the point, from 1. An error with `lasting` also strikes at all
    later points, as on a full disk.
    """

    def __init__(self, root: Path, kind: str = "kill", at: int = NEVER, lasting: bool = False):
        self.root, self.kind, self.at, self.lasting = os.path.realpath(root), kind, at, lasting
        self.points: list[str] = []
        self._descriptors: dict[int, str] = {}

    def install(self) -> None:
        """Patch `os` and `open` in this process, for good."""
        self._open, self._os = io.open, {n: getattr(os, n) for n in (*_BY_PATH, "fsync", "open")}
        for name in _BY_PATH:
            setattr(os, name, self._by_path(name))
        os.open, os.fsync = self._os_open, self._fsync
        io.open = builtins.open = self._io_open

    def write(self, raw: io.FileIO, data: memoryview, path: str) -> int:
        """Write to a file: the fault comes after half of the bytes."""
        half = memoryview(data).cast("B")[: len(data) // 2]
        if self.kind == "short":
            self.points.append(f"write {path}")
            return io.FileIO.write(raw, half or data)
        self._strike_if_due("write", path, before=lambda: io.FileIO.write(raw, half))
        return io.FileIO.write(raw, data)

    def _strike_if_due(self, call: str, path: str, before=lambda: None) -> None:
        self.points.append(f"{call} {os.path.relpath(path, self.root)}")
        is_due = len(self.points) == self.at or (self.lasting and len(self.points) > self.at > 0)
        if not is_due or self.kind == "short":
            return
        before()
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind in ("ENOSPC", "EDQUOT") and call in ("unlink", "remove", "rmdir"):
            return  # a full disk can always delete
        number = getattr(errno, self.kind)
        raise OSError(number, os.strerror(number), path)

    def _watched(self, path: object, dir_fd: int | None = None) -> str | None:
        """The full path if it is below the folder."""
        if isinstance(path, int):
            return self._descriptors.get(path)
        name = os.fsdecode(path)
        if dir_fd is not None:
            name = os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}"), name)
        name = os.path.abspath(name)
        return name if name.startswith(self.root + os.sep) else None

    def _by_path(self, name: str):
        original = self._os[name]

        def call(path, *arguments, **options):
            dir_fd = options.get("dir_fd", options.get("src_dir_fd"))
            if watched := self._watched(path, dir_fd):
                self._strike_if_due(name, watched)
            return original(path, *arguments, **options)

        return call

    def _os_open(self, path, flags, mode=0o777, *, dir_fd=None):
        watched = self._watched(path, dir_fd)
        if watched and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            self._strike_if_due("open", watched)
        descriptor = self._os["open"](path, flags, mode, dir_fd=dir_fd)
        self._descriptors.pop(descriptor, None)
        if watched:
            self._descriptors[descriptor] = watched
        return descriptor

    def _fsync(self, descriptor: int) -> None:
        """The disk itself is not waited for: a process dies here, not the machine."""
        self._strike_if_due("fsync", self._descriptors.get(descriptor, self.root))

    def _io_open(
        self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None,
        closefd=True, opener=None,
    ):  # fmt: skip
        path = self._watched(file)
        if path is None or not set(mode) & set("wax+"):
            return self._open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if not isinstance(file, int) and opener is None:
            self._strike_if_due("open", path)
        raw = _Watched(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        raw.faults, raw.path = self, path
        self._descriptors[raw.fileno()] = path
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        return io.TextIOWrapper(buffered, encoding, errors, newline, buffering == 1)


class _Watched(io.FileIO):
    """A file whose writes are points."""

    faults: Faults
    path: str

    def write(self, data) -> int:
        return self.faults.write(self, data, self.path)
