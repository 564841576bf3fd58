from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet

from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.weights import mean_weight, read_weight, scaled_weights
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.records import Example
from sentiment_lstm.settings import DataSettings


@pytest.mark.parametrize(
    ("raw", "weight"),
    [
        *[(1, 1.0), (0, 0.0), (True, 1.0), ("2.5", 2.5), (" 3 ", 3.0), (Decimal("0.5"), 0.5)],
        *[(-1, None), ("", None), (None, None), ("many", None), (10**400, None), ([1], None)],
        *[(float("nan"), None), (float("inf"), None), ("nan", None), ("-0.1", None)],
    ],
)
def test_a_weight_is_a_finite_number_of_at_least_0(raw, weight):
    assert read_weight(raw) == weight


@pytest.mark.parametrize("factor", [1, 7, 1 / 3, 1e-9, 12345.678])
def test_only_the_ratios_of_weights_count(factor):
    weights = [1.0, 2.5, 1 / 3, 10.0, 0.1]
    plain = [Example(str(w), "a", "", weight=w) for w in weights]
    others = [Example(str(w), "a", "", weight=w * factor) for w in weights]
    scaled = scaled_weights(plain, mean_weight(plain))
    assert scaled == scaled_weights(others, mean_weight(others))
    assert mean_weight(scaled) == pytest.approx(1)


def test_weights_of_1_leave_the_examples_alone():
    plain = [Example("x", "a", ""), Example("y", "b", "")]
    assert all(a is b for a, b in zip(scaled_weights(plain, 1.0), plain, strict=True))
    assert mean_weight([]) == 1


def rows(count=40):
    return [
        {"text": f"text {i}", "label": "ab"[i % 2], "importance": 1 + i % 3} for i in range(count)
    ]


def write(path, table):
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(table), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(f"{row}\n".replace("'", '"') for row in table))
    else:
        lines = [",".join(map(str, row.values())) for row in table]
        path.write_text("\n".join([",".join(table[0]), *lines]))
    return str(path)


def load(source, set_aside=None, **options):
    data = DataSettings(source, weight_column="importance", **options)
    return load_corpus(data, 0, set_aside or SetAside(None))


def weights_of(corpus):
    return {e.text: round(e.weight, 4) for e in [*corpus.sample, *corpus.validation]}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "folder/train.parquet"])
def test_every_kind_of_file_may_have_weights(tmp_path, name):
    (tmp_path / "folder").mkdir()
    path = tmp_path / name
    write(path, rows())
    corpus = load(str(path.parent if "folder" in name else path))
    mean = sum(row["importance"] for row in rows()) / 40
    expected = {row["text"]: round(row["importance"] / mean, 4) for row in rows()}
    assert weights_of(corpus) == expected


def test_a_text_of_weight_0_is_left_out_with_its_class(tmp_path):
    table = [*rows(), {"text": "odd", "label": "c", "importance": 0}]
    set_aside = SetAside(None)
    corpus = load(write(tmp_path / "a.csv", table), set_aside)
    assert corpus.classes == ("a", "b")
    assert "odd" not in weights_of(corpus)
    assert corpus.screening["weight 0"] == 1
    assert not set_aside.total


def test_bad_weights_are_set_aside(tmp_path):
    table = [*rows(), {"text": "x", "label": "a", "importance": -1}]
    table.append({"text": "y", "label": "a", "importance": ""})
    path = write(tmp_path / "a.csv", table)
    set_aside = SetAside(None)
    load(path, set_aside)
    assert set_aside.counts == {"bad weight": 2}
    with pytest.raises(DataError, match=r"found bad weight in a\.csv:42"):
        load(path, SetAside(strict=True))


def test_a_stream_has_the_weights_of_its_first_rows(tmp_path):
    path = write(tmp_path / "a.csv", rows(400))
    corpus = load(path, streaming=True, stream_rows=100)
    first = weights_of(corpus)
    later = {example.text: round(example.weight, 4) for example in corpus.training()}
    assert len(later) > len(first)
    assert all(later[text] == weight for text, weight in first.items() if text in later)


def test_a_source_of_a_mixture_has_weights_within_its_own_factor(tmp_path):
    main = DataSettings(write(tmp_path / "a.csv", rows()), weight_column="importance", weight=2)
    other = [row | {"text": f"other {row['text']}"} for row in rows()]
    second = DataSettings(write(tmp_path / "b.csv", other), weight_column="importance", weight=0.5)
    corpus = load_corpus(main, 0, SetAside(None), [second])
    count = corpus.from_first_source
    assert mean_weight(corpus.sample[:count]) == pytest.approx(2, rel=0.05)
    assert mean_weight(corpus.sample[count:]) == pytest.approx(0.5)


def test_a_missing_column_of_weights_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\nx,a\ny,b\n")
    with pytest.raises(DataError, match="Expected a column 'importance'"):
        load(str(path))
    with pytest.raises((DataError, UsageError), match="no column names for imdb"):
        load("imdb")
