"""Folders of files scored by many processes on one machine or many: Ray, and a hook for Spark.

Each file of the input is a shard and is scored by `files.score_file` alone, so what holds for one
file holds here: an output appears whole or not at all, a shard whose worker dies goes on behind its
last part on another one, and a shard that is done is not done again. All machines must see both
folders.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment_lstm import __version__
from sentiment_lstm.bundle import Bundle
from sentiment_lstm.errors import DataError, MissingExtraError, SentimentError, UsageError
from sentiment_lstm.inference.files import Job, score_file
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.inference.rows import Format
from sentiment_lstm.storage import as_json, one_sentence, write_atomically

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of the output: rows in it, rows set aside by reason, its hash."""

    name: str
    rows: int
    set_aside: Mapping[str, int]
    sha256: str
    already: bool


def score_folder(
    bundle: Bundle, job: Job, *, workers: int = 0, overwrite: bool = False
) -> list[Shard]:
    """Score every file of a folder into a file of the same name in another, over Ray Data.

    A running cluster is joined (`RAY_ADDRESS`), else one is started on this machine and ended.
    Beside the outputs stands `manifest.json`: model, version, and every shard's rows and hash.

    Args:
        bundle: the model; each worker holds a copy and runs it in one thread.
        job: `source` and `out` are the folders, all else as for one file.
        workers: processes; 0: one for each core of the cluster.
        overwrite: replace outputs that were made from something else.

    Raises:
        DataError: no file to score.
        UsageError: a file of a kind that cannot be scored; one folder for both.
        SentimentError: shards failed; those that did not are done and stay.
        MissingExtraError: ray is not installed.
    """
    names = _names(job)
    with one_sentence(job.out):
        job.out.mkdir(parents=True, exist_ok=True)
    found = _on_ray(bundle, job, names, workers, overwrite=overwrite)
    problems = [row["problem"] for row in found if row["problem"]]
    if problems:
        raise SentimentError(
            f"Expected every file to be scored, found that {len(problems)} of {len(names)} were "
            f"not; the first: {problems[0]}"
        )
    shards = sorted((Shard(**json.loads(row["shard"])) for row in found), key=lambda s: s.name)
    told = {
        "model": job.model,
        "version": __version__,
        "rows": sum(shard.rows for shard in shards),
        "shards": [{k: v for k, v in asdict(s).items() if k != "already"} for s in shards],
    }
    write_atomically(job.out / MANIFEST, as_json(told))
    return shards


def predict_function(
    bundle: Bundle,
) -> Callable[[], Callable[[NDArray[np.object_]], Mapping[str, NDArray[Any]]]]:
    """What Spark's `predict_batch_udf` asks for: a function that makes a function of a batch.

    The inner one takes texts, object [N], and gives `label`, str [N], and `score`, float64 [N];
    a missing text counts as an empty one. Spark makes it once in every worker.

    Args:
        bundle: the model, which travels to the workers.
    """

    def make() -> Callable[[NDArray[np.object_]], Mapping[str, NDArray[Any]]]:
        predictor = open_predictor(bundle, threads=1)

        def predict(texts: NDArray[np.object_]) -> Mapping[str, NDArray[Any]]:
            found = predictor.predict("" if text is None else text for text in texts.ravel())
            labels = np.array([one.label for one in found], dtype=object)
            return {"label": labels, "score": np.array([one.score for one in found])}

        return predict

    return make


def _names(job: Job) -> list[str]:
    """The input's files; hidden ones and those that begin with `_` are other programs' notes."""
    if not job.source.is_dir():
        raise DataError(f"Expected a folder of files at {job.source}, found none: name one.")
    if job.source.resolve() == job.out.resolve():
        raise UsageError(
            f"Expected an output beside the input, found {job.out} for both: name another --output."
        )
    found = sorted(p.name for p in job.source.iterdir() if p.is_file() and p.name[0] not in "._")
    if not found:
        raise DataError(f"Expected files to score in {job.source}, found none: name another.")
    for name in found:
        Format.of(name)
    return found


class _Worker:
    """One model, and whatever shards come to it."""

    def __init__(self, bundle: Bundle, job: Job, overwrite: bool) -> None:
        self._predictor = open_predictor(bundle, threads=1)
        self._job, self._overwrite = job, overwrite

    def __call__(self, row: dict[str, Any]) -> dict[str, str]:
        """Score a shard: `name` in; `shard` (JSON) or `problem` out."""
        name = row["name"]
        job = replace(self._job, source=self._job.source / name, out=self._job.out / name)
        try:
            found = score_file(self._predictor, job, _quiet, overwrite=self._overwrite)
        except SentimentError as error:
            return {"shard": "", "problem": str(error)}
        return {"shard": json.dumps({"name": name, **asdict(found)}), "problem": ""}


def _quiet(rows: int, share: float) -> None:
    """Nobody watches a worker."""


def _on_ray(
    bundle: Bundle, job: Job, names: Sequence[str], workers: int, *, overwrite: bool
) -> list[dict[str, Any]]:
    ray = _ray()
    joined = ray.is_initialized()
    if not joined:
        ray.init(log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        size = min(len(names), workers or max(1, int(ray.cluster_resources()["CPU"])))
        rows = ray.data.from_items([{"name": n} for n in names], override_num_blocks=len(names))
        found: list[dict[str, Any]] = rows.map(
            _Worker,
            fn_constructor_args=(bundle, job, overwrite),
            compute=ray.data.ActorPoolStrategy(size=size),
            num_cpus=1,
        ).take_all()
        return found
    finally:
        if not joined:
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
