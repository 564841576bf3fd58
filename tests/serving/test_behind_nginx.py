"""The service behind nginx with the configuration of `deploy/`: real programs on free ports."""

import http.client
import json
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import running, save, wait_for
from websockets.sync.client import connect

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
HEADERS = {"Content-Type": "application/json"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def is_open(port):
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nginx(folder, upstream):
    """Run nginx before a service; yields its port."""
    port = free_port()
    text = CONFIGURATION.read_text()
    for old, new in (
        (" /tmp/", f" {folder}/"),
        ("server service:8080;", f"server 127.0.0.1:{upstream};"),
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("worker_processes auto;", "worker_processes 1;"),
        ("/dev/stdout", str(folder / "access.log")),
        ("/dev/stderr", str(folder / "error.log")),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    main = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    command = ["nginx", "-c", str(folder / "nginx.conf"), "-g", main]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: is_open(port))
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    """The port of nginx, and the service behind it."""
    folder = tmp_path_factory.mktemp("nginx")
    with (
        running("--model", str(save(folder / "films"))) as service,
        nginx(folder, service.address[1]) as port,
    ):
        yield port, service


@pytest.fixture
def client(front):
    connection = http.client.HTTPConnection("127.0.0.1", front[0], timeout=30)
    yield connection
    connection.close()


def answer(client, method, path, body=None, headers=HEADERS):
    client.request(method, path, body, headers)
    response = client.getresponse()
    return response.status, json.loads(response.read() or b"null"), response.headers


def test_scores_are_those_of_the_service(front, client):
    body = json.dumps({"inputs": "not bad at all"})
    direct = front[1].client.post("/predict", content=body, headers=HEADERS).json()
    status, scores, headers = answer(client, "POST", "/predict", body)
    assert (status, scores) == (200, direct)
    assert "default-src 'none'" in headers["content-security-policy"]
    assert answer(client, "GET", "/health")[0] == 200


def test_metrics_are_not_public(front, client):
    assert front[1].client.get("/metrics").status_code == 200
    status, body, _ = answer(client, "GET", "/metrics")
    assert (status, body["error_type"]) == (404, "NotFound")


def test_large_bodies_are_refused_in_the_form_of_the_service(client):
    status, body, _ = answer(client, "POST", "/predict", b" " * 2_200_000)
    assert (status, body["error_type"]) == (413, "Validation")


def test_text_is_scored_while_it_is_typed(front):
    port = front[0]
    with connect(f"ws://127.0.0.1:{port}/stream", origin=f"http://127.0.0.1:{port}") as stream:
        for version, text in enumerate(["not", "not bad", "not bad at all"]):
            stream.send(json.dumps({"version": version, "text": text}))
            value = json.loads(stream.recv(timeout=30))
            assert value["version"] == version
            assert value["label"]


def test_batches_stream_in_both_directions(front):
    """The first answer arrives before the client has ended its body."""
    with socket.create_connection(("127.0.0.1", front[0]), timeout=30) as client:
        head = b"POST /batch HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-ndjson\r\n"
        client.sendall(head + b"transfer-encoding: chunked\r\n\r\n")
        received = b""
        for _ in range(200):  # the service scores lines together
            line = json.dumps({"text": "not bad at all " * 200}).encode() + b"\n"
            client.sendall(b"%x\r\n%s\r\n" % (len(line), line))
        while b'"label"' not in received:
            received += client.recv(65_536)
        client.sendall(b"0\r\n\r\n")
        while not received.endswith(b"0\r\n\r\n"):
            received += client.recv(65_536)
    assert received.startswith(b"HTTP/1.1 200")
    assert received.count(b'"label"') == 200


def test_a_service_that_is_away_is_an_error_in_json(tmp_path):
    with nginx(tmp_path, free_port()) as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        status, body, headers = answer(client, "POST", "/predict", b'{"inputs": "a"}')
        client.close()
    assert (status, body["error_type"]) == (503, "Unhealthy")
    assert headers["retry-after"] == "5"


def test_too_many_requests_of_a_client_are_refused(tmp_path, front):
    """nginx counts each address; here all have the same."""
    with nginx(tmp_path, front[1].address[1]) as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        answers = [answer(client, "GET", "/health") for _ in range(1000)]
        client.close()
    assert {status for status, _, _ in answers} == {200, 429}
    refused = next(each for each in answers if each[0] == 429)
    assert refused[1]["error_type"] == "Overloaded"
    assert refused[2]["retry-after"] == "1"
    logged = (tmp_path / "access.log").read_text().splitlines()
    assert json.loads(logged[0])["uri"] == "/health"
