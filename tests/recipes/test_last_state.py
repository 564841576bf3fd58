"""A model scores as before until its new weights are trained."""

import numpy as np
from last_state import with_last_state

from sentiment_lstm.inference.predictor import Predictor, open_torch

TEXTS = ["good", "a bad film", "a good film, not bad"]


def test_scores_stay_and_the_last_state_has_weights(make_bundle):
    before = make_bundle(pooling="max+mean")
    after = with_last_state(before)
    assert after.config.model.pooling == "max+mean+last"
    assert after.weights["output.weight"].shape[1] == 3 * before.config.model.hidden
    old, new = (Predictor(one, open_torch(one)).probabilities(TEXTS) for one in (before, after))
    assert np.array_equal(old, new)
