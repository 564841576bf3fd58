"""A file of texts scored into another one, which appears whole or not at all.

Rows are scored in chunks, and each chunk is a part on the disk: after a kill the same call goes on
behind the last part, and the file comes out the same, byte for byte. Knows no command line.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from sentiment_lstm import __version__
from sentiment_lstm.data.files import DELIMITERS
from sentiment_lstm.data.source import choose_columns
from sentiment_lstm.data.tables import (
    Format,
    Record,
    as_bytes,
    as_parquet,
    header_of,
    join,
    read_records,
    without_formula,
)
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.settings import DataSettings
from sentiment_lstm.storage import appearing, as_json, locked, one_sentence, write_atomically

CHUNK = 5_000
"""Rows scored and kept together."""
_PLAN = "plan.json"
LABEL, SCORE = "predicted_label", "predicted_score"
"""The columns that are added."""
_OURS = (LABEL, SCORE)
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
    """Rows scored, rows set aside by reason, the hash, and whether all was there already."""

    rows: int
    set_aside: Mapping[str, int]
    sha256: str
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
        overwrite: replace what stands there.

    Raises:
        UsageError: the output, or a file beside it that is not ours, stands there; the input is one
            of these; kinds of files that don't go together.
        DataError: the input can't be read, or has no column of texts.
        SentimentError: the disk is full, or another process is at work on this output.
    """
    form, target = check_ends(job)
    plan = _plan(job)
    _check_start(job, form)
    parts, _, done = _beside(job.out)
    with one_sentence(parts):
        parts.mkdir(parents=True, exist_ok=True)
    with one_sentence(parts), locked(parts):
        _check_ours(parts)
        found = _finished(job.out, done, plan)
        if found is None:
            _prepare(job, parts, plan, overwrite=overwrite)
            _score_parts(predictor, job, form, target, parts, progress)
            found = _join(job, target, plan)
        shutil.rmtree(parts)
        return found


def check_ends(job: Job) -> tuple[Format, Format]:
    """The formats of the input and of the output.

    Raises:
        UsageError: they don't go together, or can't be read off the names.
    """
    form, target = Format.of(job.source.name), Format.of(job.out.name)
    if (form.kind == ".parquet") != (target.kind == ".parquet"):
        raise UsageError(
            f"Expected parquet from parquet alone, found {job.source.name} and {job.out.name}: "
            "choose another ending of the output."
        )
    if job.escape and target.kind == ".parquet":
        raise UsageError(
            "Expected formulas to be escaped in text files, found parquet: leave the option out."
        )
    if job.source.resolve() in {path.resolve() for path in (job.out, *_beside(job.out))}:
        raise UsageError(
            f"Expected an output beside the input, found that {job.out} would replace it: name "
            "another --output."
        )
    return form, target


def _beside(out: Path) -> tuple[Path, Path, Path]:
    """Where an output's parts, the rows set aside and the note that vouches for it stand."""
    parts, bad, done = (f"{out.name}.{end}" for end in ("parts", "bad.jsonl", "done.json"))
    return out.with_name(parts), out.with_name(bad), out.with_name(done)


def _check_start(job: Job, form: Format) -> None:
    """Refuse an input by its first rows, before a folder is made or an earlier call's parts go."""
    with job.source.open("rb") as file:
        records = next(_chunks(read_records(file, form, job.source.name)))
    if records and all(record.values is None for record in records):
        raise DataError(
            f"Expected rows of {form.kind[1:]} in {job.source.name}, found none among its first "
            f"{len(records):,} ({records[0].problem}): see whether it is what its name says."
        )
    _columns(records, job, form)


def _check_ours(parts: Path) -> None:
    """A folder of parts goes when the output is there: it must be no one else's."""
    if any(parts.iterdir()) and not (parts / _PLAN).is_file():
        raise UsageError(
            f"Expected {parts} to be free for parts of the output, found files of another kind: "
            "move it away, or name another --output."
        )


def _prepare(job: Job, parts: Path, plan: Mapping[str, Any], *, overwrite: bool) -> None:
    """Keep the parts of an earlier call with the same plan; else begin anew."""
    if (parts / _PLAN).is_file() and _json(parts / _PLAN) == plan:
        return
    _, bad, done = _beside(job.out)
    told = _json(done)
    ours = isinstance(told, dict) and "plan" in told  # without an output, then, they may go
    there = [one for one in (job.out, *(() if ours else (bad, done))) if one.exists()]
    if there and not overwrite:
        if not any(parts.iterdir()):
            parts.rmdir()
        raise UsageError(
            f"Expected no file at {there[0]}, or one made from the same input, model and options, "
            "found another: name another --output, or give --overwrite."
        )
    for part in parts.iterdir():
        part.unlink()
    write_atomically(parts / _PLAN, as_json(plan))


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
    if told["sha256"] != _hash(out):  # it was changed since
        return None
    return Outcome(told["rows"], told["set_aside"], told["sha256"], already=True)


def _score_parts(
    predictor: Predictor, job: Job, form: Format, target: Format, parts: Path, progress: Progress
) -> None:
    """Score what is not yet a part."""
    size, read = max(1, job.source.stat().st_size), 0
    columns: list[str] = []
    with job.source.open("rb") as file:
        for number, records in enumerate(_chunks(read_records(file, form, job.source.name))):
            columns = columns or _columns(records, job, form)
            if not any(parts.glob(f"{number:06d}-*.rows")):
                chunk = _scored(predictor, records, columns, target, job)
                headed = any(part.stat().st_size for part in parts.glob("*.rows"))
                write_atomically(parts / f"{number:06d}.bad", _lines(chunk.bad))
                name = f"{number:06d}-{len(chunk.rows)}.rows"  # it vouches for the part
                write_atomically(
                    parts / name, _encoded(chunk.rows, columns, target, job, first=not headed)
                )
            read += len(records)
            progress(read, 1.0 if file.closed else min(1.0, file.tell() / size))
    progress(read, 1.0)


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Lists of `CHUNK` records; of an empty file one empty list."""
    yield list(islice(records, CHUNK))
    while chunk := list(islice(records, CHUNK)):
        yield chunk


def _columns(records: Sequence[Record], job: Job, form: Format) -> list[str]:
    """The input's columns by the first row that can be read, or its header; one holds texts."""
    rows = (list(record.values) for record in records if record.values)
    found = next(rows, None) or header_of(job.source, form)
    if not found:
        return []
    if taken := set(_OURS) & set(found):
        raise UsageError(
            f"Expected no column {' or '.join(sorted(taken))} in {job.source.name}, found it: "
            "rename it, so that it is not lost."
        )
    _text_column(found, job)
    return found


def _scored(
    predictor: Predictor,
    records: Sequence[Record],
    columns: Sequence[str],
    target: Format,
    job: Job,
) -> _Chunk:
    """The rows with their predictions; those without a text are set aside."""
    chunk, texts = _Chunk(), []
    text = _text_column(columns, job)
    for record in records:
        problem = record.problem or _problem(record.values or {}, columns, text, target)
        if problem:
            shown = {"line": record.line, "reason": problem, "row": record.values or record.raw}
            chunk.bad.append(shown)
        else:
            assert record.values is not None
            chunk.rows.append(dict(record.values))
            texts.append(record.values[text])
    found = predictor.predict_iter(texts, job.abstain_below)
    for row, one in zip(chunk.rows, found, strict=True):
        row |= {LABEL: one.label, SCORE: round(one.score, 6)}
    return chunk


def _text_column(columns: Sequence[str], job: Job) -> str:
    if not columns:
        return ""  # no row could be read
    wanted = DataSettings(text_column=job.text_column)
    return choose_columns(columns, wanted, labelled=False, where=job.source.name).text


def _problem(
    values: Mapping[str, Any], columns: Sequence[str], text: str, target: Format
) -> str | None:
    if values.keys() & set(_OURS):
        return f"a column {LABEL} or {SCORE} of its own"
    found = values.get(text)
    if not isinstance(found, str):
        return "no text" if found is None else f"a text that is a {type(found).__name__}"
    if not found.strip():
        return "empty text"
    if target.kind in DELIMITERS and values.keys() != set(columns):
        return "other columns"
    return None


def _encoded(
    rows: Sequence[dict[str, Any]], columns: Sequence[str], target: Format, job: Job, *, first: bool
) -> bytes:
    if target.kind == ".parquet":
        return as_parquet(rows, job.source, {LABEL: "string", SCORE: "float64"})
    if not rows and not (first and columns):
        return b""
    names = [*columns, *_OURS]
    if job.escape:
        rows = [{k: without_formula(v) for k, v in row.items()} for row in rows]
    header = [without_formula(name) for name in names] if job.escape else names
    return as_bytes(rows, names, target, header if first else None)


def _lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()


def _join(job: Job, target: Format, plan: Mapping[str, Any]) -> Outcome:
    """Make the output of the parts, then the note that vouches for it."""
    parts, bad, done = _beside(job.out)
    pieces, set_aside = sorted(parts.glob("*.rows")), sorted(parts.glob("*.bad"))
    reasons = Counter(
        json.loads(line)["reason"] for part in set_aside for line in part.read_bytes().splitlines()
    )
    rows = sum(int(piece.stem.partition("-")[2]) for piece in pieces)
    done.unlink(missing_ok=True)
    with appearing(job.out) as file:
        join(pieces, target, file)
    bad.unlink(missing_ok=True)
    if reasons:
        with appearing(bad) as file:
            join(set_aside, Format(".jsonl"), file)
    found = Outcome(rows, dict(reasons), _hash(job.out))
    told = {"plan": plan, "rows": rows, "set_aside": found.set_aside, "sha256": found.sha256}
    write_atomically(done, as_json(told))
    return found
