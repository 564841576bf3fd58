"""What must hold for any file: each row is read once or set aside, and errors are one sentence."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm.bundle import GRAPHS, INT8_GRAPH, Bundle, load_bundle
from sentiment_lstm.data.dialect import Dialect
from sentiment_lstm.data.formats import Format
from sentiment_lstm.data.json_lines import read_json_lines
from sentiment_lstm.data.label_map import LabelMap, normal_label
from sentiment_lstm.data.open import read_examples
from sentiment_lstm.data.record import TOO_LONG, Record
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.data.tables import read_csv
from sentiment_lstm.errors import DataError, SentimentError
from sentiment_lstm.evaluation.cases import read_cases
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.inference.streaming import stream
from sentiment_lstm.records import Prediction
from sentiment_lstm.scoring.records import open_input
from sentiment_lstm.scoring.rows import encode_rows, encode_set_aside, make_layout, score_rows
from sentiment_lstm.setting_names import read_toml
from sentiment_lstm.settings import DataSettings, Settings

FOLDER = Path(tempfile.gettempdir()) / f"sentiment-lstm-fuzz-{os.getpid()}"
"""The files of the running target."""
TINY = Path(__file__).parents[1] / "src/sentiment_lstm/pretrained/tiny"
_FIELD, _LINE = 60, 200
_NO_LIMIT = 1_000_000, 2_000_000
"""Small limits, so that short files reach them."""


@dataclass(frozen=True, slots=True)
class _Scorer:
    """Stands in for a predictor: every text is `good`."""

    multi_label: bool = False
    classes: Sequence[str] = ("bad", "good")

    def predict_iter(self, texts: Sequence[str], abstain_below: float = 0.0) -> Iterator[Any]:
        for text in texts:
            yield Prediction("good", 0.75, 0, len(text))


@contextmanager
def one_sentence() -> Iterator[None]:
    """Accept an error that is one short sentence."""
    try:
        yield
    except SentimentError as error:
        message = str(error)
        assert message.startswith("Expected "), message
        assert "\n" not in message, message
        assert len(message) < 3_000, message


def check_table(data: bytes, ending: str) -> None:
    """A table of any format, read for scoring and for training."""
    path = _written(data, f"x{ending}")
    with one_sentence():
        _check_scoring(path)
    with one_sentence():
        set_aside = SetAside()
        settings = DataSettings(str(path))
        with suppress(DataError):  # for example: no row is usable
            examples = list(read_examples(settings, set_aside=set_aside))
            assert len(examples) + set_aside.total == set_aside.rows


def check_csv(data: bytes, separator: str = ",") -> None:
    """Csv in small limits: every character of the file is in one row, in its order."""
    check_table(data, ".csv" if separator == "," else ".tsv")
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    rows, unlimited = (
        _csv_rows(text, separator, *limits) for limits in ((_FIELD, _LINE), _NO_LIMIT)
    )
    _check_places(rows)
    parts = "".join(row.raw_text for row in unlimited)
    assert _without_blank_lines(parts) == _without_blank_lines(text), "a part of the file is lost"
    _check_against_csv(unlimited, text, separator)
    # A row that is too long is left out, and changes no other row.
    assert [row.line for row in rows] == [row.line for row in unlimited]
    for row, whole in zip(rows, unlimited, strict=True):
        assert row.problem == TOO_LONG or row.values == whole.values


def _csv_rows(text: str, separator: str, field: int, line: int) -> list[Record[list[str]]]:
    stream, dialect = io.BytesIO(b"h\n" + text.encode()), Dialect(separator=separator)
    header, records = read_csv(stream, "x", dialect, longest_field=field, longest_line=line)
    assert header == ["h"]
    return list(records)


def _check_against_csv(rows: Sequence[Any], text: str, separator: str) -> None:
    if any(row.problem for row in rows):
        return
    expected = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    assert [row.values for row in rows] == [row for row in expected if row], text


def check_json_lines(data: bytes) -> None:
    """Json lines: each line that is not blank is one row."""
    check_table(data, ".jsonl")
    # The reader removes the byte order mark, also a second one.
    text = data.decode("utf-8", errors="replace").lstrip("\ufeff")
    rows = list(read_json_lines(io.BytesIO(text.encode()), longest_line=_LINE))
    lines = [line for line in io.StringIO(text, newline="") if line.strip()]
    _check_places(rows)
    assert len(rows) >= len([line for line in lines if line[:_LINE].strip()])
    assert len(rows) <= len(lines)


def check_settings(data: bytes) -> None:
    """Settings in TOML, and in JSON."""
    path = _written(data, "x.toml")
    with one_sentence():
        Settings().updated(read_toml(path))
    with one_sentence(), suppress(ValueError, RecursionError):
        values = json.loads(data)
        if isinstance(values, dict):
            Settings.from_dict(values)


def check_label_map(data: bytes) -> None:
    """A label map as the command takes it, and the labels that it maps."""
    text = data.decode("utf-8", errors="replace")
    with one_sentence():
        settings = Settings().updated({"data.label_map": text}).data
        mapping = LabelMap(settings.label_map)
        for label in (*settings.label_map, text, 1, 0.5, float("inf"), True, None):
            plain = normal_label(label)
            value = None if plain is None else mapping.value_of(plain, ["a", "b"])
            assert value is None or value in (*mapping.class_names, *mapping.soft_labels)


def check_suite(data: bytes) -> None:
    """A user's own suite of behaviour."""
    path = _written(data, "x.jsonl")
    with one_sentence():
        for case in read_cases(path):
            assert case.texts
            assert case.kind


def check_stream(data: bytes) -> None:
    """A text that is read in pieces ends with the same score, however it is cut.

    The first bytes say where it is cut.
    """
    cuts, text = data[:8], data[8:].decode("utf-8", errors="replace")
    places = sorted(cut * (len(text) + 1) // 256 for cut in cuts)
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    whole = list(stream(_tiny(), [text]))
    cut = list(stream(_tiny(), pieces))
    assert [step.text for step in cut] == [step.text for step in whole]
    last: Callable[[list[Any]], NDArray[np.float64]] = lambda steps: steps[-1].probabilities  # noqa: E731
    np.testing.assert_allclose(last(cut), last(whole), atol=1e-6)


def check_bundle(data: bytes) -> None:
    """A model with one changed file. The first byte says which, three bytes say where."""
    names = ("config.json", "tokenizer.json", "metrics.json", "model.safetensors", INT8_GRAPH)
    name, changed = names[data[0] % len(names)] if data else names[0], data[1:]
    folder = FOLDER / "bundle"
    folder.mkdir(parents=True, exist_ok=True)
    for file in TINY.iterdir():
        content = file.read_bytes()
        if file.name == name:
            at = int.from_bytes(changed[:3]) % max(1, len(content))
            content = content[:at] + changed[3:] + content[at + len(changed[3:]) :]
        (folder / file.name).write_bytes(content)
    with one_sentence():
        _check_scores(load_bundle(folder))


def check_graph(data: bytes) -> None:
    """A graph file in a model that is otherwise ours."""
    if not _bundles:
        _bundles.append(load_bundle(TINY))
    for name in GRAPHS:
        with one_sentence():
            _check_scores(replace(_bundles[0], graphs={name: data}))


def _check_scores(bundle: Bundle) -> None:
    predictor = open_predictor(bundle, threads=1)
    scores = predictor.score(predictor.tokenizer.encode(["A good film.", "bad " * 40]))
    assert np.isfinite(scores).all()


_bundles: list[Bundle] = []


def _tiny() -> Any:  # noqa: ANN401
    if not _predictors:
        _predictors.append(open_predictor(load_bundle(TINY)))
    return _predictors[0]


_predictors: list[Any] = []


def _check_scoring(path: Path) -> None:
    with open_input(path, Format.of_file(path)) as opened:
        records = list(opened.records)
        _check_places(records)
        kind = ".jsonl" if opened.file_format.kind == ".jsonl" else ".csv"
        layout = make_layout(opened, records, path.name, Format(kind))
    scorer: Any = _Scorer()
    scored = score_rows(scorer, records, layout, 0.0)
    assert len(scored.rows) + len(scored.set_aside) == len(records)
    assert all(row["line"] and row["reason"] for row in scored.set_aside)
    for line in encode_set_aside(scored.set_aside).decode().splitlines():
        json.loads(line, parse_constant=_refuse)
    output = encode_rows(scored.rows, layout, escape=False, first=True).decode()
    if kind == ".jsonl":
        written = [json.loads(line, parse_constant=_refuse) for line in output.split("\n")[:-1]]
        assert written == scored.rows
    else:
        lines = csv.reader(io.StringIO(output, newline=""), delimiter=layout.separator or ",")
        assert len(list(lines)) in (0, len(scored.rows) + 1)


def _check_places(records: Sequence[Any]) -> None:
    last = 0
    for record in records:
        assert record.line > last
        last = record.line
        assert (record.values is None) == bool(record.problem), record


def _without_blank_lines(text: str) -> str:
    return "".join(line for line in io.StringIO(text, newline="") if line.strip("\r\n"))


def _refuse(constant: str) -> None:
    raise AssertionError(f"not JSON: {constant}")


def _written(data: bytes, name: str) -> Path:
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / name
    path.write_bytes(data)
    return path
