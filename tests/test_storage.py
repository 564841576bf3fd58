import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sentiment_lstm import storage
from sentiment_lstm.errors import SentimentError, StorageError
from sentiment_lstm.staging import make_file, staging
from sentiment_lstm.storage import (
    as_json,
    explain_write_errors,
    finish_replacing,
    locked,
    write_atomically,
    write_together,
)

FILES = {"a": b"new a", "b": b"new b", "last": b"new last"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def full_disk(monkeypatch):
    """Makes the n-th write fail as on a full disk."""

    def fill(at: int) -> None:
        left = [at]

        def fsync(_: int) -> None:
            left[0] -= 1
            if left[0] <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(storage.os, "fsync", fsync)

    return fill


def test_a_file_is_replaced(tmp_path):
    (tmp_path / "x").write_bytes(b"old")
    write_atomically(tmp_path / "x", b"new")
    assert contents(tmp_path) == {"x": b"new"}


def test_missing_parent_folders_are_made(tmp_path):
    write_atomically(tmp_path / "p" / "q" / "x", b"new")
    assert contents(tmp_path / "p" / "q") == {"x": b"new"}


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_the_mode_follows_the_users_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_together(tmp_path / "new", FILES)
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "new" / "a").stat().st_mode & 0o777 == 0o640


def test_full_disk_keeps_the_old_file(tmp_path, full_disk):
    (tmp_path / "x").write_bytes(b"old")
    full_disk(at=1)
    with pytest.raises(SentimentError, match=f"write to {tmp_path}, found: No space left"):
        write_atomically(tmp_path / "x", b"new")
    assert contents(tmp_path) == {"x": b"old"}


@pytest.mark.parametrize("at", [1, 2, 3])
def test_full_disk_keeps_the_old_files_together(tmp_path, full_disk, at):
    old = {"a": b"old a", "last": b"old last", "other": b"other"}
    for name, data in old.items():
        (tmp_path / name).write_bytes(data)
    full_disk(at)
    with pytest.raises(SentimentError, match="No space left"):
        write_together(tmp_path, FILES)
    assert contents(tmp_path) == old


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_full_disk_leaves_no_new_folder(tmp_path, full_disk, at):
    full_disk(at)
    with pytest.raises(SentimentError, match="No space left"):
        write_together(tmp_path / "new", FILES)
    assert list(tmp_path.iterdir()) == []


def test_new_folder_appears_with_all_files(tmp_path, monkeypatch):
    seen = []
    rename = Path.rename

    def watch(self, target):
        seen.append((target.exists(), contents(self)))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watch)
    write_together(tmp_path / "new", FILES)
    assert seen == [(False, FILES)]
    assert contents(tmp_path / "new") == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_the_last_file_is_never_beside_files_of_another_save(tmp_path, monkeypatch):
    """Whenever the process dies, `last` and the other files are all old or all new."""
    old = dict.fromkeys(FILES, b"old")
    for name, data in old.items():
        (tmp_path / name).write_bytes(data)
    seen = []
    replace = Path.replace

    def watch(self, target):
        shown = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
        seen.append({path.name: path.read_bytes() for path in shown})
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watch)
    write_together(tmp_path, FILES)
    assert len(seen) == len(FILES)
    assert all("last" not in files for files in seen)
    assert contents(tmp_path) == FILES


def test_a_file_in_place_of_the_folder_is_one_sentence(tmp_path):
    (tmp_path / "x").write_bytes(b"a file")
    with pytest.raises(SentimentError, match="Not a directory"):
        write_together(tmp_path / "x", FILES)


def test_files_of_a_killed_writer_are_not_reused(tmp_path):
    left = tmp_path / f".new.{os.getpid()}.tmp"
    left.mkdir()
    (left / "stale").write_bytes(b"stale")
    write_together(tmp_path / "new", FILES)
    assert contents(tmp_path / "new") == FILES


def test_temporary_files_follow_no_planted_link(tmp_path, monkeypatch):
    victim, pid = tmp_path / "victim", os.getpid()
    victim.write_bytes(b"precious")
    names = iter(["00000000", "00000001"])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(names))
    for planted in (f".x.{pid}.tmp", ".x.00000000.sentiment-lstm.tmp"):
        (tmp_path / planted).symlink_to(victim)
    write_atomically(tmp_path / "x", b"new")
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "x").read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="needs flock")
@pytest.mark.parametrize("write", [write_atomically, lambda path, data: replace_two(path, data)])
def test_temporary_files_of_living_processes_are_kept(tmp_path, write):
    living = staging(tmp_path / "x", make_file)
    staged = living.__enter__()
    dead = tmp_path / ".x.0123abcd.sentiment-lstm.tmp"
    dead.write_bytes(b"left by a killed process")
    strangers = [tmp_path / ".x.tmp", tmp_path / ".xy.0123abcd.sentiment-lstm.tmp"]
    for stranger in strangers:
        stranger.touch()
    write(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert staged.path.exists()
    assert all(stranger.exists() for stranger in strangers)
    assert not dead.exists()
    living.__exit__(None, None, None)
    assert not staged.path.exists()


def replace_two(last: Path, data: bytes) -> None:
    write_together(last.parent, {"other": data, last.name: data})


def test_a_full_disk_at_the_last_moment_keeps_the_old_files(tmp_path, full_disk):
    old = dict.fromkeys(FILES, b"old")
    for name, data in old.items():
        (tmp_path / name).write_bytes(data)
    full_disk(at=5)  # after the new files and their folder
    with pytest.raises(SentimentError, match="No space left"):
        write_together(tmp_path, FILES)
    assert contents(tmp_path) == old


def test_an_incomplete_replacement_is_finished(tmp_path, full_disk, monkeypatch):
    for name in FILES:
        (tmp_path / name).write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write_together(tmp_path, FILES)
    assert not (tmp_path / "last").exists()
    finish_replacing(tmp_path / "last")
    assert contents(tmp_path) == FILES


def test_a_link_to_a_folder_is_no_incomplete_replacement(tmp_path):
    """Its files would be moved here."""
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    for folder in (elsewhere, here):
        folder.mkdir()
    (elsewhere / "last").write_bytes(b"precious")
    (here / ".last.sentiment-lstm.ready").symlink_to(elsewhere)
    finish_replacing(here / "last")
    with pytest.raises(StorageError):
        write_together(here, FILES)
    assert contents(elsewhere) == {"last": b"precious"}


def test_json_has_no_nan():
    value = {"a": [1.5, float("nan")], "b": (float("inf"), "ü")}
    assert json.loads(as_json(value)) == {"a": [1.5, None], "b": [None, "ü"]}


def test_a_second_process_is_kept_out(tmp_path: Path):
    ask = "from pathlib import Path; from sentiment_lstm.storage import locked\n"
    ask += f"with locked(Path({str(tmp_path)!r})): pass"
    with locked(tmp_path):
        refused = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    assert "Expected no other process" in refused.stderr
    assert subprocess.run([sys.executable, "-c", ask]).returncode == 0


def test_a_locked_folder_cannot_be_locked_again(tmp_path: Path):
    with (
        locked(tmp_path),
        pytest.raises(StorageError, match=r"^Expected no other process at work in .* end it\.$"),
        locked(tmp_path / ".." / tmp_path.name),
    ):
        pass
    with locked(tmp_path):
        pass


def test_a_lock_leaves_no_file(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    with locked(folder):
        folder.rmdir()  # like a training that fails at its start
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyError), locked(folder):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_no_lock(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    hold = "import os; from pathlib import Path; from sentiment_lstm.storage import locked\n"
    hold += f"with locked(Path({str(folder)!r})): os._exit(9)"
    assert subprocess.run([sys.executable, "-c", hold]).returncode == 9
    with locked(folder):
        pass
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_in_a_read_only_parent_holds_its_own_lock(tmp_path: Path, monkeypatch):
    """Such as a folder mounted into a container. Root may write anywhere, hence the patch."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setattr(storage.os, "access", lambda path, mode: path != tmp_path)
    with locked(folder):
        assert len(list(folder.iterdir())) == 1
        assert list(tmp_path.iterdir()) == [folder]
    assert list(folder.iterdir()) == []


def test_a_storage_error_is_not_wrapped_again(tmp_path: Path):
    """A `StorageError` is an `OSError` too."""
    refusal = pytest.raises(StorageError, match=r"^Expected a, found b\.$")
    with refusal, explain_write_errors(tmp_path):
        raise StorageError("Expected a, found b.")


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_every_user_of_a_shared_folder_may_open_the_lock_file(tmp_path: Path):
    """The file of a killed process must not lock another user out."""
    before = os.umask(0o022)
    try:
        with locked(tmp_path / "run"):
            assert (tmp_path / ".run.lock").stat().st_mode & 0o777 == 0o666
    finally:
        os.umask(before)


@pytest.mark.parametrize("kind", ["folder", "link", "another user's"])
def test_a_lock_file_that_cannot_be_opened_is_named(tmp_path: Path, monkeypatch, kind):
    path = tmp_path / ".run.lock"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.touch()

        def refuse(*_: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    sentence = rf"^Expected a lock file at {path} that can be opened, found: .*; if .* remove it\.$"
    with pytest.raises(StorageError, match=sentence), locked(tmp_path / "run"):
        pass
    assert os.path.lexists(path)


def test_a_folder_that_cannot_hold_a_lock_file_is_a_write_error(tmp_path: Path):
    (tmp_path / "file").touch()
    sentence = rf"^Expected to write to {tmp_path}/file/.*lock, found: .*; choose another folder"
    with pytest.raises(StorageError, match=sentence), locked(tmp_path / "file" / "run"):
        pass
