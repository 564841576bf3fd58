"""`WS /stream`: frames in, changed steps out."""

import json
from threading import Event

import numpy as np
import pytest
from running import running as running_process
from running import save, service
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.inference.editing import EditedText
from sentiment_lstm.serving import live

LONG = "a good film , not bad at all ! " * 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("model"), wide=True, pooling="max+mean")


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory):
    return save(tmp_path_factory.mktemp("other"), bidirectional=True)


@pytest.fixture(scope="module")
def running(folder, both_ways):
    with service(
        folder,
        models=(("films", str(folder)), ("both", str(both_ways))),
        payload_limit=200_000,
        max_input_length=600,
    ) as both:
        yield both


@pytest.fixture
def client(running):
    return running[0]


@pytest.fixture
def socket(client):
    with client.websocket_connect("/stream") as socket:
        yield socket


def ask(socket, text, version=1):
    socket.send_text(json.dumps({"version": version, "text": text}))
    return json.loads(socket.receive_text())


def test_an_answer_holds_the_changed_steps_and_the_whole_prediction(socket, folder):
    classifier = SentimentClassifier.from_pretrained(folder)
    steps = []
    texts = ["a good fil", "a good film", "a good film, not é 😀\ud83d", "a film", "", "\x00", LONG]
    for version, text in enumerate(texts):
        answer = ask(socket, text, version)
        steps[answer["from"] :] = answer["steps"]
        assert answer["version"] == version
        assert answer["classes"] == classifier.classes_
        (whole,) = classifier.predictor.predict([text])
        np.testing.assert_allclose(answer["probabilities"], whole.probabilities, atol=1e-6)
        assert answer["label"] == whole.label
        assert answer["familiarity"] is None
        assert [text[s["start"] : s["end"]] for s in steps] == [s["text"] for s in steps]
        assert all(0 <= s["forget"] <= 1 for s in steps)
        assert bool(steps) == bool(text)
        if steps:
            for key in ("label", "score", "probabilities"):
                assert steps[-1][key] == answer[key]


def test_only_what_changed_is_sent(socket):
    ask(socket, LONG)
    answer = ask(socket, LONG + "good")
    assert (answer["from"], len(answer["steps"])) == (9 * 64, 1)


def test_the_newest_frame_overtakes_those_that_wait(socket, monkeypatch):
    may_go, has_begun, update = Event(), Event(), EditedText.update

    def slow(self, text):
        has_begun.set()
        assert may_go.wait(10)
        return update(self, text)

    monkeypatch.setattr(EditedText, "update", slow)
    for version in range(1, 6):
        socket.send_text(json.dumps({"version": version, "text": "good " * version}))
        assert has_begun.wait(10)
    socket.send_text("no JSON")  # answered at once, so the server has read all frames before
    assert json.loads(socket.receive_text())["version"] is None
    may_go.set()
    first, last = (json.loads(socket.receive_text()) for _ in range(2))
    assert (first["version"], len(first["steps"])) == (1, 1)
    assert (last["version"], last["from"], len(last["steps"])) == (5, 1, 4)


@pytest.mark.parametrize(
    ("frame", "version", "problem"),
    [
        ("", None, "Expected JSON"),
        ("[" * 100_000, None, "nested too deep"),
        ("9" * 5_000, None, "too many digits"),
        ("[1]", None, 'whole number as "version"'),
        ('{"text": "a"}', None, 'whole number as "version"'),
        ('{"version": true, "text": "a"}', None, 'whole number as "version"'),
        ('{"version": 7}', 7, 'the whole text as "text"'),
        ('{"version": 7, "text": ["a"]}', 7, 'the whole text as "text"'),
        (json.dumps({"version": 7, "text": "a" * 200_000}), None, "at most 200000 bytes"),
        (json.dumps({"version": 7, "text": "a " * 601}), 7, "at most 600 tokens, found 601"),
        (json.dumps({"version": 7, "text": "a" * 12_001}), 7, "at most 12,000 characters"),
    ],
)
def test_a_bad_frame_is_answered_and_the_connection_stays_open(socket, frame, version, problem):
    ask(socket, "a good film")
    socket.send_text(frame)
    answer = json.loads(socket.receive_text())
    assert (answer["version"], answer["error_type"]) == (version, "Validation")
    assert problem in answer["error"]
    assert ask(socket, "a good film !")["from"] == 3


def test_a_binary_frame_is_bad(socket):
    socket.send_bytes(b'{"version": 1, "text": "a"}')
    assert "found a binary one" in json.loads(socket.receive_text())["error"]


def test_an_unexpected_error_is_answered_and_changes_nothing(socket, monkeypatch, caplog):
    ask(socket, "a good film")
    with monkeypatch.context() as broken:
        broken.setattr(EditedText, "_prediction", lambda *_: 1 / 0)
        answer = ask(socket, "a bad", version=2)
    assert (answer["version"], answer["error_type"]) == (2, "Backend")
    assert "ZeroDivisionError" in caplog.text
    assert ask(socket, "a good film !")["from"] == 3


def test_a_model_of_two_directions_cannot_stream(client):
    with client.websocket_connect("/stream?model=both") as socket:
        assert "Expected a model of one direction" in ask(socket, "a")["error"]


def test_an_unknown_model_is_refused_before_the_connection_opens(client):
    with (
        pytest.raises(WebSocketDenialResponse) as denial,
        client.websocket_connect("/stream?model=other"),
    ):
        pass
    assert (denial.value.status_code, denial.value.json()["error_type"]) == (404, "NotFound")


def test_after_a_swap_all_steps_come_from_the_new_model(running, socket, tmp_path):
    before = ask(socket, "a good film")
    _, app = running
    scorer = app.state.models.get("films")
    old = scorer.classifier
    scorer.swap(SentimentClassifier.from_pretrained(save(tmp_path, ("x", "y"))))
    try:
        after = ask(socket, "a good film !")
    finally:
        scorer.swap(old)
    assert (after["from"], len(after["steps"]), after["classes"]) == (0, 4, ["x", "y"])
    assert ask(socket, "a good film")["steps"] == before["steps"]


def test_an_idle_connection_is_closed(client, monkeypatch):
    monkeypatch.setattr(live, "IDLE_SECONDS", 0.01)
    with client.websocket_connect("/stream") as socket, pytest.raises(WebSocketDisconnect) as gone:
        socket.receive_text()
    assert gone.value.code == 1001


def test_a_real_connection(folder):
    with running_process("--model", f"films={folder}") as process:
        address = process.url.replace("http", "ws") + "/stream"
        with connect(address) as socket:
            for version, text in enumerate(["a good", "a good film", ""]):
                socket.send(json.dumps({"version": version, "text": text}))
                answer = json.loads(socket.recv(20))
                assert (answer["version"], answer["from"]) == (version, [0, 2, 0][version])
        with connect(address) as socket:
            socket.send(json.dumps({"version": 1, "text": "a" * 2_000_000}))
            with pytest.raises(ConnectionClosedError) as closed:
                socket.recv(20)
        assert closed.value.rcvd.code == 1009, "the frame is larger than a body may be"
        with connect(address) as socket:
            socket.send(json.dumps({"version": 1, "text": LONG}))
        assert process.end() == 0
        assert not [line for line in process.lines if line["level"] == "error"]
