import io
import json
import sys
import zipfile

import pytest


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a good film"}\n{"text": ""}\n{"text": "bad"}\n')
    return path


def test_a_scored_file_is_not_scored_again(run, model, source, tmp_path):
    call = ["predict", "--model", str(model), "--input", str(source), "--output", "out.csv"]
    code, out, err = run(*call, "--json")
    assert code == 0
    assert json.loads(out) == {"rows": 2, "set_aside": {"empty text": 1}, "already": False}
    assert "Scored 2 rows into out.csv; set aside in out.csv.bad.jsonl: 1 empty text." in err
    header, first, _ = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "text,predicted_label,predicted_score"
    label = json.loads(run("predict", "--model", str(model), "--json", "a good film")[1])["label"]
    assert first.startswith(f"a good film,{label},0.")
    assert "is complete already: 2 rows" in run(*call)[2]


def test_standard_input_is_scored_to_standard_output(run, model, source, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(source.read_bytes())))
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, write_through=True))
    run("predict", "--model", str(model), "--input", "-", "--output", "-")
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["text"] for row in rows] == ["a good film", "bad"]
    (bad,) = (tmp_path / "standard-input.jsonl.bad.jsonl").read_text().splitlines()
    assert json.loads(bad)["reason"] == "empty text"


def test_a_list_of_bad_rows_is_not_replaced_unasked(run, model, source, tmp_path):
    other = tmp_path / "in.jsonl.bad.jsonl"
    other.write_text("of an output called in.jsonl")
    call = ["predict", "--model", str(model), "--input", str(source), "--output", "-"]
    code, _, err = run(*call)
    assert code == 2
    assert "Expected no file in.jsonl.bad.jsonl, found one" in err
    assert other.read_text() == "of an output called in.jsonl"
    assert run(*call, "--overwrite")[0] == 0
    assert json.loads(other.read_text())["reason"] == "empty text"


def test_a_list_of_bad_rows_of_another_pipe_is_not_replaced(run, model, monkeypatch, tmp_path):
    other = tmp_path / "standard-input.jsonl.bad.jsonl"
    other.write_text("of an earlier call")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"text": ""}\n')))
    call = ["predict", "--model", str(model), "--input", "-", "--output", "-"]
    code, _, err = run(*call)
    assert code == 2
    assert "Expected no file standard-input.jsonl.bad.jsonl, found one" in err
    assert other.read_text() == "of an earlier call"


def test_a_pipe_has_the_format_of_the_file_at_its_other_end(run, model, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"text,n\ngood,1\n")))
    run("predict", "--model", str(model), "--input", "-", "--output", "OUT.CSV")
    assert (tmp_path / "OUT.CSV").read_text().startswith("text,n,predicted_label")


@pytest.mark.parametrize(
    "options",
    [
        ["--input", "in.jsonl"],
        ["--output", "out.csv"],
        ["--input", "in.jsonl", "--output", "out.csv", "a text"],
        [],
        ["--overwrite", "a text"],
        ["--text-column", "x", "a text"],
        ["--workers", "2", "a text"],
        ["--engine", "ray", "a text"],
        ["--threads", "0", "a text"],
        ["--engine", "ray", "--input", "in", "--output", "out", "--threads", "2"],
        ["--engine", "ray", "--input", "-", "--output", "out"],
        ["--input", ".", "--output", "out.csv"],
        ["--input", "in.jsonl", "--output", "out.csv", "--abstain-below", "1"],
    ],
)
def test_conflicting_options_are_refused(run, model, source, options):
    code, _, err = run("predict", "--model", str(model), *options)
    assert code == 2
    assert "Expected" in err


def test_an_archive_is_scored_into_an_archive_and_into_a_pipe(
    run, model, source, monkeypatch, tmp_path
):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(source, "in.jsonl")
    call = ["predict", "--model", str(model), "--input", "in.zip", "--output"]
    assert run(*call, "out.csv.zip")[0] == 0
    with zipfile.ZipFile(tmp_path / "out.csv.zip") as archive:
        assert archive.read("out.csv").startswith(b"text,predicted_label,predicted_score\r\n")
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, write_through=True))
    run(*call, "-")
    assert [json.loads(line)["text"] for line in out.getvalue().splitlines()] == [
        "a good film", "bad",
    ]  # fmt: skip


def test_a_pipe_into_an_archive_needs_a_format(run, model, source, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(source.read_bytes())))
    code, _, err = run("predict", "--model", str(model), "--input", "-", "--output", "out.zip")
    assert code == 2
    assert "Expected a file ending in .csv" in err
