"""What `predict` and `evaluate` print."""

import json
import subprocess
import sys
from pathlib import Path


def test_a_reader_that_has_seen_enough_ends_it_in_peace(model: Path):
    code = "from sentiment_lstm.cli import main; main()"
    command = f"yes good | '{sys.executable}' -c '{code}' predict --model '{model}' --json - "
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -n 1; echo ${{PIPESTATUS[1]}}"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_markup_in_texts_is_shown_as_it_is(run, model: Path):
    code, out, _ = run("predict", "--model", "model", "a [bold]good[/i] film")
    assert code == 0
    assert "a [bold]good[/i] film" in out


def test_predict_as_table_and_as_json(run, model: Path):
    code, out, _ = run("predict", "--model", "model", "a good film", "")
    assert code == 0
    assert "a good film" in out
    code, out, _ = run("predict", "--model", "model", "--json", "a good film", "zzz")
    known, unknown = map(json.loads, out.splitlines())
    assert known.keys() == {"text", "label", "score", "unknown"}
    assert known["label"] in ("negative", "positive")
    assert (known["unknown"], unknown["unknown"]) == (0.0, 1.0)


def test_below_the_threshold_there_is_no_label(run, model: Path):
    texts = ["a good film", "not bad at all", ""]
    _, out, _ = run("predict", "--model", "model", "--json", *texts)
    scores = [json.loads(line)["score"] for line in out.splitlines()]
    least = sorted(scores)[1]
    call = ["predict", "--model", "model", "--abstain-below", str(least)]
    code, out, _ = run(*call, "--json", *texts)
    assert code == 0
    found = list(map(json.loads, out.splitlines()))
    assert [one["label"] is None for one in found] == [score < least for score in scores]
    assert [one["score"] for one in found] == scores
    _, out, _ = run(*call, texts[scores.index(min(scores))])
    assert f"│ -     │ {min(scores):.3f} │" in out


def test_evaluate_tells_what_abstaining_costs(run, model: Path, tmp_path: Path):
    rows = [
        f"a {('bad', 'good')[n % 2]} film {n},{('negative', 'positive')[n % 2]}" for n in range(9)
    ]
    (tmp_path / "films.csv").write_text("\n".join(["text,label", *rows]))
    call = ["evaluate", "--model", "model", "--data", "films.csv", "--abstain-below", "0.513"]
    code, out, _ = run(*call, "--json")
    assert code == 0
    values = json.loads(out)
    assert values["abstain"]["threshold"] == 0.513
    assert 0 <= values["abstain"]["coverage"] <= 1
    assert "0.513" in run(*call)[1]


def test_predict_reads_lines_of_standard_input(run, model: Path, monkeypatch, tmp_path: Path):
    given = tmp_path / "in.txt"
    given.write_bytes(b"good\n\nbad \xff film\r\n")
    with given.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        code, out, _ = run("predict", "--model", "model", "--json", "-")
    assert code == 0
    assert [json.loads(line)["text"] for line in out.splitlines()] == [
        "good",
        "",
        "bad \ufffd film",
    ]


def test_rows_set_aside_do_not_replace_a_file(run, model: Path, tmp_path: Path):
    rows = [
        f"a {('bad', 'good')[n % 2]} film {n},{('negative', 'positive')[n % 2]}" for n in range(9)
    ]
    source = "\n".join(["text,label", *rows, ",positive"])
    (tmp_path / "films.csv").write_text(source)
    for call in (["evaluate", "--model", "model", "--data", "films.csv"], ["data", "films.csv"]):
        code, _, err = run(*call, "--set-aside", "films.csv")
        assert code == 2
        assert "Expected a new file for the rows set aside, found films.csv" in err
        assert (tmp_path / "films.csv").read_text() == source
        assert run(*call, "--set-aside", f"{call[0]}.jsonl")[0] == 0
        assert "empty text" in (tmp_path / f"{call[0]}.jsonl").read_text()
