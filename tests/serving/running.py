"""Services for tests: in this process, or as a real process on a free port of 127.0.0.1."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
from fastapi import FastAPI
from small_bundles import random_bundle
from starlette.testclient import TestClient

from sentiment_lstm.bundle import INT8_GRAPH, save_bundle
from sentiment_lstm.inference.graphs import build
from sentiment_lstm.serving.app import create_app
from sentiment_lstm.serving.options import Options

CLASSES = ("negative", "neutral", "positive")
TEXTS = ["a good film", "a bad film", "not bad at all", "good , not bad"]
JSON = {"content-type": "application/json"}


def save(folder: Path, classes: tuple[str, ...] = CLASSES, **settings: object) -> Path:
    """Save a bundle of random weights with its graph, so that it needs no torch."""
    bundle = random_bundle(TEXTS, classes, **settings)
    graph = build(bundle, quantised=True).to_bytes()
    save_bundle(folder, replace(bundle, graphs={INT8_GRAPH: graph}))
    return folder


@contextmanager
def service(folder: Path, **options: object) -> Iterator[tuple[TestClient, FastAPI]]:
    """Run the service in this process; the client calls it without a socket."""
    values = {"models": (("films", str(folder)),), "reload_interval": 0, **options}
    app = create_app(Options(**values))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client, app


class Process:
    """The command `serve` in a process of its own."""

    def __init__(self, *arguments: str, stderr: object = subprocess.PIPE) -> None:
        command = [sys.executable, "-m", "sentiment_lstm", "serve", "--port", "0", *arguments]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        self.process = subprocess.Popen(command, stderr=stderr, env=environment)
        self.lines: list[dict[str, object]] = []
        self.url = ""
        while stderr == subprocess.PIPE and not self.url:
            self.url = str(self.next_line().get("url", ""))
        self.client = httpx2.Client(base_url=self.url, timeout=60, trust_env=False)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return "127.0.0.1", int(self.url.rpartition(":")[2])

    def next_line(self) -> dict[str, object]:
        """Wait for a log line."""
        line = self.process.stderr.readline()
        assert line, "the service has ended"
        self.lines.append(json.loads(line))
        return self.lines[-1]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, read the last lines and return the exit code."""
        self.process.send_signal(number)
        self.lines += [json.loads(line) for line in self.process.stderr]
        return self.process.wait(60)


@contextmanager
def running(*arguments: str) -> Iterator[Process]:
    """Run the command `serve` until the block ends."""
    process = Process("--shutdown-delay", "0", *arguments)
    try:
        yield process
    finally:
        process.client.close()
        if process.process.poll() is None:
            process.process.kill()
        process.process.wait()
        process.process.stderr.close()


def wait_for(condition: object, seconds: float = 10) -> None:
    """Wait until a function returns something true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)
