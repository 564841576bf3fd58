"""Workbooks of Excel are read by rows, like csv."""

import datetime
import gzip
import re
import sys
import zipfile

import openpyxl
import pytest
from reading import read, rows_of

from sentiment_lstm.data import packing
from sentiment_lstm.data.formats import Format
from sentiment_lstm.errors import DataError, MissingExtraError, UsageError
from sentiment_lstm.scoring.records import open_input


def workbook(path, rows, title="Tickets", more=(), hidden=()):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for name in (*more, *hidden):
        book.create_sheet(name, 0 if name in hidden else None).append(["other"])
    for name in hidden:
        book[name].sheet_state = "hidden"
    book.active = book[title]
    book.save(path)
    return path


ROWS = [["text", "label", "n"], ["schön; gut", "good", 1], ['"two"\nlines', "bad", 2.5]]


def test_rows_are_read_with_their_numbers(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [[], *ROWS, [], ["last", "good"]])
    rows = rows_of(path, group_column="n")
    assert [(r.text, r.label, r.line, r.group) for r in rows] == [
        ("schön; gut", "good", 3, "1"),
        ('"two"\nlines', "bad", 4, "2.5"),
        ("last", "good", 6, None),
    ]
    assert rows[0].id == "a.xlsx:3"


def test_values_are_written_as_a_spreadsheet_shows_them(tmp_path):
    values = [True, 3.0, 0.1 + 0.2, datetime.datetime(2026, 1, 31), datetime.time(10, 30), 2012,
              datetime.datetime(2026, 1, 31, 10, 5), None, "a_x000D_\nb"]  # fmt: skip
    path = workbook(
        tmp_path / "a.xlsx", [["id", "text"], *([str(n), v] for n, v in enumerate(values))]
    )
    texts = [row.text for row in rows_of(path, label_column="id")]
    assert texts == ["TRUE", "3", "0.3", "2026-01-31", "10:30:00", "2012",
                     "2026-01-31 10:05:00", "", "a\r\nb"]  # fmt: skip


def test_numbers_may_be_labels(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["text", "stars"], ["good", 5], ["bad", 1]])
    pairs, _ = read(path, label_map={"<=2": "bad", ">=4": "good"})
    assert pairs == [("good", "good"), ("bad", "bad")]


def test_the_first_visible_sheet_is_read_and_named(tmp_path, caplog):
    path = workbook(tmp_path / "a.xlsx", ROWS, more=["Old", "Older"], hidden=["Secret"])
    assert len(rows_of(path)) == 2
    assert caplog.messages == [
        "Read the first sheet of a.xlsx, Tickets; for another (Old, Older), save it as a file of "
        "its own."
    ]


@pytest.mark.parametrize("packing_", [".zip", ".gz"])
def test_a_packed_workbook_is_read(tmp_path, packing_):
    content = workbook(tmp_path / "a.xlsx", ROWS).read_bytes()
    path = tmp_path / f"b.xlsx{packing_}"
    if packing_ == ".gz":
        path.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("deep/b.xlsx", content)
    assert [row.text for row in rows_of(path)] == ["schön; gut", '"two"\nlines']


def test_a_wrong_size_in_the_sheet_cuts_nothing(tmp_path):
    path = workbook(tmp_path / "a.xlsx", ROWS)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert b'ref="A1:C3"' in members[sheet]
    members[sheet] = members[sheet].replace(b'ref="A1:C3"', b'ref="A1"')
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert len(rows_of(path)) == 2


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
def test_damaged_workbooks_are_one_sentence(tmp_path, keep):
    path = workbook(tmp_path / "a.xlsx", ROWS * 500)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataError, match=r"^Expected a (whole|readable) "):
        rows_of(path)


@pytest.mark.parametrize("content", [b"not a workbook", b"PK\x05\x06" + bytes(18)])
def test_other_files_are_no_workbooks(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(DataError, match=r"^Expected a (whole|readable) "):
        rows_of(tmp_path / "a.xlsx")


def test_damage_inside_a_sheet_is_one_sentence(tmp_path):
    path = workbook(tmp_path / "a.xlsx", ROWS)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"][:-60]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(DataError, match=r"^Expected a whole xlsx workbook at a\.xlsx, found: "):
        rows_of(path)


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    path = workbook(tmp_path / "a.xlsx", [["text", "label"], *[["a" * 1000, "b"]] * 300])
    monkeypatch.setattr(packing, "SMALL_BYTES", 10)
    with pytest.raises(DataError, match="growing from"):
        rows_of(path, max_expansion=2)


def test_an_empty_workbook_has_no_columns(tmp_path):
    with pytest.raises(DataError, match="found the columns none"):
        rows_of(workbook(tmp_path / "a.xlsx", []))


def test_a_workbook_has_no_encoding(tmp_path):
    path = workbook(tmp_path / "a.xlsx", ROWS)
    with pytest.raises(UsageError, match="leave it out"):
        rows_of(path, encoding="cp1252")


def test_without_its_library_the_extra_is_named(tmp_path, monkeypatch):
    path = workbook(tmp_path / "a.xlsx", ROWS)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"openpyxl .* xlsx files.*sentiment-lstm\[files\]"):
        rows_of(path)


def with_sheet(path, rows):
    """A workbook whose sheet holds these XML rows after the column names."""
    workbook(path.with_name("whole.xlsx"), [["text", "label"]])
    with (
        zipfile.ZipFile(path.with_name("whole.xlsx")) as whole,
        zipfile.ZipFile(path, "w") as changed,
    ):
        for name in whole.namelist():
            content = whole.read(name).decode()
            if name.endswith("sheet1.xml"):
                content = content.replace("</sheetData>", f"{rows}</sheetData>")
            changed.writestr(name, content)
    return path


CELL = '<c r="{}" t="inlineStr"><is><t>good</t></is></c>'


def test_a_far_row_takes_no_time(tmp_path):
    rows = f'<row r="99999999999">{CELL.format("A3")}{CELL.format("B3")}</row>'
    (row,) = rows_of(with_sheet(tmp_path / "a.xlsx", rows))
    assert (row.text, row.line) == ("good", 99_999_999_999)


@pytest.mark.parametrize(
    "rows",
    [
        f'<row r="3">{CELL.format("A3")}</row><row r="2">{CELL.format("A2")}</row>',
        f'<row r="2">{CELL.format("A2")}</row><row r="2">{CELL.format("A2")}</row>',
        f'<row r="-1">{CELL.format("A2")}</row>',
        f'<row r="2">{CELL.format("A2")}{CELL.format("A2")}</row>',
    ],
)
def test_rows_and_cells_of_one_place_are_refused(tmp_path, rows):
    with pytest.raises(DataError, match=r"^Expected .* in a\.xlsx, found .* save it again\.$"):
        rows_of(with_sheet(tmp_path / "a.xlsx", rows))


def test_cells_may_stand_in_any_order(tmp_path):
    rows = f'<row r="2">{CELL.format("B2")}{CELL.format("A2").replace("good", "fine")}</row>'
    (row,) = rows_of(with_sheet(tmp_path / "a.xlsx", rows))
    assert (row.text, row.label) == ("fine", "good")


BAD_CELLS = {
    "a date": '<c r="{}" t="d"><v>2026-99-99</v></c>',
    "a number": '<c r="{}"><v>1,5</v></c>',
    "a style": '<c r="{}" s="x"><v>1</v></c>',
    "a text of the table": '<c r="{}" t="s"><v>99999</v></c>',
    "a truth value": '<c r="{}" t="b"><v>yes</v></c>',
    "a number of 5,000 digits": '<c r="{}"><v>' + "9" * 5_000 + "</v></c>",
}


def spoilt(path, cell):
    """Write a workbook of three rows, the middle one with this cell in column B."""
    workbook(path, [["text", "label"], ["one", "good"], ["two", "X"], ["three", "bad"]])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    members[sheet] = re.sub(rb'<c r="B3".*?</c>', cell.format("B3").encode(), members[sheet])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("kind", BAD_CELLS)
def test_a_bad_cell_sets_aside_one_row(tmp_path, kind):
    path = spoilt(tmp_path / "a.xlsx", BAD_CELLS[kind])
    pairs, set_aside = read(path)
    assert pairs == [("one", "good"), ("three", "bad")]
    assert set_aside == {"unreadable value": 1}


def test_a_bad_cell_sets_aside_one_row_of_a_file_to_score(tmp_path):
    path = spoilt(tmp_path / "a.xlsx", BAD_CELLS["a date"])
    with open_input(path, Format.of_file(path)) as opened:
        records = list(opened.records)
    assert [(record.line, record.problem) for record in records] == [
        (2, None), (3, "unreadable value"), (4, None)
    ]  # fmt: skip
    assert records[0].values == {"text": "one", "label": "good"}


def test_a_date_outside_the_calendar_is_one_cell(tmp_path):
    """Excel shows such a cell as an error."""
    path = workbook(tmp_path / "a.xlsx", [["text", "label"], ["one", "good"]])
    book = openpyxl.load_workbook(path)
    book.active.append(["two", 99_999_999])
    book.active["B3"].number_format = "yyyy-mm-dd"
    book.save(path)
    assert [(row.text, row.label) for row in rows_of(path)] == [("one", "good"), ("two", "#VALUE!")]


def test_a_bad_cell_in_the_header_is_one_sentence(tmp_path):
    path = workbook(tmp_path / "a.xlsx", ROWS)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    bad = BAD_CELLS["a date"].format("B1").encode()
    members[sheet] = re.sub(rb'<c r="B1".*?</c>', bad, members[sheet])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(DataError, match=r"^Expected column names .* a\.xlsx"):
        rows_of(path)
