"""The linear baseline: n-grams of words and characters under logistic regression.

It shows what the labels alone teach a simple model. This file knows texts and class indices; it
knows nothing of networks, sources or folders.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sentiment_lstm.errors import MissingExtraError

INVERSE_PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)
"""The values of C that cross-validation compares: the inverse strength of the L2 penalty."""
QUICK_INVERSE_PENALTY = 5.0
"""The C of the quick baseline. It was compared with 3, 10 and 30 on fifths of the training splits
of `data:banking77`, `emotion`, `offensive`, `agnews6k` and `tweets_german`."""
FOLDS = 3
_RARE = 1_000
"""From this number of texts on, the quick baseline drops n-grams that occur in only one text."""
_WITH_CHARACTERS = 3_000_000
"""If the texts hold more characters in all, the quick baseline counts no n-grams of characters."""
_MOST_CHARACTERS = 30_000_000
"""If the texts hold more characters in all, the quick baseline learns from a random part."""
_MOST_WEIGHTS = 3_000_000
"""The quick baseline keeps the commonest n-grams up to this number of weights, one for each n-gram
and class. L-BFGS holds some twenty vectors of this size."""
_MOST_PRODUCTS = 6e9
"""About this many products are made in all, so many long texts get fewer iterations."""
_LEAST = 1e-12  # as in `evaluation.metrics`: no probability is 0


@dataclass(frozen=True)
class Baseline:
    """A fitted linear model over C classes.

    `vectoriser` and `model` are scikit-learn's. `class_count` may exceed the classes that the
    model has seen. `inverse_penalty` is scikit-learn's `C`. `with_characters`: whether n-grams of
    characters are counted. `text_count`: the number of texts that trained it.
    """

    vectoriser: Any
    model: Any
    class_count: int
    inverse_penalty: float
    with_characters: bool
    text_count: int

    def predict_proba(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Return the probability of each class, [N, C]. Each row sums to 1."""
        return _predict(self.model, self.vectoriser.transform(texts), self.class_count)


def fit_baseline(texts: Sequence[str], labels: ArrayLike, class_count: int) -> Baseline:
    """Fit the strong baseline. It takes seconds to minutes.

    It counts words, pairs of words, and 2 to 5 characters within words (TF-IDF with sublinear
    counts). Cross-validation on the texts chooses C by log-loss.

    Args:
        texts: N training texts.
        labels: int [N], class indices below `class_count`.
        class_count: the number of classes.

    Raises:
        ValueError: the labels hold fewer than two classes, or no word has two letters.
        MissingExtraError: scikit-learn is not installed.
    """
    y = np.asarray(labels)
    vectoriser = _vectoriser(with_characters=True)
    features = vectoriser.fit_transform(texts)
    chosen = _choose_inverse_penalty(features, y, class_count)
    model = fit_regression(regression(), features, y, chosen)
    return Baseline(vectoriser, model, class_count, chosen, True, len(y))


def fit_quick_baseline(
    texts: Sequence[str], labels: ArrayLike, class_count: int, seed: int = 0
) -> Baseline:
    """Fit the quick baseline: at most some ten seconds for 12,000 short texts, on one core.

    C is fixed, and n-grams of a single text are dropped if there are many texts. If the
    texts hold more than 3 million characters in all, only words and pairs are counted. If they hold
    more than 30 million, a random part trains. With many classes, fewer n-grams are kept.

    Args:
        texts: N training texts.
        labels: int [N], class indices below `class_count`.
        class_count: the number of classes.
        seed: chooses the random part.

    Raises:
        ValueError: as `fit_baseline`.
        MissingExtraError: scikit-learn is not installed.
    """
    y = np.asarray(labels)
    rows = _random_part([len(text) for text in texts], seed)
    texts, y = [texts[row] for row in rows], y[rows]
    with_characters = sum(map(len, texts)) <= _WITH_CHARACTERS
    least_texts = 2 if len(texts) >= _RARE else 1
    vectoriser = _vectoriser(with_characters, least_texts, _MOST_WEIGHTS // (2 * class_count))
    features = vectoriser.fit_transform(texts)
    iterations = limited_iterations(features, class_count, most=50)
    model = fit_regression(regression(iterations), features, y, QUICK_INVERSE_PENALTY)
    return Baseline(
        vectoriser, model, class_count, QUICK_INVERSE_PENALTY, with_characters, len(texts)
    )


def _random_part(lengths: Sequence[int], seed: int) -> NDArray[np.int64]:
    """The rows of texts that train the quick baseline, in their order."""
    order = np.random.default_rng(seed).permutation(len(lengths))
    fits = np.cumsum(np.asarray(lengths)[order]) <= _MOST_CHARACTERS
    return np.sort(order[fits])


def _vectoriser(with_characters: bool, least_texts: int = 1, most: int | None = None) -> Any:  # noqa: ANN401
    """TF-IDF of n-grams in at least `least_texts` texts; at most the `most` commonest of a kind."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import FeatureUnion
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Expected scikit-learn to fit a linear baseline with, found none: "
            "pip install 'sentiment-lstm[train]'."
        ) from error
    common = {
        "sublinear_tf": True,
        "min_df": least_texts,
        "max_features": most,
        "dtype": np.float32,
    }
    words = TfidfVectorizer(ngram_range=(1, 2), **common)
    parts = [("words", words)]
    if with_characters:
        characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)
        parts.append(("characters", characters))
    return FeatureUnion(parts)


def limited_iterations(features: Any, units: int, most: int) -> int:  # noqa: ANN401
    """As many iterations as `_MOST_PRODUCTS` allows, from 10 to `most`."""
    return int(np.clip(_MOST_PRODUCTS / max(1, features.size * units), 10, most))


def regression(max_iter: int = 1_000) -> Any:  # noqa: ANN401 (no types)
    """A logistic regression of scikit-learn that is not fitted yet."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=max_iter, warm_start=True)


def fit_regression(
    model: Any,  # noqa: ANN401
    features: Any,  # noqa: ANN401
    y: NDArray[Any],
    inverse_penalty: float,
    weights: NDArray[np.float64] | None = None,
) -> Any:  # noqa: ANN401
    """Fit a model, or continue to. Too few iterations give no warning.

    Args:
        model: made by `regression`.
        features: a matrix [N, F], sparse or not.
        y: class indices, int [N].
        inverse_penalty: scikit-learn's C.
        weights: the factor of each text in the loss, [N]; None: 1 for all.
    """
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.set_params(C=inverse_penalty).fit(features, y, sample_weight=weights)


def _predict(model: Any, features: Any, class_count: int) -> NDArray[np.float64]:  # noqa: ANN401
    """Probabilities with a column for every class, also for those that the model never saw."""
    probabilities = np.full((features.shape[0], class_count), _LEAST)
    probabilities[:, model.classes_] = model.predict_proba(features)
    probabilities = probabilities.clip(_LEAST)
    normalised: NDArray[np.float64] = probabilities / probabilities.sum(axis=1, keepdims=True)
    return normalised


def _choose_inverse_penalty(features: Any, y: NDArray[Any], class_count: int) -> float:  # noqa: ANN401
    """The C with the lowest log-loss over the folds. A rare class may be missing from a fold."""
    from sklearn.model_selection import KFold, StratifiedKFold

    smallest = np.unique(y, return_counts=True)[1].min()
    kind = StratifiedKFold if smallest >= FOLDS else KFold
    losses = np.zeros(len(INVERSE_PENALTIES))
    for rows, held_out in kind(FOLDS, shuffle=True, random_state=0).split(features, y):
        model = regression()
        for index, inverse_penalty in enumerate(INVERSE_PENALTIES):
            fit_regression(model, features[rows], y[rows], inverse_penalty)
            probabilities = _predict(model, features[held_out], class_count)
            losses[index] -= np.log(probabilities[np.arange(len(held_out)), y[held_out]]).sum()
    return INVERSE_PENALTIES[int(losses.argmin())]
