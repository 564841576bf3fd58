"""The service's predictions are those of the predictor."""

import asyncio
import logging

import numpy as np
import pytest
from running import save
from threadpoolctl import threadpool_info, threadpool_limits

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import UsageError
from sentiment_lstm.serving.batcher import Workers
from sentiment_lstm.serving.errors import Refused
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.scorer import Scorer, open_model

TEXTS = [f"not bad at all {'good film ' * (n % 30)}" for n in range(200)] + ["", "\ud800", "é😀"]


def run(classifier, scenario, **options):
    async def main():
        workers, metrics = Workers(2), Metrics()
        try:
            await scenario(Scorer("films", classifier, workers, Options(**options), metrics))
        finally:
            workers.close()

    asyncio.run(main())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("models") / "films", ("negative", "positive"))


@pytest.fixture
def classifier(folder):
    return SentimentClassifier.from_pretrained(folder, threads=1)


@pytest.mark.parametrize("model", ["tiny", "default"])
def test_predictions_equal_those_without_a_service(model):
    classifier = SentimentClassifier.from_pretrained(model, threads=1)
    alone = classifier.predictor.predict(TEXTS)

    async def scenario(scorer):
        requests = [TEXTS[i : i + 1 + i % 7] for i in range(len(TEXTS))]
        answers = await asyncio.gather(*map(scorer.predict, requests))
        for i, answer in enumerate(answers):
            expected = alone[i : i + len(answer)]
            assert [each.label for each in answer] == [each.label for each in expected]
            rows = np.array([each.probabilities for each in answer])
            np.testing.assert_allclose(rows, [each.probabilities for each in expected], atol=1e-6)
            assert [each.familiarity for each in answer] == pytest.approx(
                [each.familiarity for each in expected], abs=1e-6
            )

    run(classifier, scenario, max_batch_tokens=500)


def test_a_long_text_is_refused_alone(classifier):
    async def scenario(scorer):
        answers = await asyncio.gather(
            scorer.predict(["good"]), scorer.predict(["good " * 11]), return_exceptions=True
        )
        assert answers[0][0].label
        assert (answers[1].status, answers[1].error_type) == (413, "Validation")
        assert "at most 10 tokens, found one of 11" in str(answers[1])

    run(classifier, scenario, max_input_length=10)


@pytest.mark.parametrize(("truncate", "kept"), [("right", "good"), ("left", "bad")])
def test_a_long_text_is_cut(classifier, truncate, kept):
    text = " ".join(["good"] * 10 + ["bad"] * 10)
    expected = classifier.predictor.predict([" ".join([kept] * 10)])[0]

    async def scenario(scorer):
        for given in (truncate, None):
            if given or truncate == "right":
                (answer,) = await scorer.predict([text], given)
                assert answer.probabilities == pytest.approx(expected.probabilities, abs=1e-6)

    run(classifier, scenario, max_input_length=10, auto_truncate=True)


def test_other_work_runs_in_a_thread(classifier):
    async def scenario(scorer):
        explanation = await scorer.run(scorer.classifier.explain, "not bad")
        assert explanation.label == scorer.classifier.predict(["not bad"])[0]
        with pytest.raises(Refused) as error:
            await scorer.run(scorer.classifier.explain, "not bad", "another class")
        assert (error.value.status, error.value.error_type) == (422, "Validation")

    run(classifier, scenario)


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("a text"), 424), (UsageError("no"), 422)]
)
def test_a_failure_is_told_without_the_text(classifier, monkeypatch, caplog, error, status):
    predict = classifier.predictor.predict_encoded

    def fail(texts, encoded):
        if any(len(each.ids) == 3 for each in encoded):
            raise error
        return predict(texts, encoded)

    monkeypatch.setattr(classifier.predictor, "predict_encoded", fail)

    async def scenario(scorer):
        with caplog.at_level(logging.CRITICAL):
            answers = await asyncio.gather(
                *map(scorer.predict, [["good"], ["good bad film"], ["bad"]]), return_exceptions=True
            )
        assert [answers[0][0].label, answers[2][0].label] == classifier.predict(["good", "bad"])
        assert answers[1].status == status
        assert "a text" not in str(answers[1])

    run(classifier, scenario)


def test_a_swap_changes_the_next_batch(classifier, tmp_path):
    folder = save(tmp_path / "other", ("bad", "good"))
    other = SentimentClassifier.from_pretrained(folder, threads=1)

    async def scenario(scorer):
        before = await scorer.predict(["film"])
        scorer.swap(other)
        after = await scorer.predict(["film"])
        assert before[0].label in classifier.classes_
        assert after[0].label in other.classes_

    run(classifier, scenario)


def test_numpy_uses_one_thread_in_the_service(tmp_path):
    """With more, explanations that run at the same time would wait for each other."""
    with threadpool_limits(2, user_api="blas"):
        open_model(save(tmp_path))
        threads = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert set(threads) <= {1}
