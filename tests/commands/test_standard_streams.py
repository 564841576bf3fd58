"""A result that cannot be printed is an error; a reader that stops early is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a shell of POSIX")
CALL = f'"{sys.executable}" -m sentiment_lstm'
CLOSED = "Error: Expected to print to standard output, found it closed: open it, or redirect it"


def shell(line: str, folder: Path) -> tuple[int, str]:
    done = subprocess.run(line, shell=True, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "arguments",
    ["predict --model tiny good", "predict --model tiny --json good", "data list", "--version"],
)
def test_a_result_without_standard_output_is_an_error(tmp_path, arguments):
    code, said = shell(f"{CALL} {arguments} >&-", tmp_path)
    assert code == 1, said
    assert said.startswith(CLOSED), said


def test_rows_without_standard_output_are_an_error(tmp_path):
    (tmp_path / "in.csv").write_text("text\ngood\n")
    call = f"{CALL} predict --model tiny --input in.csv"
    code, said = shell(f"{call} --output - >&-", tmp_path)
    assert code == 1, said
    assert said.startswith(CLOSED), said
    code, said = shell(f"{call} --output out.csv >&-", tmp_path)
    assert code == 0, "a file needs no standard output"
    assert (tmp_path / "out.csv").read_text().startswith("text,predicted_label")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", ["good", "--json good", "--input in.csv --output -"])
def test_a_full_standard_output_is_an_error(tmp_path, arguments):
    (tmp_path / "in.csv").write_text("text\ngood\n")
    code, said = shell(f"{CALL} predict --model tiny {arguments} >/dev/full", tmp_path)
    assert code == 1, said
    sentence = "Error: Expected files and standard output that can be read and written, found: "
    assert said.startswith(f"{sentence}[Errno 28] No space left on device; "), said


@pytest.mark.parametrize(
    "arguments",
    ["data list", "data list --json", "predict --model tiny good", "explain --model tiny good"],
)
def test_a_reader_that_stops_early_is_no_error(tmp_path, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "sentiment_lstm", *arguments.split()],
            cwd=tmp_path, stdout=pipe, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
