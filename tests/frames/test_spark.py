"""The function for Spark. The real Spark runs on this machine and needs Java."""

import pickle
import pickletools

import pyarrow as pa
import pytest
from local_spark import local_spark

from sentiment_lstm.api import SentimentClassifier
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.frames import spark as spark_module
from sentiment_lstm.frames.scores import field_names
from sentiment_lstm.frames.spark import sentiment_udf
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.scoring.cluster import predict_function

pytestmark = [
    # pyspark asks for pandas 2, and leaves sockets and a process to the garbage collector.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def spark():
    with pytest.MonkeyPatch.context() as patch, local_spark(patch) as session:
        yield session


def reviews(spark, texts):
    """Return a table of texts in four partitions."""
    return spark.createDataFrame(list(enumerate(texts)), "n long, body string").repartition(4)


@pytest.mark.slow
def test_labels_and_scores_are_those_of_the_classifier(spark, tiny, texts, expected):
    scored = reviews(spark, texts).withColumn("s", sentiment_udf(tiny)("body"))
    rows = scored.select("n", "body", "s.*").orderBy("n").collect()
    assert [row.body for row in rows] == texts
    assert [(row.label, row.score) for row in rows] == expected


@pytest.mark.slow
def test_several_labels_are_lists(spark, several):
    texts = [None, "a good film", ""]
    udf = sentiment_udf(several, probabilities=True)
    rows = reviews(spark, texts).select("n", udf("body").alias("s")).orderBy("n").collect()
    (prediction,) = several.predictor.predict(["a good film"])
    assert rows[1].s.labels == list(prediction.labels)
    assert rows[1].s.scores == pytest.approx(list(prediction.scores))
    assert [list(rows[n].s) for n in (0, 2)] == [[None] * 5] * 2


@pytest.mark.parametrize("count", [2, 5])
def test_functions_of_one_query_do_not_close_each_others_models(tiny, monkeypatch, count):
    opened = []

    def opening(bundle, threads):
        opened.append(bundle)
        return open_predictor(bundle, threads)

    monkeypatch.setattr(spark_module, "open_predictor", opening)
    monkeypatch.setattr(spark_module, "_OPEN", {})
    names = field_names(tiny.classes_, multi_label=False, probabilities=False)
    workers = [spark_module._Worker(str(n), tiny.bundle, names) for n in range(count)]
    for _ in range(3):
        for worker in workers:
            worker.score(pa.array(["A superb lamp."]))
    assert len(opened) == (count if count <= 4 else 3 * count)
    assert len(spark_module._OPEN) <= 4


@pytest.mark.slow
def test_a_column_of_numbers_is_refused(spark, tiny):
    with pytest.raises(Exception, match="Expected texts in the argument, found int64"):
        reviews(spark, ["good"]).select(sentiment_udf(tiny)("n")).collect()


@pytest.mark.slow
def test_the_older_function_for_predict_batch_udf(spark, tiny, texts, expected):
    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    kind = StructType([StructField("label", StringType()), StructField("score", DoubleType())])
    udf = predict_batch_udf(predict_function(tiny.bundle), return_type=kind, batch_size=100)
    rows = reviews(spark, texts).select("n", udf("body").alias("s")).orderBy("n").collect()
    assert [(row.s.label, row.s.score) for row in rows] == expected


def test_what_spark_sends_names_classes_and_holds_no_code(bundle: Bundle):
    """Cloudpickle would send the code of a nested function."""
    cloudpickle = pytest.importorskip("cloudpickle")
    pytest.importorskip("pyspark")
    for function in (sentiment_udf(SentimentClassifier(bundle)).func, predict_function(bundle)):
        sent = cloudpickle.dumps(function)
        assert b"_make_function" not in sent
        assert any("BUILD" in code.name for code, _, _ in pickletools.genops(sent))
        pickle.loads(sent)
