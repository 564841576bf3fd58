import numpy as np
import pytest
import torch

from sentiment_lstm.interpret.reach import measure_reach
from sentiment_lstm.model.weights import classifier_from

IDS = np.array([3, 2, 4, 3, 5, 2], dtype=np.int32)


@pytest.mark.parametrize("pooling", ["last", "max+mean", "max+mean+last", "attention"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_scores_gradient_equals_finite_differences(make_bundle, pooling, classes):
    bundle = make_bundle(tuple("abc"[:classes]), pooling=pooling)
    score_norms = measure_reach(bundle, IDS).score
    model = classifier_from(bundle.config.model, classes, bundle.weights).eval().double()
    ids, lengths = torch.from_numpy(IDS).long()[None], torch.tensor([len(IDS)])

    def score(shift):
        with torch.no_grad():
            return model(ids, lengths, shift=shift).reshape(-1)[-1].item()

    slopes = np.zeros((len(IDS), 4))
    for index in np.ndindex(slopes.shape):
        shift = torch.zeros(1, len(IDS), 4, dtype=torch.float64)
        shift[(0, *index)] = 1e-5
        slopes[index] = (score(shift) - score(-shift)) / 2e-5
    expected = np.linalg.norm(slopes, axis=1)[::-1]
    np.testing.assert_allclose(score_norms, expected, rtol=1e-4, atol=1e-9)


def test_with_last_pooling_the_score_reaches_no_further_than_the_memory(make_bundle):
    """The score's gradient is one direction of the state's gradient, so both fade alike."""
    reach = measure_reach(make_bundle(pooling="last"), np.array([3, 2] * 20, dtype=np.int32))
    assert reach.score[-1] / reach.score[0] < 1e-2
    assert reach.memory[-1] / reach.memory[0] < 1e-2


def test_pooling_shortens_the_path_of_the_gradient(make_bundle):
    reach = measure_reach(make_bundle(pooling="max+mean"), np.array([3, 2] * 20, dtype=np.int32))
    assert reach.score[30] / reach.score[0] > 100 * reach.memory[30] / reach.memory[0]


def test_one_token_is_measured_and_numbers_repeat(bundle):
    reach = measure_reach(bundle, IDS[:1])
    assert reach.score.shape == reach.memory.shape == (1,)
    again = measure_reach(bundle, IDS)
    assert again.to_dict() == measure_reach(bundle, IDS).to_dict()


def test_the_number_of_threads_is_restored(bundle):
    before = torch.get_num_threads()
    measure_reach(bundle, IDS)
    assert torch.get_num_threads() == before
