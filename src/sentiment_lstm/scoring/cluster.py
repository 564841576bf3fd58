"""Scores folders of files with many processes on one machine or many: over Ray, and for Spark.

Each file of the input is a shard, and one worker scores it with `files.score_file`. So an output
appears whole or not at all. If a worker dies, another worker continues after the last part of the
shard. A finished shard is not scored again. All machines must see both folders. Locks hold within
one machine.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm import __version__
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.errors import DataError, MissingExtraError, SentimentError, UsageError
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.records import is_missing
from sentiment_lstm.scoring.files import Job, Outcome, check_formats, score_file
from sentiment_lstm.scoring.rows import label_joiner
from sentiment_lstm.storage import as_json, explain_write_errors, locked, write_atomically

MANIFEST = "manifest.json"
_logger = logging.getLogger(__name__)
_SIDE_FILE = ".bad.jsonl"
"""The ending of some side files. An input with this ending is refused."""

Score = Callable[[NDArray[np.object_]], Mapping[str, NDArray[Any]]]
"""Takes texts, object [N]; returns `label`, str or None [N], and `score`, float64 [N].

If a text may have several labels, `label` joins them (`scoring.rows.label_joiner`), and
`score` is the highest probability."""


def score_folder(
    bundle: Bundle, job: Job, *, workers: int = 0, overwrite: bool = False
) -> dict[str, Outcome]:
    """Score every file of a folder into a file of the same name in another folder, over Ray Data.

    It joins a running cluster, or starts one on this machine and stops it at the end.
    The file `manifest.json` in the output folder lists the model, the version, and each shard's
    rows and hash.

    Args:
        bundle: the model; each worker holds a copy and scores in one thread.
        job: `source` and `out` are the folders, the rest as for one file.
        workers: the number of processes; 0: one for each core of the cluster.
        overwrite: replace outputs that were made from something else.

    Returns:
        The outcome of each shard, by the name of its file.

    Raises:
        DataError: there is no file to score.
        UsageError: a file has a kind that cannot be scored, `manifest.json` is not ours, or input
            and output are the same folder.
        SentimentError: some shards failed; the outputs of the others are kept.
        MissingExtraError: ray is not installed.
    """
    job = replace(job, source=job.source.absolute(), out=job.out.absolute())
    names, ray = _shard_names(job), _import_ray()
    with explain_write_errors(job.out):
        job.out.mkdir(parents=True, exist_ok=True)
    with explain_write_errors(job.out), locked(job.out):
        _drop_manifest(job.out / MANIFEST)
        rows = sorted(_score_on_ray(ray, (bundle, job, overwrite), names, workers), key=_name)
        _log_notes(rows)
        _refuse_failures(rows)
        outcomes = {row["name"]: Outcome(**json.loads(row["outcome"])) for row in rows}
        write_atomically(job.out / MANIFEST, as_json(_manifest(job, outcomes)))
    return outcomes


def predict_function(bundle: Bundle) -> Callable[[], Score]:
    """Return the argument for Spark's `predict_batch_udf`: it makes the batch function.

    Spark calls it once in every worker. A missing text counts as an empty one: it has
    no label and NaN as score.

    Args:
        bundle: the model, which Spark sends to the workers.
    """
    return _ScoreMaker(bundle).make


@dataclass(frozen=True, slots=True)
class _ScoreMaker:
    """What Spark sends to its workers: the model, and no code."""

    bundle: Bundle

    def make(self) -> Score:
        predictor = open_predictor(self.bundle, threads=1)
        joined_by = label_joiner(predictor.classes)

        def score(texts: NDArray[np.object_]) -> Mapping[str, NDArray[Any]]:
            known = ("" if is_missing(text) else text for text in texts.ravel())
            predictions = predictor.predict(known)
            names = [joined_by.join(prediction.labels) or None for prediction in predictions]
            labels = np.array(names, dtype=object)
            scores = np.array([p.score for p in predictions], dtype=np.float64)
            return {"label": labels, "score": scores}

        return score


def _shard_names(job: Job) -> list[str]:
    """The files of the input. Names with `.` or `_` first belong to other programs."""
    if not job.source.is_dir():
        raise DataError(f"Expected a folder of files at {job.source}, found none: name one.")
    paths = sorted(path for path in job.source.iterdir() if path.name[0] not in "._")
    if not paths:
        raise DataError(f"Expected files to score in {job.source}, found none: name another.")
    for path in paths:
        if not path.is_file() or path.name.endswith(_SIDE_FILE):
            raise UsageError(
                f"Expected only files of texts in {job.source}, found {path.name}: move it away, "
                "or name one folder at a time."
            )
        check_formats(_of_shard(job, path.name))
    return [path.name for path in paths]


def _of_shard(job: Job, name: str) -> Job:
    return replace(job, source=job.source / name, out=job.out / name)


def _drop_manifest(path: Path) -> None:
    """Delete the manifest of an earlier call, because the shards will change.

    Raises:
        UsageError: the file is not ours.
    """
    if not path.exists():
        return
    try:
        manifest = json.loads(path.read_bytes())
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or "shards" not in manifest:
        raise UsageError(f"Expected {path} to be ours, found another file: name another --output.")
    path.unlink()


def _manifest(job: Job, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    rows = sum(outcome.rows for outcome in outcomes.values())
    shards = {name: asdict(outcome) for name, outcome in outcomes.items()}
    for facts in shards.values():
        del facts["was_complete"]
    return {"model": job.model, "version": __version__, "rows": rows, "shards": shards}


def _name(row: Mapping[str, str]) -> str:
    return row["name"]


def _refuse_failures(rows: Sequence[Mapping[str, str]]) -> None:
    failed = [row for row in rows if row["problem"]]
    if failed:
        raise SentimentError(
            f"Expected every file to be scored, found that {', '.join(map(_name, failed[:5]))} "
            f"({len(failed)} of {len(rows)}) were not; the first: {failed[0]['problem']}"
        )


def _log_notes(rows: Sequence[Mapping[str, str]]) -> None:
    """Log what the workers logged about their shards.

    Notes that differ only in the file's name or in numbers become one line.
    """
    notes = [(row["name"], note) for row in rows for note in json.loads(row["notes"])]
    alike = Counter(_shape(note, name) for name, note in notes)
    for name, note in notes:
        others = alike.pop(_shape(note, name), 0) - 1
        more = f" The same holds for {others} more of the files." if others else ""
        if others >= 0:
            _logger.warning("%s%s", note, more)


def _shape(note: str, name: str) -> str:
    """A note without the file's name and without numbers."""
    return re.sub(r"[0-9.]+", "", note.replace(name, ""))


class _Notes(logging.Handler):
    """Collects what the package logs while a shard is scored."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.messages.append(record.getMessage())


class _Worker:
    """A process with one model that scores shards one by one."""

    def __init__(self, bundle: Bundle, job: Job, overwrite: bool) -> None:
        self._predictor = open_predictor(bundle, threads=1)
        self._job, self._overwrite = job, overwrite

    def __call__(self, row: dict[str, Any]) -> dict[str, str]:
        """Score the shard `name`; add its `notes` and `outcome` (JSON), or the `problem`."""
        job = _of_shard(self._job, row["name"])
        answer = {"name": row["name"], "outcome": "", "problem": ""}
        notes, package = _Notes(), logging.getLogger("sentiment_lstm")
        package.addHandler(notes)
        try:
            outcome = score_file(self._predictor, job, overwrite=self._overwrite)
            answer["outcome"] = json.dumps(asdict(outcome))
        except Exception as error:  # an error in one shard must not stop the others
            answer["problem"] = str(error) or type(error).__name__
        finally:
            package.removeHandler(notes)
        return {**answer, "notes": json.dumps(notes.messages)}


def _score_on_ray(
    ray: Any,  # noqa: ANN401
    worker_arguments: tuple[Bundle, Job, bool],
    names: Sequence[str],
    workers: int,
) -> list[dict[str, str]]:
    with _running(ray):
        size = min(len(names), workers or max(1, int(ray.cluster_resources().get("CPU", 1))))
        # A worker takes one shard at a time, so no shard waits behind a long one.
        pool = ray.data.ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=1)
        rows = ray.data.from_items([{"name": n} for n in names], override_num_blocks=len(names))
        scored = rows.map(_Worker, fn_constructor_args=worker_arguments, compute=pool, num_cpus=1)
        try:
            answers: list[dict[str, str]] = scored.take_all()
        except ray.exceptions.RayError as error:
            raise SentimentError(
                f"Expected Ray to score the shards, found: {str(error).strip().splitlines()[-1]}; "
                "finished files are kept, and the same call continues."
            ) from error
        return answers


@contextmanager
def _running(ray: Any) -> Iterator[None]:  # noqa: ANN401
    """Join a running Ray cluster, or start one and stop it after the block."""
    if ray.is_initialized():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    ray.init(log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    signal.signal(signal.SIGTERM, before)  # Ray has replaced the handler
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield
    finally:
        ray.shutdown()


def _import_ray() -> Any:  # noqa: ANN401
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would send its statistics of use
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Expected {error.name} to score on a cluster, found it is not installed: "
            "pip install 'sentiment-lstm[cluster]'."
        ) from error
    return ray
