r"""Reviews whose verdict a large language model reversed by small edits.

    python -m factory.texts.turned --source data:imdb --source data:products --out runs/turned.jsonl

Two reviews that differ only in the words of the verdict show a model which words matter (Kaushik et
al. 2020, "Learning the Difference that Makes a Difference with Counterfactually-Augmented Data",
where people made the edits). `factory/texts/edits.jsonl` holds one line for each edited review: its
key (`factory/texts/judged.py`) and its edits. An edit is the first word that it replaces, the first
word after that, and the new words. The reviews themselves are looked up in the sources. None is
from a test split or from the films that validate. The file that the script writes holds `text` and
`label`, for `data.soft_labels`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from factory.texts.judged import key, plain
from factory.texts.sources import training_reviews
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.records import Example
from sentiment_lstm.storage import write_atomically

EDITS = Path(__file__).with_name("edits.jsonl")
OTHER = {"0": 1, "1": 0}
Edit = tuple[int, int, str]
"""The first word that goes, the first word that stays again, the new words."""


def edits(file: Path) -> dict[str, list[Edit]]:
    """The edits of each review, by its key, in the order of the text."""
    rows = map(json.loads, file.read_text("utf-8").splitlines())
    return {row["key"]: [tuple(edit) for edit in row["edits"]] for row in rows}


def edited(text: str, changes: Sequence[Edit]) -> str:
    """The text after its edits."""
    words = text.split()
    for start, end, new in reversed(changes):
        words[start:end] = new.split()
    return " ".join(words)


def turned(examples: Iterable[Example], known: Mapping[str, Sequence[Edit]]) -> Iterator[str]:
    """A line of JSON for each review that was edited, once, with the other label."""
    left = dict(known)
    for example in examples:
        changes = left.pop(key(example.text), None)
        if changes is not None:
            if str(example.label) not in OTHER:
                raise UsageError(
                    f"Expected the label 0 or 1 of a review that {EDITS.name} edits, found "
                    f"{example.label!r}: name sources that are labelled so."
                )
            row = {"text": edited(plain(example.text), changes), "label": OTHER[str(example.label)]}
            yield json.dumps(row) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, edit, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", action="append", required=True, help="reviews labelled 0 or 1")
    parser.add_argument("--edits", type=Path, help="the file of edits")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    examples = chain.from_iterable(map(training_reviews, options.source))
    file = options.edits or EDITS
    known = edits(file)
    lines = list(turned(examples, known))
    if len(lines) < len(known):
        raise UsageError(
            f"Expected the {len(known):,} reviews that {file.name} edits in "
            f"{', '.join(options.source)}, found {len(lines):,}; name the sources that "
            "factory/road.py names."
        )
    write_atomically(options.out, "".join(lines).encode())
    print(f"{len(lines):,} reviews turned")
    return 0


if __name__ == "__main__":
    run_script(main)
