"""Without its library, each way says in one sentence what to install."""

import sys

import duckdb
import pytest

from sentiment_lstm.errors import MissingExtraError
from sentiment_lstm.frames.duckdb import add_sentiment
from sentiment_lstm.frames.libraries import library
from sentiment_lstm.frames.polars import sentiment
from sentiment_lstm.frames.spark import sentiment_udf

CALLS = {
    "polars": lambda classifier: sentiment("body", classifier),
    "pyarrow": lambda classifier: add_sentiment(duckdb.connect(), classifier),
    "pyspark": lambda classifier: sentiment_udf(classifier),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_missing_library_is_named_with_its_extra(tiny, name, monkeypatch):
    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, name, None)
    extra = "spark" if name == "pyspark" else "frames"
    expected = rf"Expected {name} to score .*: pip install 'sentiment-lstm\[{extra}\]'\."
    with pytest.raises(MissingExtraError, match=expected):
        CALLS[name](tiny)


def test_a_library_that_is_there():
    assert library("json").loads("1") == 1
