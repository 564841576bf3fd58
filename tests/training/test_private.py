"""`training.private`: what identifies people stays out of a run's folder and its bundle."""

import csv
import json
from pathlib import Path

import pytest
from small_bundles import random_bundle
from tiny_runs import QUIET, tiny

from sentiment_lstm.bundle import load_bundle, save_bundle
from sentiment_lstm.text.hashing import hash_parts
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.run import train

SECRETS = ("DE4711-0815", "ann.smith@mail.org", "names@mail", "konto:77120045", "www.annsmith")
PUBLIC = "a {} film , and the service of the account was {}"
PARTS = ("4711", "0815", "smith", "names", "konto", "77120045", "@")
"""Tokens that only the secrets hold."""


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """A file of texts with repeated secrets, and two rows that are set aside."""
    words = {"good": "lovely", "bad": "awful"}
    rows = [
        (f"{PUBLIC.format(words[label], words[label])} {SECRETS[n % 5]} {SECRETS[n % 3]}", label)
        for n in range(60)
        for label in (("good", "bad")[n % 2],)
    ]
    rows += [("call ann.smith@mail.org", "strange, says 4711"), ("ask 0815", "")]
    path = tmp_path / "letters.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return path


def of_secrets_alone(tokenizer: TextTokenizer) -> set[int]:
    """The hashes of features that only the secrets have."""
    public = PUBLIC.format("lovely", "awful").split()
    secret, common = (
        set(hash_parts(tokenizer.words_of_parts(parts)).hashes.tolist())
        for parts in (SECRETS, public)
    )
    return secret - common


@pytest.mark.parametrize("kind", ["word", "bpe"])
@pytest.mark.parametrize("private", [True, False])
def test_vocabulary_and_features_hold_no_identifiers(letters, tmp_path, kind, private):
    settings = tiny(
        letters,
        data__label_map={"good": "good", "bad": "bad"},
        text__kind=kind,
        model__wide_features=5_000,
        training__max_steps=2,
        training__private=private,
        language__epochs=1 if private else 0,
    )
    train(settings, tmp_path / "run", QUIET)
    run = tmp_path / "run"
    tokenizers = [load_bundle(run).tokenizer]
    if private:
        tokenizers.append(load_bundle(run / "language").tokenizer)
    for tokenizer in tokenizers:
        tokens = [tokenizer.token(id_).lstrip("\u2581") for id_ in range(len(tokenizer))]
        leaks = [t for t in tokens if t in PARTS or any(c.isdigit() for c in t) or "@" in t]
        assert bool(leaks) != private, leaks
        assert "lovely" in tokens
    hashes = set(tokenizers[0].hashes.tolist())
    assert bool(hashes & of_secrets_alone(tokenizers[0])) != private
    lines = [json.loads(line) for line in (run / "set_aside.jsonl").read_text().splitlines()]
    assert [line["reason"] for line in lines] == ["unmapped label", "missing label"]
    assert [line["line"] for line in lines] == [62, 63]
    assert all((line.keys() == {"id", "line", "reason"}) == private for line in lines)
    texts = [path.read_bytes() for path in run.rglob("*") if path.is_file()]
    assert any(b"ann.smith" in text or b"names" in text for text in texts) != private


def test_with_a_start_only_the_features_are_learnt(letters, tmp_path):
    start = random_bundle(["a lovely film 12", "an awful one"], ("bad", "good"))
    save_bundle(tmp_path / "start", start)
    settings = tiny(
        letters,
        data__label_map={"good": "good", "bad": "bad"},
        model__wide_features=5_000,
        training__init=str(tmp_path / "start"),
        training__max_steps=2,
        training__private=True,
    )
    train(settings, tmp_path / "run", QUIET)
    tokenizer = load_bundle(tmp_path / "run").tokenizer
    assert len(tokenizer) == len(start.tokenizer)
    assert len(tokenizer.hashes)
    assert not set(tokenizer.hashes.tolist()) & of_secrets_alone(tokenizer)
