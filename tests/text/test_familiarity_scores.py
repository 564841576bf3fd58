import json

import numpy as np
import pytest

from sentiment_lstm.settings import TextSettings
from sentiment_lstm.text.familiarity_scores import (
    KEY,
    TextFamiliarity,
    starts_of,
    stored_familiarity,
    table_as_json,
)
from sentiment_lstm.text.tokenizer import TextTokenizer

EVIDENCE = np.array([0, -20, 10, -20, 3])
STARTS = np.array([True, False, True, False, False])
TOKENIZER = TextTokenizer.learn(["a b c"], TextSettings(min_frequency=1))


def ids(*texts):
    return [np.array(text, dtype=np.int32) for text in texts]


def nats(*texts, offset=0.0):
    return TextFamiliarity(EVIDENCE, STARTS, offset).evidence_of(ids(*texts)).tolist()


def test_a_texts_evidence_is_the_sum_of_its_words():
    assert nats([2], [2, 2], [2, 3, 2]) == pytest.approx([0.9, 1.8, -0.2])


def test_a_words_evidence_is_bounded():
    assert nats([2, 3, 3, 3, 3, 3], [2, 4, 4]) == pytest.approx([-4.1, 0.9])


def test_a_text_may_begin_inside_a_word():
    assert nats([3], [2, 2], [3, 2]) == pytest.approx([-2.1, 1.8, -1.2])


def test_no_texts_have_no_evidence():
    assert nats() == []


def test_familiarity_is_between_0_and_1_and_rises_with_the_evidence():
    known = TextFamiliarity(EVIDENCE, STARTS, 2.0)
    scores = known.of(ids([1] * 9, [2, 1, 1], [2], [2] * 500))
    assert (np.diff(scores) > 0).all()
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert known.of(ids([2, 1, 2, 1, 1]))[0] < 0.5 < scores[2]


def test_a_text_read_token_by_token_has_the_same_familiarity():
    known, chance = TextFamiliarity(EVIDENCE, STARTS, 2.0), np.random.default_rng(0)
    for _ in range(50):
        tokens = chance.integers(1, 5, 12)
        reading = known.read()
        for end in range(1, len(tokens) + 1):
            assert reading.add(int(tokens[end - 1])) == pytest.approx(
                known.of(ids(tokens[:end]))[0], abs=1e-12
            )


def test_every_token_of_a_word_model_starts_a_word():
    assert starts_of(TOKENIZER).all()
    pieces = TextTokenizer.learn(["abc abc abd"], TextSettings(kind="bpe", min_frequency=1))
    starts = dict(
        zip(map(pieces.token, range(len(pieces))), starts_of(pieces).tolist(), strict=True)
    )
    assert starts["\u2581abc"]
    assert not starts["b"]


def test_a_table_is_read_as_it_was_stored():
    evidence = np.array([0, -20, 10, 5, -1])
    stored = {KEY: table_as_json(evidence, STARTS, 2.5)}
    known = stored_familiarity(json.loads(json.dumps(stored)), 5)
    assert known is not None
    expected = TextFamiliarity(evidence, STARTS, 2.5)
    texts = ids([1, 2], [3, 4, 4], [2, 3, 4, 0])
    np.testing.assert_array_equal(known.of(texts), expected.of(texts))


@pytest.mark.parametrize(
    "values",
    [
        None,
        "x",
        {},
        {"offset": 2.0, "evidence": "DDDDD"},
        {"offset": None, "evidence": "DDDDD", "starts": "f8"},
        {"offset": 2.0, "evidence": 5, "starts": "f8"},
        {"offset": 2.0, "evidence": "DDDD", "starts": "f8"},
        {"offset": 2.0, "evidence": "DDDDz", "starts": "f8"},
        {"offset": 2.0, "evidence": "DDDD ", "starts": "f8"},
        {"offset": 2.0, "evidence": "DDDD\u00e9", "starts": "f8"},
        {"offset": 2.0, "evidence": "DDDDD", "starts": "f8f8"},
        {"offset": 2.0, "evidence": "DDDDD", "starts": "x"},
        {"offset": float("nan"), "evidence": "DDDDD", "starts": "f8"},
        {"offset": 10**400, "evidence": "DDDDD", "starts": "f8"},
    ],
)
def test_a_bundle_without_a_fitting_table_knows_nothing(values):
    assert stored_familiarity({KEY: values}, 5) is None
    assert stored_familiarity({}, 5) is None


def test_the_familiarity_after_each_token_can_be_computed_at_once():
    known = TextFamiliarity(EVIDENCE, STARTS, 0.7)
    rng = np.random.default_rng(0)
    for text in rng.integers(0, 5, size=(50, 30), dtype=np.int32):
        running = known.read()
        expected = [running.add(token) for token in text.tolist()]
        np.testing.assert_allclose(known.after_each(text), expected, rtol=0, atol=1e-15)
