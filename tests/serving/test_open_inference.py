"""The Open Inference Protocol: requests as its clients send them."""

import json

import numpy as np
import pytest
from running import CLASSES, JSON, save, service

from sentiment_lstm import SentimentClassifier

INPUT = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["a good film", ""]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def running(folder):
    with service(folder, max_input_length=50) as both:
        yield both


@pytest.fixture
def client(running):
    return running[0]


def infer(client, **request):
    return client.post("/v2/models/films/infer", content=json.dumps(request), headers=JSON)


def test_the_service_and_its_model_describe_themselves(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"live": True, "ready": True}
    assert client.get("/v2").json()["name"] == "sentiment-lstm"
    assert client.get("/v2/").json() == client.get("/v2").json()
    assert client.get("/v2/models/films/ready").json() == {"name": "films", "ready": True}
    model = client.get("/v2/models/films").json()
    assert model["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    label, probabilities = model["outputs"]
    assert label == {"name": "label", "datatype": "BYTES", "shape": [-1]}
    assert (probabilities["datatype"], probabilities["shape"]) == ("FP64", [-1, 3])
    assert probabilities["parameters"] == {"classes": '["negative", "neutral", "positive"]'}


def test_a_model_of_several_labels_shows_its_thresholds(tmp_path):
    folder = save(tmp_path / "films", ("anger", "joy"), thresholds=(0.25, 0.5))
    with service(folder) as (client, _):
        described = client.get("/v2/models/films").json()
        answer = infer(client, inputs=[INPUT]).json()
    for _, probabilities in (described["outputs"], answer["outputs"]):
        assert json.loads(probabilities["parameters"]["thresholds"]) == [0.25, 0.5]


def test_a_service_that_ends_is_not_ready(running):
    client, app = running
    app.state.models.draining = True
    try:
        for path in ("/v2/health/ready", "/v2/models/films/ready"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["ready"]) == (503, False)
        assert client.get("/v2/health/live").json() == {"live": True}
    finally:
        app.state.models.draining = False


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v2/models/other"), ("POST", "/v2/models/other/infer")]
)
def test_an_unknown_model_is_not_found(client, method, path):
    answer = client.request(method, path, json={"inputs": [INPUT]})
    assert (answer.status_code, answer.json()["error_type"]) == (404, "NotFound")


def test_texts_get_the_scores_of_the_model(client, folder):
    (label, probabilities) = infer(client, inputs=[INPUT], id="42").json()["outputs"]
    expected = SentimentClassifier.from_pretrained(folder).predictor.predict(INPUT["data"])
    assert label == {
        "name": "label",
        "datatype": "BYTES",
        "shape": [2],
        "data": [expected[0].label, ""],
    }
    assert (probabilities["datatype"], probabilities["shape"]) == ("FP64", [2, 3])
    rows = np.reshape(probabilities["data"], (2, 3))
    np.testing.assert_allclose(rows, [p.probabilities for p in expected], rtol=0, atol=1e-6)


def test_the_answer_names_the_model_and_the_request(client):
    answer = infer(client, inputs=[INPUT], id="42").json()
    assert (answer["model_name"], answer["id"]) == ("films", "42")
    assert "id" not in infer(client, inputs=[INPUT]).json()


@pytest.mark.parametrize(
    "given",
    [
        {"shape": [2, 1], "data": ["a good film", ""]},
        {"shape": [2, 1], "data": [["a good film"], [""]]},
    ],
)
def test_other_forms_of_the_same_texts(client, given):
    assert infer(client, inputs=[INPUT | given]).json() == infer(client, inputs=[INPUT]).json()


def test_no_texts_have_no_scores(client):
    outputs = infer(client, inputs=[INPUT | {"shape": [0], "data": []}]).json()["outputs"]
    assert [(o["shape"], o["data"]) for o in outputs] == [([0], []), ([0, 3], [])]


def test_only_requested_outputs_come_back(client):
    outputs = infer(client, inputs=[INPUT], outputs=[{"name": "probabilities"}]).json()["outputs"]
    assert [output["name"] for output in outputs] == ["probabilities"]
    assert infer(client, inputs=[INPUT], outputs=[]).json() == infer(client, inputs=[INPUT]).json()


def test_a_lone_surrogate_is_read(client):
    answer = infer(client, inputs=[INPUT | {"data": ["good \ud83d", "film"]}])
    assert answer.json()["outputs"][0]["data"][0] in CLASSES


def test_long_texts_are_refused_or_cut(client):
    long = [INPUT | {"shape": [1], "data": ["good " * 51]}]
    assert infer(client, inputs=long).status_code == 413
    for direction in ("Left", "Right"):
        parameters = {"truncate": True, "truncation_direction": direction}
        assert infer(client, inputs=long, parameters=parameters).status_code == 200
    assert infer(client, inputs=long, parameters={"truncate": False}).status_code == 413


@pytest.mark.parametrize(
    ("changes", "status", "problem"),
    [
        ({"inputs": []}, 422, 'one input, "text", found []'),
        ({"inputs": [INPUT, INPUT]}, 422, "one input"),
        ({"inputs": [INPUT | {"name": "input-0"}]}, 422, 'found ["input-0"]'),
        ({"inputs": [INPUT | {"datatype": "FP32"}]}, 422, "texts of the type BYTES"),
        ({"inputs": [INPUT | {"parameters": {"binary_data_size": 3}}]}, 422, "as JSON"),
        ({"parameters": {"binary_data_output": True}}, 422, "as JSON"),
        ({"outputs": [{"name": "label", "parameters": {"binary_data": True}}]}, 422, "binary"),
        ({"inputs": [INPUT | {"shape": [2, 2]}]}, 422, "the shape [N] or [N, 1]"),
        ({"inputs": [INPUT | {"shape": []}]}, 422, "the shape [N] or [N, 1]"),
        ({"inputs": [INPUT | {"shape": [-1]}]}, 422, "the shape [N] or [N, 1]"),
        ({"inputs": [INPUT | {"shape": [3]}]}, 422, "Expected 3 texts"),
        ({"inputs": [INPUT | {"shape": [10**40]}]}, 413, "at most 32 texts"),
        (
            {"inputs": [INPUT | {"shape": [33], "data": ["a"] * 33}]},
            413,
            "at most 32 texts in a request, found 33: send several requests.",
        ),
        ({"inputs": [INPUT | {"data": ["a", 1]}]}, 422, "strings as the data"),
        ({"inputs": [INPUT | {"data": [["a"], ["b"]]}]}, 422, "strings as the data"),
        ({"inputs": [{"name": "text"}]}, 422, "valid values at inputs.0.data"),
        ({"inputs": "a"}, 422, "valid values at inputs"),
        ({"outputs": [{"name": "logits"}]}, 422, 'found "logits"'),
        ({"parameters": {"truncate": "yes"}}, 422, '"truncate"'),
        ({"parameters": {"truncate": 1}}, 422, '"truncate"'),
        ({"parameters": {"truncate": True, "truncation_direction": "Up"}}, 422, "Left or Right"),
        ({"parameters": {"a": []}}, 422, "valid values at parameters.a"),
        ({"id": 42}, 422, "valid values at id"),
    ],
)
def test_a_bad_request_gets_the_protocols_error(client, changes, status, problem):
    answer = infer(client, **{"inputs": [INPUT], **changes})
    assert answer.status_code == status
    assert problem in answer.json()["error"]
    assert answer.json()["error_type"] == "Validation"
