"""Measures the HTTP service under load, beside the offline predictor and plain services.

    python benchmarks/serve.py [--seconds 60] [--clients 64] [--only PART] [--json FILE]

All processes run on this machine and talk over the loopback interface. The clients are one process
that shares the cores with the service, so a service on its own machine answers more. Every part is
bounded in time. The parts:

- `offline`: reviews a second of the predictor, without HTTP, before and after the loads.
- `reviews`: IMDb reviews, one text a request, as fast as the clients get answers.
- `batches`: the same with 32 texts a request.
- `sentences`: short sentences, one a request. First as fast as possible, then at random moments at
  half of that rate. A latency counts from the moment when the request was due. `late` says how long
  after that moment the clients sent it.
- `steady`: a text of about 2,600 characters 50 times a second for 30 seconds, as in the load test
  of Text Embeddings Inference.
- `unbatched`: the same bundle in a plain FastAPI service that scores one text at a time.
- `distilbert`: DistilBERT's architecture in such a service, with few clients.

CPU time for a text, of the service and the clients together, depends less on other programs than
the rates do. The answers must equal the offline predictor's scores. The exit code says whether the
bars are met.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from http_load import HOST, Measured, as_request, at_random, closed_loop, evenly, open_loop, run
from rich.console import Console
from rich.table import Table

from sentiment_lstm import SentimentClassifier
from sentiment_lstm.data.grammar import sentences
from sentiment_lstm.data.open import open_rows
from sentiment_lstm.data_settings import DataSettings
from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import as_json, write_atomically

PARTS = ("reviews", "batches", "sentences", "steady", "unbatched", "distilbert")
BATCH = 32
STEADY_RATE, STEADY_SECONDS = 50.0, 30.0
STEADY_TEXT = "The path turns east at the gate, and the council has closed it for the winter. " * 33
SLOW_CLIENTS = 4
"""Clients of the DistilBERT service. It answers no faster with more."""
SAME = 1e-6
BARS = {
    "reviews / offline": (0.5, "at least"),
    "batches / offline": (0.85, "at least"),
    "reviews / distilbert": (60.0, "at least"),
    "sentences p99 ms": (41.0, "at most"),
}
PLAIN = Path(__file__).with_name("plain_services.py")


class Service(NamedTuple):
    """A running service."""

    port: int
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """CPU time of the service and of this process, its clients. Linux tells it."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return float("nan")
        ticks = sum(map(int, stat.read_text().rpartition(")")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK") + time.process_time()


class Bench:
    """The parts of the measurement, with the texts that they send.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.clients, self.seconds = options.clients, options.seconds
        data = DataSettings(source=options.texts)
        self.reviews = [str(row.text) for row in islice(open_rows(data), options.number)]
        self.sentences = [text for text, _, _ in islice(sentences(seed=1), options.number)]
        self.classifier = SentimentClassifier.from_pretrained(options.model)
        self.model = options.model
        self.worst = 0.0
        """The largest difference between a score over HTTP and the offline one."""

    def offline(self) -> dict[str, float]:
        """Score reviews for some time, without HTTP."""
        end = time.perf_counter() + self.seconds

        def texts() -> Iterator[str]:
            while True:
                for text in self.reviews:
                    if time.perf_counter() >= end:
                        return
                    yield text

        start, cpu = time.perf_counter(), time.process_time()
        done = sum(1 for _ in self.classifier.predictor.predict_iter(texts()))
        used = (time.process_time() - cpu) / done * 1000
        return {
            "texts/s": round(done / (time.perf_counter() - start), 1),
            "CPU ms/text": round(used, 2),
        }

    def reviews_one_by_one(self, service: Service) -> dict[str, float]:
        """Send one review a request."""
        return self._closed(service, [[text] for text in self.reviews])

    def batches(self, service: Service) -> dict[str, float]:
        """Send 32 reviews a request."""
        groups = [self.reviews[i : i + BATCH] for i in range(0, len(self.reviews), BATCH)]
        return self._closed(service, [group for group in groups if len(group) == BATCH])

    def short(self, service: Service) -> dict[str, float]:
        """Send short sentences at half of the highest rate."""
        groups = [[text] for text in self.sentences]
        requests = [_predict(group) for group in groups]
        most = run(closed_loop(service.port, requests, self.clients, self.seconds / 4))
        half = at_random(most.rate / 2)
        measured = run(open_loop(service.port, requests, half, self.seconds / 2))
        self._compare(groups, measured)
        return measured.figures() | {"texts/s": round(measured.rate, 1), "most/s": most.rate}

    def steady(self, service: Service) -> dict[str, float]:
        """Send the same long text at equal distances."""
        request = as_request("/", {"inputs": STEADY_TEXT, "truncate": True})
        return run(
            open_loop(service.port, [request], evenly(STEADY_RATE), STEADY_SECONDS)
        ).figures()

    def plain(self, service: Service, clients: int) -> dict[str, float]:
        """Send one review a request to a plain service."""
        requests = [as_request("/predict", {"inputs": text}) for text in self.reviews]
        return self._load(service, requests, clients, 1)[0]

    def _closed(self, service: Service, groups: Sequence[Sequence[str]]) -> dict[str, float]:
        requests = [_predict(group) for group in groups]
        figures, measured = self._load(service, requests, self.clients, len(groups[0]))
        self._compare(groups, measured)
        return figures

    def _load(
        self, service: Service, requests: Sequence[bytes], clients: int, texts: int
    ) -> tuple[dict[str, float], Measured]:
        """Send requests of some texts each, as fast as the clients get answers."""
        before = service.cpu_seconds()
        measured = run(closed_loop(service.port, requests, clients, self.seconds))
        used = (service.cpu_seconds() - before) / max(1, measured.answered * texts) * 1000
        rate = {"texts/s": round(measured.rate * texts, 1), "CPU ms/text": round(used, 2)}
        return measured.figures() | rate, measured

    def _compare(self, groups: Sequence[Sequence[str]], measured: Measured) -> None:
        """Compare the answers with the offline scores."""
        places = list(measured.answers)
        texts = [text for place in places for text in groups[place]]
        expected = iter(self.classifier.predict_proba(texts).max(axis=1))
        for place in places:
            answer = json.loads(measured.answers[place])
            rows = answer if len(groups[place]) > 1 else [answer]
            for row in rows:
                self.worst = max(self.worst, abs(row[0]["score"] - float(next(expected))))


def _predict(texts: Sequence[str]) -> bytes:
    inputs = texts[0] if len(texts) == 1 else [[text] for text in texts]
    return as_request("/predict", {"inputs": inputs})


@contextlib.contextmanager
def running(command: Sequence[str], ready: str) -> Iterator[Service]:
    """Run a service during the block.

    Args:
        command: arguments after `python`; `{port}` stands for the port.
        ready: a path that the service answers once it is ready.
    """
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    call = [sys.executable, *(part.format(port=port) for part in command)]
    process = subprocess.Popen(call, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://{HOST}:{port}{ready}", process)
        yield Service(port, process)
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the service does not answer at {address}")


def ours(model: str, *options: str) -> list[str]:
    """The command that starts our service."""
    return ["-m", "sentiment_lstm", "serve", "--port", "{port}", "--model", model, *options]


def measure(bench: Bench, parts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Run the parts, and the offline predictor before and after."""
    results = {"offline": bench.offline()}
    loads: dict[str, Callable[[Service], dict[str, float]]] = {
        "reviews": bench.reviews_one_by_one,
        "batches": bench.batches,
        "sentences": bench.short,
        "steady": bench.steady,
    }
    with running(ours(bench.model), "/health") as service:
        for part in (part for part in loads if part in parts):
            results[part] = loads[part](service)
    results["offline again"] = bench.offline()
    for part, clients in (("unbatched", bench.clients), ("distilbert", SLOW_CLIENTS)):
        if part in parts:
            with running([str(PLAIN), part, "{port}"], "/openapi.json") as service:
                results[part] = bench.plain(service, clients)
    return results


def ratios(results: dict[str, dict[str, float]]) -> dict[str, float]:
    """Compute what the bars are about, as far as it was measured."""
    offline = (results["offline"]["texts/s"] + results["offline again"]["texts/s"]) / 2
    offline_cpu = (results["offline"]["CPU ms/text"] + results["offline again"]["CPU ms/text"]) / 2
    values = {}
    for part in (part for part in ("reviews", "batches", "unbatched") if part in results):
        values[f"{part} / offline"] = results[part]["texts/s"] / offline
        values[f"{part} / offline, by CPU time"] = offline_cpu / results[part]["CPU ms/text"]
    if {"reviews", "distilbert"} <= results.keys():
        values["reviews / distilbert"] = (
            results["reviews"]["texts/s"] / results["distilbert"]["texts/s"]
        )
    if "sentences" in results:
        values["sentences p99 ms"] = results["sentences"]["p99 ms"]
    return {name: round(value, 3) for name, value in values.items()}


def is_met(name: str, value: float) -> bool | None:
    """Whether a value meets its bar; None if there is no bar."""
    if name not in BARS:
        return None
    bar, direction = BARS[name]
    return value >= bar if direction == "at least" else value <= bar


def show(results: dict[str, dict[str, float]], values: dict[str, float]) -> None:
    """Print tables."""
    rates, delays = ("texts/s", "CPU ms/text", "requests/s"), ("p50 ms", "p95 ms", "p99 ms")
    columns = (*rates, *delays, "late p99 ms", "errors")
    table = Table("part", *columns)
    for part, figures in results.items():
        table.add_row(part, *(f"{figures[c]:,}" if c in figures else "" for c in columns))
    bars = Table("ratio", "value", "bar", "met")
    for name, value in values.items():
        met, (bar, direction) = is_met(name, value), BARS.get(name, ("", ""))
        answer = "" if met is None else "yes" if met else "no"
        bars.add_row(name, str(value), f"{direction} {bar}", answer)
    console = Console(width=110)
    console.print(table)
    console.print(bars)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and show; the exit code says whether all bars are met and no request failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="of each load")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--texts", default="imdb", help="where the reviews come from")
    parser.add_argument("--number", type=int, default=25_000, help="different texts")
    parser.add_argument("--model", default="default")
    parser.add_argument("--only", action="append", choices=PARTS, help="may be repeated")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    bench = Bench(options)
    results = measure(bench, options.only or PARTS)
    values = ratios(results)
    show(results, values)
    failed = sum(figures.get("errors", 0) for figures in results.values())
    print(f"largest difference from the offline scores: {bench.worst:.1e}; bar {SAME}")
    print(f"cores: {os.cpu_count()}, shared by the service and the clients")
    if options.json:
        numbers = {"parts": results, "ratios": values, "difference": bench.worst}
        write_atomically(options.json, as_json(numbers))
    missed = [name for name, value in values.items() if is_met(name, value) is False]
    return int(bool(missed or failed or bench.worst > SAME))


if __name__ == "__main__":
    run_script(main)
