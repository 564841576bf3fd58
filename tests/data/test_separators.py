"""The separator of a csv file is found out from its header and first rows."""

import pytest

from sentiment_lstm.data.separators import check_separator, judge_separator, stated_separator
from sentiment_lstm.errors import UsageError


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("text,label\na,1\n", ","),
        ("text;label\na;1\n", ";"),
        ("text\tlabel\na, b\t1\n", "\t"),
        ("text|label\na, b; c|1\n", "|"),
        ("text;label\n", ";"),
        ("text\nhello, world; again\n", ","),
        ("", ","),
        ("text;score\ngood, really;1,5\nbad, really;0,5\n", ";"),
        ('id;"text, raw";label\n1;good;1\n2;"a; b";0\n', ";"),
        ('"text; all",label\na,1\n"b, c",0\n', ","),
        ('text;label\n"one\ntwo, three; four";1\nfive;0\n', ";"),
        ("text,a;b\nx;y,1\nz,2\n", ","),
        ("text;label\r\na;1\r\n\r\nb;0\r\n", ";"),
        ("text;label\ra;1\rb;0\r", ";"),
        ("text,label\nwell, yes,1\nno, never,0\n", ","),
    ],
)
def test_the_header_and_the_rows_decide(text, separator):
    assert judge_separator(text, whole=True) == separator


def test_a_row_that_is_cut_does_not_count():
    assert judge_separator("text;label\na;1\nb", whole=False) == ";"
    assert judge_separator("text;label\na;1\n" + '"' + "b;" * 50, whole=False) == ";"


def test_some_rows_may_have_too_many_fields():
    rows = "".join(f"text {n};{'x;' * (n % 3 == 0)}1\n" for n in range(30))
    assert judge_separator("text;label\n" + rows, whole=True) == ";"


def test_a_field_that_is_too_long_is_no_error():
    assert judge_separator("text;label\na;1\n" + "x" * 200_000 + ";1\n", whole=True) == ";"


@pytest.mark.parametrize(
    ("line", "separator"),
    [("sep=;\r\n", ";"), ('"sep=|"\n', "|"), ("SEP=\t\n", "\t"), ("sep=;;\n", None),
     ("sep=\n", None), ("sep=;", None), ("text;sep=;\n", None)],
)  # fmt: skip
def test_excel_states_the_separator_in_the_first_line(line, separator):
    assert stated_separator(line + "") == separator


@pytest.mark.parametrize(
    ("text", "separator"), [(";", ";"), ("tab", "\t"), ("\\t", "\t"), ("\t", "\t"), ("Pipe", "|")]
)
def test_separators_have_names(text, separator):
    assert check_separator(text) == separator


@pytest.mark.parametrize("text", ["", ";;", '"', "\n", "comma;"])
def test_other_separators_are_refused(text):
    with pytest.raises(UsageError, match="Expected one character between columns"):
        check_separator(text)
