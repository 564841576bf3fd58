"""Thresholds of the labels of texts that may have several."""

import numpy as np

from sentiment_lstm.evaluation.multi_label import f1_scores
from sentiment_lstm.evaluation.thresholds import choose_thresholds


def calibrated(texts: int, mean: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities around a mean, and labels drawn from them, [N] each."""
    rng = np.random.default_rng(seed)
    p = rng.beta(8 * mean, 8 * (1 - mean), texts)
    return p, rng.random(texts) < p


def test_a_separable_label_gets_a_threshold_between_both_sides() -> None:
    p = np.concatenate([np.full(300, 0.9), np.full(700, 0.1)])[:, None]
    (threshold,) = choose_thresholds(p, p > 0.5)
    assert 0.1 < threshold < 0.9


def test_many_texts_lead_to_about_half_of_the_best_f1() -> None:
    p, y = calibrated(200_000, 0.2)
    (threshold,) = choose_thresholds(p[:, None], y[:, None])
    f1 = f1_scores(y[:, None], (p >= threshold)[:, None])["macro_f1"]
    assert abs(threshold - f1 / 2) < 0.02


def test_the_labels_of_few_texts_hardly_matter() -> None:
    p, y = calibrated(500, 0.02)
    none = np.zeros_like(y)
    one = none.copy()
    one[p.argmin()] = True
    expected, with_one = (choose_thresholds(p[:, None], z[:, None])[0] for z in (none, one))
    assert abs(np.log(with_one / expected)) < 0.4


def test_thresholds_lie_within_0_and_1() -> None:
    for value in (0.0, 0.5, 1.0):
        p = np.full((5, 2), value)
        for y in (np.zeros((5, 2), dtype=bool), np.ones((5, 2), dtype=bool)):
            thresholds = choose_thresholds(p, y)
            assert ((thresholds > 0) & (thresholds < 1)).all()
