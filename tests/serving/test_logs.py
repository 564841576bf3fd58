"""Log lines: JSON, without texts, and never in the way."""

import json
import logging
import os
import time
from contextlib import suppress

import pytest
from running import save, service, wait_for
from starlette.testclient import TestClient

from sentiment_lstm.serving import logs
from sentiment_lstm.serving.app import create_app
from sentiment_lstm.serving.logs import JsonLines, json_logs
from sentiment_lstm.serving.options import Options


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def lines_of(reading, writing):
    os.close(writing)
    with os.fdopen(reading) as file:
        return [json.loads(line) for line in file]


def test_a_request_has_a_line_without_its_text(pipe, tmp_path):
    log = JsonLines(pipe[1], print)
    options = Options(models=(("films", str(save(tmp_path / "films"))),))
    with TestClient(create_app(options, log=log)) as client:
        client.post("/predict?q=secret", json={"inputs": "secret"})
        client.get("/secret")
    log.close()
    first, second = lines_of(*pipe)
    assert first.pop("seconds") > 0
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "info",
        "event": "request",
        "method": "POST",
        "route": "/predict",
        "status": 200,
    }
    assert second["status"] == 404
    assert "secret" not in json.dumps([first, second])


def test_what_libraries_log_becomes_json(pipe):
    with JsonLines(pipe[1], print) as log, json_logs(log):
        logging.getLogger("sentiment_lstm.serving").info("A model\nis loaded.")
        logging.getLogger("uvicorn.error").info("left out")
        try:
            raise ValueError("a secret text")
        except ValueError:
            logging.getLogger("uvicorn.error").exception("A request failed.")
    first, second = lines_of(*pipe)
    assert first["message"] == "A model\nis loaded."
    assert (second["level"], second["error"]) == ("error", "ValueError")
    assert "test_what_libraries_log" in second["trace"]
    assert "secret" not in json.dumps(second)


def test_a_full_disk_loses_lines_and_nothing_else():
    lost = []
    descriptor = os.open("/dev/full", os.O_WRONLY)
    log = JsonLines(descriptor, lost.append)
    for n in range(100):
        log.write("request", number=n)
    log.close()
    os.close(descriptor)
    assert sum(lost) == 100


def test_a_line_after_a_full_disk_is_whole(pipe, monkeypatch):
    written, write = [], os.write

    def full_after_half_a_line(descriptor, data):
        if len(written) == 1:
            written.append(0)
            raise OSError("no space left")
        written.append(write(descriptor, data[:10] if not written else data))
        return written[-1]

    log = JsonLines(pipe[1], lambda _: None)
    monkeypatch.setattr(os, "write", full_after_half_a_line)
    log.write("first")
    wait_for(lambda: len(written) == 2)
    log.write("second")
    log.close()
    os.close(pipe[1])
    with os.fdopen(pipe[0]) as file:
        half, whole = file.read().splitlines()
    assert len(half) == 10
    assert json.loads(whole)["event"] == "second"


def test_a_reader_that_stops_delays_nobody(pipe, monkeypatch):
    monkeypatch.setattr(logs, "_MOST_WAITING", 1000)
    monkeypatch.setattr(logs, "_LAST_WAIT", 0.1)
    lost = []
    log = JsonLines(pipe[1], lost.append)
    start = time.monotonic()
    for _ in range(20_000):  # a pipe holds 64 kB
        log.write("request", filler="x" * 100)
    log.close()
    assert time.monotonic() - start < 5
    assert sum(lost) > 1000
    os.close(pipe[0])  # ends the thread


def test_no_lines_for_requests_if_not_wanted(tmp_path, capfd):
    with service(save(tmp_path / "films")) as (client, _):
        client.get("/health")
    assert capfd.readouterr().err == ""
