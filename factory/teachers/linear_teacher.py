r"""Soft labels for a source's own texts: what they are labelled, what words say, and a grade.

    python -m factory.teachers.linear_teacher --source ../shared/data/products --sharper 2 \
        --out runs/taught_products.jsonl
    python -m factory.teachers.linear_teacher --source ../shared/data/tweets --graded \
        --out runs/taught_tweets.jsonl --first runs/taught_tweets_negative.jsonl

Words, pairs and runs of letters under logistic regression read short texts of odd spelling better
than a small LSTM does, and err elsewhere. What it says of a text is found without that text, in
five parts (Wolpert 1992, "Stacked generalization"), every class as heavy as the others, and
sharpened, since a mean of classes is drawn to the middle. Classes stand at equal distances from 0
to 1: of negative, neutral and positive the second is 0.5. A text's own label and the model's count
alike; with `--graded` the grade of a language model (`factory/texts/judged.py`), where there is
one, as much. The files hold `text` and `label` for `data.soft_labels`; with `--first` those of the
first class stand apart, to be weighed as rare ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline, make_union

from factory.texts.excerpts import training_reviews
from factory.texts.judged import grades, key
from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import write_atomically

FOLDS, SHARPER = 5, 3.0
"""A probability is raised to that power; chosen on the tweets' validation split, before they were
graded, and 2 for product reviews on themselves, since every text is labelled by a model that has
not seen it."""


def out_of_fold(texts: Sequence[str], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probability of every class, [N, C], each text's by a model that has not seen it."""
    words = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"\w+|[^\w\s]"
    )
    letters = TfidfVectorizer(ngram_range=(2, 5), analyzer="char_wb", min_df=4, sublinear_tf=True)
    model = LogisticRegression(class_weight="balanced", max_iter=60)
    pipeline = make_pipeline(make_union(words, letters), model)
    found: NDArray[np.float64] = cross_val_predict(
        pipeline, list(texts), labels, cv=FOLDS, method="predict_proba"
    )
    return found


def soft(
    shares: NDArray[np.float64],
    labels: NDArray[np.int64],
    graded: NDArray[np.float64],
    sharper: float,
) -> NDArray[np.float64]:
    """The place between the first and the last class, [N], as label, model and grade see it.

    `graded` [N] is not a number where there is no grade.
    """
    sharp = shares**sharper
    places = np.linspace(0, 1, shares.shape[1])
    said = sharp @ places / sharp.sum(axis=1)
    mean: NDArray[np.float64] = np.nanmean([said, places[labels], graded], axis=0)
    return mean


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, learn in parts, label."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=Path, help="texts of the first class, apart")
    parser.add_argument("--graded", action="store_true", help="grades have their say")
    power = "what a probability is raised to, above 0"
    parser.add_argument("--sharper", type=float, default=SHARPER, help=power)
    options = parser.parse_args(arguments)
    if options.sharper <= 0:
        parser.error(f"Expected --sharper above 0, found {options.sharper}: give another power")
    reviews = training_reviews(options.source)
    texts = [review.text for review in reviews]
    labels = np.array([int(str(review.label)) for review in reviews])
    shares = out_of_fold(texts, labels)
    print(f"out of fold: {(shares.argmax(axis=1) == labels).mean():.4f} of {len(texts):,} texts")
    known = grades() if options.graded else {}
    graded = np.array([known.get(key(text), np.nan) for text in texts])
    taught = soft(shares, labels, graded, options.sharper).round(4)
    rows = [{"text": text, "label": place} for text, place in zip(texts, taught, strict=True)]
    apart = (labels == 0) & (options.first is not None)
    if options.first is not None:  # before the other, whose being there says that all is done
        _write(options.first, compress(rows, apart))
    _write(options.out, compress(rows, ~apart))
    return 0


def _write(path: Path, rows: Iterable[dict[str, object]]) -> None:
    write_atomically(path, "".join(f"{json.dumps(row)}\n" for row in rows).encode())


if __name__ == "__main__":
    run_script(main)
