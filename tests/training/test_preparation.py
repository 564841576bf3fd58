import pytest

from sentiment_lstm.settings import Settings
from sentiment_lstm.training.preparation import resolve


@pytest.mark.parametrize(("own", "given"), [(0, 500), (300, 500), (300, 0)])
def test_the_settings_give_the_size_of_the_wide_path(make_bundle, own, given):
    bundle = make_bundle(wide_features=own)
    settings = Settings().updated({"model.wide_features": given, "training.init": "model"})
    assert resolve(settings, bundle).model.wide_features == given
