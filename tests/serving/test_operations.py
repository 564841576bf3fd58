"""What operators ask, and the page that describes the interface."""

import pytest
from running import CLASSES, save, service, wait_for

from sentiment_lstm import __version__
from sentiment_lstm.bundle import fingerprint, load_bundle


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with service(save(tmp_path_factory.mktemp("models") / "films")) as pair:
        yield pair


@pytest.fixture
def client(running):
    return running[0]


def test_health(running):
    client, app = running
    assert client.get("/health").status_code == client.head("/health").status_code == 200
    app.state.models.draining = True
    try:
        answer = client.get("/health")
        assert (answer.status_code, answer.json()["error_type"]) == (503, "Unhealthy")
        assert answer.headers["connection"] == "close"
    finally:
        app.state.models.draining = False


def test_info_has_the_keys_of_text_embeddings_inference(client):
    info = client.get("/info").json()
    assert info["model_id"] == "films"
    assert info["model_type"]["classifier"] == {
        "id2label": {"0": "negative", "1": "neutral", "2": "positive"},
        "label2id": {"negative": 0, "neutral": 1, "positive": 2},
    }
    assert info["max_client_batch_size"] == 32
    assert info["max_concurrent_requests"] == 512
    assert info["version"] == __version__
    assert [model["classes"] for model in info["models"]] == [list(CLASSES)]
    assert [model["thresholds"] for model in info["models"]] == [None]


def test_info_shows_the_thresholds_of_several_labels(tmp_path):
    folder = save(tmp_path / "moods", ("anger", "joy"), thresholds=(0.25, 0.5))
    with service(folder) as (client, _):
        (model,) = client.get("/info").json()["models"]
    assert model["multi_label"]
    assert model["thresholds"] == {"anger": 0.25, "joy": 0.5}


def test_info_tells_when_a_model_was_replaced(tmp_path):
    folder = save(tmp_path / "films")
    with service(folder, reload_interval=0.02) as (client, _):
        before = client.get("/info").json()
        assert before["model_sha"] == before["models"][0]["sha"] == fingerprint(load_bundle(folder))
        save(folder, ("anger", "joy"))
        wait_for(lambda: client.get("/info").json()["model_sha"] != before["model_sha"])
        assert client.get("/info").json()["model_sha"] == fingerprint(load_bundle(folder))


def test_metrics_count_with_few_labels(client):
    client.post("/predict", json={"inputs": [["good"], ["bad"]]})
    client.post("/predict", json={"inputs": 1})
    for n in range(20):
        client.get(f"/nothing/{n}")
    text = client.get("/metrics").text
    assert 'requests_total{method="POST",route="/predict",status="200"}' in text
    assert 'requests_total{method="POST",route="/predict",status="422"}' in text
    assert 'batch_texts_sum{model="films"}' in text
    assert "nothing" not in text
    assert str(20.0) in next(line for line in text.splitlines() if 'status="404"' in line)


def test_the_interface_is_described(client):
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for path in client.get("/openapi.json").json()["paths"]:
        assert f" {path}</code>" in page.text
    assert "https://" not in page.text.replace("https://spdx.org", "")
    assert "<style" not in page.text
    assert client.get("/docs/style.css").headers["content-type"].startswith("text/css")


def test_other_paths_and_methods_have_errors_of_the_same_form(client):
    answer = client.get("/nothing")
    assert (answer.status_code, answer.json()["error_type"]) == (404, "NotFound")
    answer = client.get("/predict")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    message = "Expected the method POST, found another one: see /docs."
    assert answer.json() == {"error": message, "error_type": "Validation"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "/", "GET, HEAD, POST"), ("POST", "/health", "GET, HEAD")],
)
def test_all_methods_of_a_path_are_named(client, method, path, allowed):
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert allowed.replace(", ", " or ") in answer.json()["error"]
