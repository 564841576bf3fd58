"""The weighted mean of models that read the same words and have one shape."""

from dataclasses import replace

import numpy as np
import pytest

from factory.surgery import average
from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.errors import UsageError


def test_each_weight_is_the_weighted_mean(pieces):
    doubled = {name: 2 * row for name, row in pieces.weights.items()}
    mean = average.averaged([pieces, replace(pieces, weights=doubled)], [3, 1])
    for name, row in mean.weights.items():
        np.testing.assert_allclose(row, 1.25 * pieces.weights[name], rtol=1e-6)


def test_calibrated_logits_are_averaged(pieces):
    sure = replace(pieces, config=replace(pieces.config, temperature=0.5))
    mean = average.averaged([sure, pieces], [1, 1])
    expected = 1.5 * pieces.weights["output.weight"]
    np.testing.assert_allclose(mean.weights["output.weight"], expected, rtol=1e-6)
    assert mean.config.temperature == 1.0


def test_models_that_do_not_fit_are_refused(pieces, knowing):
    with pytest.raises(UsageError, match="the same words"):
        average.averaged([pieces, knowing(["tom"], ["Tom came."])], [1, 1])
    narrow = {name: row[..., :1] for name, row in pieces.weights.items()}
    with pytest.raises(UsageError, match="one shape"):
        average.averaged([pieces, replace(pieces, weights=narrow)], [1, 1])


@pytest.mark.parametrize("weights", [["1"], ["1", "0"], ["1", "inf"], ["1e308", "1e308"]])
def test_weights_that_have_no_mean_are_refused(pieces, tmp_path, weights, capsys):
    save_bundle(tmp_path / "model", pieces)
    arguments = ["--model", str(tmp_path / "model")] * 2 + ["--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit):
        average.main([*arguments, *(word for weight in weights for word in ("--weight", weight))])
    assert "Expected a --weight above 0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
