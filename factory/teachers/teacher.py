"""Teachers label texts, and a student learns from the labels (distillation).

    python -m factory.teachers.teacher --model runs/language --linear --out runs/taught.jsonl

This is Hinton, Vinyals & Dean (2015), "Distilling the Knowledge in a Neural Network". The teachers
are saved models of one source. With `--linear` the NB-SVM of Wang & Manning (2012) teaches too, and
with `--documents` a linear model on vectors of whole texts; both are trained on the same labelled
texts. The teachers' logits are added with weights that are fitted on the validation texts. The file
holds `text` and `label`, the probability of the second class, for `data.soft_labels`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from factory.surgery.average import settings_of
from factory.teachers.document_vectors import document_teacher
from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.data.corpus import (
    Corpus,
    load_corpus,
    unlabelled_texts,
    validation_examples,
)
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import SentimentError, UsageError, run_script
from sentiment_lstm.settings import Settings
from sentiment_lstm.storage import write_atomically

Teacher = Callable[[Sequence[str]], NDArray[np.float64]]
"""A function from N texts to logits of the second class, [N]."""


def saved(folder: Path) -> Teacher:
    """A trained model of two classes."""
    classifier = SentimentClassifier.from_pretrained(folder)

    def logits_of(texts: Sequence[str]) -> NDArray[np.float64]:
        positive = classifier.predict_proba(texts)[:, 1].clip(1e-6, 1 - 1e-6)
        logits: NDArray[np.float64] = np.log(positive / (1 - positive))
        return logits

    return logits_of


def shared_corpus(models: Sequence[Path]) -> tuple[Settings, Corpus]:
    """The first model's settings and texts.

    Models that were trained from others are not asked which texts those kept.

    Raises:
        UsageError: the models kept different texts for validation, do not say which, or do not have
            two classes.
        BundleError, DataError: as opening the models and their source raise them.
    """
    first, *others = [settings_of(load_bundle(model)) for model in models]
    corpus = load_corpus(first.data, first.training.seed, SetAside(None))
    if len(corpus.classes) != 2:
        raise UsageError(
            f"Expected teachers of two classes, found {', '.join(corpus.classes)} in {models[0]}: "
            "a soft label is the probability of the second class."
        )
    kept = {example.text for example in corpus.validation}
    for model, settings in zip(models[1:], others, strict=True):
        seed = settings.training.seed
        examples = validation_examples(settings.data, seed, SetAside(None), corpus.classes)
        if {example.text for example in examples} != kept:
            raise UsageError(
                "Expected teachers that kept the same texts for validation, found that "
                f"{models[0]} and {model} kept others: train them on one source, with one split "
                "and one seed."
            )
    return first, corpus


def linear(texts: Sequence[str], positive: NDArray[np.bool_]) -> Teacher:
    """NB-SVM: logistic regression on words, pairs and triples with naive Bayes weights."""
    words = CountVectorizer(ngram_range=(1, 3), binary=True, token_pattern=r"\w+|[^\w\s]", min_df=2)
    counts = words.fit_transform(texts).astype(np.float32)
    ratio = np.log(_fractions(counts[positive]) / _fractions(counts[~positive]))
    model = LogisticRegression(C=0.1, solver="liblinear", dual=True, random_state=0)
    model.fit(counts.multiply(ratio).tocsr(), positive)
    return lambda texts: model.decision_function(words.transform(texts).multiply(ratio).tocsr())


def _fractions(counts: object) -> NDArray[np.float64]:
    """The fraction of all words of a class that each word makes up, smoothed so that none is 0."""
    sums = np.asarray(counts.sum(axis=0)).ravel() + 1.0  # type: ignore[attr-defined]
    fractions: NDArray[np.float64] = sums / sums.sum()
    return fractions


def weights_of(logits: NDArray[np.float64], corpus: Corpus) -> NDArray[np.float64]:
    """The weight of each teacher's logits, [teachers]; prints the teachers' accuracies.

    Args:
        logits: of the validation texts, [N, teachers].
        corpus: holds the validation texts.
    """
    right = np.array([example.label == corpus.classes[1] for example in corpus.validation])
    together = LogisticRegression(fit_intercept=False).fit(logits, right)
    weights: NDArray[np.float64] = together.coef_[0]
    accuracies = ((logits > 0) == right[:, None]).mean(axis=0)
    print(f"teachers: {accuracies.round(4)}, weights {weights.round(3)}")
    print(f"together: {((logits @ weights > 0) == right).mean():.4f} of {len(right):,} texts")
    return weights


def main(arguments: Sequence[str] | None = None) -> int:
    """Train or open the teachers, fit their weights, label."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, action="append", required=True)
    parser.add_argument("--linear", action="store_true", help="NB-SVM teaches too")
    parser.add_argument("--documents", type=Path, help="vectors of the texts, for one more teacher")
    parser.add_argument("--unlabelled", help="default: the unlabelled texts of the models' source")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        settings, corpus = shared_corpus(options.model)
        sources = (options.unlabelled or settings.data.source,)
        wanted = replace(settings, language=replace(settings.language, sources=sources))
        texts = [example.text for example in unlabelled_texts(wanted, corpus, SetAside(None))]
        held_out = [example.text for example in corpus.validation]
        labelled = [example.text for example in corpus.sample]
        positive = np.array([example.label == corpus.classes[1] for example in corpus.sample])
        teachers = [saved(folder) for folder in options.model]
        if options.documents:
            others = [*held_out, *texts]
            teachers.append(document_teacher(options.documents, labelled, positive, others))
    except SentimentError as error:
        parser.error(str(error))
    if options.linear:
        teachers.append(linear(labelled, positive))
    weights = weights_of(np.stack([teach(held_out) for teach in teachers], axis=1), corpus)
    logits = np.stack([teach(texts) for teach in teachers], axis=1) @ weights
    soft_labels = 1 / (1 + np.exp(-logits))
    rows = zip(texts, soft_labels.round(4).tolist(), strict=True)
    lines = (json.dumps({"text": text, "label": label}) for text, label in rows)
    write_atomically(options.out, "".join(f"{line}\n" for line in lines).encode())
    return 0


if __name__ == "__main__":
    run_script(main)
