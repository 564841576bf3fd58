"""The estimator within scikit-learn's own tools."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from small_estimator import LABELS, TEXTS, small

FRAME = pd.DataFrame({"text": TEXTS, "label": LABELS}, index=range(900, 990))


def linear():
    return make_pipeline(TfidfVectorizer(), LogisticRegression())


def shouted(texts):
    return [text.upper() for text in texts]


def test_a_pipeline():
    pipeline = make_pipeline(FunctionTransformer(shouted), small())
    pipeline.fit(TEXTS, LABELS, lstmtextclassifier__sample_weight=np.ones(90))
    assert pipeline.score(TEXTS, LABELS) > 0.9
    assert pipeline.classes_.tolist() == ["bad", "good", "neutral"]


def test_cross_validation_of_a_data_frame():
    predicted = cross_val_predict(small(epochs=8), FRAME["text"], FRAME["label"], cv=3)
    assert np.mean(predicted == LABELS) > 0.8
    for texts in (TEXTS, np.array(TEXTS)):
        probabilities = cross_val_predict(small(), texts, LABELS, cv=2, method="predict_proba")
        assert probabilities.shape == (90, 3)
        assert np.allclose(probabilities.sum(axis=1), 1)
    decision = cross_val_predict(small(), TEXTS, LABELS, cv=2, method="decision_function")
    assert decision.shape == (90, 3)


def test_several_scores_groups_and_weights():
    results = cross_validate(
        small(epochs=1),
        TEXTS,
        LABELS,
        cv=GroupKFold(2),
        groups=np.arange(90) % 7,
        params={"sample_weight": np.ones(90)},
        scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"],
    )
    assert all(len(results[f"test_{name}"]) == 2 for name in ("accuracy", "roc_auc_ovr"))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method):
    calibrated = CalibratedClassifierCV(small(), cv=2, method=method)
    calibrated.fit(TEXTS, LABELS, sample_weight=np.ones(90))
    assert calibrated.predict_proba(TEXTS).shape == (90, 3)
    assert np.mean(calibrated.predict(TEXTS) == LABELS) > 0.9


def test_stacking_and_voting_beside_a_linear_model():
    models = [("lstm", small()), ("linear", linear())]
    for together in (StackingClassifier(models, cv=2), VotingClassifier(models, voting="soft")):
        together.fit(TEXTS, LABELS)
        assert np.mean(together.predict(TEXTS) == LABELS) > 0.9


def test_a_learning_curve():
    sizes, _, scores = learning_curve(small(), TEXTS, LABELS, cv=2, train_sizes=[0.5, 1.0])
    assert sizes.tolist() == [22, 45]
    assert scores.shape == (2, 2)


def test_several_labels():
    matrix = np.column_stack([LABELS == "bad", LABELS != "bad"]).astype(int)
    assert cross_val_score(small(epochs=8), TEXTS, matrix, cv=2, scoring="f1_macro").mean() > 0.8
    one_for_each = OneVsRestClassifier(small()).fit(np.array(TEXTS), LABELS)
    assert one_for_each.predict_proba(np.array(TEXTS)).shape == (90, 3)


def test_a_grid_search():
    search = GridSearchCV(small(), {"epochs": [1, 6], "dropout": [0.1]}, cv=2)
    search.fit(FRAME["text"], FRAME["label"])
    assert search.best_params_["epochs"] == 6
    assert search.predict(["a lovely film"]).tolist() == ["good"]


@pytest.mark.slow
def test_a_grid_search_in_two_processes():
    grid = {"hidden_size": [4, 8]}
    here, there = (GridSearchCV(small(), grid, cv=2, n_jobs=n).fit(TEXTS, LABELS) for n in (1, 2))
    for name in ("split0_test_score", "split1_test_score"):
        assert np.array_equal(here.cv_results_[name], there.cv_results_[name])
    assert np.array_equal(here.predict_proba(TEXTS), there.predict_proba(TEXTS))
