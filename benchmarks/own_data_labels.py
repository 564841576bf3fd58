"""The linear rival of `own_data.py` where a text may have several labels: one model for each label.

It counts words, pairs of words and characters, as the baseline of `training/baseline.py`. A tenth
of the training texts chooses C and the thresholds; then all texts train.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion

from sentiment_lstm.evaluation.thresholds import choose_thresholds

INVERSE_PENALTIES = (1.0, 5.0, 25.0)
"""The values of C that are compared."""
HELD_OUT = 0.1
_LEAST = 1e-12


@dataclass(frozen=True)
class OneVersusRest:
    """A linear model for each of C labels, and thresholds chosen on texts held out, [C]."""

    vectoriser: Any
    models: Any
    thresholds: NDArray[np.float64]

    def predict_proba(self, texts: list[str]) -> NDArray[np.float64]:
        """The probability of each label, [N, C]."""
        features = self.vectoriser.transform(texts)
        probabilities: NDArray[np.float64] = self.models.predict_proba(features)
        return probabilities.clip(_LEAST, 1 - _LEAST)


def fit_one_vs_rest(texts: list[str], targets: NDArray[np.bool_], seed: int) -> OneVersusRest:
    """Choose C and the thresholds on texts held out, then fit on all texts.

    Args:
        texts: N texts.
        targets: which labels they have, bool [N, C].
        seed: chooses the texts that are held out.
    """
    common = {"sublinear_tf": True, "min_df": 2, "dtype": np.float32}
    vectoriser = FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), **common)),
            ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **common)),
        ]
    )
    features = vectoriser.fit_transform(texts)
    order = np.random.default_rng(seed).permutation(len(texts))
    count = max(1, round(HELD_OUT * len(texts)))
    held_out, rest = order[:count], order[count:]

    def fit(rows: NDArray[np.int64], inverse_penalty: float) -> Any:  # noqa: ANN401 (no types)
        model = LogisticRegression(C=inverse_penalty, max_iter=100)
        return OneVsRestClassifier(model).fit(features[rows], targets[rows].astype(np.int64))

    def loss(probabilities: NDArray[np.float64]) -> float:
        true = np.where(targets[held_out], probabilities, 1 - probabilities)
        return float(-np.log(true.clip(_LEAST)).sum())

    scored = {
        inverse_penalty: fit(rest, inverse_penalty).predict_proba(features[held_out])
        for inverse_penalty in INVERSE_PENALTIES
    }
    best = min(scored, key=lambda inverse_penalty: loss(scored[inverse_penalty]))
    thresholds = choose_thresholds(scored[best], targets[held_out])
    return OneVersusRest(vectoriser, fit(order, best), thresholds)
