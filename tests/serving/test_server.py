"""The command `serve` on a real socket: signals, slow clients, Hugging Face's client."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from running import CLASSES, JSON, Process, running, save, wait_for
from uvicorn import Config

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.serving.limits import SECURITY_HEADERS
from sentiment_lstm.serving.options import Options
from sentiment_lstm.serving.server import _Server

HEAD = b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
hub = pytest.importorskip("huggingface_hub", reason="the extra `hub` is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("models") / "films")


@pytest.fixture(scope="module")
def server(folder):
    options = ("--read-timeout", "1", "--payload-limit", "100000", "--reload-interval", "0.1")
    with running("--model", str(folder), *options) as process:
        yield process


def connect(server):
    connection = socket.create_connection(server.address, timeout=30)
    connection.settimeout(30)
    return connection


def read_all(connection):
    """Read until the server closes the connection."""
    data = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            data += piece
    return data


def test_huggingface_client(server, folder):
    client = hub.InferenceClient(model=server.url)
    answer = client.text_classification("not bad at all")
    classifier = SentimentClassifier.from_pretrained(folder)
    expected = classifier.predict_proba(["not bad at all"])[0]
    assert {each.label: each.score for each in answer} == pytest.approx(
        dict(zip(CLASSES, expected, strict=True)), abs=1e-6
    )
    best = client.text_classification("not bad at all", top_k=1)
    assert [each.label for each in best] == [CLASSES[expected.argmax()]]


def test_it_listens_only_here(server):
    line = next(line for line in server.lines if line["event"] == "listening")
    assert line["url"].startswith("http://127.0.0.1:")
    assert line["models"] == ["films"]


def test_a_connection_serves_many_requests(server):
    with connect(server) as connection:
        body = b'{"inputs":"good"}'
        request = HEAD + b"content-length: %d\r\n\r\n%s" % (len(body), body)
        connection.sendall(request * 3)  # the second and the third do not wait
        data = b""
        while data.count(b"HTTP/1.1 200 OK") < 3 or not data.endswith(b"}]"):
            data += connection.recv(65536)


@pytest.mark.parametrize(
    "start",
    [b"POST /pre", HEAD, HEAD + b"content-length: 100\r\n\r\n{"],
    ids=["line", "headers", "body"],
)
def test_a_slow_client_is_cut_off(server, start):
    begin = time.monotonic()
    with connect(server) as connection:
        connection.sendall(start)
        data = read_all(connection)
    assert 0.5 < time.monotonic() - begin < 10
    assert data.startswith(b"HTTP/1.1 408 ")
    assert json.loads(data.partition(b"\r\n\r\n")[2])["error_type"] == "Validation"
    assert all(name in data for name, _ in SECURITY_HEADERS)


def test_a_slow_body_is_counted_with_the_status_of_its_answer(server):
    with connect(server) as connection:
        connection.sendall(HEAD + b"content-length: 100\r\n\r\n{")
        assert read_all(connection).startswith(b"HTTP/1.1 408 ")
    line = 'requests_total{method="POST",route="/predict",status="408"}'
    assert line in server.client.get("/metrics").text


@pytest.mark.parametrize(
    "rest",
    [b"", b"content-length: 17\r\n\r\n", b'content-length: 17\r\n\r\n{"inputs":"good"}'],
    ids=["headers", "no body", "whole"],
)
def test_a_client_that_closes_its_side_is_told_why_it_gets_no_scores(server, rest):
    with connect(server) as connection:
        connection.sendall(HEAD + rest)
        connection.shutdown(socket.SHUT_WR)
        data = read_all(connection)
    assert data.startswith(b"HTTP/1.1 400 ")
    assert data.count(b"HTTP/1.1") == 1
    assert "keep it open" in json.loads(data.partition(b"\r\n\r\n")[2])["error"]


def test_a_body_of_no_type_in_chunks_is_refused_before_it_is_sent(server):
    """As `curl -T - -X POST` does."""
    with connect(server) as connection:
        head = b"POST /predict HTTP/1.1\r\nhost: a\r\n"
        connection.sendall(head + b"transfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n")
        data = read_all(connection)
    assert data.startswith(b"HTTP/1.1 415 ")
    assert b"send the header `Content-Type: application/json`" in data


def test_a_client_that_closes_its_side_after_the_answer_hears_no_more(server):
    with connect(server) as connection:
        connection.sendall(HEAD + b'content-length: 17\r\n\r\n{"inputs":"good"}')
        data = b""
        while not data.endswith(b"}]"):
            data += connection.recv(65536)
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""


def test_a_client_that_sends_byte_after_byte_is_cut_off(server):
    begin = time.monotonic()
    with connect(server) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nx: ")
        with suppress(OSError):
            while time.monotonic() - begin < 20:
                connection.sendall(b"a")
                time.sleep(0.1)
    assert time.monotonic() - begin < 10


def test_a_silent_client_is_cut_off(server):
    with connect(server) as connection:
        assert read_all(connection) == b""


def test_headers_without_end_are_refused(server):
    with connect(server) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        with suppress(OSError):
            for n in range(200_000):
                connection.sendall(b"x-%d: %s\r\n" % (n, b"a" * 100))
        assert read_all(connection)[:13] in (b"HTTP/1.1 431 ", b"")


def test_what_is_no_http_is_refused(server):
    with connect(server) as connection:
        connection.sendall(b"hello\r\n\r\n")
        assert read_all(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "request_",
    [
        b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://a/nothing HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /%00%ff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /docs/../../etc/passwd HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
        HEAD + b"content-length: -5\r\n\r\n",
        HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
        HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n",
    ],
    ids=lambda request: request[:20].decode(),
)
def test_strange_requests_are_refused(server, request_):
    with connect(server) as connection:
        connection.sendall(request_)
        data = connection.recv(65536)
    assert data.startswith(b"HTTP/1.1 4")
    assert server.client.get("/health").status_code == 200


def test_a_client_that_waits_for_permission_does_not_send_a_large_body(server):
    with connect(server) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n"
            b"expect: 100-continue\r\n\r\n"
        )
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


def test_a_replaced_bundle_is_loaded(server, folder):
    def labels():
        answer = server.client.post("/predict", json={"inputs": "good"}).json()
        return {each["label"] for each in answer}

    save(folder, ("anger", "joy"))
    wait_for(lambda: labels() == {"anger", "joy"})
    save(folder)
    wait_for(lambda: labels() == set(CLASSES))


def test_sigterm_ends_in_order(folder):
    with running("--model", str(folder), "--shutdown-delay", "0.5") as server:
        assert server.client.get("/health").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.next_line()["event"] == "ending")
        answer = server.client.get("/health")
        assert (answer.status_code, answer.headers["connection"]) == (503, "close")
        answer = server.client.post("/predict", json={"inputs": "good"})
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        assert server.process.wait(20) == 0


def test_an_accepted_request_is_finished(folder):
    with running("--model", str(folder)) as server, connect(server) as connection:
        body = b'{"inputs":"good"}'
        connection.sendall(HEAD + b"content-length: %d\r\n\r\n%s" % (len(body), body[:5]))
        wait_for(lambda: server.client.get("/health").status_code == 200)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(body[5:])
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")
        assert server.process.wait(20) == 0


def test_a_second_signal_ends_at_once(folder):
    with running("--model", str(folder), "--shutdown-delay", "60") as server:
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.next_line()["event"] == "ending")
        assert server.end(signal.SIGTERM) == 128 + signal.SIGTERM


def test_sighup_loads_the_models_again(folder):
    with running("--model", str(folder), "--reload-interval", "0") as server:
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "was replaced" in str(server.next_line().get("message")))
        assert server.end() == 0


def test_a_full_disk_for_logs_does_not_matter(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        server = Process("--port", str(port), "--model", str(folder), stderr=full)
    server.client.base_url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: _is_up(port), 30)
        for _ in range(20):
            answer = server.client.post("/predict", json={"inputs": "good"}, headers=JSON)
            assert answer.status_code == 200
        text = server.client.get("/metrics").text
        assert "lost_log_lines_total 0.0" not in text
    finally:
        server.client.close()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0


def _is_up(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def serve(*arguments, **environment):
    command = [sys.executable, "-m", "sentiment_lstm", "serve", *arguments]
    variables = os.environ | environment
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60)


def test_an_address_in_use_is_one_sentence(server, folder):
    run = serve("--model", str(folder), "--port", str(server.address[1]))
    assert run.returncode == 1
    assert "Expected a free address" in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_missing_model_is_one_sentence(tmp_path):
    run = serve("--model", str(tmp_path / "nothing"), "--port", "0")
    assert run.returncode == 1
    assert run.stderr.startswith("Error: Expected")
    assert run.stderr.count("\n") == 1


def test_an_empty_name_of_the_key_file_opens_no_service_without_a_key():
    run = serve("--port", "0", SENTIMENT_LSTM_API_KEY_FILE="")
    assert run.returncode == 2
    assert "Expected a file with a key as SENTIMENT_LSTM_API_KEY_FILE" in run.stderr
    assert run.stderr.count("\n") == 1


def test_two_services_that_begin_at_the_same_time_do_not_share_an_address(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "sentiment_lstm", "serve", "--model", str(folder)]
    processes = [
        subprocess.Popen([*command, "--port", port], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        wait_for(lambda: any(process.poll() is not None for process in processes), 30)
    finally:
        for process in processes:
            process.terminate()
        errors = [process.communicate(timeout=20)[1] for process in processes]
    lost = next(error for error in errors if '"listening"' not in error)
    assert lost.startswith("Error: Expected a free address")
    assert lost.count("\n") == 1


def test_a_host_that_is_no_name_is_one_sentence(folder):
    run = serve("--model", str(folder), "--port", "0", "--host", "a..b")
    assert run.returncode == 1
    assert run.stderr.startswith("Error: Expected a free address")
    assert run.stderr.count("\n") == 1


def test_sighup_while_the_models_are_loaded_ends_nothing(folder):
    code = (
        "import os, signal\n"
        "from sentiment_lstm.serving import models, server\n"
        "from sentiment_lstm.serving.options import Options\n"
        "async def load(self):\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
        "    raise SystemExit(7)\n"
        "models.Models.load = load\n"
        "server.serve(Options(port=0))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 7


def test_loaded_models_delay_no_answer_by_garbage_collections(folder):
    code = (
        "import os\n"
        "from sentiment_lstm.serving import server\n"
        "from sentiment_lstm.serving.options import Options\n"
        "server.freeze = lambda: os._exit(7)\n"
        f"server.serve(Options(models=(('films', {str(folder)!r}),), port=0))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 7


def test_many_sighups_load_the_models_once_more():
    class Slow:
        loads = 0

        async def reload(self):
            self.loads += 1
            await asyncio.sleep(0.05)

    async def scenario():
        models = Slow()
        server = _Server(Config(None), models, Options(), None)
        for _ in range(20):
            server._reload(signal.SIGHUP)
            await asyncio.sleep(0)
        await server._reloading
        return models.loads

    assert asyncio.run(scenario()) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_models_are_loaded_ends_the_service(folder, number):
    """The loop waits for a thread then. It once swallowed the exception of the command line."""
    code = (
        "import asyncio, os, sys, threading, time\n"
        "from sentiment_lstm.cli import main\n"
        "from sentiment_lstm.serving import models\n"
        "async def load(self):\n"
        f"    threading.Timer(0.3, os.kill, (os.getpid(), {int(number)})).start()\n"
        "    await asyncio.to_thread(time.sleep, 2)\n"
        "    os._exit(7)\n"
        "models.Models.load = load\n"
        "sys.argv = ['sentiment-lstm', 'serve', '--port', '0']\n"
        "main()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert run.returncode == 128 + number, run.stderr


def test_it_can_be_imported_on_windows():
    code = "import sys\nsys.modules['resource'] = None\nimport sentiment_lstm.serving.server\n"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
