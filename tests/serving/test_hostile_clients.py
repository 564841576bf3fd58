"""What hostile clients, careless operators and foreign pages try. Each test was a fault once."""

import json
import socket
import struct
import time
import tracemalloc
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from pydantic import ValidationError
from running import CLASSES, JSON, running, save, service, wait_for
from starlette.testclient import WebSocketDenialResponse

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.serving.batches import _parsed
from sentiment_lstm.serving.limits import SECURITY_HEADERS
from sentiment_lstm.serving.open_inference import InferenceRequest

HANDSHAKE = (
    b" /stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\n"
)
CONTINUATION, TEXT, PING = 0, 1, 9
OTHERS = ("anger", "fear", "joy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("models") / "films")


@pytest.fixture(scope="module")
def server(folder):
    with running("--model", str(folder), "--read-timeout", "1") as process:
        yield process
        assert process.end() == 0
        assert not [line for line in process.lines if line["level"] == "error"]


def infer(client, **request):
    return client.post("/v2/models/films/infer", content=json.dumps(request), headers=JSON)


def memory(server):
    """The memory of the service in bytes."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024


def websocket(server):
    """Open a WebSocket as bytes, because good clients cannot misbehave."""
    connection = socket.create_connection(server.address, timeout=20)
    connection.sendall(b"GET" + HANDSHAKE + b"\r\n")
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(4096)
    return connection


def client_frame(kind, data=b"", final=True):
    """A frame with a mask of zeros."""
    size = len(data)
    length = bytes([0x80 | size]) if size < 126 else b"\xff" + struct.pack("!Q", size)
    return bytes([kind | 0x80 * final]) + length + bytes(4) + data


def tensor(*texts):
    return {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": [*texts]}


@pytest.mark.parametrize("path", ["/predict", "/v2/models/films/infer"])
def test_a_swap_during_a_request_keeps_names_and_scores_together(
    folder, tmp_path, monkeypatch, path
):
    body = {"inputs": "good"} if path == "/predict" else {"inputs": [tensor("good")]}
    other = SentimentClassifier.from_pretrained(save(tmp_path / "other", OTHERS), threads=1)
    with service(folder) as (client, app):
        before = client.post(path, json=body)
        scorer = app.state.models.default
        predictor = scorer.classifier.predictor
        predict = predictor.predict_encoded

        def swap_after(*arguments):
            predictions = [*predict(*arguments)]
            scorer.swap(other)
            return predictions

        monkeypatch.setattr(predictor, "predict_encoded", swap_after)
        during, after = client.post(path, json=body), client.post(path, json=body)
    assert during.text == before.text
    assert CLASSES[0] in during.text
    assert OTHERS[0] in after.text


@pytest.mark.parametrize(
    "request_",
    [
        {"inputs": [{}] * 200_000},
        {"inputs": [{**tensor("a"), "shape": [[]] * 200_000}]},
        {"inputs": [tensor("a")], "outputs": [0] * 200_000},
        {"inputs": [tensor("a")], "parameters": {str(n): [] for n in range(50_000)}},
    ],
    ids=["inputs", "shape", "outputs", "parameters"],
)
def test_only_the_first_of_many_mistakes_is_told(folder, request_):
    with service(folder) as (client, _):
        assert infer(client, **request_).status_code == 422
    with pytest.raises(ValidationError) as error:
        InferenceRequest.model_validate(request_)
    assert error.value.error_count() < 10


def test_there_are_only_two_outputs_to_ask_for(folder):
    """Very many once took 2 GB."""
    outputs = [{"name": "label"}, {"name": "label"}, {"name": "probabilities"}]
    with service(folder) as (client, _):
        twice = infer(client, inputs=[tensor("a")], outputs=outputs[:2]).json()
        refused = infer(client, inputs=[tensor("a")], outputs=outputs)
    assert [output["name"] for output in twice["outputs"]] == ["label"]
    assert refused.status_code == 422
    assert "outputs" in refused.json()["error"]


@pytest.mark.parametrize(
    ("truncate", "statuses"), [(False, [413, 413]), (True, [200, 200])], ids=["refused", "cut"]
)
def test_a_very_long_word_is_not_tokenised_whole(folder, monkeypatch, truncate, statuses):
    lengths = []
    with service(folder, max_input_length=1000) as (client, app):
        tokenizer = app.state.models.default.classifier.predictor.tokenizer
        encode = tokenizer.encode

        def spy(texts, **options):
            lengths.append(max(map(len, texts)))
            return encode(texts, **options)

        monkeypatch.setattr(tokenizer, "encode", spy)
        word = "&#" * 500_000
        answers = [
            client.post("/predict", json={"inputs": inputs, "truncate": truncate})
            for inputs in (word, [["good"], [word]])
        ]
        assert client.post("/explain", json={"inputs": word}).status_code == 413
    assert [answer.status_code for answer in answers] == statuses
    assert max(lengths, default=0) <= 20_000


def test_many_long_texts_are_not_tokenised_together(folder, monkeypatch):
    together = []
    with service(folder, max_client_batch_size=40) as (client, app):
        tokenizer = app.state.models.default.classifier.predictor.tokenizer
        encode = tokenizer.encode

        def spy(texts, **options):
            together.append(sum(map(len, texts)))
            return encode(texts, **options)

        monkeypatch.setattr(tokenizer, "encode", spy)
        texts = [f"good {'not ' * n}" for n in range(12_000, 12_040)]
        answer = client.post("/predict", json={"inputs": [[text] for text in texts]})
        assert answer.status_code == 200
        alone = client.post("/predict", json={"inputs": texts[7]}).json()
    assert max(together) < 300_000
    assert answer.json()[7] == [
        {**each, "score": pytest.approx(each["score"], abs=1e-6)} for each in alone
    ]


def test_a_connection_does_not_keep_a_large_frame(server):
    text = "\U0001f600".encode() + b"a" * 1_900_000
    frame = client_frame(TEXT, b'{"version":1,"text":"' + text + b'"}')
    before = memory(server)
    with ExitStack() as connections:
        for _ in range(30):
            connection = connections.enter_context(websocket(server))
            connection.sendall(frame)
            assert b"at most 327,680 characters" in connection.recv(4096)
        assert memory(server) - before < 150_000_000  # the texts have 228 MB


def test_a_client_that_takes_no_answers_is_cut_off(server):
    frames = [f'{{"version":{n},"text":"{n} {"good " * 9000}"}}'.encode() for n in range(12)]
    with websocket(server) as connection:
        with suppress(OSError):
            for frame in frames:
                connection.sendall(client_frame(TEXT, frame))
                time.sleep(0.3)
        wait_for(lambda: "_websockets 0.0" in server.client.get("/metrics").text, 15)


def test_pongs_that_a_client_does_not_take_do_not_fill_the_memory(server):
    pings = client_frame(PING, b"a" * 125) * 4000
    before = memory(server)
    with websocket(server) as connection, suppress(OSError):
        for _ in range(100):
            connection.sendall(pings)
    assert memory(server) - before < 20_000_000


def test_a_message_in_very_many_pieces_is_refused(server):
    with websocket(server) as connection:
        connection.sendall(client_frame(TEXT, b"{", final=False))
        connection.sendall(client_frame(CONTINUATION, b" ", final=False) * 1001)
        assert b"too many pieces" in connection.recv(4096)


def exchange(server, *pieces):
    """Send bytes and read until the service closes the connection."""
    with socket.create_connection(server.address, timeout=20) as connection:
        with suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        answer = b""
        with suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                answer += piece
        return answer


@pytest.mark.parametrize(
    ("handshake", "status"),
    [
        (HANDSHAKE.replace(b"sec-websocket-key", b"x-key"), 400),
        (HANDSHAKE.replace(b"version: 13", b"version: 12"), 400),
        (HANDSHAKE + b"content-length: 1\r\n", 400),
        (HANDSHAKE + b"".join(b"x-%d: a\r\n" % n for n in range(200)), 431),
        (HANDSHAKE.replace(b"/stream", b"/stream?x=" + b"a" * 9000), 431),
        (HANDSHAKE.replace(b"/stream", b"/stream?model=other"), 404),
        (HANDSHAKE.replace(b"/stream", b"/predict"), 404),
        (HANDSHAKE + b"origin: http://evil\r\n", 403),
    ],
    ids=["no key", "version", "body", "headers", "path", "model", "no stream", "origin"],
)
def test_a_handshake_is_refused_at_once_as_any_request(server, handshake, status):
    start = time.monotonic()
    head, _, body = exchange(server, b"GET" + handshake + b"\r\n").partition(b"\r\n\r\n")
    assert time.monotonic() - start < 0.9  # the time for a handshake is 1 s
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(body)["error"].startswith("Expected")
    headers = dict(line.split(b": ", 1) for line in head.splitlines()[1:])
    assert headers.items() >= {*SECURITY_HEADERS, (b"cache-control", b"no-store")}


def test_a_request_that_offers_a_websocket_is_answered_without_one(server):
    head = b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    offer = b"connection: upgrade, close\r\nupgrade: websocket\r\ncontent-length: 17\r\n\r\n"
    answer = exchange(server, head + offer + b'{"inputs":"good"}')
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_trailers_without_end_are_refused(server):
    """They once filled the memory."""
    head = b"GET /health HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
    before = memory(server)
    answer = exchange(server, head, *([b"x: %s\r\n" % (b"a" * 1000) * 1000] * 50))
    assert answer.count(b"HTTP/1.1") <= 1
    assert memory(server) - before < 20_000_000


@pytest.mark.parametrize("size", [70_000, 120_000])
def test_a_long_header_is_refused_though_its_end_has_come(server, size):
    request = b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * size + b"\r\n\r\n"
    assert exchange(server, request)[:13] in (b"HTTP/1.1 431 ", b"")


def test_many_requests_in_one_piece_are_no_long_header(server):
    request = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
    last = request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    answer = exchange(server, request * 2500 + last[:20], last[20:])
    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/1.1 ") == 2501


def test_a_client_of_http_1_0_gets_no_chunks(server):
    row = b'{"text": "good"}\n'
    head = b"POST /batch HTTP/1.0\r\nhost: localhost\r\ncontent-length: 34\r\n\r\n"
    head, _, body = exchange(server, head + row * 2).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert [json.loads(line)["text"] for line in body.splitlines()] == ["good"] * 2


def test_a_refused_handshake_is_no_error_of_the_service(server):
    """The fixture `server` looks for errors in the log at the end."""
    with socket.create_connection(server.address, timeout=20) as connection:
        handshake = HANDSHAKE.replace(b"/stream", b"/stream?model=other")
        connection.sendall(b"GET" + handshake + b"\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"NotFound" in answer


def test_a_client_that_offers_another_protocol_is_served(server):
    """As Java's client does with each request."""
    head = (
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAE\r\n"
        b"content-length: 17\r\n\r\n"
    )
    with socket.create_connection(server.address, timeout=20) as connection:
        connection.sendall(head)
        connection.sendall(b'{"inputs":"good"}' + head + b'{"inputs":"good"}')
        data = b""
        while data.count(b"HTTP/1.1 200 OK") < 2 or not data.endswith(b"}]"):
            piece = connection.recv(65536)
            assert piece
            data += piece


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "EVIL.example.", "127.1.x.y"]
)
def test_a_domain_that_points_to_this_machine_is_refused(folder, host):
    headers = {**JSON, "host": host, "origin": f"http://{host}"}
    body = b'{"inputs":"good"}'
    with service(folder) as (client, _):
        answer = client.post("/predict", content=body, headers=headers)
        assert (answer.status_code, answer.json()["error_type"]) == (403, "Unauthorized")
        assert "--allowed-host" in answer.json()["error"]
        with (
            pytest.raises(WebSocketDenialResponse),
            client.websocket_connect("/stream", headers=headers),
        ):
            pass
        assert client.get("/health", headers=headers).status_code == 200
    for options in (
        {"allowed_hosts": ("Evil.example", "127.1.x.y")},
        {"host": "0.0.0.0"},
        {"api_key": "secret"},
    ):
        with service(folder, **options) as (client, _):
            key = {"authorization": "bearer secret"}
            answer = client.post("/predict", content=body, headers=headers | key)
            assert answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost:1", "127.0.0.1:80", "[::1]:80", "10.0.0.7", "a.localhost"]
)
def test_addresses_of_this_machine_are_served(folder, host):
    with service(folder) as (client, _):
        assert client.get("/info", headers={"host": host}).status_code == 200


def test_a_path_with_a_slash_too_many_is_not_redirected(folder):
    """A redirect would name the address that the client sent, and http."""
    with service(folder) as (client, _):
        answer = client.post("/predict/", json={"inputs": "good"}, follow_redirects=False)
    assert answer.status_code == 404


@pytest.mark.parametrize("key", [b"Bearer secret", b"bearer  secret", b"BEARER secret "])
def test_the_key_is_read_as_http_says(folder, key):
    with service(folder, api_key="secret") as (client, _):
        assert client.get("/info", headers={"authorization": key}).status_code == 200
        for wrong in (b"Bearer", b"Bearer ", b"Basic secret", b"secret", b"Bearer \xff", b""):
            assert client.get("/info", headers={"authorization": wrong}).status_code == 401


def test_a_row_that_waits_takes_no_more_memory_than_its_line():
    """Empty lists take 20 times as much as JSON."""
    line = b'{"text":"good","other":[' + b"[]," * 100_000 + b"[]]}"
    tracemalloc.start()
    try:
        row = _parsed(1, line)
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    assert row.problem is None
