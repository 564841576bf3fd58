"""The commands with a model that may give a text several labels."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.errors import BundleError, UsageError
from sentiment_lstm.scoring.cluster import predict_function

CLASSES = ("joy", "love", "rage")
TEXTS = ("a good film", "a bad film", "not bad at all")


@pytest.fixture
def several(make_bundle: Callable[..., Bundle], tmp_path: Path) -> Path:
    """A model of three labels: each text has `joy`, no text has `rage`."""
    bundle = make_bundle(CLASSES, thresholds=(0.000001, 0.5, 0.999999))
    save_bundle(tmp_path / "several", bundle)
    return tmp_path / "several"


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    path = tmp_path / "moods.csv"
    rows = [f"{TEXTS[n % 3]} {n},{('joy|love', 'joy', '')[n % 3]},{'ab'[n % 2]}" for n in range(30)]
    path.write_text("\n".join(["text,label,kind", *rows, "a film,hate,a"]), encoding="utf-8")
    return path


def chosen(folder: Path, text: str) -> list[str]:
    (labels,) = SentimentClassifier.from_pretrained(folder, threads=1).predict([text])
    assert isinstance(labels, list)
    return labels


def test_predict_prints_all_labels(run, several: Path) -> None:
    code, out, _ = run("predict", "--model", "several", TEXTS[0])
    assert code == 0
    assert all(label in out for label in chosen(several, TEXTS[0]))
    code, out, _ = run("predict", "--model", "several", "--json", *TEXTS)
    rows = list(map(json.loads, out.splitlines()))
    assert rows[0].keys() == {"text", "labels", "unknown", "probabilities"}
    assert [pair["label"] for pair in rows[0]["labels"]] == chosen(several, TEXTS[0])
    scores = [pair["score"] for pair in rows[0]["labels"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_scored_file_can_be_read_as_labels(run, several: Path, tmp_path: Path, kind: str) -> None:
    if kind == "csv":
        (tmp_path / "in.csv").write_text("text\n" + "\n".join(TEXTS), encoding="utf-8")
    elif kind == "jsonl":
        lines = (json.dumps({"text": text}) + "\n" for text in TEXTS)
        (tmp_path / "in.jsonl").write_text("".join(lines), encoding="utf-8")
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"text": list(TEXTS)}), tmp_path / "in.parquet")
    call = ("predict", "--model", "several", "--input", f"in.{kind}", "--output", f"out.{kind}")
    code, _, err = run(*call, "--probabilities")
    assert code == 0, err
    call = ("data", f"out.{kind}", "--multi-label", "--label-column", "predicted_labels", "--json")
    code, out, err = run(*call)
    assert code == 0, err
    counts = json.loads(out)["classes"]
    assert counts["joy"] == 3
    assert counts.get("love", 0) == sum("love" in chosen(several, text) for text in TEXTS)
    if kind == "csv":
        with (tmp_path / "out.csv").open(newline="") as file:
            row = next(csv.DictReader(file))
        assert row["predicted_labels"] == "|".join(chosen(several, TEXTS[0]))
        assert len(row["predicted_scores"].split("|")) == len(chosen(several, TEXTS[0]))
        assert float(row["probability_rage"]) < 0.999999


def test_evaluate_measures_labels(run, several: Path, moods: Path) -> None:
    call = ("evaluate", "--model", "several", "--data", "moods.csv")
    code, out, err = run(*call, "--slice", "kind", "--json")
    assert code == 0, err
    values = json.loads(out)
    assert values["multi_label"] is True
    assert values["n"] == 30
    assert values["set_aside"] == {"unmapped label": 1}
    rows = {row["class"]: row for row in values["per_class"]}
    assert (rows["joy"]["n"], rows["joy"]["predicted"], rows["joy"]["recall"]) == (20, 30, 1.0)
    assert rows["rage"]["predicted"] == 0
    assert [row["n"] for row in values["slices"]["kind"]] == [15, 15]
    assert isinstance(values["mistakes"][0]["true"], list)
    code, out, _ = run(*call)
    assert code == 0
    assert "macro F1" in out
    assert "all labels right" in out
    assert "threshold" in out


def test_the_report_shows_labels(run, several: Path, moods: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    call = ("evaluate", "--model", "several", "--data", "moods.csv", "--slice", "kind")
    code, _, err = run(*call, "--report", "page.html")
    assert code == 0, err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "The labels have a mean F1 of" in page
    assert "all labels right" in page
    assert "threshold" in page
    assert "Texts of no class" not in page
    assert "ROC curve" not in page
    assert "this model may give a text several labels" in page


def test_options_for_one_label_a_text_are_refused(run, several: Path, model: Path, moods: Path):
    evaluate = ("evaluate", "--model", "several", "--data", "moods.csv")
    calls = {
        ("predict", "--model", "several", "--abstain-below", "0.5", "a"): "no abstain threshold",
        (*evaluate, "--abstain-below", "0.5"): "no abstain threshold",
        (*evaluate, "--out-of-scope", "moods.csv"): "no --out-of-scope",
        ("behaviour", "--model", "several"): "gives each text one label",
        ("evaluate", "--model", "model", "--data", "moods.csv", "--multi-label"): (
            "this model gives each text one label"
        ),
    }
    for call, message in calls.items():
        code, _, err = run(*call)
        assert (code, message in err) == (2, True), (call, err)


def test_explain_takes_any_label(run, several: Path) -> None:
    call = ("explain", "--model", "several", "a good film", "--json")
    code, out, err = run(*call, "--label", "rage")
    assert code == 0, err
    probabilities = SentimentClassifier.from_pretrained(several, 1).predict_proba(["a good film"])
    values = json.loads(out)
    assert values["label"] == "rage"
    assert values["score"] == pytest.approx(probabilities[0, 2], abs=1e-5)
    code, out, _ = run(*call, "--label", "rage", "--against", "love")
    difference = probabilities[0, 2] - probabilities[0, 1]
    assert json.loads(out)["score"] == pytest.approx(difference, abs=1e-5)
    code, out, _ = run("explain", "--model", "several", "a good film")
    assert "the label" in out
    code, _, err = run(*call, "--label", "hate")
    assert code == 2
    assert "Expected a class to explain among joy, love, rage, found 'hate'" in err


def test_stream_gives_the_labels_after_each_word(run, several: Path) -> None:
    code, out, err = run("stream", "--model", "several", "a good film", "--json")
    assert code == 0, err
    steps = list(map(json.loads, out.splitlines()))
    assert [step["text"] for step in steps] == ["a", "good", "film"]
    assert steps[-1]["labels"] == chosen(several, "a good film")
    assert len(steps[-1]["scores"]) == len(steps[-1]["labels"])
    code, out, _ = run("stream", "--model", "several", "a good film")
    scores = zip(steps[-1]["labels"], steps[-1]["scores"], strict=True)
    assert ", ".join(f"{label} {score:.3f}" for label, score in scores) in out.splitlines()
    first = zip(steps[0]["labels"], steps[0]["scores"], strict=True)
    assert out.startswith(f"a ({', '.join(f'{name} {score:.2f}' for name, score in first)})")


def test_stream_says_that_a_text_has_no_label(
    run, make_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    save_bundle(tmp_path / "none", make_bundle(CLASSES, thresholds=(0.999999,) * 3))
    code, out, err = run("stream", "--model", "none", "a good film")
    assert code == 0, err
    assert "\nno label, highest probability 0." in out
    assert "turned" not in out


def test_the_python_interface(several: Path) -> None:
    classifier = SentimentClassifier.from_pretrained(several, threads=1)
    assert classifier.thresholds_ == dict(zip(CLASSES, (1e-06, 0.5, 0.999999), strict=True))
    for text, row in zip(TEXTS, classifier(list(TEXTS)), strict=True):
        assert [pair["label"] for pair in row] == chosen(several, text)  # type: ignore[union-attr,index]
    assert len(classifier(TEXTS[0], top_k=None)) == 3
    with pytest.raises(UsageError, match="no abstain threshold"):
        classifier.predict(["a"], abstain_below=0.5)
    score = predict_function(load_bundle(several))()
    import numpy as np

    labels = score(np.array(TEXTS, dtype=object))["label"]
    assert labels.tolist() == ["|".join(chosen(several, text)) for text in TEXTS]


@pytest.mark.parametrize(
    "thresholds", [None, {"joy": 0.5}, {"joy": 0.5, "love": 0.5, "rage": 1.0}, [0.5, 0.5, 0.5]]
)
def test_a_bundle_with_damaged_thresholds_is_refused(several: Path, thresholds: object) -> None:
    path = several / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"thresholds": thresholds}))
    with pytest.raises(BundleError, match="Expected a threshold above 0 and below 1 for each"):
        load_bundle(several)


def test_a_bundle_without_several_labels_does_not_change(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    assert config["format_version"] == 1
    assert "multi_label" not in config
    assert "thresholds" not in config


@pytest.mark.parametrize("extra", [(), ("--label-separator", "|")])
def test_train_with_separators(run, moods: Path, tmp_path: Path, extra: tuple[str, ...]) -> None:
    sets = [f"--set=training.{name}" for name in ("epochs=1", "threads=1")]
    sets += ["--set=model.hidden_size=8", "--set=model.embedding_size=8", "--preset", "quick"]
    sets += ["--set=training.embeddings=random", "--set=text.min_frequency=1"]
    call = ("train", "--data", "moods.csv", "--multi-label", "--out", "run", *extra, *sets)
    code, out, err = run(*call)
    assert code == 0, err
    assert "validation F1" in out + err
    assert load_bundle(tmp_path / "run").config.classes == ("hate", "joy", "love")
    code, out, err = run("evaluate", "--model", "run", "--json")
    assert code == 0, err
    assert json.loads(out)["split"] == "validation"
