"""A field that is too long, or a quote that never closes, spoils no other row."""

import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import read, rows_of

from sentiment_lstm.data.dialect import Dialect
from sentiment_lstm.data.formats import Format
from sentiment_lstm.data.tables import read_csv
from sentiment_lstm.errors import DataError
from sentiment_lstm.scoring.records import open_input

UNCLOSED = "unreadable (a quote never closes)"
GOOD = "".join(f"row {n},{n % 2}\n" for n in range(60))


@pytest.fixture
def write(tmp_path):
    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return write


def scored(path):
    """Return the values of the good rows, and line and problem of the others."""
    with open_input(path, Format.of_file(path)) as opened:
        records = list(opened.records)
    good = [list(record.values.values()) for record in records if record.values is not None]
    return good, [(record.line, record.problem) for record in records if record.values is None]


def by_lines(content, longest_field=20, longest_line=60):
    """Return line, values and problem of each row, read with small limits."""
    _, records = read_csv(
        io.BytesIO(content.encode()), "x.csv", Dialect(),
        longest_field=longest_field, longest_line=longest_line,
    )  # fmt: skip
    return [(record.line, record.values, record.problem) for record in records]


LONG = "admin,injected great film\n" * 50_000
"""More than a million characters, which look like rows."""


@pytest.mark.parametrize("characters", [LONG, LONG * 14])
def test_a_long_field_is_set_aside_whole_and_the_rows_after_it_are_read(write, characters):
    path = write(f'text,label\n{GOOD}"{characters}",1\n{GOOD}')
    pairs, counts = read(path)
    assert (len(pairs), counts) == (120, {"too long": 1})
    good, bad = scored(path)
    assert (len(good), bad) == (120, [(62, "too long")])
    assert not any("injected" in text for text, _ in good)
    lines = [row.line for row in rows_of(path)]
    assert lines[-1] == 60 + 2 + characters.count("\n") + 60


def test_a_long_field_may_hold_quotes_and_end_within_its_line(write):
    field = f'{LONG}say ""hi"", {LONG}'
    path = write(f'text,label,more\na,1,x\n"{field}",1,"y, ""z"""\nb,0,x\n')
    good, bad = scored(path)
    assert [values[0] for values in good] == ["a", "b"]
    assert bad == [(3, "too long")]


def test_rows_after_a_quote_that_never_closes_are_read(write):
    path = write(f'text,label\nfine,1\n"open,0\n{GOOD}"last, quoted,1\n')
    pairs, counts = read(path)
    assert [text for text, _ in pairs] == ["fine", *(f"row {n}" for n in range(60))]
    assert counts == {UNCLOSED: 2}, "the quote before `last` was not meant to close the first one"
    path = write(f'text,label\nfine,1\n"open,0\n{GOOD}')
    pairs, counts = read(path)
    assert [text for text, _ in pairs] == ["fine", *(f"row {n}" for n in range(60))]
    assert counts == {UNCLOSED: 1}
    good, bad = scored(path)
    assert (len(good), bad) == (61, [(3, UNCLOSED)])
    assert [row.line for row in rows_of(path)] == list(range(2, 64))


def test_a_quote_that_never_closes_may_be_far_from_the_end(write):
    rows = "".join(f"row {n} {'x' * 500},1\n" for n in range(40_000))
    path = write(f'text,label\nfine,1\n"open,0\n{rows}')
    good, bad = scored(path)
    assert (len(good), bad) == (40_001, [(3, UNCLOSED)])


@pytest.mark.parametrize("line", ['a",",', '"a', '"",",', ',"""'])
def test_many_quotes_that_never_close_take_linear_time(write, line):
    path = write("text,label\n" + f"{line}\n" * 100_000)
    started = time.process_time()
    good, bad = scored(path)
    assert time.process_time() - started < 10
    assert len(good) + len(bad) <= 100_000


def test_a_field_of_many_short_lines_takes_linear_time(write):
    newlines = "\n" * 900_000
    path = write(f'text,label\n"a{newlines}b",1\nlast,0\n')
    started = time.process_time()
    good, _ = scored(path)
    assert time.process_time() - started < 10
    assert [len(text) for text, _ in good] == [900_002, 4]


def test_a_row_of_many_long_fields_is_too_long():
    fields = ",".join(f'"{"x" * 15}\n"' for _ in range(10))
    assert by_lines(f"text,label\n{fields}\nb,0\n") == [
        (2, None, "too long"), (13, ["b", "0"], None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('"' + "x" * 30 + '",1\nb,0\n', [(2, None, "too long"), (3, ["b", "0"], None)]),
        ("x" * 30 + ",1\nb,0\n", [(2, None, "too long"), (3, ["b", "0"], None)]),
        ("x" * 300 + ',"1\nb",0\nc,1', [(2, None, "too long"), (4, ["c", "1"], None)]),
        ("x" * 300 + ',"1\nb,0\nc,1',
         [(2, None, UNCLOSED), (3, ["b", "0"], None), (4, ["c", "1"], None)]),
        ('"' + "x" * 58 + '""\n",0\nc,1\n', [(2, None, "too long"), (4, ["c", "1"], None)]),
        ('"' + "x" * 59 + '",0\nc,1\n', [(2, None, "too long"), (3, ["c", "1"], None)]),
        ('"a,1\n"', [(2, ["a,1\n"], None)]),
        ('"a,1\n', [(2, None, UNCLOSED)]),
        ('"', [(2, None, UNCLOSED)]),
        ('"a,1\n""b,0\nc,1\n"d',
         [(2, None, UNCLOSED), (3, ["b", "0"], None), (4, ["c", "1"], None), (5, None, UNCLOSED)]),
        ('"a,1\nb,0\n"c,d",1\ne,0\n',
         [(2, None, UNCLOSED), (3, ["b", "0"], None), (4, ["c,d", "1"], None),
          (5, ["e", "0"], None)]),
        ('"a\nb,0" ,1\nc,1', [(2, ["a\nb,0 ", "1"], None), (4, ["c", "1"], None)]),
        ('"a"b,1\nc,1', [(2, ["ab", "1"], None), (3, ["c", "1"], None)]),
        ('"a,1\n""b,0\n\n"",1\n',
         [(2, None, UNCLOSED), (3, ["b", "0"], None), (5, ["", "1"], None)]),
        ('a,1\r"b\r",0\r\rc,1', [(2, ["a", "1"], None), (3, ["b\r", "0"], None),
                                 (6, ["c", "1"], None)]),
    ],
)  # fmt: skip
def test_each_row_has_its_place(content, rows):
    limits = {} if len(content) > 60 or "x" * 20 in content else {"longest_field": 60}
    assert by_lines("text,label\n" + content, **limits) == rows


def test_a_header_whose_quote_never_closes_is_one_sentence(write):
    path = write('"text,label\na,1\n')
    for reader in (read, scored):
        with pytest.raises(DataError, match=r"^Expected .* of column names .* quote never closes"):
            reader(path)


PIECES = ["a", '"', '""', '"""', ",", "\n", " ", "xxxxx", '"q"', ',"']


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.integers(4, 15), st.data())
@settings(max_examples=300, deadline=None)
def test_limits_change_no_other_row(text, longest_line, data):
    longest_field = data.draw(st.integers(2, longest_line - 1))
    content = f"h\n{text}"
    limited = by_lines(content, longest_field, longest_line)
    unlimited = by_lines(content, 10**6, 10**7)
    assert [line for line, _, _ in limited] == [line for line, _, _ in unlimited]
    for (_, values, problem), (_, whole, _) in zip(limited, unlimited, strict=True):
        assert problem == "too long" or values == whole
