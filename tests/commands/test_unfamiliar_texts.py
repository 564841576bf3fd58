"""Texts that look unlike the training texts, one by one: their scores are low, and it is said."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import QUIET, tiny

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Bundle, load_bundle, save_bundle
from sentiment_lstm.card import model_card
from sentiment_lstm.errors import UsageError
from sentiment_lstm.frames import score_frame
from sentiment_lstm.text.familiarity_scores import KEY, table_as_json
from sentiment_lstm.training.run import train

STRANGE = "zzz zzz zzz zzz"
TEXTS = ["a good film", STRANGE, "", "not bad zzz"]


def knowing(bundle: Bundle) -> Bundle:
    """The bundle with a table: unknown words are evidence against a text, others for it."""
    evidence = np.full(len(bundle.tokenizer), 10)
    evidence[1] = -20
    provenance = {**bundle.config.provenance, KEY: table_as_json(evidence, evidence > -99, 2.5)}
    return replace(bundle, config=replace(bundle.config, provenance=provenance))


@pytest.fixture
def trained(bundle, tmp_path: Path) -> Path:
    save_bundle(tmp_path / "trained", knowing(bundle))
    return tmp_path / "trained"


def rows_of(out: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.splitlines()]


def test_json_holds_the_familiarity(run, trained, model):
    rows = rows_of(run("predict", "--model", "trained", "--json", *TEXTS)[1])
    before = rows_of(run("predict", "--model", "model", "--json", *TEXTS)[1])
    assert all("familiarity" not in row for row in before), "an older model does not know"
    familiarity = [row.pop("familiarity") for row in rows]
    assert familiarity[0] > 0.9
    assert familiarity[1] < 0.01
    assert familiarity[2] is None
    assert [rows[i] for i in (0, 2)] == [before[i] for i in (0, 2)], "familiar: to the bit"
    assert rows[1]["label"] == before[1]["label"]
    assert 0.5 < rows[1]["score"] < 0.51


def test_the_table_says_unfamiliar(run, trained, model):
    out = run("predict", "--model", "trained", *TEXTS)[1]
    lines = [line for line in out.splitlines() if "zzz zzz" in line]
    assert ["unfamiliar" in line for line in lines] == [True]
    assert out.count("unfamiliar") == 1
    assert "note" not in run("predict", "--model", "trained", "a good film")[1]
    assert "note" not in run("predict", "--model", "model", *TEXTS)[1]


def test_every_way_to_score_gives_the_same(run, trained, tmp_path):
    pd = pytest.importorskip("pandas")
    classifier = SentimentClassifier.from_pretrained(trained)
    expected = classifier.predict_proba(TEXTS)
    best = expected.max(axis=1)
    table = score_frame(classifier, pd.DataFrame({"text": TEXTS}), "text")
    np.testing.assert_array_equal(table["predicted_score"].dropna(), best[[0, 1, 3]])
    for text, row in zip(TEXTS, expected, strict=True):
        *_, last = classifier.stream(text)
        np.testing.assert_allclose(last.probabilities, row, rtol=0, atol=1e-6)
    (tmp_path / "in.csv").write_text("text\n" + "\n".join(text for text in TEXTS if text))
    run("predict", "--model", "trained", "--input", "in.csv", "--output", "out.csv")
    written = pd.read_csv(tmp_path / "out.csv")["predicted_score"]
    np.testing.assert_allclose(written, best[[0, 1, 3]], rtol=0, atol=1e-6)


def test_the_classifier_gives_the_familiarity(trained, model):
    classifier = SentimentClassifier.from_pretrained(trained)
    familiarity = classifier.familiarity(TEXTS)
    assert familiarity is not None
    assert np.isnan(familiarity).tolist() == [False, False, True, False]
    predictions = classifier.predictor.predict(TEXTS)
    assert [p.familiarity for p in predictions if p.score is not None] == [
        f for f in familiarity.tolist() if f == f
    ]
    assert classifier.familiarity([]).shape == (0,)
    with pytest.raises(UsageError, match="found one text"):
        classifier.familiarity("a good film")
    older = SentimentClassifier.from_pretrained(model)
    assert older.familiarity(TEXTS) is None
    assert older.predictor.predict(TEXTS)[0].familiarity is None


def test_several_labels_of_an_unfamiliar_text_are_none(make_bundle, tmp_path):
    bundle = knowing(make_bundle(("x", "y", "z"), thresholds=(0.1, 0.1, 0.1)))
    save_bundle(tmp_path / "several", bundle)
    classifier = SentimentClassifier.from_pretrained(tmp_path / "several")
    assert classifier.predict(["a good film", STRANGE])[1] == []


def test_a_saved_model_keeps_the_table_and_its_card_does_not_show_it(trained):
    bundle = load_bundle(trained)
    assert bundle.config.provenance[KEY]["offset"] == 2.5
    config = json.loads((trained / "config.json").read_text())
    assert KEY not in model_card("trained", config, {})


def test_a_training_stores_the_table(tmp_path):
    sentence = "The waiter was {} and the room by the river was {} and quiet"
    words = (("rude", "dirty", "bad"), ("kind", "clean", "good"))
    rows = [f"{sentence.format(*words[n % 2])} {n},{words[n % 2][2]}" for n in range(1_200)]
    (tmp_path / "rooms.csv").write_text("\n".join(["text,label", *rows]))
    settings = tiny(tmp_path / "rooms.csv", text__kind="bpe", training__epochs=1)
    train(settings, tmp_path / "run", QUIET)
    classifier = SentimentClassifier.from_pretrained(tmp_path / "run")
    texts = [sentence.format("kind", "dirty"), "Der Keller war feucht, aber die Wirtin nett"]
    familiarity = classifier.familiarity(texts)
    assert familiarity is not None
    assert familiarity[1] < 0.5 < familiarity[0]


def test_a_training_on_few_texts_stores_none(reviews, tmp_path):
    train(tiny(reviews, training__epochs=1), tmp_path / "run", QUIET)
    assert KEY not in load_bundle(tmp_path / "run").config.provenance
