r"""Soft labels for a source's own texts: from their labels, a linear model and a grade.

    python -m factory.teachers.linear_teacher --source data:products --sharper 2 \
        --out runs/taught_products.jsonl
    python -m factory.teachers.linear_teacher --source data:tweets --graded \
        --out runs/taught_tweets.jsonl --first runs/taught_tweets_negative.jsonl

A logistic regression on words, pairs and runs of letters reads short texts of odd spelling better
than a small LSTM does, and makes other mistakes. Each text is labelled by a model that was trained
on the other four fifths (Wolpert 1992, "Stacked generalization"). Every class has the same weight.
The probabilities are sharpened, because a mean over classes lies close to the middle. The classes
are evenly spaced from 0 to 1: of negative, neutral and positive, the second is 0.5. The soft label
is the mean of the text's own label and the model's. With `--graded` a language model's grade
(`factory/texts/judged.py`) is the third in the mean, where there is one. The files hold `text` and
`label` for `data.soft_labels`. With `--first` the texts of the first class go to a file of their
own, so that they can get another weight.
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

from factory.texts.judged import grades, key
from factory.texts.sources import training_reviews
from sentiment_lstm.errors import run_script
from sentiment_lstm.storage import write_atomically

FOLDS, SHARPER = 5, 3.0
"""Folds, and the power that probabilities are raised to. The power was chosen on the tweets'
validation split, before the tweets were graded; for product reviews it is 2, chosen on the product
reviews themselves, since every text is labelled by a model that has not seen it."""


def out_of_fold(texts: Sequence[str], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The probabilities of all classes, [N, C], from models that have not seen the text."""
    words = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=r"\w+|[^\w\s]"
    )
    letters = TfidfVectorizer(ngram_range=(2, 5), analyzer="char_wb", min_df=4, sublinear_tf=True)
    model = LogisticRegression(class_weight="balanced", max_iter=60)
    pipeline = make_pipeline(make_union(words, letters), model)
    probabilities: NDArray[np.float64] = cross_val_predict(
        pipeline, list(texts), labels, cv=FOLDS, method="predict_proba"
    )
    return probabilities


def soft(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    graded: NDArray[np.float64],
    sharper: float,
) -> NDArray[np.float64]:
    """Soft labels from 0, the first class, to 1, the last class, [N].

    Args:
        probabilities: the linear model's, [N, C].
        labels: class indices, [N].
        graded: soft labels from grades, [N]; NaN where a text has no grade.
        sharper: the power that probabilities are raised to.
    """
    sharp = probabilities**sharper
    values = np.linspace(0, 1, probabilities.shape[1])
    from_model = sharp @ values / sharp.sum(axis=1)
    mean: NDArray[np.float64] = np.nanmean([from_model, values[labels], graded], axis=0)
    return mean


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, learn in folds, label."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=Path, help="a file for the texts of the first class")
    parser.add_argument("--graded", action="store_true", help="use grades too")
    power = "the power that probabilities are raised to, above 0"
    parser.add_argument("--sharper", type=float, default=SHARPER, help=power)
    options = parser.parse_args(arguments)
    if options.sharper <= 0:
        parser.error(f"Expected --sharper above 0, found {options.sharper}: give another power")
    reviews = training_reviews(options.source)
    texts = [review.text for review in reviews]
    labels = np.array([int(str(review.label)) for review in reviews])
    probabilities = out_of_fold(texts, labels)
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    print(f"out of fold: {accuracy:.4f} of {len(texts):,} texts")
    known = grades() if options.graded else {}
    graded = np.array([known.get(key(text), np.nan) for text in texts])
    taught = soft(probabilities, labels, graded, options.sharper).round(4)
    rows = [{"text": text, "label": label} for text, label in zip(texts, taught, strict=True)]
    apart = (labels == 0) & (options.first is not None)
    if options.first is not None:
        _write(options.first, compress(rows, apart))
    _write(options.out, compress(rows, ~apart))
    return 0


def _write(path: Path, rows: Iterable[dict[str, object]]) -> None:
    write_atomically(path, "".join(f"{json.dumps(row)}\n" for row in rows).encode())


if __name__ == "__main__":
    run_script(main)
