import pytest

from sentiment_lstm.errors import UsageError
from sentiment_lstm.serving.options import named_models


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        ("default", ("default", "default")),
        ("runs/films/", ("films", "runs/films/")),
        ("films=runs/2024=best", ("films", "runs/2024=best")),
        ("someone/films@v2", ("films", "someone/films@v2")),
        ("runs/my films", ("my-films", "runs/my films")),
        ("./a=b", ("a-b", "./a=b")),
    ],
)
def test_a_model_has_a_name(value, pair):
    assert named_models([value]) == (pair,)


@pytest.mark.parametrize("values", [["a/films", "b/films"], ["/"], ["..."]])
def test_each_model_needs_its_own_name(values):
    with pytest.raises(UsageError, match="NAME=PATH"):
        named_models(values)
