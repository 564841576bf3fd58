"""The routes of Text Embeddings Inference."""

import json
import math

import pytest
from running import JSON, save, service

from sentiment_lstm.api import SentimentClassifier

LONG = "good " * 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("models") / "films")


@pytest.fixture(scope="module")
def client(folder):
    with service(folder, max_input_length=20, max_client_batch_size=4) as (client, _):
        yield client


@pytest.fixture(scope="module")
def classifier(folder):
    return SentimentClassifier.from_pretrained(folder)


def scores(answer):
    return {each["label"]: each["score"] for each in answer}


def check(answer, classifier, text):
    """Compare an answer with the classifier's, to 1e-6; the likeliest class comes first."""
    expected = dict(zip(classifier.classes_, classifier.predict_proba([text])[0], strict=True))
    assert scores(answer) == pytest.approx(expected, abs=1e-6)
    assert [each["score"] for each in answer] == sorted(expected.values(), reverse=True)
    assert list(answer[0]) == ["score", "label"]


@pytest.mark.parametrize("text", ["not bad at all", "", "\x00", "é😀", " \n"])
def test_a_text(client, classifier, text):
    answer = client.post("/predict", json={"inputs": text})
    assert answer.status_code == 200
    check(answer.json(), classifier, text)


def test_a_lone_surrogate(client, classifier):
    answer = client.post("/predict", content=b'{"inputs": "good \\ud800"}', headers=JSON)
    check(answer.json(), classifier, "good \ud800")


def test_a_batch(client, classifier):
    texts = ["good", "bad film", ""]
    answer = client.post("/predict", json={"inputs": [[text] for text in texts]}).json()
    for each, text in zip(answer, texts, strict=True):
        check(each, classifier, text)


def test_huggingface_clients_get_a_list_of_lists(client, classifier):
    (answer,) = client.post("/", json={"inputs": "not bad"}).json()
    check(answer, classifier, "not bad")
    parameters = {"top_k": 1, "function_to_apply": None}
    ((best,),) = client.post("/", json={"inputs": "not bad", "parameters": parameters}).json()
    assert best == answer[0]
    parameters = {"function_to_apply": "none"}
    (raw,) = client.post("/", json={"inputs": "not bad", "parameters": parameters}).json()
    assert math.exp(raw[0]["score"]) == pytest.approx(best["score"])


def test_raw_scores_are_logarithms(client):
    answer = client.post("/predict", json={"inputs": "not bad"}).json()
    raw = client.post("/predict", json={"inputs": "not bad", "raw_scores": True}).json()
    assert [each["label"] for each in raw] == [each["label"] for each in answer]
    assert [math.exp(each["score"]) for each in raw] == pytest.approx(
        [each["score"] for each in answer]
    )


def test_raw_scores_of_several_labels_are_log_odds(tmp_path):
    folder = save(tmp_path / "model", ("anger", "joy"), thresholds=(0.5, 0.5))
    with service(folder) as (client, _):
        answer = client.post("/predict", json={"inputs": "bad"}).json()
        raw = client.post("/predict", json={"inputs": "bad", "raw_scores": True}).json()
    assert [1 / (1 + math.exp(-each["score"])) for each in raw] == pytest.approx(
        [each["score"] for each in answer]
    )


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"truncate": True}, "good " * 20),
        ({"truncate": True, "truncation_direction": "Left"}, "good " * 19 + "bad"),
        ({"truncate": True, "truncation_direction": "right"}, "good " * 20),
    ],
)
def test_a_long_text_is_cut(client, classifier, values, kept):
    answer = client.post("/predict", json={"inputs": LONG + "bad", **values})
    check(answer.json(), classifier, kept)


def test_a_long_text_is_refused(client):
    for values in ({}, {"truncate": False}):
        answer = client.post("/predict", json={"inputs": LONG, **values})
        assert (answer.status_code, answer.json()["error_type"]) == (413, "Validation")
        assert "found one of 30" in answer.json()["error"]
        assert '"truncate" at /predict or by --auto-truncate' in answer.json()["error"]


@pytest.mark.parametrize("path", ["/predict", "/"])
@pytest.mark.parametrize(
    ("values", "status", "kind", "sentence"),
    [
        ({"inputs": ["a", "b"]}, 422, "Validation", '[["first text"], ["second text"]]'),
        ({"inputs": [["a", "b"]]}, 422, "Validation", "pair"),
        ({"inputs": []}, 400, "Empty", "empty batch"),
        (
            {"inputs": [["a"]] * 5},
            413,
            "Validation",
            "at most 4 texts in a request, found 5: send several requests.",
        ),
        ({"inputs": [["a"], "b"]}, 422, "Validation", "a text or a batch"),
        ({"inputs": [["a"], []]}, 422, "Validation", "a text or a batch"),
        ({"inputs": [[1]]}, 422, "Validation", "a text or a batch"),
        ({"inputs": None}, 422, "Validation", "a text or a batch"),
        ({"inputs": {"a": "b"}}, 422, "Validation", "a text or a batch"),
        ({}, 422, "Validation", "a text or a batch"),
        ({"inputs": "a", "truncate": "yes"}, 422, "Validation", '"truncate" to be true or false'),
        ({"inputs": "a", "truncation_direction": "Up"}, 422, "Validation", "Left or Right"),
        ({"inputs": "a", "model": 1}, 422, "Validation", '"model" to be a string'),
        ([], 422, "Validation", "JSON object"),
        ("a", 422, "Validation", "JSON object"),
    ],
)
def test_other_bodies_are_refused(client, path, values, status, kind, sentence):
    answer = client.post(path, json=values)
    assert (answer.status_code, answer.json()["error_type"]) == (status, kind)
    assert sentence in answer.json()["error"]
    assert set(answer.json()) == {"error", "error_type"}


@pytest.mark.parametrize(
    "parameters", [{"top_k": 0}, {"top_k": True}, {"function_to_apply": "tanh"}, []]
)
def test_other_parameters_are_refused(client, parameters):
    answer = client.post("/", json={"inputs": "a", "parameters": parameters})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "something else"),
        (b"{", "something else"),
        (b"\xff\xfe", "something else"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"inputs": ' + b"9" * 5000 + b"}", "too many digits"),
    ],
    ids=["empty", "half", "no text", "deep", "digits"],
)
def test_what_is_no_json_is_refused(client, body, found):
    answer = client.post("/predict", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["error_type"]) == (400, "Validation")
    assert found in answer.json()["error"]


def test_another_content_type_is_refused(client):
    answer = client.post("/predict", content=b'{"inputs": "a"}')
    assert answer.status_code == 415
    assert "found none: send the header `Content-Type: application/json`" in answer.json()["error"]
    kind = {"content-type": "application/json; charset=utf-8"}
    answer = client.post("/predict", content=json.dumps({"inputs": "a"}), headers=kind)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"input": "a"}, "found no "),
        ({"inputs": None}, "found no "),
        ({"inputs": 5}, "found a num"),
    ],
)
def test_a_misspelt_key_is_named(client, body, place):
    answer = client.post("/predict", json=body)
    assert answer.status_code == 422
    assert place in answer.json()["error"]
