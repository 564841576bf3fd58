"""An input that changes while it is scored gives no output, and no record of one."""

import os
import shutil
from pathlib import Path

import pytest
from small_tables import ROWS, TEXTS, Stopping, read, score, write

from sentiment_lstm.errors import DataError

SENTENCE = r"^Expected .*in\.\S+ to stay the same while it is scored, found that it changed: run "


class Changing(Stopping):
    """A predictor during whose chunk something happens."""

    def __init__(self, predictor, chunk, change):
        super().__init__(predictor, chunk)
        self.change = change

    def predict_iter(self, texts, abstain_below=0.0):
        self.left -= 1
        if self.left == 0:
            self.change()
        return self.predictor.predict_iter(texts, abstain_below)


def alter(path: Path) -> None:
    """Change a byte in place, and restore the time of the last change."""
    before, raw = path.stat(), bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(raw)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"8,one more,1\n")


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def replace(path: Path) -> None:
    """Put another file of the same size and times in its place."""
    other = path.with_name("other")
    shutil.copy2(path, other)
    alter(other)
    other.replace(path)


def delete(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [alter, grow, truncate, replace, delete])
@pytest.mark.parametrize(
    ("kind", "chunk"), [("csv", 1), ("csv", 4), ("jsonl.gz", 4), ("parquet", 2)]
)
def test_a_changed_input_gives_no_output(predictor, tmp_path, small_chunks, kind, chunk, change):
    source, out = write(tmp_path / f"in.{kind}"), tmp_path / f"out.{kind}"
    with pytest.raises(DataError, match=SENTENCE):
        score(Changing(predictor, chunk, lambda: change(source)), source, out)
    assert not list(tmp_path.glob("out*")), "no output, no record, no parts"
    write(source)
    assert score(predictor, source, out).rows == len(ROWS)
    assert [row["review"] for row in read(out)] == TEXTS


def test_a_change_keeps_the_old_output(predictor, tmp_path, small_chunks):
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    score(predictor, source, out)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("out*")}
    changing = Changing(predictor, 3, lambda: grow(source))
    with pytest.raises(DataError, match=SENTENCE):
        score(changing, source, out, overwrite=True, abstain_below=0.9)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("out*")} == before


def test_a_part_is_never_made_from_a_changed_input(predictor, tmp_path, small_chunks):
    """A later call continues after the parts, so none may come from other rows."""
    source, out = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    later = Changing(predictor, 1, lambda: grow(source))
    with pytest.raises(DataError, match=SENTENCE):
        score(later, source, out)
    assert later.left == 0, "the next chunk is not scored"


def test_a_file_whose_time_alone_changes_counts_as_changed(predictor, tmp_path):
    source = write(tmp_path / "in.csv")
    with pytest.raises(DataError, match=SENTENCE):
        score(
            Changing(predictor, 1, lambda: os.utime(source, (1, 1))), source, tmp_path / "out.csv"
        )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
@pytest.mark.parametrize("name", ["in.csv", "in.csv.zip"])
def test_a_named_pipe_is_refused_at_once(predictor, tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=r"found a pipe or a device: give --input - and send"):
        score(predictor, tmp_path / name, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == [name]
