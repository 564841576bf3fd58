"""Measures how fast the service answers a keystroke over WebSocket.

`python benchmarks/keystrokes.py` starts the service with the shipped model on this machine, and
types a sentence into a text of 500 tokens, key by key: at the end, in the middle and at the start.
It also types at the end of 5,000 tokens. It prints JSON: for each, the median and the 95th
percentile of the time from sending a frame to its answer, in milliseconds; the steps and the bytes
of an answer; and the CPU time that the service spends on a key.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from sentiment_lstm.errors import run_script

SENTENCE = (
    "This film was not as bad as I had expected, although the second half of it drags on for far "
    "too long and I was bored. "
)
TYPED = "But the music was lovely, and I would see it again with friends. "
SERVE = (
    "import sys; from sentiment_lstm.serving.options import Options; "
    "from sentiment_lstm.serving.server import serve; "
    "serve(Options(port=int(sys.argv[1]), log_requests=False))"
)


@contextmanager
def service() -> Iterator[tuple[int, int]]:
    """Run the service; yields its port and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def typed(
    client: ClientConnection, process: int, text_of: Callable[[str], str], keys: int
) -> dict[str, Any]:
    """Type into a text, and measure each answer. `text_of` returns the text after some keys."""
    times = []
    ask(client, text_of(""))
    before = cpu_seconds(process)
    for count in range(keys):
        start = time.perf_counter()
        answer = ask(client, text_of((TYPED * 5)[: count + 1]))
        times.append(1_000 * (time.perf_counter() - start))
    return {
        "median_ms": round(float(np.median(times)), 2),
        "p95_ms": round(float(np.percentile(times, 95)), 2),
        "cpu_ms": round(1_000 * (cpu_seconds(process) - before) / keys, 2),
        "steps": len(json.loads(answer)["steps"]),
        "bytes": len(answer),
    }


def ask(client: ClientConnection, text: str) -> str | bytes:
    client.send(json.dumps({"version": 1, "text": text}))
    return client.recv()


def cpu_seconds(process: int) -> float:
    """The CPU time of a process so far; NaN where there is no /proc."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=100)
    keys = parser.parse_args().keys
    text, long = SENTENCE * 18, SENTENCE * 180
    half = len(text) // 2
    places: dict[str, Callable[[str], str]] = {
        "end of 500 tokens": lambda new: text + new,
        "middle of 500 tokens": lambda new: text[:half] + new + text[half:],
        "start of 500 tokens": lambda new: new + text,
        "end of 5,000 tokens": lambda new: long + new,
    }
    with (
        service() as (port, process),
        connect(f"ws://127.0.0.1:{port}/stream", max_size=None) as client,
    ):
        result = {name: typed(client, process, text_of, keys) for name, text_of in places.items()}
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
