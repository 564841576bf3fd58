"""Measures reading token by token: milliseconds a token, and memory over a very long text.

`python benchmarks/streaming.py` reads generated sentences as one text with the shipped model. It
prints JSON: the median, the mean and the 99th percentile of the time of the first 20,000 tokens,
and the process's peak memory after these and after all (`--tokens`). The time of a sentence's first
token includes cutting the sentence into tokens.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Iterator, Sequence

from memory import peak_mb

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.data.grammar import sentences
from sentiment_lstm.errors import run_script
from sentiment_lstm.inference.streaming import stream

TIMED = 20_000


def pieces() -> Iterator[str]:
    """The pieces of one endless text."""
    return (f"{text} " for text, _, _ in sentences(seed=2))


def own_peak_mb() -> int:
    """The peak memory of this process, in MB."""
    return round(peak_mb(resource.getrusage(resource.RUSAGE_SELF)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, time, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--model", help="default: the shipped one")
    options = parser.parse_args(arguments)
    predictor = SentimentClassifier.from_pretrained(options.model, threads=1).predictor
    steps = stream(predictor, pieces())
    seconds: list[float] = []
    for _ in range(TIMED):
        start = time.perf_counter()
        next(steps)
        seconds.append(time.perf_counter() - start)
    early = own_peak_mb()
    for _ in range(options.tokens - TIMED):
        next(steps)
    figures = {
        "median_ms": round(1000 * statistics.median(seconds), 4),
        "mean_ms": round(1000 * statistics.mean(seconds), 4),
        "p99_ms": round(1000 * statistics.quantiles(seconds, n=100)[-1], 4),
        "tokens": max(TIMED, options.tokens),
        "peak_mb_early": early,
        "peak_mb": own_peak_mb(),
    }
    print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    run_script(main)
