"""Faults under load: each accepted request is answered once and correctly; the rest is refused.

All traffic goes to 127.0.0.1 and is bounded in count and time.
"""

import asyncio
import json
import resource
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from running import CLASSES, running, save, wait_for

from sentiment_lstm.api import SentimentClassifier

pytestmark = pytest.mark.slow
TEXTS = [f"not bad at all {'good film ' * (n % 20)}" for n in range(200)]
OTHER = ("anger", "fear", "joy")
TIMEOUT = 60
HEAD = b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"


@pytest.fixture
def folder(tmp_path):
    return save(tmp_path / "films")


def request_of(text, close=False):
    body = json.dumps({"inputs": text}).encode()
    head = HEAD + (b"connection: close\r\n" if close else b"")
    return head + b"content-length: %d\r\n\r\n" % len(body) + body


async def answer_of(reader):
    """Read an answer: status and value."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head[9:12]), json.loads(await reader.readexactly(length))


async def ask(address, text):
    """Send one request over a connection of its own."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(request_of(text, close=True))
        return await answer_of(reader)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def expected(folder, classes=CLASSES):
    """The scores of all texts without the service, {class: score} for each."""
    rows = SentimentClassifier.from_pretrained(folder).predict_proba(TEXTS)
    return [dict(zip(classes, row, strict=True)) for row in rows]


def is_right(answer, scores):
    given = {each["label"]: each["score"] for each in answer}
    return given.keys() == scores.keys() and all(
        abs(given[label] - score) <= 1e-6 for label, score in scores.items()
    )


def run(scenario):
    async def bounded():
        async with asyncio.timeout(TIMEOUT):
            return await scenario

    return asyncio.run(bounded())


def test_clients_that_go_harm_nobody(folder):
    scores = expected(folder)

    async def go(address, number):
        """Leave before, during or right after the request."""
        _, writer = await asyncio.open_connection(*address)
        request = request_of(TEXTS[number % len(TEXTS)])
        writer.write(request[: (10, len(request) - 5, len(request))[number % 3]])
        with suppress(OSError):
            await writer.drain()
        writer.transport.abort()

    async def scenario(address):
        others = (go(address, n) for n in range(600))
        mine = (ask(address, text) for text in TEXTS)
        answers, _ = await asyncio.gather(asyncio.gather(*mine), asyncio.gather(*others))
        return answers

    with running("--model", str(folder)) as server:
        answers = run(scenario(server.address))
        assert all(
            status == 200 and is_right(answer, score)
            for (status, answer), score in zip(answers, scores, strict=True)
        )
        wait_for(lambda: "requests_in_flight 1.0" in server.client.get("/metrics").text)
        assert server.end() == 0
        assert not [line for line in server.lines if line["level"] == "error"]


def test_nothing_is_computed_for_clients_that_have_gone(folder):
    async def go(address):
        _, writer = await asyncio.open_connection(*address)
        writer.write(request_of("good " * 10_000))
        await writer.drain()
        return writer

    async def scenario(address):
        writers = await asyncio.gather(*(go(address) for _ in range(200)))
        for writer in writers:
            writer.transport.abort()

    with running("--model", str(folder), "--threads", "1") as server:
        run(scenario(server.address))
        metrics = ""

        def are_gone():
            nonlocal metrics
            metrics = server.client.get("/metrics").text
            return "requests_in_flight 1.0" in metrics

        wait_for(are_gone)
        texts = float(metrics.partition('batch_texts_sum{model="films"} ')[2].split()[0])
        assert texts < 150
        assert server.end() == 0
        assert not [line for line in server.lines if line["level"] == "error"]


def test_ten_thousand_requests_at_once(folder):
    number = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < number + 1000:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    scores = expected(folder)

    async def scenario(address):
        texts = [TEXTS[n % len(TEXTS)] for n in range(number)]
        return await asyncio.gather(*(ask(address, text) for text in texts))

    try:
        # The clients are one busy process: some connect long before they ask.
        options = ("--no-log-requests", "--read-timeout", "60")
        with running("--model", str(folder), *options) as server:
            answers = run(scenario(server.address))
            assert server.end() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    statuses = Counter(status for status, _ in answers)
    assert set(statuses) <= {200, 429}
    assert statuses[200] >= 512
    for n, (status, answer) in enumerate(answers):
        assert status == 429 or is_right(answer, scores[n % len(scores)])


def test_a_bundle_is_replaced_under_load(folder, tmp_path):
    other = save(tmp_path / "other", OTHER)
    both = {CLASSES: expected(folder), OTHER: expected(other, OTHER)}
    seen: Counter[tuple[str, ...]] = Counter()

    async def client(address, number, end):
        reader, writer = await asyncio.open_connection(*address)
        while time.monotonic() < end:
            number = (number + 7) % len(TEXTS)
            writer.write(request_of(TEXTS[number]))
            status, answer = await answer_of(reader)
            assert status == 200
            classes = next(
                names for names, scores in both.items() if is_right(answer, scores[number])
            )
            seen[classes] += 1
        writer.close()

    async def scenario(address):
        end = time.monotonic() + 4
        async with asyncio.TaskGroup() as group:
            for number in range(16):
                group.create_task(client(address, number, end))
            for classes in (OTHER, CLASSES, OTHER):
                await asyncio.sleep(1)
                await asyncio.to_thread(save, folder, classes)

    with running("--model", str(folder), "--reload-interval", "0.1") as server:
        run(scenario(server.address))
    assert len(seen) == 2
    assert all(count > 10 for count in seen.values())


def test_sigterm_under_load_loses_no_accepted_request(folder):
    scores, answered = expected(folder), Counter()

    async def client(address, number):
        """Ask until the service is gone; begin anew if it closes the connection."""
        while True:
            try:
                reader, writer = await asyncio.open_connection(*address)
            except OSError:
                return
            with suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    number = (number + 7) % len(TEXTS)
                    writer.write(request_of(TEXTS[number]))
                    status, answer = await answer_of(reader)
                    assert status == 200
                    assert is_right(answer, scores[number])
                    answered[status] += 1
            writer.close()

    async def scenario(server):
        async with asyncio.TaskGroup() as group:
            for number in range(32):
                group.create_task(client(server.address, number))
            await asyncio.sleep(1)
            server.process.send_signal(signal.SIGTERM)

    with running("--model", str(folder), "--shutdown-delay", "0.5") as server:
        # Its log has more lines than a pipe holds, so they are read at the same time.
        async def both():
            lines = asyncio.to_thread(server.process.stderr.readlines)
            return (await asyncio.gather(lines, scenario(server)))[0]

        lines = [json.loads(line) for line in run(both())]
        assert server.process.wait(20) == 0
    logged = Counter(line["status"] for line in lines if line["event"] == "request")
    assert logged == answered
    assert answered[200] > 100


def test_a_huge_body_is_not_read(folder):
    def body():
        for _ in range(1600):
            yield b"a" * 65_536

    with running("--model", str(folder)) as server:
        before = memory(server.process.pid)
        for headers in ({"content-length": str(1600 * 65_536)}, {}):
            kind = {"content-type": "application/json"}
            answer = server.client.post("/predict", content=body(), headers=kind | headers)
            assert answer.status_code == 413
        assert memory(server.process.pid) - before < 20_000_000


def test_slow_clients_do_not_delay_others(folder):
    async def slow(address):
        """Send a byte now and then; return whether the service cuts this off."""
        reader, writer = await asyncio.open_connection(*address)
        writer.write(HEAD + b"content-length: 1000\r\n\r\n{")
        answered = asyncio.create_task(reader.read(1))
        for _ in range(50):
            writer.write(b"a")
            if (await asyncio.wait([answered], timeout=0.2))[0]:
                break
        writer.transport.abort()
        return answered.done()

    async def scenario(address):
        crowd = [asyncio.create_task(slow(address)) for _ in range(300)]
        await asyncio.sleep(0.5)
        times = []
        for text in TEXTS[:50]:
            start = time.monotonic()
            status, _ = await ask(address, text)
            assert status == 200
            times.append(time.monotonic() - start)
        return times, await asyncio.gather(*crowd)

    with running("--model", str(folder), "--read-timeout", "2") as server:
        times, cut_off = run(scenario(server.address))
    assert np.median(times) < 0.5
    assert all(cut_off)


def test_memory_stays_the_same(folder):
    """A million requests take hours; a few thousand show what each leaves behind."""

    async def client(address, numbers):
        reader, writer = await asyncio.open_connection(*address)
        for n in numbers:
            writer.write(request_of(f"good film {' '.join(f'{n:b}')}"))
            assert (await answer_of(reader))[0] == 200
        writer.close()

    async def scenario(address, first, number):
        numbers = [range(first + i, first + number, 32) for i in range(32)]
        await asyncio.gather(*(client(address, each) for each in numbers))

    with running("--model", str(folder), "--no-log-requests") as server:
        run(scenario(server.address, 0, 3000))
        before = memory(server.process.pid)
        run(scenario(server.address, 3000, 6000))
        assert memory(server.process.pid) - before < 6_000_000  # 1 kB for each request


def memory(process):
    """The memory of a process in bytes."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024
