"""The mean of models that read the same words and have one shape, by shares that add up."""

from dataclasses import replace

import numpy as np
import pytest

from factory.surgery import average
from sentiment_lstm.bundle import save_bundle
from sentiment_lstm.errors import UsageError


def test_each_weight_is_the_mean_by_shares(pieces):
    doubled = {name: 2 * row for name, row in pieces.weights.items()}
    found = average.averaged([pieces, replace(pieces, weights=doubled)], [3, 1])
    for name, row in found.weights.items():
        np.testing.assert_allclose(row, 1.25 * pieces.weights[name], rtol=1e-6)


def test_models_that_do_not_fit_are_refused(pieces, knowing):
    with pytest.raises(UsageError, match="the same words"):
        average.averaged([pieces, knowing(["tom"], ["Tom came."])], [1, 1])
    narrow = {name: row[..., :1] for name, row in pieces.weights.items()}
    with pytest.raises(UsageError, match="one shape"):
        average.averaged([pieces, replace(pieces, weights=narrow)], [1, 1])


@pytest.mark.parametrize("shares", [["1"], ["1", "0"], ["1", "inf"], ["1e308", "1e308"]])
def test_shares_that_do_not_add_up_are_refused(pieces, tmp_path, shares, capsys):
    save_bundle(tmp_path / "one", pieces)
    arguments = ["--model", str(tmp_path / "one")] * 2 + ["--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit):
        average.main([*arguments, *(word for share in shares for word in ("--share", share))])
    assert "Expected a --share above 0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
