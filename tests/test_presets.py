import json

import pytest

from sentiment_lstm.errors import UsageError
from sentiment_lstm.presets import PRESETS, chosen, preset
from sentiment_lstm.settings import ModelSettings, Settings


def test_the_seed_preset_is_the_studys_model_and_training():
    seed = preset("seed")
    assert seed.model == ModelSettings(
        embedding_size=128,
        hidden_size=256,
        layers=2,
        bidirectional=False,
        pooling="last",
        dropout=0.3,
    )
    assert seed.training.clip_norm == 5.0
    assert seed.training.learning_rate == 1e-3
    assert seed.training.embeddings == "random"


@pytest.mark.parametrize("name", ["seed", "quick"])
def test_presets_exist_and_survive_json(name):
    settings = preset(name)
    assert settings is PRESETS[name]
    assert Settings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_an_unknown_preset_lists_the_presets():
    with pytest.raises(UsageError, match=r"among auto, seed, quick, found 'tiny'\."):
        preset("tiny")


def test_a_setting_under_its_old_name_is_kept_by_auto():
    settings = chosen("auto", {"model.hidden": 64})
    assert settings.training.given == ("model.hidden_size",)
    assert settings.model.hidden_size == 64
