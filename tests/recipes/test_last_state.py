"""A model scores as before until its new weights are trained."""

import numpy as np
import pytest
from last_state import with_last_state

from sentiment_lstm.errors import UsageError
from sentiment_lstm.inference.predictor import Predictor, open_torch

OTHERS = [{"pooling": "last"}, {"pooling": "max+mean", "bidirectional": True}]
TEXTS = ["good", "a bad film", "a good film, not bad"]


def test_scores_stay_and_the_last_state_has_weights(make_bundle):
    before = make_bundle(pooling="max+mean")
    after = with_last_state(before)
    assert after.config.model.pooling == "max+mean+last"
    assert after.weights["output.weight"].shape[1] == 3 * before.config.model.hidden
    old, new = (Predictor(one, open_torch(one)).probabilities(TEXTS) for one in (before, after))
    assert np.array_equal(old, new)


@pytest.mark.parametrize("other", OTHERS)
def test_other_models_are_refused(make_bundle, other):
    with pytest.raises(UsageError, match=r"pooling max\+mean, found .*give another --model"):
        with_last_state(make_bundle(**other))
