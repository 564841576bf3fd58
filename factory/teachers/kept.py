r"""Label texts with a finished model of three classes.

    python -m factory.teachers.kept --model earlier --texts runs/factory/texts/excerpts.jsonl \
        --out runs/kept_excerpts.jsonl

A training that starts from this model and reads these labels keeps what the model knows about such
texts while it learns something else (Li and Hoiem 2016, "Learning without Forgetting"). The file
that the script writes holds `text` and `label`, for `data.soft_labels`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import write_atomically


def labelled(classifier: SentimentClassifier, texts: Sequence[str]) -> Iterator[str]:
    """A line of JSON for each text, with the probability of each class."""
    for text, probabilities in zip(texts, classifier.predict_proba(texts), strict=True):
        pairs = zip(classifier.classes_, probabilities.round(4).tolist(), strict=True)
        yield json.dumps({"text": text, "label": dict(pairs)}) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, label, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--texts", type=Path, required=True, help="JSON lines with `text`")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    lines = options.texts.read_text("utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    classifier = SentimentClassifier.from_pretrained(options.model)
    write_atomically(options.out, "".join(labelled(classifier, texts)).encode())
    return 0


if __name__ == "__main__":
    run_script(main)
