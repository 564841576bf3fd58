r"""Take every n-th line of files.

    python -m factory.texts.part --number 1 \
        --file judged.jsonl --every 3 --out round_2/judged.jsonl \
        --file reviews_rest.jsonl --every 4 --out round_2/reviews_rest.jsonl

Line k of a file, counted from 1, is taken if k and `--number` leave the same remainder when divided
by `--every`. So the parts 1, 2, ... n have no line in common; together they are the
file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import write_atomically


def part_of(lines: Iterable[bytes], every: int, number: int) -> Iterator[bytes]:
    """The lines whose place, from 1, leaves the remainder of `number` when divided by `every`."""
    for place, line in enumerate(lines, start=1):
        if place % every == number % every:
            yield line


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, choose, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--number", type=int, required=True, help="which part")
    parser.add_argument("--file", type=Path, action="append", required=True)
    parser.add_argument("--every", type=int, action="append", required=True)
    parser.add_argument("--out", type=Path, action="append", required=True)
    options = parser.parse_args(arguments)
    for file, every, out in zip(options.file, options.every, options.out, strict=True):
        with file.open("rb") as lines:
            chosen = list(part_of(lines, every, options.number))
        write_atomically(out, b"".join(chosen))
        print(f"{len(chosen):,} texts: {out}")
    return 0


if __name__ == "__main__":
    run_script(main)
