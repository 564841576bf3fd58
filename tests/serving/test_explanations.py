"""`POST /explain`."""

import asyncio
import json

import httpx
import pytest
from running import JSON, save, service

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.serving import explanations
from sentiment_lstm.serving.app import create_app
from sentiment_lstm.serving.options import Options

TEXT = "not bad at all , a good film"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("model"), pooling="max+mean")


@pytest.fixture(scope="module")
def client(folder):
    with service(folder) as (client, _):
        yield client


def explain(client, **request):
    return client.post("/explain", content=json.dumps(request), headers=JSON)


def test_the_answer_is_that_of_the_classifier(client, folder):
    answer = explain(client, inputs=TEXT).json()
    expected = SentimentClassifier.from_pretrained(folder).explain(TEXT).to_dict()
    assert answer["label"] == expected["label"]
    assert answer["score"] == pytest.approx(expected["score"], abs=1e-6)
    assert answer["classes"] == ["negative", "neutral", "positive"]
    assert (answer["method"], answer["against"]) == ("contextual gradients", None)
    for key, theirs in (("words", "tokens"), ("phrases", "phrases")):
        for part, other in zip(answer[key], expected[theirs], strict=True):
            assert TEXT[part["start"] : part["end"]] == part["text"] == other["text"]
            assert part["attribution"] == pytest.approx(other["attribution"], abs=1e-6)
    assert answer["completeness_error"] < 1e-6


def test_a_label_and_a_class_to_compare_with(client):
    answer = explain(client, inputs=TEXT, label="neutral", against="positive", model="films").json()
    assert (answer["label"], answer["against"]) == ("neutral", "positive")


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_has_no_label(client, text):
    answer = explain(client, inputs=text).json()
    assert (answer["label"], answer["score"], answer["words"], answer["phrases"]) == (
        None,
        None,
        [],
        [],
    )


@pytest.mark.parametrize("text", ["\x00", "\ud83d", "é 😀 <b>"])
def test_odd_texts_are_explained(client, text):
    assert explain(client, inputs=text).json()["label"] is not None


@pytest.mark.parametrize(
    ("request_", "status", "problem"),
    [
        ({}, 422, '"inputs"'),
        ({"inputs": None}, 422, '"inputs"'),
        ({"inputs": [TEXT]}, 422, '"inputs"'),
        ({"inputs": TEXT, "label": "x"}, 422, "Expected a class to explain"),
        ({"inputs": TEXT, "label": 3}, 422, '"label"'),
        ({"inputs": TEXT, "against": "x"}, 422, "Expected a class to compare"),
        ({"inputs": TEXT, "model": "x"}, 404, "Expected the model films, found another name"),
        ({"inputs": "good " * 1_001}, 413, "at most 1,000 tokens to explain, found 1,001"),
    ],
)
def test_a_bad_request_is_refused(client, request_, status, problem):
    answer = explain(client, **request_)
    assert answer.status_code == status
    assert problem in answer.json()["error"]


def test_an_explanation_waits_no_longer_than_its_deadline(folder, monkeypatch):
    async def ask_two():
        options = Options(models=(("films", str(folder)),), threads=1, deadline=0.05)
        app = create_app(options)
        await app.state.models.load()
        release = asyncio.Event()

        async def slow(*_):
            await release.wait()
            return {}

        monkeypatch.setattr(app.state.models.default, "run", slow)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            first = asyncio.create_task(client.post("/explain", json={"inputs": TEXT}))
            await asyncio.sleep(0)
            late = await client.post("/explain", json={"inputs": TEXT})
            release.set()
            answers = await first, late, await client.post("/explain", json={"inputs": TEXT})
        app.state.models.close()
        return answers

    answers = asyncio.run(ask_two())
    assert [answer.status_code for answer in answers] == [200, 503, 200]
    assert "Expected an answer within 0.05 s" in answers[1].json()["error"]


def test_too_many_explanations_are_refused_at_once(folder, monkeypatch):
    """The others wait for their turn."""

    async def ask_many():
        app = create_app(Options(models=(("films", str(folder)),), threads=1))
        await app.state.models.load()
        release, running = asyncio.Event(), []

        async def slow(*_):
            running.append(len(running))
            await release.wait()
            return {}

        monkeypatch.setattr(app.state.models.default, "run", slow)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            asked = [
                asyncio.create_task(client.post("/explain", json={"inputs": TEXT}))
                for _ in range(explanations.MOST_WAITING + 4)
            ]
            refused, others = await asyncio.wait(asked, timeout=0.5)
            assert len(running) == 1
            release.set()
            answers = [(await task).status_code for task in others]
        app.state.models.close()
        return [task.result() for task in refused], answers

    refused, answers = asyncio.run(ask_many())
    assert [answer.status_code for answer in refused] == [429] * 4
    assert refused[0].headers["retry-after"]
    assert answers == [200] * explanations.MOST_WAITING
