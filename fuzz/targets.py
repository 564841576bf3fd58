"""The targets: how each makes hostile files, and what it checks."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import onnx
import pyarrow as pa
import zstandard
from hypothesis import strategies as st
from pyarrow import parquet

from fuzz import checks
from sentiment_lstm.bundle import load_bundle
from sentiment_lstm.inference.graphs import build

Files = st.SearchStrategy[bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """A name, a strategy for files, and a check that takes any bytes."""

    name: str
    files: Files
    check: Callable[[bytes], None]


_CELLS = [
    "a", "b c", "good film", '"', '""', '"""', ",", ";", "\t", "\n", "\r\n", "\r", " ", "\0", "é",
    "x" * 70, "y" * 250, '"q"', '"q, r"', '"two\nlines"', '"say ""hi"""', "=1", "|", "\\", "\u2028",
    "\ufeff", "\U0001f600", "sep=;\n", "text", "label", "1", "predicted_label", "\x1b[31m",
]  # fmt: skip
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(_CELLS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)  # fmt: skip
_JSON_PIECES = [
    '{"text": "', '"}', '{"text": "a", "label": 1}', "\n", "\r", "{", "}", "[", "]", '"', ",", ":",
    "\\u0000", "\\ud800", "NaN", "1e999", "-Infinity", "null", "true", '"text"', '"label"', " ",
    "[" * 200, "9" * 300, '{"text": "a", "text": "b"}', "\ufeff", "é", "{}",
]  # fmt: skip
_SETTINGS = [
    "[data]\n", "[training]\n", "[model]\n", "[[mixture]]\n", "source = ", "max_characters = ",
    "layers = ", "epochs = ", "label_map = ", "hidden = ", "seed = ", "exclude = ", "1", "-1",
    "1e400", "nan", "true", '"x"', "[]", '["a"]', "{}", '{ "<1" = "a" }', "\n", "=", "\0", "'",
    "9" * 5000, "2026-01-01", '{"data": {"source": 3}}', '{"data": 1}', '{"mixture": [{}]}',
]  # fmt: skip
_MAP = ["1", "0", "=", ",", "bad", "good", "<=", ">=", "<", ">", "0.5", "nan", "inf", " ", "\0",
        "é", "{", "}", '"', ":", "1e999", "9" * 400, "x" * 120, "\x1b[2J", "\n"]  # fmt: skip
_TEXTS = ["good", "bad", "not", " ", "\n", "<br />", "<", ">", "http://a.b/c", "@me", "don't",
          "!", "é", "e\u0301", "\u200d", "\U0001f600", "中文", "x" * 90, "&amp;", "\0", "1,0.5",
          "\u0130", "\ufb01", "...", "<b" + " " * 50]  # fmt: skip


def _text(pieces: list[str], most: int = 25) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces) | st.text(max_size=4), max_size=most).map("".join)


def _encoded(texts: st.SearchStrategy[str]) -> Files:
    encodings = st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-16-le", "cp1252"])
    return st.builds(lambda text, name: text.encode(name, "replace"), texts, encodings)


def _damaged(files: Files) -> Files:
    """Whole files, and files with some bytes changed, left out, or repeated."""

    def damage(data: bytes, places: list[tuple[int, int]], kind: int) -> bytes:
        content = bytearray(data)
        for place, value in places:
            at = place % max(1, len(content))
            if kind % 4 == 0:
                content[at : at + 1] = bytes([value])
            elif kind % 4 == 1:
                del content[at : at + value]
            elif kind % 4 == 2:
                content[at:at] = content[at : at + value]
            else:
                content = content[: len(content) - value]
        return bytes(content)

    places = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=4)
    return st.builds(damage, files, places, st.integers(0, 3))


_ROWS = st.one_of(
    _text(_CELLS), _text(_CELLS).map(lambda text: f"text,label\n{text}"),
    st.lists(st.lists(_text(_CELLS, 3), min_size=1, max_size=3), max_size=5).map(
        lambda rows: "text,label\n" + "".join(
            ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows
        )
    ),
)  # fmt: skip
_CSV = st.one_of(_encoded(_ROWS), st.binary(max_size=200), _damaged(_encoded(_ROWS)))
_TSV = st.one_of(_encoded(_ROWS.map(lambda text: text.replace(",", "\t"))), st.binary(max_size=200))


def _json_line(row: object) -> str:
    return json.dumps(row) + "\n"


_JSON = st.one_of(
    _encoded(_text(_JSON_PIECES)),
    _encoded(st.lists(st.dictionaries(st.sampled_from(["text", "label", "é"]), _VALUES), max_size=4)
             .map(lambda rows: "".join(map(_json_line, rows)))),
    st.binary(max_size=200),
)  # fmt: skip


def _bad_texts(values: list[bytes]) -> pa.Array:
    return pa.array(values, pa.binary()).view(pa.string())


_ARRAYS = st.integers(1, 4).flatmap(
    lambda n: st.tuples(*[
        st.one_of(
            st.lists(st.binary(max_size=6), min_size=n, max_size=n).map(_bad_texts),
            st.lists(st.binary(max_size=6), min_size=n, max_size=n).map(_bad_texts).map(
                lambda array: array if array.null_count else pa.ListArray.from_arrays(
                    list(range(len(array) + 1)), array)),
            *[
                st.lists(st.integers(-(2**52), 2**52), min_size=n, max_size=n).map(
                    partial(pa.array, type=kind))
                for kind in (pa.timestamp("us"), pa.timestamp("s", "UTC"), pa.duration("ns"),
                             pa.int64())
            ],
            st.lists(st.floats(), min_size=n, max_size=n).map(pa.array),
        )
        for _ in range(3)
    ])
)  # fmt: skip


def _parquet(arrays: tuple[pa.Array, ...], names: list[str]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(list(arrays), names), file)
    return file.getvalue()


_NAMES = st.lists(
    st.sampled_from(["text", "label", "a.b", "", "text ", "x"]), min_size=3, max_size=3
)
_PARQUET = _damaged(st.builds(_parquet, _ARRAYS, _NAMES))

_XML_CELLS = st.builds(
    '<c{} t="{}">{}</c>'.format,
    st.sampled_from(["", ' r="A2"', ' r="B2"', ' r="C9"', ' r="ZZZ9"', ' r="2"', ' s="1"']),
    st.sampled_from(["inlineStr", "s", "b", "e", "d", "n", "str", "x"]),
    st.sampled_from([
        "<is><t>good</t></is>", "<is><t>_x0000__xD800_&lt;</t></is>", "<v>0</v>", "<v>-1</v>", "",
        "<v>1e999</v>", "<v>99999999999</v>", "<v>2026-01-01</v>", "<f>1+1</f><v>2</v>", "<v>x</v>",
        "<is><t>text</t></is>", "<v>&x;</v>", "<v/>", "<is/>",
    ]),
)  # fmt: skip
_XML_ROWS = st.builds(
    lambda number, cells: f"<row{number}>{''.join(cells)}</row>",
    st.sampled_from(["", "", "", ' r="2"', ' r="3"', ' r="9"', ' r="99999999999"', ' r="x"']),
    st.lists(_XML_CELLS, max_size=3),
)
_SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1"><c t="inlineStr"><is><t>text</t></is></c><c t="inlineStr"><is><t>label</t></is>'
    "</c></row>{}</sheetData></worksheet>"
)


def _workbook(rows: str) -> bytes:
    import openpyxl

    if not _EMPTY_WORKBOOK:
        file = io.BytesIO()
        openpyxl.Workbook().save(file)
        with zipfile.ZipFile(file) as archive:
            _EMPTY_WORKBOOK.update({name: archive.read(name) for name in archive.namelist()})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in _EMPTY_WORKBOOK.items():
            is_sheet = name.endswith("sheet1.xml")
            archive.writestr(name, _SHEET.format(rows).encode() if is_sheet else content)
    return file.getvalue()


_EMPTY_WORKBOOK: dict[str, bytes] = {}
_XLSX = _damaged(st.lists(_XML_ROWS, max_size=4).map("".join).map(_workbook)) | st.lists(
    _XML_ROWS, max_size=6
).map("".join).map(_workbook)


def _zip(members: list[tuple[str, bytes]], kind: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return file.getvalue()


_MEMBERS = st.lists(
    st.tuples(
        st.sampled_from(["a.csv", "b.jsonl", "../a.csv", "/a.csv", "x.md", "é.csv", "\x1b.csv"]),
        _CSV | st.just(b"0" * 1_100_000),
    ),
    min_size=1, max_size=3, unique_by=lambda member: member[0],
)  # fmt: skip
_KINDS = st.sampled_from(
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
_ZIP = _damaged(st.builds(_zip, _MEMBERS, _KINDS))
_PACKED = _CSV | st.integers(1, 8).map(lambda n: b"text\n" + b"0" * (n * 1_000_000))
_GZ = _damaged(st.lists(_PACKED.map(gzip.compress), min_size=1, max_size=2).map(b"".join))
_ZST = _damaged(
    st.lists(_PACKED.map(zstandard.ZstdCompressor().compress), min_size=1, max_size=2).map(b"".join)
)
_CHANGES = st.tuples(
    st.integers(0, 255), st.integers(0, (1 << 24) - 1),
    st.binary(max_size=8) | _text(_JSON_PIECES, 4).map(str.encode),
).map(lambda change: bytes([change[0]]) + change[1].to_bytes(3) + change[2])  # fmt: skip

_OPERATORS = ["LSTM", "Loop", "If", "Scan", "Identity", "MatMul", "DynamicQuantizeLSTM", "Resize"]
_NODE_CHANGES = st.tuples(
    st.sampled_from(["kind", "domain", "input", "output", "drop", "repeat", "option", "shape",
                     "type", "name", "value"]),
    st.integers(0, 40), st.integers(0, 8),
    st.sampled_from([0, 1, -1, 2**31, 2**62, -(2**63), 3, 64]), st.sampled_from(_OPERATORS),
)  # fmt: skip


def _graph(quantised: bool, changes: list[tuple[str, int, int, int, str]]) -> bytes:
    """The graph of a shipped model with changed nodes, arrays, inputs and outputs."""
    model = onnx.ModelProto.FromString(_whole_graph(quantised))
    for change, where, which, number, word in changes:
        _change_graph(model.graph, change, where, which, number, word)
    return bytes(model.SerializeToString())


@cache
def _whole_graph(quantised: bool) -> bytes:
    return build(load_bundle(checks.TINY), quantised=quantised).to_bytes()


def _change_graph(
    graph: Any,  # noqa: ANN401
    change: str, where: int, which: int, number: int, word: str,
) -> None:  # fmt: skip
    node = graph.node[where % max(1, len(graph.node))] if graph.node else graph.node.add()
    array = graph.initializer[where % max(1, len(graph.initializer))]
    values = [*graph.input, *graph.output]
    names = node.input if change == "input" else node.output
    if change == "kind":
        node.op_type = word
    elif change == "domain":
        node.domain = word
    elif change in ("input", "output") and names:
        names[which % len(names)] = array.name if number else node.output[0]
    elif change == "drop":
        graph.node.remove(node)
    elif change == "repeat":
        graph.node.append(node)
    elif change == "option":
        _change_option(node, which, number, word)
    elif change == "shape" and array.dims:
        array.dims[which % len(array.dims)] = number
    elif change == "type":
        array.data_type = which
    elif change == "name":
        array.name = values[where % len(values)].name
    elif change == "value":
        sizes = values[where % len(values)].type.tensor_type.shape.dim
        if sizes:
            sizes[which % len(sizes)].dim_value = number


def _change_option(node: Any, which: int, number: int, word: str) -> None:  # noqa: ANN401
    if not node.attribute:
        node.attribute.append(onnx.helper.make_attribute(word, number))
    option = node.attribute[which % len(node.attribute)]
    if option.HasField("s"):
        option.s = word.encode()
    else:
        option.i = number


_WHOLE_GRAPHS = st.builds(_graph, st.booleans(), st.lists(_NODE_CHANGES, max_size=3))
_GRAPHS = _WHOLE_GRAPHS | _damaged(_WHOLE_GRAPHS) | st.binary(max_size=100)

TARGETS = {
    target.name: target
    for target in (
        Target("csv", _CSV, checks.check_csv),
        Target("tsv", _TSV, partial(checks.check_csv, separator="\t")),
        Target("jsonl", _JSON, checks.check_json_lines),
        Target("parquet", _PARQUET, partial(checks.check_table, ending=".parquet")),
        Target("xlsx", _XLSX, partial(checks.check_table, ending=".xlsx")),
        Target("zip", _ZIP, partial(checks.check_table, ending=".zip")),
        Target("gz", _GZ, partial(checks.check_table, ending=".csv.gz")),
        Target("zst", _ZST, partial(checks.check_table, ending=".csv.zst")),
        Target("settings", _encoded(_text(_SETTINGS)), checks.check_settings),
        Target("label_map", _text(_MAP).map(str.encode), checks.check_label_map),
        Target("suite", _JSON, checks.check_suite),
        Target("stream", st.builds(lambda cuts, text: cuts + text.encode(),
                                   st.binary(min_size=8, max_size=8), _text(_TEXTS)),
               checks.check_stream),
        Target("bundle", _CHANGES, checks.check_bundle),
        Target("graph", _GRAPHS, checks.check_graph),
    )
}  # fmt: skip
