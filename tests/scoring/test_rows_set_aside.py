"""Rows that cannot be scored are set aside, each with its reason."""

import json

import pytest
from small_tables import read, score

from sentiment_lstm.errors import DataError


def test_bad_rows_go_to_a_side_file_with_their_reasons(predictor, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [{"text": "good"}, {"text": ""}, {"text": 3}, {"other": "x"}, {"text": "bad"}]
    source.write_text("\n".join([*map(json.dumps, lines), "{broken"]) + "\n")
    result = score(predictor, source, out)
    assert result.rows == 2
    assert result.set_aside == {
        "empty text": 1, "a text that is a int": 1, "no text": 1, "unreadable": 1
    }  # fmt: skip
    bad = [json.loads(line) for line in (tmp_path / "out.jsonl.bad.jsonl").read_text().splitlines()]
    assert [row["line"] for row in bad] == [2, 3, 4, 6]
    assert bad[-1]["row"] == "{broken\n"
    assert bad[1]["row"] == {"text": 3}


def test_csv_rows_of_another_width_are_set_aside(predictor, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("id,text\n1,good\n2,not,bad\n3\n4,bad\n")
    result = score(predictor, source, tmp_path / "out.csv")
    assert result.rows == 2
    assert sum(result.set_aside.values()) == 2


def test_a_csv_has_the_columns_of_all_first_rows_of_jsonl(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    rows = [{"text": "good", "n": 1}, {"n": 2, "text": "bad"}, {"text": "x"}, {"text": "x", "m": 1}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("out.csv", "out.tsv"):
        assert score(predictor, source, tmp_path / name).rows == 4
        written = read(tmp_path / name)
        assert [*written[0]][:3] == ["text", "n", "m"]
        assert [(row["n"], row["m"]) for row in written] == [
            ("1", ""), ("2", ""), ("", ""), ("", "1")
        ]  # fmt: skip


def test_a_row_with_a_new_column_is_set_aside_from_a_csv_that_has_begun(
    predictor, tmp_path, small_chunks
):
    source = tmp_path / "in.jsonl"
    rows = [{"text": "good", "n": n} for n in range(8)]
    rows += [{"text": "bad"}, {"text": "x", "m": 1}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert score(predictor, source, tmp_path / "out.jsonl").rows == 10
    result = score(predictor, source, tmp_path / "out.csv")
    assert (result.rows, result.set_aside) == (9, {"a column that the first rows lack": 1})
    assert [row["n"] for row in read(tmp_path / "out.csv")][-2:] == ["7", ""]


def test_a_first_row_without_columns_does_not_hide_the_others(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{}\n{"text": "good"}\n')
    result = score(predictor, source, tmp_path / "out.jsonl")
    assert (result.rows, result.set_aside) == (1, {"no text": 1})


def test_a_first_row_without_the_text_does_not_hide_the_others(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": 1}\n{"id": 2, "text": "good"}\n{"id": 3, "text": "bad"}\n')
    for name in ("out.jsonl", "out.csv"):
        result = score(predictor, source, tmp_path / name)
        assert (result.rows, result.set_aside) == (2, {"no text": 1})
        assert [str(row["id"]) for row in read(tmp_path / name)] == ["2", "3"]


def test_the_first_row_chooses_the_column_of_texts_if_it_can(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"review": "good"}\n{"review": "bad", "text": "x"}\n')
    assert score(predictor, source, tmp_path / "out.jsonl").rows == 2
    assert score(predictor, source, tmp_path / "texts.jsonl", text_column="text").rows == 1
    assert score(predictor, source, tmp_path / "same.jsonl", trained_column="text").rows == 2


def test_a_later_row_of_other_columns_takes_no_texts_from_the_others(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    rows = [{"id": 1}, *[{"id": n, "body": "good"} for n in range(2, 10)], {"text": "x"}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = score(predictor, source, tmp_path / "out.jsonl")
    assert (result.rows, result.set_aside) == (8, {"no text": 2})


def test_several_columns_of_texts_may_be_in_different_rows(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"title": "good"}\n{"body": "bad"}\n')
    result = score(predictor, source, tmp_path / "out.jsonl", text_column="title,body")
    assert (result.rows, result.set_aside) == (2, {})


def test_a_row_with_a_column_named_like_a_prediction_is_set_aside(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "good"}\n{"text": "bad", "predicted_label": "gold"}\n')
    result = score(predictor, source, tmp_path / "out.jsonl")
    assert (result.rows, sum(result.set_aside.values())) == (1, 1)
    assert "gold" in (tmp_path / "out.jsonl.bad.jsonl").read_text()


def test_half_a_character_is_set_aside(predictor, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text(
        '{"text": "good \\ud83d"}\n{"text": "good", "n": "\\udc80"}\n{"text": "bad"}\n'
    )
    result = score(predictor, source, tmp_path / "out.jsonl")
    assert (result.rows, result.set_aside) == (1, {"lone surrogate": 2})


@pytest.mark.parametrize("rows", ["", "1,\n2, \n"])
def test_a_file_without_a_good_row_keeps_its_header(predictor, tmp_path, rows):
    source = tmp_path / "in.csv"
    source.write_text(f"id,text\n{rows}")
    assert score(predictor, source, tmp_path / "out.csv").rows == 0
    header = "id,text,predicted_label,predicted_score"
    assert (tmp_path / "out.csv").read_text().splitlines() == [header]
    with pytest.raises(DataError, match="column 'body'"):
        score(predictor, source, tmp_path / "other.csv", text_column="body")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"text": "good", "n": NaN}', "NaN or an infinite number"),
        ('{"text": "good", "n": 1e999}', "NaN or an infinite number"),
        ('{"text": "good", "n": [{"m": -Infinity}]}', "NaN or an infinite number"),
        ('{"text": "good", "text": "bad"}', "a repeated key"),
        ('{"text": "good", "n": [{"m": 1, "m": 1}]}', "a repeated key"),
        ('{"text": "good", "n": ' + "[" * 500 + "]" * 500 + "}", "unreadable"),
        ('{"text": "good", "n": ' + '{"a":' * 101 + "1" + "}" * 102, "unreadable"),
    ],
)
def test_rows_that_are_no_plain_json_are_set_aside(predictor, tmp_path, row, reason):
    source = tmp_path / "in.jsonl"
    fine = '{"text": "' + "[{" * 300 + '", "n": ' + "[" * 50 + "1e308" + "]" * 50 + "}"
    source.write_text(f'{fine}\n{row}\n{fine}\n{{"text": " ", "n": {{"m": NaN}}}}\n')
    result = score(predictor, source, tmp_path / "out.jsonl")
    assert result.rows == 2
    assert result.set_aside[reason] == 1 + (reason == "NaN or an infinite number")
    bad = tmp_path / "out.jsonl.bad.jsonl"
    entries = [json.loads(line, parse_constant=refuse) for line in bad.read_text().splitlines()]
    assert [entry["line"] for entry in entries] == [2, 4]
    for line in (tmp_path / "out.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)


def refuse(constant):
    raise ValueError(f"not JSON: {constant}")


def test_a_row_set_aside_with_nan_is_written_as_json(predictor, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pa.table({"text": ["good", ""], "n": [1.0, float("nan")], "m": [[1.0], [float("inf")]]})
    parquet.write_table(table, tmp_path / "in.parquet")
    score(predictor, tmp_path / "in.parquet", tmp_path / "out.parquet")
    (line,) = (tmp_path / "out.parquet.bad.jsonl").read_text().splitlines()
    row = json.loads(line, parse_constant=refuse)["row"]
    assert row == {"text": "", "n": "NaN", "m": ["Infinity"]}
