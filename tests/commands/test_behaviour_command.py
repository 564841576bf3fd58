"""The command `behaviour`: its output, and the calls that it refuses."""

import json
from pathlib import Path

from sentiment_lstm.bundle import save_bundle


def test_a_users_own_suite_is_measured(run, model: Path, tmp_path: Path):
    (tmp_path / "mine.jsonl").write_text(
        '{"capability": "facts", "text": "a film", "expected": "positive"}\n'
        '{"capability": "facts", "text": "a film", "expected": "negative"}\n'
        '{"capability": "case", "texts": ["a film", "a film"], "expected": "same"}\n'
    )
    code, out, _ = run("behaviour", "--model", "model", "--suite", "mine.jsonl", "--json")
    facts, case = json.loads(out)
    assert code == 0
    assert (facts["capability"], facts["kind"], facts["cases"]) == ("facts", "verdict", 2)
    assert facts["failures"] >= 1  # both cannot pass
    assert facts["examples"][0]["texts"] == ["a film"]
    assert (case["kind"], case["failures"], case["within_limit"]) == ("invariance", 0, True)
    code, out, _ = run("behaviour", "--model", "model", "--suite", "mine.jsonl")
    assert code == 0  # failures are a result, not an error
    assert all(word in out for word in ("facts", "over", "ok", "a film"))


def test_failures_of_three_classes_show_their_probabilities(run, three, tmp_path: Path):
    save_bundle(tmp_path / "model", three)
    (tmp_path / "mine.jsonl").write_text(
        "".join(
            f'{{"capability": "facts", "text": "a film", "expected": "{expected}"}}\n'
            for expected in ("negative", "neutral", "positive")
        )
    )
    code, out, _ = run("behaviour", "--model", "model", "--suite", "mine.jsonl", "--json")
    (facts,) = json.loads(out)
    assert (code, facts["failures"]) == (0, 2)  # one of the three is the likeliest
    row = facts["examples"][0]["probabilities"][0]
    assert list(row) == ["negative", "neutral", "positive"]
    out = run("behaviour", "--model", "model", "--suite", "mine.jsonl")[1]
    assert "probability of negative, neutral, positive" in out
    assert f"{' '.join(f'{p:.3f}' for p in row.values())}  a film" in out


def test_behaviour_refuses_bad_lines_and_other_classes(run, make_bundle, tmp_path: Path):
    (tmp_path / "mine.jsonl").write_text('{"capability": "a", "text": "b", "expected": "good"}')
    save_bundle(tmp_path / "stars", make_bundle(("bad", "good")))
    code, _, err = run("behaviour", "--model", "stars", "--suite", "mine.jsonl")
    assert (code, err.count("\n"), err[:15]) == (1, 1, "Error: Expected")
    assert "line 1 of mine.jsonl" in err
    code, _, err = run("behaviour", "--model", "stars")
    assert (code, err.count("\n"), err[:15]) == (2, 1, "Error: Expected")
    assert "bad, good" in err
