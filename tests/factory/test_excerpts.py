"""Runs of sentences are cut out of training texts, and of no others."""

import json
import random

from factory.surgery.average import settings_of
from factory.texts import excerpts
from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside


def test_a_run_is_of_neighbours_and_a_single_sentence_has_none():
    text = "One. Two! Three?<br /><br />Four."
    runs = list(excerpts.excerpts(text, random.Random(0)))
    assert len(runs) == excerpts.RUNS
    assert all(run in "One. Two! Three? Four." for run in runs)
    assert list(excerpts.excerpts("One alone.", random.Random(0))) == []


def test_runs_of_a_models_texts_are_of_those_it_was_trained_on(trained, reviews, tmp_path):
    lines = [f"Film {n} began. Film {n} ended.,{('bad', 'good')[n % 2]}" for n in range(40)]
    reviews.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    model, out = trained("model"), tmp_path / "excerpts.jsonl"
    assert excerpts.main(["--model", str(model), "--out", str(out)]) == 0
    runs = [json.loads(line)["text"] for line in out.read_text("utf-8").splitlines()]
    corpus = load_corpus(settings_of(load_bundle(model)).data, 0, SetAside(None))
    wanted = {" ".join(example.text.split()[:2]) for example in corpus.sample}
    assert {" ".join(run.split()[:2]) for run in runs} == wanted
    assert len(runs) == excerpts.RUNS * len(corpus.sample)
