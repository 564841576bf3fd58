"""A model is measured on texts that it was not trained on."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tiny_runs
from pyarrow import parquet
from tiny_runs import QUIET

from sentiment_lstm import measuring
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import load_bundle, run_settings
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.evaluation import bootstrap
from sentiment_lstm.evaluation_data import evaluation_data
from sentiment_lstm.settings import Settings
from sentiment_lstm.training.run import train

TINY = tiny_runs.TINY | {"training.max_steps": 2}


def write(path: Path, numbers: range, extra: str = "") -> Path:
    rows = [f"{('awful', 'lovely')[n % 2]} film {n},{('bad', 'good')[n % 2]}" for n in numbers]
    path.write_text("\n".join(["text,label", *rows, extra]), encoding="utf-8")
    return path


CASES = {
    "whole": {},
    "streamed": {"data.streaming": True, "data.stream_rows": 100},
    "with texts left out": {"data.exclude": "other.csv"},
}


@pytest.fixture
def source(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "other.csv", range(0, 300, 3))
    return write(tmp_path / "reviews.csv", range(300), "so so,")


@pytest.mark.parametrize("case", CASES)
def test_without_a_source_the_validation_texts_are_measured(source: Path, case: str):
    settings = Settings().updated({**TINY, "data.source": "reviews.csv", **CASES[case]})
    train(settings, Path("run"), QUIET)
    corpus = load_corpus(settings.data, settings.training.seed, SetAside(None))
    bundle = load_bundle(Path("run"))
    config = bundle.config
    for named in (None, str(source), "./reviews.csv"):
        kept_back = evaluation_data(config, named, None, {}, run_settings(bundle))
        examples = list(kept_back.examples(SetAside(None), config.classes))
        assert kept_back.split == "validation"
        assert examples == corpus.validation
        assert not {r.text for r in examples} & {r.text for r in corpus.training()}


def test_all_texts_of_another_source_are_measured(source: Path):
    settings = Settings().updated({**TINY, "data.source": "reviews.csv"})
    train(settings, Path("run"), QUIET)
    values = SentimentClassifier.from_pretrained("run").evaluate("other.csv")
    assert (values["n"], values["split"]) == (100, "all")
    assert values["set_aside"] == {}
    assert sum(map(sum, values["confusion"])) == 100
    wrong = [row for row in values["mistakes"] if row["true"] != row["predicted"]]
    assert len(wrong) == len(values["mistakes"]) == min(10, round(100 * (1 - values["accuracy"])))


def test_bad_rows_are_counted_and_kept(source: Path, tmp_path: Path):
    settings = Settings().updated({**TINY, "data.source": "reviews.csv"})
    train(settings, Path("run"), QUIET)
    write(tmp_path / "new.csv", range(20), "so so,")
    aside = SetAside(tmp_path / "bad.jsonl")
    values = SentimentClassifier.from_pretrained("run").evaluate("new.csv", set_aside=aside)
    assert values["n"] == 20
    assert values["set_aside"] == {"missing label": 1}
    assert "so so" in (tmp_path / "bad.jsonl").read_text()


def test_rows_with_unknown_labels_are_reported_with_their_labels(source: Path, caplog):
    settings = Settings().updated({**TINY, "data.source": "reviews.csv"})
    train(settings, Path("run"), QUIET)
    Path("new.csv").write_text("text,label\n" + "lovely film,good\nso so,ok\nwell,-1\n" * 2)
    caplog.clear()
    SentimentClassifier.from_pretrained("run").evaluate("new.csv")
    assert caplog.messages == [
        "Rows were set aside because their label is no class: ok (2 rows), -1 (2 rows). If these "
        "labels mean classes, name all labels with a map: --label-map=ok=CLASS,..."
    ]


def test_abstaining_is_measured_beside_everything_else(source: Path):
    settings = Settings().updated({**TINY, "data.source": "reviews.csv"})
    train(settings, Path("run"), QUIET)
    classifier = SentimentClassifier.from_pretrained("run")
    every = classifier.evaluate("other.csv")
    assert every["abstain"] == {"threshold": 0.0, "coverage": 1.0, "accuracy": every["accuracy"]}
    reviews = list(
        evaluation_data(classifier.bundle.config, "other.csv", None, {}).examples(
            SetAside(None), tuple(classifier.classes_)
        )
    )
    predictions = classifier.predictor.predict(review.text for review in reviews)
    middle = sorted(prediction.score for prediction in predictions)[50]
    sure = classifier.evaluate("other.csv", abstain_below=middle)
    answered = [(r, p) for r, p in zip(reviews, predictions, strict=True) if p.score >= middle]
    right = sum(review.label == prediction.label for review, prediction in answered)
    assert sure["abstain"] == {
        "threshold": middle,
        "coverage": len(answered) / 100,
        "accuracy": pytest.approx(right / len(answered)),
    }
    assert all(row["score"] >= middle for row in sure["mistakes"])
    same = every.keys() - {"abstain", "mistakes"}
    assert {name: every[name] for name in same} == {name: sure[name] for name in same}
    with pytest.raises(UsageError, match="abstain threshold"):
        classifier.evaluate("other.csv", abstain_below=1.0)


def test_texts_out_of_scope_leave_everything_else_as_it_is(source: Path, tmp_path: Path):
    train(Settings().updated({**TINY, "data.source": "reviews.csv"}), Path("run"), QUIET)
    classifier = SentimentClassifier.from_pretrained("run")
    (tmp_path / "mail.csv").write_text("id,text\n1,a parcel\n2,a letter\n3,\n")
    every = classifier.evaluate("other.csv")
    values = classifier.evaluate("other.csv", abstain_below=0.42, out_of_scope="mail.csv")
    outside = values["out_of_scope"]
    assert (outside["data"], outside["n"]) == ("mail.csv", 2)
    scores = [p.score for p in classifier.predictor.predict(["a parcel", "a letter"])]
    assert [row["threshold"] for row in outside["curve"]][:2] == [0.42, 0.5]
    for row in outside["curve"]:
        assert row["unlabelled"] == sum(score < row["threshold"] for score in scores) / 2
    kept = {row["threshold"]: row["kept"] for row in outside["curve"]}
    coverage = {row["threshold"]: row["coverage"] for row in every["coverage_curve"]}
    assert kept == {0.42: 1.0, **coverage}
    assert every["out_of_scope"] is None
    assert every["accuracy"] == values["accuracy"]
    with pytest.raises(DataError, match=r"none\.csv"):
        classifier.evaluate("other.csv", out_of_scope="none.csv")


def test_the_temperature_is_applied_once(source: Path):
    settings = Settings().updated({**TINY, "data.source": "reviews.csv"})
    metrics = train(settings, Path("run"), QUIET)
    values = SentimentClassifier.from_pretrained("run").evaluate()
    assert metrics["temperature"] != 1.0
    assert values["log_loss"] == pytest.approx(metrics["validation_calibrated_loss"], abs=1e-5)


def test_without_any_source_the_error_says_what_to_do(source: Path):
    train(Settings().updated({**TINY, "data.source": "reviews.csv"}), Path("run"), QUIET)
    source.unlink()
    with pytest.raises(DataError, match=r"trained on at reviews\.csv, found nothing: name"):
        SentimentClassifier.from_pretrained("run").evaluate()


def test_texts_between_the_classes_are_not_measured(source: Path, tmp_path: Path):
    train(Settings().updated({**TINY, "data.source": "reviews.csv"}), Path("run"), QUIET)
    model = SentimentClassifier.from_pretrained("run")
    path = tmp_path / "neutral.csv"
    path.write_text("text,label\ngreat film,1\na film,2\nbad film,0\n")
    maps = {"data.label_map": {"0": "bad", "1": "good", "2": "0.5"}}
    values = model.evaluate(str(path), None, maps)
    assert values["n"] == 2
    assert values["set_aside"] == {"half of each class": 1}


def test_another_file_is_read_with_the_columns_and_labels_of_the_training(source: Path):
    """The star 1 was read as the second class, `good`."""
    rows = [f"{('awful', 'lovely')[n % 2]} film {n},{(1, 5)[n % 2]}" for n in range(100)]
    Path("stars.csv").write_text("\n".join(["Kommentar,Sterne", *rows]))
    Path("ones.csv").write_text("\n".join(["Kommentar,Sterne", *rows[::2]]))
    settings = Settings().updated(
        {
            **TINY,
            "data.source": "stars.csv",
            "data.text_column": "Kommentar",
            "data.label_column": "Sterne",
            "data.label_map": {"<=2": "bad", ">=4": "good"},
        }
    )
    train(settings, Path("run"), QUIET)
    model = SentimentClassifier.from_pretrained("run")
    values = model.evaluate("ones.csv")
    confusion = dict(zip(values["classes"], values["confusion"], strict=True))
    assert (sum(confusion["bad"]), sum(confusion["good"])) == (50, 0)
    confusion = model.evaluate(["awful film", "lovely film"], [1, 1])["confusion"]
    assert [sum(row) for row in confusion] == [2, 0]


def test_slices_of_the_validation_texts(source: Path, tmp_path: Path):
    """The column does not change which texts are measured."""
    lines = source.read_text().splitlines()
    genres = ["genre", *(("drama", "")[n // 2 % 2] for n in range(len(lines) - 1))]
    both = [f"{line},{genre}" for line, genre in zip(lines, genres, strict=True)]
    source.write_text("\n".join(both))
    train(Settings().updated({**TINY, "data.source": "reviews.csv"}), Path("run"), QUIET)
    model = SentimentClassifier.from_pretrained("run")
    plain, sliced = model.evaluate(), model.evaluate(slices=["genre", "label"])
    assert plain["slices"] == {}
    assert plain == {**sliced, "slices": {}}
    drama, none = sorted(sliced["slices"]["genre"], key=lambda row: row["value"], reverse=True)
    assert (drama["value"], none["value"]) == ("drama", "(none)")
    assert drama["n"] + none["n"] == plain["n"]
    accuracies = {row["value"]: row["accuracy"] for row in sliced["slices"]["label"]}
    confusion = dict(zip(sliced["classes"], sliced["confusion"], strict=True))
    index_of = sliced["classes"].index
    assert accuracies == {n: row[index_of(n)] / sum(row) for n, row in confusion.items()}
    for name, words in (("gnre", "'gnre' in reviews.csv"), ("genre", "'genre' of grammar:20")):
        with pytest.raises(DataError, match=words):
            model.evaluate("reviews.csv" if name == "gnre" else "grammar:20", slices=[name])


def test_slices_of_a_stream_with_its_own_validation_texts(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("films").mkdir()
    for name, numbers in (("train", range(300)), ("validation", range(400, 551))):
        texts = [f"{('awful', 'lovely')[n % 2]} film {n}" for n in numbers]
        columns = {"text": ["", *texts[1:]], "label": [("bad", "good")[n % 2] for n in numbers]}
        parquet.write_table(pa.table(columns), f"films/{name}.parquet")
    stream = {"data.source": "films", "data.streaming": True, "data.stream_rows": 100}
    train(Settings().updated({**TINY, **stream}), Path("run"), QUIET)
    report = SentimentClassifier.from_pretrained("run").evaluate(slices=["label"])
    assert sum(row["n"] for row in report["slices"]["label"]) == report["n"] == 100


def test_duplicates_are_measured_and_counted(source: Path, tmp_path: Path):
    train(Settings().updated({**TINY, "data.source": "reviews.csv"}), Path("run"), QUIET)
    path = tmp_path / "twice.csv"
    path.write_text("text,label\na film,good\na film ,bad\nsome film,bad\nsome film,bad\n")
    values = SentimentClassifier.from_pretrained("run").evaluate(str(path))
    assert values["n"] == 4
    assert values["duplicates"] == {"duplicates": 2, "disagreeing duplicates": 1}


def test_likely_label_errors_are_rows_of_the_source(source: Path, monkeypatch):
    train(Settings().updated({**TINY, "data.source": "reviews.csv"}), Path("run"), QUIET)
    model = SentimentClassifier.from_pretrained("run")
    monkeypatch.setattr(bootstrap, "intervals", lambda *_: {})

    def wrong(labels, probabilities):
        return np.flatnonzero(probabilities.argmax(axis=1) != labels)

    monkeypatch.setattr(measuring, "likely_label_errors", wrong)
    values = model.evaluate("other.csv", in_full=True)
    errors = values["label_errors"]
    assert errors["found"] == round(100 * (1 - values["accuracy"]))
    assert len(errors["examples"]) == 10
    assert all(row["true"] != row["predicted"] for row in errors["examples"])
    texts = [line.partition(",")[0] for line in Path("other.csv").read_text().splitlines()]
    for row in errors["examples"]:
        assert row["text"] == texts[int(row["id"].partition(":")[2]) - 1]


@pytest.mark.parametrize("named", [None, "reviews.csv"])
def test_a_missing_excluded_file_is_named(source: Path, named):
    settings = {**TINY, "data.source": "reviews.csv", "data.exclude": "other.csv"}
    train(Settings().updated(settings), Path("run"), QUIET)
    Path("other.csv").unlink()
    words = r"training excluded at other\.csv, found nothing: .* other labelled texts"
    with pytest.raises(DataError, match=words):
        SentimentClassifier.from_pretrained("run").evaluate(named)


@pytest.mark.parametrize(
    "excluded", ["kaggle:evil/x", "hf:no-one/nothing:test", "other.csv", "/etc/hostname"]
)
def test_a_bundle_alone_names_no_texts_to_open(source: Path, excluded):
    """The user names a source; the bundle says which texts to leave out of it."""
    train(Settings().updated({**TINY, "data.source": "reviews.csv"}), Path("run"), QUIET)
    SentimentClassifier.from_pretrained("run").save_pretrained("bundle")
    path = Path("bundle/config.json")
    values = json.loads(path.read_text())
    values["training"]["settings"]["data"]["exclude"] = [excluded]
    path.write_text(json.dumps(values))
    with pytest.raises(DataError, match="Expected texts that the user names, found a model that"):
        SentimentClassifier.from_pretrained("bundle").evaluate("reviews.csv")


def test_a_run_reads_no_excluded_texts_over_the_network(source: Path):
    train(Settings().updated({**TINY, "data.source": "reviews.csv"}), Path("run"), QUIET)
    for name in ("settings.json", "config.json"):
        path = Path("run") / name
        values = json.loads(path.read_text())
        settings = values if name == "settings.json" else values["training"]["settings"]
        settings["data"]["exclude"] = ["kaggle:evil/x"]
        path.write_text(json.dumps(values))
    with pytest.raises(DataError, match="found a model that excluded kaggle:evil/x"):
        SentimentClassifier.from_pretrained("run").evaluate("reviews.csv")
