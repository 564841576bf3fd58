"""Sends HTTP requests to this machine and measures the answers: shared by the measurements.

One process sends all requests over raw sockets, because it shares the cores with the service. It
uses the event loop of `uvloop`, as the service does. Its garbage collector looks at new objects
only; it would stop all clients for 50 ms otherwise.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

import numpy as np
import uvloop

HOST = "127.0.0.1"
MOST_CONNECTIONS = 512
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_GRACE = 60.0
"""Seconds to wait for the last answers."""
Result = TypeVar("Result")


@dataclass
class Measured:
    """What came back: seconds from a request to its answer, and the answers."""

    seconds: float = 0.0
    """Length of the measured time."""
    latencies: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """Seconds from the moment when a request was due until it was sent. It is part of the latency,
    though it is not the service's fault."""
    errors: int = 0
    answered: int = 0
    """All good answers, also those of the warm-up."""
    answers: dict[int, bytes] = field(default_factory=dict)
    """The last body of each request, by its place in the list of requests."""

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.latencies) / self.seconds

    def figures(self) -> dict[str, float]:
        """Requests a second, percentiles in ms, errors, and how late requests were sent."""
        middle, high, highest = np.percentile(self.latencies or [np.nan], [50, 95, 99]) * 1000
        figures = {
            "requests/s": round(self.rate, 1),
            "p50 ms": round(float(middle), 1),
            "p95 ms": round(float(high), 1),
            "p99 ms": round(float(highest), 1),
            "errors": self.errors,
        }
        if self.late:
            figures["late p99 ms"] = round(float(np.percentile(self.late, 99)) * 1000, 1)
        return figures


def as_request(path: str, body: object) -> bytes:
    """Return the bytes of a request that posts JSON."""
    data = json.dumps(body).encode()
    return (
        f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(data)}\r\n\r\n"
    ).encode() + data


class Client(asyncio.Protocol):
    """A connection that carries one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._expected: int | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the way to send."""
        self.transport = transport

    def ask(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request; the future gets the status and the body of its answer."""
        self._received.clear()
        self._expected = None
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Collect the answer. The service names its length before the body."""
        self._received += data
        if self._expected is None:
            end = self._received.find(_END)
            if end < 0:
                return
            start = self._received.lower().find(_LENGTH, 0, end) + len(_LENGTH)
            length = int(self._received[start : self._received.index(b"\r\n", start)])
            self._expected = end + len(_END) + length
        if len(self._received) >= self._expected and self._answer is not None:
            body_start = self._received.index(_END) + len(_END)
            status, body = int(self._received[9:12]), bytes(self._received[body_start:])
            if not self._answer.done():
                self._answer.set_result((status, body))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits that no answer comes."""
        self.closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionResetError("closed before the answer"))


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a load to its end."""
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


async def closed_loop(
    port: int, requests: Sequence[bytes], clients: int, seconds: float, warm_up: float = 1.0
) -> Measured:
    """Let each client send a request as soon as it has the answer to its last one.

    Args:
        port: where the service listens.
        requests: taken in turn, again and again.
        clients: how many connections.
        seconds: how long to measure, after the warm-up.
        warm_up: seconds that do not count.
    """
    measured = Measured(seconds)
    start = time.perf_counter() + warm_up
    end = start + seconds
    numbers = count()

    async def one_client() -> None:
        client = await _connect(port)
        while (sent := time.perf_counter()) < end:
            place = next(numbers) % len(requests)
            answer = await _ask(client, requests[place])
            now = time.perf_counter()
            measured.answered += answer is not None and answer[0] == 200
            if start <= now < end:
                _note(measured, place, answer, now - sent)
            if client.closed:
                client = await _connect(port)
        client.transport.close()

    tasks = [asyncio.create_task(one_client()) for _ in range(clients)]
    await asyncio.wait_for(asyncio.gather(*tasks), warm_up + seconds + _GRACE)
    return measured


async def open_loop(
    port: int, requests: Sequence[bytes], moments: Iterator[float], seconds: float
) -> Measured:
    """Send requests at given moments, whether earlier ones are answered or not.

    A latency counts from the moment when the request was due, so it includes a late start.

    Args:
        port: where the service listens.
        requests: taken in turn, again and again.
        moments: seconds from the start, rising.
        seconds: when the last request is sent.
    """
    measured = Measured(seconds)
    free: list[Client] = [await _connect(port) for _ in range(16)]
    connections = len(free)
    tasks = set()
    start = time.perf_counter()

    async def one_request(place: int, due: float) -> None:
        nonlocal connections
        if not free and connections >= MOST_CONNECTIONS:
            measured.errors += 1
            return
        if free:
            client = free.pop()
        else:
            connections += 1
            client = await _connect(port)
        measured.late.append(time.perf_counter() - due)
        answer = await _ask(client, requests[place])
        _note(measured, place, answer, time.perf_counter() - due)
        if client.closed:
            connections -= 1
        else:
            free.append(client)

    for number, moment in enumerate(moments):
        if moment >= seconds:
            break
        if (wait := start + moment - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one_request(number % len(requests), start + moment))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.wait_for(asyncio.gather(*tasks), _GRACE)
    for client in free:
        client.transport.close()
    return measured


async def send_all(port: int, requests: Iterator[bytes], clients: int) -> int:
    """Send each request once, as fast as the clients get answers; returns how many failed."""
    failed = 0

    async def one_client() -> None:
        nonlocal failed
        client = await _connect(port)
        for request in requests:
            answer = await _ask(client, request)
            failed += answer is None or answer[0] != 200
            if client.closed:
                client = await _connect(port)
        client.transport.close()

    await asyncio.gather(*(one_client() for _ in range(clients)))
    return failed


def at_random(rate: float, seed: int = 0) -> Iterator[float]:
    """Yield moments of independent clients, `rate` a second on average."""
    rng, moment = random.Random(seed), 0.0
    while True:
        moment += rng.expovariate(rate)
        yield moment


def evenly(rate: float) -> Iterator[float]:
    """Yield moments at equal distances, `rate` a second."""
    return (number / rate for number in count())


async def _connect(port: int) -> Client:
    loop = asyncio.get_running_loop()
    make: Callable[[], Client] = Client
    _, client = await loop.create_connection(make, HOST, port)
    return client


async def _ask(client: Client, request: bytes) -> tuple[int, bytes] | None:
    try:
        return await client.ask(request)
    except OSError:
        return None


def _note(measured: Measured, place: int, answer: tuple[int, bytes] | None, latency: float) -> None:
    if answer is None or answer[0] != 200:
        measured.errors += 1
        return
    measured.latencies.append(latency)
    measured.answers[place] = answer[1]
