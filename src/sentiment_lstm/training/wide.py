"""Fits the wide path: a linear model on words, pairs of words and character n-grams.

It is fitted by itself, not together with the LSTM. Once it fits the training texts, the LSTM would
have nothing left to learn. `combining` fits the weights with which both are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.records import Example, Targets, has_several, output_units
from sentiment_lstm.text.features import learn_features
from sentiment_lstm.text.hashing import NGRAM
from sentiment_lstm.text.identifiers import learnable
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.baseline import fit_regression, limited_iterations, regression

INVERSE_PENALTY = 5.0
"""C of scikit-learn: the inverse of the weight of the squared L2 norm."""
_MOST_STEPS = 40
"""Steps of L-BFGS. More steps improve the fit to the training texts, not to new texts."""
_RARE = 5_000
"""From this number of texts on, features that occur in only one text are left out."""
_NEVER = -10.0
"""The bias of a class without training texts."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """`weights`: float32 [F, U]. `bias`: float32 [U]. U: as `records.output_units`."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FeatureMatrix:
    """The features of texts: a matrix [N, F], sparse or not, and a scale [F].

    For the wide path, the matrix holds how often each text has each feature. The fit multiplies the
    features by the scale. A rare one gets a large scale, so its weight is penalised less (inverse
    document frequency).
    """

    matrix: Any
    scale: NDArray[np.float64]

    def scaled(self, rows: NDArray[np.int64]) -> Any:  # noqa: ANN401
        """The scaled features of some texts: a matrix [N, F]."""
        from scipy.sparse import diags, issparse

        scaled = self.matrix[rows] @ diags(self.scale)
        return scaled.tocsr() if issparse(scaled) else scaled

    def logits(self, model: LinearModel, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The linear model's logits of some texts, [N] for two classes, else [N, C]."""
        logits = np.asarray(self.matrix[rows] @ model.weights + model.bias, dtype=np.float32)
        return logits[:, 0] if logits.shape[1] == 1 else logits


def with_learnt_features(
    tokenizer: TextTokenizer, examples: Sequence[Example], most: int, *, private: bool = False
) -> TextTokenizer:
    """The tokenizer with the features that occur in the most texts; unchanged if there are none.

    With `_RARE` texts or more, a feature must occur in two of them. `private`: words with digits
    and addresses give no features.
    """
    min_texts = 2 if len(examples) >= _RARE else 1
    texts = learnable((example.text for example in examples), private=private)
    parts = map(tokenizer.parts, texts)
    hashes = learn_features(parts, tokenizer.words_of_parts, most, min_texts)
    return tokenizer.with_features(hashes if len(hashes) else None)


def count_features(tokenizer: TextTokenizer, examples: Sequence[Example]) -> FeatureMatrix:
    """Count the features of texts."""
    from scipy.sparse import csr_matrix

    assert tokenizer.features is not None
    ids = list(tokenizer.feature_ids(example.text for example in examples))
    ends = np.cumsum([0, *(len(each) for each in ids)])
    columns = np.concatenate([np.zeros(0, dtype=np.int32), *ids])
    shape = (len(ids), len(tokenizer.features))
    matrix = csr_matrix((np.ones(len(columns), dtype=np.float64), columns, ends), shape=shape)
    matrix.sum_duplicates()
    texts = np.bincount(matrix.indices, minlength=shape[1])
    rarity = np.log((1 + shape[0]) / (1 + texts)) + 1
    scale = rarity.copy()
    are_ngrams = tokenizer.features.hashes >= NGRAM
    for kind in (are_ngrams, ~are_ngrams):  # both kinds count the same: a mean L2 norm of 1
        squares = matrix.multiply(matrix) @ (rarity * kind) ** 2
        scale[kind] /= max(float(np.sqrt(squares).mean()), 1e-6)
    return FeatureMatrix(matrix, scale)


def fit_linear(
    counts: FeatureMatrix,
    rows: NDArray[np.int64],
    targets: Targets,
    classes: int,
    weights: NDArray[np.float32] | None = None,
    inverse_penalty: float = INVERSE_PENALTY,
) -> LinearModel:
    """Fit a logistic regression on some of the texts; with several labels per text, one for each.

    Args:
        counts: the features of all texts.
        rows: the texts to fit on.
        targets: their class indices, int [N], soft labels, float [N, C], or labels, bool [N, C].
        classes: the number of classes, C. At least two of them are among the texts, unless a text
            may have several labels.
        weights: the factor of each of these texts in the loss; None: 1 for all.
        inverse_penalty: C of scikit-learn.
    """
    factors = np.ones(len(rows)) if weights is None else weights.astype(np.float64)
    if has_several(targets):
        return _fit_label_by_label(counts, rows, targets, factors, inverse_penalty)
    if targets.ndim == 2:  # each text once for each possible class, weighted by its probability
        texts, labels = np.nonzero(targets)
        rows, factors = rows[texts], factors[texts] * targets[texts, labels]
    else:
        labels = targets.astype(np.int64)
    x, present = counts.scaled(rows), np.unique(labels)
    units = output_units(classes)
    model = LinearModel(
        np.zeros((x.shape[1], units), dtype=np.float32), np.full(units, _NEVER, dtype=np.float32)
    )
    coefficients, bias = _logistic_regression(x, labels, factors, units, inverse_penalty)
    coefficients = coefficients * counts.scale
    if units > 1 and len(present) == 2:  # scikit-learn has one unit for two classes
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        bias = np.concatenate([-bias, bias]) / 2
    columns = present if units > 1 else np.array([0])
    model.weights[:, columns] = coefficients.T
    model.bias[columns] = bias
    return model


def _fit_label_by_label(
    counts: FeatureMatrix,
    rows: NDArray[np.int64],
    targets: NDArray[np.bool_],
    factors: NDArray[np.float64],
    inverse_penalty: float,
) -> LinearModel:
    """A logistic regression for each label. A label that all or no texts have is a constant."""
    x, (texts, units) = counts.scaled(rows), targets.shape
    bias = np.full(units, _NEVER, dtype=np.float32)
    model = LinearModel(np.zeros((x.shape[1], units), dtype=np.float32), bias)
    for unit, present in enumerate(targets.sum(axis=0).tolist()):
        if 0 < present < texts:
            labels = targets[:, unit].astype(np.int64)
            coefficients, intercept = _logistic_regression(
                x, labels, factors, units, inverse_penalty
            )
            model.weights[:, unit] = coefficients[0] * counts.scale
            bias[unit] = intercept[0]
        elif present:
            bias[unit] = -_NEVER
    return model


def _logistic_regression(
    x: Any,  # noqa: ANN401
    labels: NDArray[np.int64],
    factors: NDArray[np.float64],
    units: int,
    inverse_penalty: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients and biases of scikit-learn; `units`: those of all models that are fitted."""
    steps = limited_iterations(x, units, _MOST_STEPS)
    fitted = fit_regression(regression(steps), x, labels, inverse_penalty, factors)
    return fitted.coef_, fitted.intercept_
