import sys

import numpy as np
import pytest

from sentiment_lstm.errors import MissingExtraError
from sentiment_lstm.training import baseline
from sentiment_lstm.training.baseline import fit_baseline, fit_quick_baseline

WORDS = {0: ("awful", "dull"), 1: ("lovely", "fine"), 2: ("late", "lost")}
LABELS = [n % 3 for n in range(60)]
TEXTS = [f"the {WORDS[label][n % 2]} parcel {n}" for n, label in enumerate(LABELS)]

both = pytest.mark.parametrize("fit", [fit_baseline, fit_quick_baseline])


@both
def test_it_learns_which_words_belong_to_which_class(fit):
    probabilities = fit(TEXTS, LABELS, 3).predict_proba(["so awful", "a fine day", "it is lost"])
    assert probabilities.shape == (3, 3)
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2]
    assert probabilities.sum(axis=1) == pytest.approx(1)


@both
def test_two_classes_have_two_columns(fit):
    texts, labels = zip(*[(t, n) for t, n in zip(TEXTS, LABELS, strict=True) if n < 2], strict=True)
    assert fit(texts, labels, 2).predict_proba(["lovely"]).argmax() == 1


@both
def test_misspelt_words_are_known_by_their_characters(fit):
    assert fit(TEXTS, LABELS, 3).predict_proba(["lovelyyy"]).argmax() == 1


@both
def test_a_class_without_training_texts_has_a_tiny_probability(fit):
    probabilities = fit(TEXTS, np.array(LABELS) + 1, 5).predict_proba(["awful"])
    assert probabilities.shape == (1, 5)
    assert 0 < probabilities[0, 0] == probabilities[0, 4] < 1e-9


@both
def test_a_class_of_one_text_may_lack_in_a_fold(fit):
    probabilities = fit([*TEXTS, "refund"], [*LABELS, 3], 4).predict_proba(["refund"])
    assert probabilities[0, 3] > 0.1


@both
def test_an_empty_text_gets_probabilities(fit):
    assert fit(TEXTS, LABELS, 3).predict_proba([""]).sum() == pytest.approx(1)


@both
def test_the_same_texts_give_the_same_probabilities(fit):
    first, second = (fit(TEXTS, LABELS, 3).predict_proba(TEXTS) for _ in range(2))
    assert (first == second).all()


@both
def test_one_class_is_an_error(fit):
    with pytest.raises(ValueError, match="class"):
        fit(TEXTS, [0] * len(TEXTS), 3)


def test_cross_validation_chooses_a_strong_penalty_for_labels_without_meaning():
    random = np.random.default_rng(0).integers(3, size=len(TEXTS))
    chosen = fit_baseline(TEXTS, random, 3).inverse_penalty
    assert chosen == min(baseline.INVERSE_PENALTIES)
    assert fit_baseline(TEXTS, LABELS, 3).inverse_penalty > chosen


def test_the_quick_baseline_reads_long_texts_as_words(monkeypatch):
    monkeypatch.setattr(baseline, "_WITH_CHARACTERS", sum(map(len, TEXTS)) - 1)
    fitted = fit_quick_baseline(TEXTS, LABELS, 3)
    assert not fitted.with_characters
    assert fitted.predict_proba(["awful"]).argmax() == 0


def test_the_quick_baseline_learns_from_a_part_of_very_many_texts(monkeypatch):
    monkeypatch.setattr(baseline, "_MOST_CHARACTERS", sum(map(len, TEXTS)) // 2)
    fitted = fit_quick_baseline(TEXTS, LABELS, 3, seed=1)
    assert 20 <= fitted.text_count <= 40
    assert fitted.predict_proba(["awful"]).argmax() == 0


def test_many_classes_share_fewer_n_grams(monkeypatch):
    monkeypatch.setattr(baseline, "_MOST_WEIGHTS", 3 * 40)
    names = fit_quick_baseline(TEXTS, LABELS, 3).vectoriser.get_feature_names_out()
    assert len(names) == 40


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sentiment-lstm\[train\]'"):
        fit_quick_baseline(TEXTS, LABELS, 3)
