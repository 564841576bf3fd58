"""Measures the memory of the HTTP service while it scores many texts that it has never seen.

    python benchmarks/serve_memory.py [--texts 100000] [--json FILE]

Every text is unique and has words that no other text has, so a cache without a limit would grow
with them. Requests have 32 texts. The memory is read after each tenth of the texts. The first
half fills the caches (about 130,000 words). After it, the memory may grow by 5%. It needs Linux.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from http_load import as_request, run, send_all
from serve import ours, running

from sentiment_lstm.data.grammar import sentences
from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import as_json, write_atomically

BATCH, CLIENTS, PARTS = 32, 8, 10
WARM_PARTS = 5
MOST_GROWTH = 0.05


def requests(texts: int) -> Iterator[bytes]:
    """Yield requests; each sentence ends with two words of its own."""
    numbered = enumerate(islice(sentences(seed=1), texts))
    unique = (f"{text} it{number:x} zq{number:o}" for number, (text, _, _) in numbered)
    while batch := [[text] for text in islice(unique, BATCH)]:
        yield as_request("/predict", {"inputs": batch})


def memory_mb(process: int) -> float:
    """The resident memory of a process, in MB of 10^6 bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {process} has ended")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the exit code says whether the memory stays flat and no request failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--model", default="default")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    all_requests, sizes, failed = requests(options.texts), [], 0
    in_part = -(-options.texts // (BATCH * PARTS))
    with running(ours(options.model), "/health") as (port, process):
        print(f"{0:>10,} texts: {memory_mb(process.pid):6.1f} MB", flush=True)
        for part in range(PARTS):
            failed += run(send_all(port, islice(all_requests, in_part), CLIENTS))
            sizes.append(round(memory_mb(process.pid), 1))
            done = min((part + 1) * in_part * BATCH, options.texts)
            print(f"{done:>10,} texts: {sizes[-1]:6.1f} MB", flush=True)
    growth = max(sizes[WARM_PARTS:]) / sizes[WARM_PARTS - 1] - 1
    print(f"growth after the first half: {growth:+.1%}; limit {MOST_GROWTH:+.0%}; {failed} failed")
    if options.json:
        numbers = {"texts": options.texts, "mb": sizes, "growth": growth, "failed": failed}
        write_atomically(options.json, as_json(numbers))
    return int(growth > MOST_GROWTH or failed > 0)


if __name__ == "__main__":
    run_script(main)
