"""The figures and numbers of docs/lstm.md.

`python benchmarks/lstm_page.py` (extras `train` and `report`; some two minutes of one core) draws
`docs/pictures/*.svg` and writes `docs/pictures/numbers.json`: the study of gradients, one sentence
and one review inside the shipped model, and the mean over twenty reviews.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.data.open import open_rows
from sentiment_lstm.errors import run_script
from sentiment_lstm.interpret.inspection import Inside, read_inside, summary
from sentiment_lstm.interpret.pictures import Picture, text_pictures
from sentiment_lstm.interpret.reach import reach
from sentiment_lstm.interpret.study_pictures import study_pictures
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import as_json, write_together
from sentiment_lstm.training.gradient_study import DISTANCES, study

SENTENCE = "It was not bad at all."
REVIEWS = 20
SHORTEST, LONGEST = 390, 410
"""Tokens of the reviews."""


def reviews(classifier: SentimentClassifier) -> Iterator[str]:
    """The first reviews of IMDb of about 400 tokens."""
    for row in open_rows(DataSettings()):
        text = str(row.text)
        (encoded,) = classifier.bundle.tokenizer.encode([text])
        if SHORTEST <= len(encoded.ids) <= LONGEST:
            yield text


def main(arguments: Sequence[str] | None = None) -> int:
    """Study, read, draw, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args(arguments)
    values = study(print)
    files = {f"study_{one.name}.svg": one.svg for one in study_pictures(values)}
    classifier = SentimentClassifier.from_pretrained()
    texts = list(islice(reviews(classifier), REVIEWS))
    for name, text in (("sentence", SENTENCE), ("review", texts[0])):
        files |= {f"{name}_{one.name}.svg": one.svg for one in drawn(classifier, text)}
    for name in ("sentence_half_lives", "sentence_reach", "review_forget", "review_gates_1"):
        del files[f"{name}.svg"]  # the other text's say more, and are smaller
    numbers = {"study": short(values), "shipped": means(classifier, texts)}
    write_together(options.out, {**files, "numbers.json": as_json(numbers)})
    print(json.dumps(numbers, indent=2))
    return 0


def drawn(classifier: SentimentClassifier, text: str) -> list[Picture]:
    """The pictures of a text."""
    found = inside(classifier, text)
    return text_pictures(found, reach(classifier.bundle, found.ids))


def inside(classifier: SentimentClassifier, text: str) -> Inside:
    return read_inside(classifier.bundle, classifier.predictor, text)


def short(values: dict[str, Any]) -> dict[str, Any]:
    """The study without its curves."""
    runs = []
    for run in values["runs"]:
        tenth = len(run["loss"]) // 10
        runs.append(
            {
                "name": run["name"],
                "clip_norm": run["clip_norm"],
                "ratio": run["ratio"],
                "largest_norm": max(run["gradient_norm"]),
                "loss": float(np.mean(run["loss"][-tenth:])),
                "accuracy": run["accuracy"],
            }
        )
    return {"plan": values["plan"], "seconds": values["seconds"], "runs": runs}


def means(classifier: SentimentClassifier, texts: Sequence[str]) -> dict[str, Any]:
    """The shipped model over reviews: forget gate, half-lives, reach."""
    found = [inside(classifier, text) for text in texts]
    layers = [summary(one.layers[0]) for one in found]
    lives = np.array([one.layers[0].half_life() for one in found])
    reached = [reach(classifier.bundle, one.ids) for one in found]
    far: dict[str, Any] = {}
    for name in ("score", "memory"):
        norms = np.mean([getattr(one, name)[:SHORTEST] for one in reached], axis=0)
        far[name] = {str(at): float(norms[at]) for at in (0, *DISTANCES, 200, 300)}
    return {
        "reviews": len(texts),
        "forget_gate": float(np.mean([one["mean_forget_gate"] for one in layers])),
        "half_life_median": float(np.mean([one["half_life"]["median"] for one in layers])),
        "units_above_10_tokens": float((lives > 10).sum(axis=1).mean()),
        "units_above_100_tokens": float((lives > 100).sum(axis=1).mean()),
        "reach": far,
    }


if __name__ == "__main__":
    run_script(main)
