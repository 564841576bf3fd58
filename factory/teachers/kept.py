r"""Label texts with a finished model of three classes.

    python -m factory.teachers.kept --model earlier \
        --texts runs/factory/texts/excerpts.jsonl --out runs/kept/excerpts.jsonl \
        --texts runs/factory/three/people --out runs/kept/people

A training that starts from this model and reads these labels keeps what the model knows about such
texts while it learns something else (Li and Hoiem 2016, "Learning without Forgetting"). With `--own
0.5`, the new label is the mean of the model's label and the text's own label. The file that the
script writes holds the same rows with the new `label`, for `data.soft_labels`. In a folder only the
training texts get new labels.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.data.open import open_rows
from sentiment_lstm.errors import UsageError, run_script
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import write_atomically


def read(source: str) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines, or the training texts of a set such as `data:sst`."""
    if source.startswith("data:"):
        return [{"text": row.text} for row in open_rows(DataSettings(source=source))]
    return [json.loads(line) for line in Path(source).read_text("utf-8").splitlines()]


def labelled(
    classifier: SentimentClassifier, rows: Sequence[dict[str, Any]], own: float
) -> Iterator[str]:
    """A line of JSON for each row.

    Args:
        classifier: the model that labels.
        rows: each has `text`, and `label` (class -> probability) if `own` is not 0.
        own: the weight of a row's own label, from 0 to 1.
    """
    probabilities = classifier.predict_proba([row["text"] for row in rows])
    for row, of_classes in zip(rows, probabilities.tolist(), strict=True):
        own_label = row["label"] if own else {}
        label = {
            name: round((1 - own) * probability + own * own_label.get(name, 0.0), 4)
            for name, probability in zip(classifier.classes_, of_classes, strict=True)
        }
        yield json.dumps(row | {"label": label}) + "\n"


def keep(classifier: SentimentClassifier, source: str, own: float, out: Path) -> None:
    """Label one file, set or folder, and write it.

    Raises:
        UsageError: a row has no label, and `own` is not 0.
    """
    folder = Path(source)
    if folder.is_dir():
        write_atomically(out / "validation.jsonl", (folder / "validation.jsonl").read_bytes())
        source, out = str(folder / "train.jsonl"), out / "train.jsonl"
    rows = read(source)
    if own and not all("label" in row for row in rows):
        raise UsageError(
            f"Expected a label in each row of {source} with --own, found rows without: "
            "leave --own out."
        )
    write_atomically(out, "".join(labelled(classifier, rows, own)).encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, label, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument(
        "--texts",
        action="append",
        required=True,
        help="JSON lines with `text`, a folder with train.jsonl and validation.jsonl, or data:NAME",
    )
    parser.add_argument(
        "--own", type=float, default=0.0, help="weight of each text's own label, 0 to 1"
    )
    parser.add_argument("--out", type=Path, action="append", required=True)
    options = parser.parse_args(arguments)
    if not 0 <= options.own <= 1:
        parser.error(f"Expected --own from 0 to 1, found {options.own}: give such a number")
    if len(options.texts) != len(options.out):
        parser.error(
            f"Expected an --out for each --texts, found {len(options.out)} for "
            f"{len(options.texts)}: give one each"
        )
    classifier = SentimentClassifier.from_pretrained(options.model)
    for source, out in zip(options.texts, options.out, strict=True):
        keep(classifier, source, options.own, out)
    return 0


if __name__ == "__main__":
    run_script(main)
