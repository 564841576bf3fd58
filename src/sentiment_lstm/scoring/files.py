"""Scores a file of texts, and writes an output file that appears whole or not at all.

Rows are scored in chunks, and each chunk is saved on the disk as a part. After a kill the same call
continues after the last part. The output is then the same, byte for byte. This file knows no
command line.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sentiment_lstm import __version__
from sentiment_lstm.data.dialect import check_dialect_options
from sentiment_lstm.data.formats import WORKBOOK, Format
from sentiment_lstm.data.tables import join
from sentiment_lstm.errors import DataError, UsageError
from sentiment_lstm.inference.predictor import Predictor
from sentiment_lstm.inference.two_classes import poles_of
from sentiment_lstm.scoring.original import ChangedInputError, Original, check_regular
from sentiment_lstm.scoring.parts import Parts, read_json
from sentiment_lstm.scoring.plans import difference
from sentiment_lstm.scoring.records import Input, ScoringRecord, characters_of, open_input
from sentiment_lstm.scoring.rows import (
    Layout,
    encode_rows,
    encode_set_aside,
    make_layout,
    score_rows,
)
from sentiment_lstm.storage import (
    as_json,
    explain_write_errors,
    file_sha256,
    locked,
    open_atomically,
    write_atomically,
)

CHUNK = 5_000
"""The most rows in a chunk."""
CHUNK_CHARACTERS = 8_000_000
"""The most characters in a chunk of several rows. 5,000 reviews of average length have fewer."""
Progress = Callable[[int, float], None]
"""Called with the number of rows read so far and the fraction of the input read, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to score, where to write it, and how.

    Args:
        source: the file to score, or a folder of files.
        out: the file to write, or the folder.
        model: the fingerprint of the bundle.
        text_column: the column of texts, or several with commas; None: one with a usual name.
        trained_column: that of the training; read if `text_column` is None and the input has it.
        abstain_below: a prediction with a lower probability gets no label.
        escape: put a ' before texts that a spreadsheet would take for formulas.
        encoding: the encoding of a text file; None: it is detected.
        separator: the separator of a csv file; None: it is detected.
        probabilities: also write the probability of each class.
        polarity: also write P(positive) / (P(positive) + P(negative)).
    """

    source: Path
    out: Path
    model: str
    text_column: str | None = None
    trained_column: str | None = None
    abstain_below: float = 0.0
    escape: bool = False
    encoding: str | None = None
    separator: str | None = None
    probabilities: bool = False
    polarity: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of scoring a file.

    `rows`: number of rows scored. `set_aside`: number of the other rows, by reason. `sha256`: the
    output's hash. `was_complete`: whether the output was complete before the call.
    """

    rows: int
    set_aside: Mapping[str, int]
    sha256: str
    was_complete: bool = False


@dataclass(frozen=True, slots=True)
class _SidePaths:
    """The paths beside an output.

    `parts`: the folder of parts while the output is made. `bad`: the rows set aside. `done`: the
    record of a complete output.
    """

    parts: Path
    bad: Path
    done: Path

    @classmethod
    def of(cls, out: Path) -> _SidePaths:
        parts, bad, done = (f"{out.name}.{end}" for end in ("parts", "bad.jsonl", "done.json"))
        return cls(out.with_name(parts), out.with_name(bad), out.with_name(done))


def score_file(
    predictor: Predictor, job: Job, progress: Progress | None = None, *, overwrite: bool = False
) -> Outcome:
    """Score a file.

    Writes `OUT.done.json` (what the output was made from, number of rows, hash). Writes
    `OUT.bad.jsonl` if rows were set aside. While the output is made, its parts are in `OUT.parts`.
    If the input changes meanwhile, the parts are deleted and there is no output.

    Args:
        predictor: the model.
        job: what to do.
        progress: called after each chunk.
        overwrite: replace an output that was made from something else.

    Raises:
        UsageError: the output or a side file exists and was not made by this job, or is the input;
            the formats of input and output do not match.
        DataError: the input cannot be read, has no column of texts, or changes meanwhile.
        SentimentError: the disk is full, or another process makes this output.
    """
    formats = check_formats(job)
    original = Original.of(job.source)
    plan = _plan(job, original)
    _check_start(predictor, job, *formats)
    side = _SidePaths.of(job.out)
    with explain_write_errors(side.parts):
        job.out.parent.mkdir(parents=True, exist_ok=True)
    with explain_write_errors(side.parts), locked(side.parts):
        parts = Parts(side.parts)
        parts.open()
        outcome = _earlier_outcome(job.out, side.done, plan)
        if outcome is None:
            _prepare_parts(job.out, side, parts, plan, overwrite=overwrite)
            with _unchanged(original, parts):
                _score_parts(predictor, job, formats, original, parts, progress)
            outcome = _join_parts(job.out, side, parts, formats[1], plan)
        parts.remove()
        return outcome


def check_formats(job: Job) -> tuple[Format, Format]:
    """The formats of the input and of the output.

    Raises:
        UsageError: they do not match, a name states no format, or the output is the input.
        DataError: the input is a pipe, or a zip archive that cannot be read.
    """
    check_regular(job.source)
    input_format = Format.of_file(job.source)
    default_kind = ".csv" if input_format.kind == WORKBOOK else input_format.kind
    output_format = Format.of_name(job.out.name, default_kind)
    check_dialect_options(job.encoding, job.separator, input_format, job.source.name)
    if output_format.kind == WORKBOOK:
        raise UsageError(
            f"Expected an output of csv, tsv, jsonl or parquet, found {job.out.name}: choose "
            "another ending; spreadsheets open csv."
        )
    is_mixed = (input_format.kind == ".parquet") != (output_format.kind == ".parquet")
    if is_mixed and input_format.kind != WORKBOOK:
        raise UsageError(
            "Expected parquet as both input and output, or as neither, found "
            f"{job.source.name} and {job.out.name}: choose another ending of the output."
        )
    if job.escape and output_format.kind == ".parquet":
        raise UsageError(
            "Expected formulas to be escaped in text files, found parquet: leave the option out."
        )
    side = _SidePaths.of(job.out)
    written = (job.out, side.parts, side.bad, side.done)
    if job.source.resolve() in {path.resolve() for path in written}:
        raise UsageError(
            f"Expected another output file than the input, found that {job.out} would replace it: "
            "name another --output."
        )
    return input_format, output_format


def _plan(job: Job, original: Original) -> dict[str, Any]:
    """Everything that determines the output."""
    options = {k: v for k, v in asdict(job).items() if k not in ("source", "out")}
    sizes = {"chunk": CHUNK, "chunk_characters": CHUNK_CHARACTERS}
    return {**options, "input": original.sha256, **sizes, "version": __version__}


def _check_start(
    predictor: Predictor, job: Job, input_format: Format, output_format: Format
) -> None:
    """Check the first rows before anything is written or deleted."""
    with open_input(job.source, input_format, job.encoding, job.separator) as opened:
        records = next(_chunks(opened.records))
        if records and all(record.values is None for record in records):
            raise DataError(
                f"Expected rows of {input_format.kind[1:]} in {job.source.name}, found none among "
                f"its first {len(records):,} ({records[0].problem}): check its format."
            )
        _layout(predictor, job, opened, records, output_format)


def _layout(
    predictor: Predictor, job: Job, opened: Input, records: Sequence[ScoringRecord], output: Format
) -> Layout:
    classes = predictor.classes if job.probabilities else ()
    labels = predictor.classes if predictor.multi_label else None
    poles = poles_of(predictor) if job.polarity else None
    given, trained = job.text_column, job.trained_column
    return make_layout(
        opened, records, job.source.name, output, given, trained, classes, labels, poles
    )


def _earlier_outcome(out: Path, done: Path, plan: Mapping[str, Any]) -> Outcome | None:
    """The outcome of an earlier call with this plan, if its output is complete and unchanged."""
    note = read_json(done)
    if not isinstance(note, dict) or note.get("plan") != plan or not out.is_file():
        return None
    rows, set_aside, sha256 = (note.get(name) for name in ("rows", "set_aside", "sha256"))
    if not (isinstance(rows, int) and isinstance(set_aside, dict) and sha256 == _hash(out)):
        return None
    return Outcome(rows, set_aside, sha256, was_complete=True)


def _prepare_parts(
    out: Path, side: _SidePaths, parts: Parts, plan: Mapping[str, Any], *, overwrite: bool
) -> None:
    """Keep the parts of an earlier call with the same plan. Otherwise start from the first row."""
    if parts.belong_to(plan):
        return
    note = read_json(side.done)
    is_ours = isinstance(note, dict) and "plan" in note
    # If the output of an earlier call is gone, its side files may be deleted.
    paths = (out,) if is_ours else (out, side.bad, side.done)
    existing = [path for path in paths if path.exists()]
    if existing and not overwrite:
        if not any(side.parts.iterdir()):
            side.parts.rmdir()
        raise UsageError(
            f"Expected no file at {existing[0]}, or one made from the same input, model and "
            f"options, found {difference(note, plan)}: name another --output, or give --overwrite."
        )
    parts.start(plan)


@contextmanager
def _unchanged(original: Original, parts: Parts) -> Iterator[None]:
    """Delete the parts if the input changes while the block runs."""
    try:
        with original.unchanged():
            yield
    except ChangedInputError:
        parts.remove()
        raise


def _score_parts(
    predictor: Predictor,
    job: Job,
    formats: tuple[Format, Format],
    original: Original,
    parts: Parts,
    progress: Progress | None,
) -> None:
    """Score each chunk that has no part yet. `formats`: the formats of input and output."""
    input_format, output_format = formats
    rows_read = 0
    layout = Layout([], (), output_format)
    with open_input(job.source, input_format, job.encoding, job.separator) as opened:
        for number, records in enumerate(_chunks(opened.records)):
            if not layout.columns:
                layout = _layout(predictor, job, opened, records, output_format)
            original.check()  # a later call continues after the parts, so each must be right
            if not parts.has(number):
                _write_part(predictor, job, records, layout, parts, number)
            rows_read += len(records)
            if progress:
                progress(rows_read, opened.fraction)
    if progress:
        progress(rows_read, 1.0)


def _chunks(records: Iterable[ScoringRecord]) -> Iterator[list[ScoringRecord]]:
    """Lists of records, which `CHUNK` and `CHUNK_CHARACTERS` bound; one [] for an empty file."""
    chunk: list[ScoringRecord] = []
    characters = 0
    for record in records:
        size = characters_of(record)
        if len(chunk) == CHUNK or (chunk and characters + size > CHUNK_CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append(record)
        characters += size
    yield chunk


def _write_part(
    predictor: Predictor,
    job: Job,
    records: Sequence[ScoringRecord],
    layout: Layout,
    parts: Parts,
    number: int,
) -> None:
    """Score a chunk and keep it as a part."""
    scored = score_rows(predictor, records, layout, job.abstain_below)
    piece = encode_rows(scored.rows, layout, escape=job.escape, first=parts.are_empty)
    parts.write(number, len(scored.rows), piece, encode_set_aside(scored.set_aside))


def _join_parts(
    out: Path, side: _SidePaths, parts: Parts, output_format: Format, plan: Mapping[str, Any]
) -> Outcome:
    """Join the parts into the output, then write the record of a complete output."""
    reasons = Counter(
        json.loads(line)["reason"]
        for part in parts.set_aside
        for line in part.read_bytes().splitlines()
    )
    side.done.unlink(missing_ok=True)
    with open_atomically(out) as file:
        join(parts.pieces, output_format, file)
    side.bad.unlink(missing_ok=True)
    if reasons:
        with open_atomically(side.bad) as file:
            join(parts.set_aside, Format(".jsonl"), file)
    outcome = Outcome(parts.rows, dict(reasons), _hash(out))
    note = {"plan": plan} | {k: getattr(outcome, k) for k in ("rows", "set_aside", "sha256")}
    write_atomically(side.done, as_json(note))
    return outcome


def _hash(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise DataError(f"Expected a file at {path}, found: {error.strerror}.") from error
