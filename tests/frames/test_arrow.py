"""What is special in Arrow: types of strings, chunks, streams and damaged texts."""

import pyarrow as pa
import pytest

from sentiment_lstm.frames import score_frame


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.int32(), pa.large_string()),
    ],
    ids=str,
)
def test_every_type_of_strings(tiny, kind):
    texts = ["a good film", None, "", "a bad film", "a good film"]
    column = pa.array(texts).dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else pa.array(texts, kind)  # fmt: skip # noqa: E501
    scored = score_frame(tiny, pa.table({"body": column}), "body")
    assert scored.schema.field("body").type == kind
    assert scored["predicted_label"].to_pylist() == tiny.predict([t or "" for t in texts])
    assert scored["predicted_score"].type == pa.float64()


def test_a_column_of_nulls(tiny):
    scored = score_frame(tiny, pa.table({"body": pa.nulls(3)}), "body")
    assert scored["predicted_label"].to_pylist() == [None] * 3


def test_chunks_of_any_size(tiny, texts, expected):
    sizes = [0, 1, 137, 0, 362]
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    chunks = [pa.array(texts[s : s + n], pa.string()) for s, n in zip(starts, sizes, strict=True)]
    scored = score_frame(tiny, pa.table({"body": pa.chunked_array(chunks)}), "body")
    assert scored["predicted_label"].to_pylist() == [label for label, _ in expected]
    assert scored["predicted_score"].to_pylist() == [score for _, score in expected]


def test_a_slice_of_a_table(tiny, texts, expected):
    scored = score_frame(tiny, pa.table({"body": texts}).slice(100, 50), "body")
    assert scored["predicted_score"].to_pylist() == [score for _, score in expected[100:150]]


def test_a_stream_is_scored_batch_by_batch(tiny):
    read = []

    def batches():
        for number in range(3):
            read.append(number)
            yield pa.RecordBatch.from_pydict({"body": ["a good film"]})

    schema = pa.schema({"body": pa.string()})
    scored = score_frame(tiny, pa.RecordBatchReader.from_batches(schema, batches()), "body")
    assert read == []
    assert scored.read_next_batch().num_rows == 1
    assert read == [0]
    assert len(scored.read_all()) == 2


def test_bytes_that_are_not_utf_8_spoil_one_text_only(tiny):
    data = pa.array([b"a good film", b"caf\xe9"]).view(pa.string())
    scored = score_frame(tiny, pa.table({"body": data}), "body")
    assert scored["predicted_label"][0].as_py() == "positive"
    assert scored["predicted_score"][1].as_py() is not None
