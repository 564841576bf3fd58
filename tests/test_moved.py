"""Old names that the guide of 0.1.0 showed still work."""

import importlib

import pytest

MOVED = {
    "inference.files": ("scoring.files", "score_file"),
    "inference.cluster": ("scoring.cluster", "predict_function"),
    "inference.gates": ("interpret.gates", "gates"),
    "inference.inside": ("interpret.inspection", "Embedding"),
}


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_gives_the_same_object_and_warns(old):
    new, name = MOVED[old]
    with pytest.warns(DeprecationWarning, match=f"{old} is now sentiment_lstm.{new}"):
        value = getattr(importlib.import_module(f"sentiment_lstm.{old}"), name)
    assert value is getattr(importlib.import_module(f"sentiment_lstm.{new}"), name)


def test_an_unknown_name_is_an_attribute_error():
    module = importlib.import_module("sentiment_lstm.inference.files")
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name
