"""Folders of files scored by many processes on one machine or many: Ray, and a hook for Spark.

Each file of the input is a shard and is scored by `files.score_file` alone, so what holds for one
file holds here: an output appears whole or not at all, a shard whose worker dies goes on behind its
last part on another one, and a shard that is done is not done again. All machines must see both
folders; locks hold within one machine.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm import __version__
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.errors import DataError, MissingExtraError, SentimentError, UsageError
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.scoring.files import Job, Outcome, check_ends, score_file
from sentiment_lstm.storage import as_json, locked, one_sentence, write_atomically

MANIFEST = "manifest.json"
_NOTES = ".bad.jsonl"
"""The ending of side files: an input of that name would meet another shard's."""

Score = Callable[[NDArray[np.object_]], Mapping[str, NDArray[Any]]]
"""From texts, object [N], to `label`, str [N], and `score`, float64 [N]."""


def score_folder(
    bundle: Bundle, job: Job, *, workers: int = 0, overwrite: bool = False
) -> dict[str, Outcome]:
    """Score every file of a folder into a file of the same name in another, over Ray Data.

    A running cluster is joined, else one is started on this machine and ended. Beside the outputs
    stands `manifest.json`: model, version, and every shard's rows and hash.

    Args:
        bundle: the model; each worker holds a copy and scores in one thread.
        job: `source` and `out` are the folders, all else as for one file.
        workers: processes; 0: one for each core of the cluster.
        overwrite: replace outputs that were made from something else.

    Returns:
        What became of each shard, by the name of its file.

    Raises:
        DataError: no file to score.
        UsageError: something that is no file of a kind that can be scored; a manifest of something
            else; one folder for both.
        SentimentError: shards failed; those that did not are done and stay.
        MissingExtraError: ray is not installed.
    """
    job = replace(job, source=job.source.absolute(), out=job.out.absolute())
    names, ray = _names(job), _ray()
    with one_sentence(job.out):
        job.out.mkdir(parents=True, exist_ok=True)
    with one_sentence(job.out), locked(job.out):
        _drop_manifest(job.out / MANIFEST)
        rows = sorted(_on_ray(ray, (bundle, job, overwrite), names, workers), key=_name)
        _refuse_failures(rows)
        found = {row["name"]: Outcome(**json.loads(row["outcome"])) for row in rows}
        write_atomically(job.out / MANIFEST, as_json(_manifest(job, found)))
    return found


def predict_function(bundle: Bundle) -> Callable[[], Score]:
    """What Spark's `predict_batch_udf` asks for: a function that makes a function of a batch.

    Spark makes it once in every worker; a missing text counts as an empty one.

    Args:
        bundle: the model, which travels to the workers.
    """

    def make() -> Score:
        predictor = open_predictor(bundle, threads=1)

        def score(texts: NDArray[np.object_]) -> Mapping[str, NDArray[Any]]:
            found = predictor.predict("" if text is None else text for text in texts.ravel())
            labels = np.array([one.label for one in found], dtype=object)
            return {"label": labels, "score": np.array([one.score for one in found])}

        return score

    return make


def _names(job: Job) -> list[str]:
    """The input's files; those that begin with `.` or `_` are other programs' notes."""
    if not job.source.is_dir():
        raise DataError(f"Expected a folder of files at {job.source}, found none: name one.")
    found = sorted(p for p in job.source.iterdir() if p.name[0] not in "._")
    if not found:
        raise DataError(f"Expected files to score in {job.source}, found none: name another.")
    for path in found:
        if not path.is_file() or path.name.endswith(_NOTES):
            raise UsageError(
                f"Expected files of texts alone in {job.source}, found {path.name}: move it away, "
                "or name one folder at a time."
            )
        check_ends(_of_shard(job, path.name))
    return [path.name for path in found]


def _of_shard(job: Job, name: str) -> Job:
    return replace(job, source=job.source / name, out=job.out / name)


def _drop_manifest(path: Path) -> None:
    """While shards change, nothing vouches for them; a file of someone else's stays.

    Raises:
        UsageError: it is someone else's.
    """
    if not path.exists():
        return
    try:
        told = json.loads(path.read_bytes())
    except ValueError:
        told = None
    if not isinstance(told, dict) or "shards" not in told:
        raise UsageError(f"Expected {path} to be ours, found another file: name another --output.")
    path.unlink()


def _manifest(job: Job, found: Mapping[str, Outcome]) -> dict[str, Any]:
    shards = {n: {k: v for k, v in asdict(o).items() if k != "already"} for n, o in found.items()}
    rows = sum(one.rows for one in found.values())
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


class _Worker:
    """One model, and whatever shards come to it."""

    def __init__(self, bundle: Bundle, job: Job, overwrite: bool) -> None:
        self._predictor = open_predictor(bundle, threads=1)
        self._job, self._overwrite = job, overwrite

    def __call__(self, row: dict[str, Any]) -> dict[str, str]:
        """Score a shard: its `name` in; `outcome` (JSON) or `problem` out."""
        job = _of_shard(self._job, row["name"])
        told = {"name": row["name"], "outcome": "", "problem": ""}
        try:
            found = score_file(self._predictor, job, _quiet, overwrite=self._overwrite)
        except Exception as error:  # the other shards must not fall with this one
            return {**told, "problem": str(error) or type(error).__name__}
        return {**told, "outcome": json.dumps(asdict(found))}


def _quiet(rows: int, share: float) -> None:
    """Nobody watches a worker."""


def _on_ray(
    ray: Any,  # noqa: ANN401
    given: tuple[Bundle, Job, bool],
    names: Sequence[str],
    workers: int,
) -> list[dict[str, str]]:
    with _running(ray):
        size = min(len(names), workers or max(1, int(ray.cluster_resources().get("CPU", 1))))
        # A shard waits for whoever is free, not behind a long one.
        pool = ray.data.ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=1)
        rows = ray.data.from_items([{"name": n} for n in names], override_num_blocks=len(names))
        scored = rows.map(
            _Worker,
            fn_constructor_args=given,
            compute=pool,
            num_cpus=1,
        )
        try:
            found: list[dict[str, str]] = scored.take_all()
        except ray.exceptions.RayError as error:
            raise SentimentError(
                f"Expected Ray to score the shards, found: {str(error).strip().splitlines()[-1]}; "
                "those that are done stay, and the same call goes on."
            ) from error
        return found


@contextmanager
def _running(ray: Any) -> Iterator[None]:  # noqa: ANN401
    """A Ray to work on; one that was started here ends here."""
    if ray.is_initialized():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    ray.init(log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    signal.signal(signal.SIGTERM, before)  # Ray has put its own there
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield
    finally:
        ray.shutdown()


def _ray() -> Any:  # noqa: ANN401
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"Expected {error.name} to score on a cluster, found it is not installed: "
            "pip install 'sentiment-lstm[cluster]'."
        ) from error
    return ray
