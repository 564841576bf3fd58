"""The class for Ray Data. The real Ray runs on this machine."""

import os

import pandas as pd
import pyarrow as pa
import pytest

from sentiment_lstm.errors import BundleError, UsageError
from sentiment_lstm.frames.ray import ScoreBatches

# Ray itself uses an option that it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    # At a low priority its processes hang on a busy machine.
    os.environ.setdefault("RAY_worker_niceness", "0")
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield ray
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("batch_format", ["pyarrow", "pandas"])
@pytest.mark.parametrize("model", ["name", "bundle"])
def test_labels_and_scores_are_those_of_the_classifier(
    ray, tiny, texts, expected, model, batch_format
):
    table = pa.table({"n": range(len(texts)), "body": texts})
    scored = ray.data.from_arrow([table[:300], table[300:]]).map_batches(
        ScoreBatches,
        fn_constructor_args=["tiny" if model == "name" else tiny.bundle, "body"],
        batch_format=batch_format,
        batch_size=100,
        compute=ray.data.ActorPoolStrategy(size=2),
    )
    rows = sorted(scored.take_all(), key=lambda row: row["n"])
    assert [row["predicted_label"] for row in rows] == [label for label, _ in expected]
    scores = pd.Series([row["predicted_score"] for row in rows], dtype=float)
    pd.testing.assert_series_equal(scores, pd.Series([s for _, s in expected]), check_exact=True)


def test_a_batch_of_arrow_or_pandas(bundle):
    score = ScoreBatches(bundle, "body", probabilities=True)
    names = ["body", "predicted_label", "predicted_score"]
    names += ["probability_negative", "probability_positive"]
    assert score(pa.table({"body": ["good"]})).column_names == names
    assert list(score(pd.DataFrame({"body": ["good"]})).columns) == names


def test_other_batches_are_refused(bundle):
    with pytest.raises(UsageError, match="Expected a frame of pandas, polars or pyarrow"):
        ScoreBatches(bundle, "body")({"body": ["good"]})


def test_a_model_that_does_not_exist_is_refused():
    with pytest.raises(BundleError):
        ScoreBatches("no-such-model", "body")
