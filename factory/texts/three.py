r"""Turn soft labels of two classes into those of negative, neutral and positive.

    python -m factory.texts.three --grades factory/texts/written.jsonl --out runs/written.jsonl
    python -m factory.texts.three --probabilities runs/taught.jsonl --out runs/products.jsonl

A soft label of 0.5 has one of two meanings. If it is a grade (`--grades`), the text is neither
negative nor positive: it becomes neutral. If it is a probability (`--probabilities`), as for whole
reviews, the text is one of both, but it is unknown which: negative and positive get 0.5 each.
`--certain 0.9` leaves out texts whose likelier class has a lower probability. It is meant for
excerpts, which may be neutral. A model of two classes cannot say so.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import write_atomically

Probabilities = dict[str, float]


def from_grade(grade: float) -> Probabilities:
    """The classes of a grade from 0 to 1: 0.5 -> neutral, 0.15 -> negative 0.7, neutral 0.3."""
    certain = abs(2 * grade - 1)
    side = "positive" if grade > 0.5 else "negative"
    return rounded({side: certain, "neutral": 1 - certain})


def from_probability(positive: float) -> Probabilities:
    """The classes of a text that is surely not neutral: 0.3 -> negative 0.7, positive 0.3."""
    return rounded({"negative": 1 - positive, "positive": positive})


def rounded(probabilities: Probabilities) -> Probabilities:
    """The probabilities to four digits, without those of 0."""
    return {name: round(p, 4) for name, p in probabilities.items() if round(p, 4)}


def converted(
    file: Path, convert: Callable[[float], Probabilities], certain: float = 0.0
) -> Iterator[str]:
    """A line of JSON for each text whose likelier class has at least the probability `certain`."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            soft_label = float(row["label"])
            if max(soft_label, 1 - soft_label) >= certain:
                row = {"text": row["text"], "label": convert(soft_label)}
                yield json.dumps(row) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, convert, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--grades", type=Path, help="0.5 means neutral")
    kind.add_argument("--probabilities", type=Path, help="0.5 means negative or positive")
    least = "leave out texts whose likelier class has a lower probability"
    parser.add_argument("--certain", type=float, default=0.0, help=least)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.grades:
        lines = [*converted(options.grades, from_grade)]
    else:
        lines = [*converted(options.probabilities, from_probability, options.certain)]
    write_atomically(options.out, "".join(lines).encode())
    print(f"{len(lines):,} texts: {options.out}")
    return 0


if __name__ == "__main__":
    run_script(main)
