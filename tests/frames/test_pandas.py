"""What is special in pandas: the index, missing values and types of strings."""

import numpy as np
import pandas as pd
import pytest

from sentiment_lstm.errors import UsageError
from sentiment_lstm.frames import score_frame

TEXTS = ["a good film", None, "a bad film"]


def test_the_index_stays_even_with_equal_labels(tiny):
    frame = pd.DataFrame({"body": ["a good film", "a bad film", "good"], "n": 1}, index=[7, 7, "x"])
    scored = score_frame(tiny, frame, "body")
    assert scored.index.equals(frame.index)
    assert scored["predicted_label"].tolist() == tiny.predict(frame["body"])


@pytest.mark.parametrize("kind", ["object", "str", "string", "string[pyarrow]", "category"])
def test_every_type_of_strings(tiny, kind):
    scored = score_frame(tiny, pd.DataFrame({"body": pd.Series(TEXTS, dtype=kind)}), "body")
    assert scored["predicted_label"].isna().tolist() == [False, True, False]
    assert scored["predicted_score"].tolist()[::2] == [s["score"] for s in tiny(TEXTS[::2])]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_every_missing_value(tiny, missing):
    scored = score_frame(tiny, pd.DataFrame({"body": ["good", missing]}, dtype=object), "body")
    assert scored["predicted_label"].isna().tolist() == [False, True]
    assert scored["predicted_score"].isna().tolist() == [False, True]


def test_a_column_that_is_missing_throughout(tiny):
    scored = score_frame(tiny, pd.DataFrame({"body": [np.nan, np.nan]}), "body")
    assert scored["predicted_score"].isna().all()


def test_the_row_of_a_wrong_value_is_named(tiny):
    frame = pd.DataFrame({"body": ["good", 5]}, index=["a", "b"])
    with pytest.raises(UsageError, match="found int in row 1"):
        score_frame(tiny, frame, "body")


def test_two_columns_of_one_name_are_refused(tiny):
    frame = pd.DataFrame([["a", "b"]], columns=["body", "body"])
    with pytest.raises(UsageError, match="found 2 of this name"):
        score_frame(tiny, frame, "body")
