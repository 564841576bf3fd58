"""The load generator counts every answer; the measurement of the service runs on small loads."""

import asyncio
import json

import http_load
import pytest
import serve
import serve_memory


async def answer(reader, writer):
    """Answer each request; every third with 429. The answer comes in pieces."""
    number = 0
    while head := await reader.readline():
        length = 0
        while head.strip():
            if head.startswith(b"content-length"):
                length = int(head.split()[1])
            head = await reader.readline()
        await reader.readexactly(length)
        number += 1
        status = b"429 Too Many Requests" if number % 3 == 0 else b"200 OK"
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: 4\r\n" % status)
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(b"\r\n[%2d" % (number % 100))
        writer.write(b"]")
    writer.close()


async def loaded(load):
    server = await asyncio.start_server(answer, http_load.HOST, 0)
    async with server:
        return await load(server.sockets[0].getsockname()[1])


REQUESTS = [http_load.as_request("/predict", {"inputs": text}) for text in ("a", "é")]


def test_clients_count_answers_and_errors():
    measured = http_load.run(
        loaded(lambda port: http_load.closed_loop(port, REQUESTS, 2, 0.3, warm_up=0.0))
    )
    good = len(measured.latencies)
    assert good > 10
    assert measured.errors == pytest.approx(good / 2, abs=3)
    assert good <= measured.answered <= good + 2
    assert json.loads(measured.answers[0])[0] > 0
    assert measured.figures()["errors"] == measured.errors


def test_requests_are_sent_when_they_are_due():
    measured = http_load.run(
        loaded(lambda port: http_load.open_loop(port, REQUESTS, http_load.evenly(50), 0.5))
    )
    assert len(measured.latencies) + measured.errors == len(measured.late) == 25
    assert measured.figures()["late p99 ms"] >= 0


def test_each_request_is_sent_once():
    failed = http_load.run(loaded(lambda port: http_load.send_all(port, iter(REQUESTS * 3), 1)))
    assert failed == 2


def test_bars():
    results = {
        "offline": {"texts/s": 90.0, "CPU ms/text": 1.0},
        "offline again": {"texts/s": 110.0, "CPU ms/text": 1.0},
        "reviews": {"texts/s": 60.0, "CPU ms/text": 2.0},
        "distilbert": {"texts/s": 1.0, "CPU ms/text": 90.0},
    }
    values = serve.ratios(results)
    assert values["reviews / offline"] == 0.6
    assert values["reviews / offline, by CPU time"] == 0.5
    assert values["reviews / distilbert"] == 60
    assert serve.is_met("reviews / offline", 0.6) is True
    assert serve.is_met("sentences p99 ms", 41.5) is False
    assert serve.is_met("unbatched / offline", 0.1) is None


@pytest.mark.slow
def test_the_service_is_measured(tmp_path):
    call = ["--seconds", "0.5", "--clients", "4", "--number", "64", "--model", "tiny"]
    call += ["--texts", "grammar:64", "--only", "reviews", "--only", "batches"]
    serve.main([*call, "--json", str(tmp_path / "figures.json")])
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["difference"] <= serve.SAME
    assert figures["parts"]["batches"]["errors"] == 0
    assert figures["parts"]["reviews"]["CPU ms/text"] > 0


@pytest.mark.slow
def test_the_memory_is_measured(tmp_path):
    call = ["--texts", "640", "--model", "tiny", "--json", str(tmp_path / "figures.json")]
    serve_memory.main(call)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["failed"] == 0
    assert len(figures["mb"]) == serve_memory.PARTS
