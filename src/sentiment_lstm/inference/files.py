"""A file of texts scored into another one, which appears whole or not at all.

Rows are scored in chunks, and each chunk is a part on the disk: after a kill the same call goes on
behind the last part, and the file comes out the same, byte for byte. Knows no command line.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from sentiment_lstm import __version__
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.inference.rows import (
    Format,
    Record,
    as_bytes,
    pyarrow,
    read_records,
    without_formulas,
)
from sentiment_lstm.reviews.source import choose_columns
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import appearing, as_json, locked, one_sentence, write_atomically

CHUNK = 5_000
"""Rows scored and kept together."""
LABEL, SCORE = "predicted_label", "predicted_score"
"""The columns that are added."""
Progress = Callable[[int, float], None]
"""Told of the rows read so far and the share of the input."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to score, where to, and how.

    `model`: the fingerprint of the bundle. `text_column`: None: by its usual names. `escape`: put a
    ' before texts that a spreadsheet would take for formulas.
    """

    source: Path
    out: Path
    model: str
    text_column: str | None = None
    abstain_below: float = 0.0
    escape: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows scored, rows set aside by reason, and whether all was there already."""

    rows: int
    set_aside: Mapping[str, int]
    already: bool = False


@dataclass
class _Chunk:
    """Rows of the output, and those set aside with their reasons."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    bad: list[dict[str, Any]] = field(default_factory=list)


def score_file(
    predictor: Predictor, job: Job, progress: Progress, *, overwrite: bool = False
) -> Outcome:
    """Score a file.

    Beside the output stand `OUT.done.json` (what it was made from, rows, hash) and, where rows were
    set aside, `OUT.bad.jsonl`; while at work `OUT.parts`.

    Args:
        predictor: the model.
        job: what to do.
        progress: told after each chunk.
        overwrite: replace an output that was made from something else.

    Raises:
        UsageError: the output stands there and was made from something else; kinds of files that
            don't go together.
        DataError: the input can't be read, or has no column of texts.
        SentimentError: the disk is full, or another process is at work on this output.
    """
    form, target = Format.of(job.source.name), Format.of(job.out.name)
    if (form.kind == ".parquet") != (target.kind == ".parquet"):
        raise UsageError(
            f"Expected parquet from parquet alone, found {job.source.name} and {job.out.name}: "
            "choose another ending of the output."
        )
    plan = _plan(job)
    parts = job.out.with_name(f"{job.out.name}.parts")
    done = job.out.with_name(f"{job.out.name}.done.json")
    if (found := _finished(job.out, done, plan)) is not None:
        shutil.rmtree(parts, ignore_errors=True)
        return found
    resumable = (parts / "plan.json").is_file() and _json(parts / "plan.json") == plan
    if job.out.exists() and not (overwrite or resumable):
        raise UsageError(
            f"Expected no file at {job.out}, or one made from the same input, model and options, "
            "found another: name another --output, or give --overwrite."
        )
    with one_sentence(parts):
        if not resumable:
            shutil.rmtree(parts, ignore_errors=True)
            parts.mkdir(parents=True)
            write_atomically(parts / "plan.json", as_json(plan))
    with locked(parts):
        _score_parts(predictor, job, form, target, parts, progress)
        return _join(job, target, parts, done, plan)


def _plan(job: Job) -> dict[str, Any]:
    """What decides every byte of the output."""
    options = {k: v for k, v in asdict(job).items() if k not in ("source", "out")}
    return {**options, "input": _hash(job.source), "chunk": CHUNK, "version": __version__}


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"Expected a file at {path}, found: {error.strerror}.") from error


def _json(path: Path) -> Any:  # noqa: ANN401
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _finished(out: Path, done: Path, plan: Mapping[str, Any]) -> Outcome | None:
    """What an earlier call reached, where the output is whole and made from the same."""
    told = _json(done)
    if not isinstance(told, dict) or told.get("plan") != plan or not out.is_file():
        return None
    if told["sha256"] != _hash(out):
        return None
    return Outcome(told["rows"], told["set_aside"], already=True)


def _score_parts(
    predictor: Predictor, job: Job, form: Format, target: Format, parts: Path, progress: Progress
) -> None:
    """Score what is not yet a part."""
    size, read, column = max(1, job.source.stat().st_size), 0, None
    with job.source.open("rb") as file:
        for number, records in enumerate(_chunks(read_records(file, form, job.source.name))):
            column = column or _text_column(records, job)
            if not any(parts.glob(f"{number:06d}-*.rows")):
                chunk = _scored(predictor, records, column, job)
                first = not any(part.stat().st_size for part in parts.glob("*.rows"))
                write_atomically(parts / f"{number:06d}.bad", _lines(chunk.bad))
                name = f"{number:06d}-{len(chunk.rows)}.rows"  # it vouches for the part
                write_atomically(parts / name, _encoded(chunk.rows, target, job, first=first))
            read += len(records)
            progress(read, 1.0 if file.closed else min(1.0, file.tell() / size))
    progress(read, 1.0)


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Lists of `CHUNK` records; of an empty file one empty list."""
    yield list(islice(records, CHUNK))
    while chunk := list(islice(records, CHUNK)):
        yield chunk


def _text_column(records: Sequence[Record], job: Job) -> str | None:
    """The column of texts, by the first row that can be read."""
    columns = next((list(r.values) for r in records if r.values is not None), None)
    if columns is None:
        return None
    if taken := {LABEL, SCORE} & set(columns):
        raise UsageError(
            f"Expected no column {' or '.join(sorted(taken))} in {job.source.name}, found it: "
            "rename it, so that it is not lost."
        )
    wanted = DataSettings(text_column=job.text_column)
    return choose_columns(columns, wanted, labelled=False, where=job.source.name).text


def _scored(
    predictor: Predictor, records: Sequence[Record], column: str | None, job: Job
) -> _Chunk:
    """The rows with their predictions; those without a text are set aside."""
    chunk, texts = _Chunk(), []
    for record in records:
        problem = record.problem or _text_problem(record.values, column)
        if problem:
            shown = {"line": record.line, "reason": problem, "row": record.values or record.raw}
            chunk.bad.append(shown)
        else:
            assert record.values is not None
            chunk.rows.append(dict(record.values))
            texts.append(record.values[column])  # type: ignore[index]
    found = predictor.predict_iter(texts, job.abstain_below)
    for row, one in zip(chunk.rows, found, strict=True):
        row |= {LABEL: one.label, SCORE: round(one.score, 6)}
    return chunk


def _text_problem(values: Mapping[str, Any] | None, column: str | None) -> str | None:
    text = None if values is None or column is None else values.get(column)
    if isinstance(text, str):
        return None if text.strip() else "empty text"
    return "no text" if text is None else f"a text that is a {type(text).__name__}"


def _encoded(rows: Sequence[dict[str, Any]], target: Format, job: Job, *, first: bool) -> bytes:
    if target.kind == ".parquet":
        return _parquet(rows, job.source)
    if job.escape:
        rows = [without_formulas(row) for row in rows]
    return as_bytes(rows, list(rows[0]) if rows else [], target, first=first) if rows else b""


def _parquet(rows: Sequence[dict[str, Any]], source: Path) -> bytes:
    """A parquet file of the input's columns and ours."""
    pa = pyarrow()
    schema = pa.parquet.read_schema(source)
    schema = schema.append(pa.field(LABEL, pa.string())).append(pa.field(SCORE, pa.float64()))
    buffer = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), buffer)
    return buffer.getvalue()


def _lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()


def _join(job: Job, target: Format, parts: Path, done: Path, plan: Mapping[str, Any]) -> Outcome:
    """Make the output of the parts, then the note that vouches for it."""
    bad = job.out.with_name(f"{job.out.name}.bad.jsonl")
    pieces, set_aside = sorted(parts.glob("*.rows")), sorted(parts.glob("*.bad"))
    reasons = Counter(
        json.loads(line)["reason"] for part in set_aside for line in part.read_bytes().splitlines()
    )
    rows = sum(int(piece.stem.partition("-")[2]) for piece in pieces)
    done.unlink(missing_ok=True)
    with appearing(job.out) as file:
        (_join_parquet if target.kind == ".parquet" else _join_bytes)(pieces, file)
    bad.unlink(missing_ok=True)
    if reasons:
        with appearing(bad) as file:
            _join_bytes(set_aside, file)
    told = {"plan": plan, "rows": rows, "set_aside": dict(reasons), "sha256": _hash(job.out)}
    write_atomically(done, as_json(told))
    shutil.rmtree(parts)
    return Outcome(rows, dict(reasons))


def _join_bytes(pieces: Sequence[Path], file: IO[bytes]) -> None:
    for piece in pieces:
        with piece.open("rb") as part:
            shutil.copyfileobj(part, file)


def _join_parquet(pieces: Sequence[Path], file: IO[bytes]) -> None:
    parquet = pyarrow().parquet
    with parquet.ParquetWriter(file, parquet.read_schema(pieces[0])) as writer:
        for piece in pieces:
            writer.write_table(parquet.read_table(piece))
