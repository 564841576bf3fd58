"""The output of `predict` and `evaluate`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.evaluation import cases


def test_a_closed_pipe_ends_the_command_quietly(model: Path):
    code = "from sentiment_lstm.cli import main; main()"
    command = f"yes good | '{sys.executable}' -c '{code}' predict --model '{model}' --json - "
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -n 1; echo ${{PIPESTATUS[1]}}"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_markup_in_texts_is_printed_unchanged(run, model: Path):
    code, out, _ = run("predict", "--model", "model", "a [bold]good[/i] film")
    assert code == 0
    assert "a [bold]good[/i] film" in out


def test_predict_as_table_and_as_json(run, model: Path):
    code, out, _ = run("predict", "--model", "model", "a good film", "")
    assert code == 0
    assert "a good film" in out
    code, out, _ = run("predict", "--model", "model", "--json", "a good film", "zzz")
    known, unknown = map(json.loads, out.splitlines())
    assert known.keys() == {"text", "label", "score", "unknown", "probabilities"}
    assert known["score"] == max(known["probabilities"].values())
    assert known["label"] in ("negative", "positive")
    assert (known["unknown"], unknown["unknown"]) == (0.0, 1.0)


def test_a_text_that_is_the_name_of_a_file_gets_a_hint(run, model: Path, tmp_path: Path):
    (tmp_path / "mine.csv").write_text("text\nA good film.\n")
    code, out, err = run("predict", "--model", "model", "mine.csv", "yours.csv", "a good film")
    assert (code, out.count(".csv")) == (0, 2)
    assert err == (
        "mine.csv was scored as a text. To score the rows of the file: sentiment-lstm predict "
        "--input mine.csv --output scores.csv\n"
    )


OF_THREE = ("negative", "neutral", "positive")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], "none of them"),
        (["--input", "in.csv"], "--input"),
        (["a film", "--output", "out.csv"], "texts, --output"),
    ],
)
def test_predict_says_which_of_texts_input_and_output_it_found(run, options, found):
    code, _, err = run("predict", *options)
    assert code == 2
    assert err.endswith(f"Expected either texts, or both --input and --output, found {found}.\n")


def test_predict_gives_the_polarity_if_asked(run, three, tmp_path: Path):
    save_bundle(tmp_path / "model", three)
    call = ("predict", "--model", "model", "a good film", "")
    rows = list(map(json.loads, run(*call, "--json")[1].splitlines()))
    assert "polarity" not in rows[0]
    code, out, err = run(*call, "--json", "--polarity")
    assert code == 0, err
    asked = list(map(json.loads, out.splitlines()))
    assert [row.pop("polarity") for row in asked] == [
        pytest.approx(row["positive"] / (row["positive"] + row["negative"]))
        for row in (row["probabilities"] for row in rows)
    ]
    assert asked == rows
    assert list(rows[0]["probabilities"]) == list(OF_THREE)
    empty = rows[1]
    assert (empty["label"], empty["score"]) == (None, None)
    assert list(empty["probabilities"].values()) == pytest.approx([1 / 3] * 3)
    table = run(*call, "--polarity")[1]
    assert "polarity" in table
    assert "0.500" in table
    assert "polarity" not in run(*call)[1]


def test_other_models_have_no_polarity(run, make_bundle, tmp_path: Path):
    save_bundle(tmp_path / "stars", make_bundle(("bad", "good")))
    save_bundle(tmp_path / "moods", make_bundle(("negative", "positive"), thresholds=(0.5, 0.5)))
    (tmp_path / "films.csv").write_text("text,label\ngood,good\n")
    scoring = ("--input", "films.csv", "--output", "out.csv", "--polarity")
    (tmp_path / "folder").mkdir()
    ray = ("--engine", "ray", "--input", "folder", "--output", "out.csv", "--polarity")
    for name, words in (("stars", "bad, good"), ("moods", "gives several")):
        for call in (("predict", "a film", "--polarity"), ("predict", *scoring), ("predict", *ray),
                     ("evaluate", "--data", "films.csv", "--polarity")):  # fmt: skip
            code, out, err = run(*call, "--model", name)
            assert (code, out, err.count("\n")) == (2, "", 1), call
            assert words in err
    assert not (tmp_path / "out.csv").exists()


def of_three(folder: Path, bundle, labels: tuple[str, ...]) -> None:
    """Write a model of three classes, and texts with these labels."""
    save_bundle(folder / "model", bundle)
    words = ("good", "bad", "film", "not", "all")
    rows = [f"{words[n % 5]} {words[n % 3]} {n},{labels[n % len(labels)]}" for n in range(30)]
    (folder / "films.csv").write_text("\n".join(["text,label", *rows]))


FILMS = ("evaluate", "--model", "model", "--data", "films.csv")


def test_polarity_measures_the_texts_of_two_classes(run, three, tmp_path: Path):
    of_three(tmp_path, three, OF_THREE)
    code, out, err = run(*FILMS, "--polarity", "--json")
    assert (code, err) == (0, "")
    values = json.loads(out)
    assert (values["n"], values["classes"]) == (20, ["negative", "positive"])
    assert values["set_aside"] == {"labelled neutral": 10}
    assert "labelled neutral │ 10" in run(*FILMS, "--polarity")[1]
    assert json.loads(run(*FILMS, "--json")[1])["n"] == 30


def test_a_model_of_three_classes_names_polarity_for_texts_of_two(run, three, tmp_path: Path):
    of_three(tmp_path, three, ("negative", "positive"))
    code, out, err = run(*FILMS, "--json")
    assert (code, json.loads(out)["classes"]) == (0, list(OF_THREE))
    line = "All texts are negative or positive. --polarity measures these two classes alone.\n"
    assert err == line
    assert run(*FILMS, "--json", "--polarity")[2] == ""
    of_three(tmp_path, three, OF_THREE)
    assert run(*FILMS, "--json")[2] == ""


@pytest.mark.parametrize("more", [(), ("--polarity",)])
def test_labels_0_and_1_are_negative_and_positive(run, three, tmp_path: Path, more):
    """They are not the first two of three classes."""
    of_three(tmp_path, three, ("0", "1"))
    code, out, err = run(*FILMS, "--json", *more)
    assert code == 0, err
    assert "The labels count as negative (0) and positive (1)." in err
    assert ("--polarity measures" in err) == (not more)
    numbered = json.loads(out)
    of_three(tmp_path, three, ("negative", "positive"))
    assert json.loads(run(*FILMS, "--json", *more)[1]) == numbered
    of_three(tmp_path, three, ("0", "1", "2"))
    code, out, err = run(*FILMS, "--json", *more)
    assert "count as class indices: negative (0), neutral (1), positive (2)." in err
    of_three(tmp_path, three, OF_THREE)
    assert (code, out, "") == run(*FILMS, "--json", *more)


def test_below_the_threshold_there_is_no_label(run, model: Path):
    texts = ["a good film", "not bad at all", "zzz"]
    _, out, _ = run("predict", "--model", "model", "--json", *texts)
    scores = [json.loads(line)["score"] for line in out.splitlines()]
    least = sorted(scores)[1]
    call = ["predict", "--model", "model", "--abstain-below", str(least)]
    code, out, _ = run(*call, "--json", *texts)
    assert code == 0
    rows = list(map(json.loads, out.splitlines()))
    assert [row["label"] is None for row in rows] == [score < least for score in scores]
    assert [row["score"] for row in rows] == scores
    _, out, _ = run(*call, texts[scores.index(min(scores))])
    assert f"│ -     │ {min(scores):.3f} │" in out


def test_evaluate_reports_what_abstaining_costs(run, model: Path, tmp_path: Path):
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
    assert "│ recall " in run(*call)[1]


def intents(folder: Path, make_bundle, classes: list[str]) -> None:
    """Write a model of these classes, labelled texts, and texts of no class."""
    save_bundle(folder / "model", make_bundle(tuple(classes)))
    words = ["good", "bad", "film", "not", "all"]
    labels = 154 // len(classes) * classes
    rows = [f"{words[n % 5]} {words[n % 3]} {n},{label}" for n, label in enumerate(labels)]
    (folder / "intents.csv").write_text("\n".join(["text,label", *rows]))
    (folder / "other.csv").write_text("text\nnothing here\nzzz\n\n")


INTENTS = ("evaluate", "--model", "model", "--data", "intents.csv")


def test_many_classes_are_pairs_and_the_weakest(run, make_bundle, tmp_path: Path):
    intents(tmp_path, make_bundle, [f"intent_{n:02}" for n in range(77)])
    code, out, err = run(*INTENTS)
    assert code == 0, err
    assert "the most confused classes" in out
    assert "the 20 weakest of 77 classes (--json lists all)" in out
    assert "true \\ predicted" not in out
    assert "│ macro precision " in out
    assert "│ recall " not in out
    values = json.loads(run(*INTENTS, "--json")[1])
    assert len(values["per_class"]) == len(values["confusion"]) == 77
    assert len(values["confused_pairs"]) == 10
    assert values["mean_absolute_error"] is values["within_one"] is values["out_of_scope"] is None


def test_long_names_of_a_few_classes_become_numbers(run, make_bundle, tmp_path: Path):
    names = [f"a rather long name of class number {n}" for n in range(1, 6)]
    intents(tmp_path, make_bundle, names)
    lines = run(*INTENTS)[1].splitlines()
    head = next(line for line in lines if "true \\ predicted" in line)
    assert [cell.strip() for cell in head.split("┃")[2:-1]] == ["1", "2", "3", "4", "5"]
    assert any("5 a rather long name of class number 5" in line for line in lines)


def test_numbers_have_a_mean_absolute_error(run, make_bundle, tmp_path: Path):
    intents(tmp_path, make_bundle, ["1", "2", "3", "4", "5"])
    out = run(*INTENTS)[1]
    values = json.loads(run(*INTENTS, "--json")[1])
    assert f"│ mean absolute error │ {values['mean_absolute_error']:.4f}" in out
    assert f"│ off by at most one  │ {values['within_one']:.4f}" in out


def test_texts_of_no_class_are_measured(run, make_bundle, tmp_path: Path):
    intents(tmp_path, make_bundle, ["one", "two", "three"])
    call = (*INTENTS, "--out-of-scope", "other.csv", "--abstain-below", "0.4")
    code, out, err = run(*call)
    assert code == 0, err
    assert "other.csv: 2 texts of no class, ROC-AUC" in out
    values = json.loads(run(*call, "--json")[1])["out_of_scope"]
    assert (values["data"], values["n"]) == ("other.csv", 2)
    assert [row["threshold"] for row in values["curve"]][:2] == [0.4, 0.5]
    assert run(*INTENTS, "--out-of-scope", "nothing.csv")[0] == 1


def test_predict_reads_lines_of_standard_input(run, model: Path, monkeypatch, tmp_path: Path):
    source = tmp_path / "in.txt"
    source.write_bytes(b"good\n\nbad \xff film\r\n")
    with source.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        code, out, _ = run("predict", "--model", "model", "--json", "-")
    assert code == 0
    assert [json.loads(line)["text"] for line in out.splitlines()] == [
        "good",
        "",
        "bad \ufffd film",
    ]


def test_the_file_of_bad_rows_overwrites_no_other_file(run, model: Path, tmp_path: Path):
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


TINY = (
    "text.min_frequency=1",
    "model.embedding_size=4",
    "model.hidden_size=4",
    "training.max_steps=2",
    "training.trials=0",
)
NO_TEXTS = (
    "Error: Expected labelled texts to measure on, found none: name them with --data SOURCE.\n"
)


@pytest.fixture
def trained(run, reviews: Path) -> Path:
    """A run whose texts are named by an absolute path."""
    sets = [word for value in TINY for word in ("--set", value)]
    call = ["train", "--data", str(reviews), "--out", "runs/a", *sets]
    assert run(*call)[0] == 0
    return reviews


def test_without_data_a_run_names_the_texts_it_opens(run, trained: Path):
    code, out, err = run("evaluate", "--model", "runs/a", "--json")
    assert (code, err) == (0, f"Measuring on the validation texts of {trained}.\n")
    named = run("evaluate", "--model", "runs/a", "--data", str(trained), "--json")
    assert named == (0, out, "")
    assert json.loads(out)["n"] == 4


def test_without_data_a_file_that_has_changed_gets_a_warning(run, trained: Path):
    trained.write_text(trained.read_text().replace("film", "book"))
    code, _, err = run("evaluate", "--model", "runs/a", "--json")
    assert code == 0
    assert "reviews.csv has the name of a file that trained this model, but other content" in err


def test_without_data_the_texts_left_out_are_named_too(run, trained: Path, tmp_path: Path):
    other = tmp_path / "other.csv"
    other.write_text(trained.read_text())
    sets = [word for value in TINY for word in ("--set", value)]
    more = ["--exclude", str(other), "--out", "runs/b"]
    trained.write_text(trained.read_text().replace("film", "book"))
    assert run("train", "--data", str(trained), *more, *sets)[0] == 0
    err = run("evaluate", "--model", "runs/b", "--json")[2]
    assert err.endswith(f"texts of {trained}, without those of {other}.\n")


def test_the_texts_of_a_run_may_be_in_the_home_folder(run, reviews: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(reviews.parent))
    sets = [word for value in TINY for word in ("--set", value)]
    assert run("train", "--data", "~/reviews.csv", "--out", "runs/a", *sets)[0] == 0
    err = run("evaluate", "--model", "runs/a", "--json")[2]
    assert err == f"Measuring on the validation texts of {reviews}.\n"


def test_without_data_a_report_names_the_texts_too(run, trained: Path, monkeypatch):
    monkeypatch.setattr(cases, "shipped_cases", lambda: [])
    code, _, err = run("evaluate", "--model", "runs/a", "--report", "page.html")
    assert code == 0
    assert err.startswith(f"Measuring on the validation texts of {trained}.\n")


@pytest.mark.parametrize("model", ["exported", "default", "tiny"])
@pytest.mark.usefixtures("trained")
def test_a_model_that_is_no_run_asks_for_data(run, model):
    SentimentClassifier.from_pretrained("runs/a").save_pretrained("exported")
    for more in ([], ["--report", "page.html"]):
        assert run("evaluate", "--model", model, *more) == (1, "", NO_TEXTS)


@pytest.mark.parametrize(
    ("key", "value"), [("source", "hf:no-one/nothing"), ("exclude", ["hf:no-one/nothing"])]
)
@pytest.mark.usefixtures("trained")
def test_without_data_no_hub_is_read(run, tmp_path: Path, key, value):
    for name in ("settings.json", "config.json"):
        file = tmp_path / "runs/a" / name
        values = json.loads(file.read_text())
        settings = values if name == "settings.json" else values["training"]["settings"]
        settings["data"][key] = value
        file.write_text(json.dumps(values))
    assert run("evaluate", "--model", "runs/a") == (
        1,
        "",
        "Error: Expected texts on this machine to measure on, found a training on "
        "hf:no-one/nothing: name labelled texts with --data SOURCE.\n",
    )


def test_missing_training_texts_are_one_sentence(run, trained: Path):
    trained.unlink()
    code, out, err = run("evaluate", "--model", "runs/a")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert f"trained on at {trained}, found nothing: " in err
