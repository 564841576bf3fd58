"""Folders over a local Ray of two workers: nothing lost or repeated, whoever dies."""

import csv
import json
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sentiment_lstm.bundle import fingerprint
from sentiment_lstm.errors import DataError, SentimentError, UsageError
from sentiment_lstm.inference import cluster
from sentiment_lstm.inference.files import Job, score_file
from sentiment_lstm.inference.predictor import open_predictor

# Ray sets up its own context by an option that it has declared old.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")
TEXTS = ["a good film", "a bad film", "not bad at all", "good not bad"]


def folder(path: Path, files: int, rows: int) -> Path:
    path.mkdir()
    for number in range(files):
        lines = [f"{number}-{row},{TEXTS[row % 4]}" for row in range(rows)]
        (path / f"part-{number}.csv").write_text("\n".join(["id,text", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def two_workers():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


@pytest.fixture
def job(bundle, tmp_path):
    source = folder(tmp_path / "in", files=4, rows=30)
    return Job(source, tmp_path / "out", fingerprint(bundle))


def ids(out: Path) -> list[str]:
    found = []
    for path in sorted(out.glob("*.csv")):
        with path.open() as file:
            found += [row["id"] for row in csv.DictReader(file)]
    return found


@pytest.mark.slow
def test_a_folder_is_scored_as_its_files_are_and_a_rerun_skips(two_workers, bundle, job, tmp_path):
    shards = cluster.score_folder(bundle, job, workers=2)
    assert [shard.rows for shard in shards] == [30] * 4
    alone = Job(job.source / "part-2.csv", tmp_path / "alone.csv", job.model)
    score_file(open_predictor(bundle), alone, lambda rows, share: None)
    assert (job.out / "part-2.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()
    told = json.loads((job.out / cluster.MANIFEST).read_text())
    assert told["rows"] == 120
    assert [shard["name"] for shard in told["shards"]] == [f"part-{n}.csv" for n in range(4)]
    (job.out / "part-1.csv").unlink()
    again = cluster.score_folder(bundle, job, workers=2)
    assert [shard.already for shard in again] == [True, False, True, True]
    assert [shard.sha256 for shard in again] == [shard["sha256"] for shard in told["shards"]]


@pytest.mark.slow
def test_a_killed_worker_loses_and_repeats_no_row(two_workers, bundle, tmp_path):
    source = folder(tmp_path / "in", files=4, rows=60_000)
    job = Job(source, tmp_path / "out", fingerprint(bundle))
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            if any(job.out.glob("*.parts/*.rows")):  # in the middle of a shard
                killed.extend(_workers()[:1])
            time.sleep(0.005)
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    shards = cluster.score_folder(bundle, job, workers=2)
    killer.join(timeout=10)
    assert killed, "the test came too late to kill anybody"
    assert [shard.rows for shard in shards] == [60_000] * 4
    assert sorted(ids(job.out)) == sorted(f"{n}-{row}" for n in range(4) for row in range(60_000))
    assert not list(job.out.glob("*.parts"))


def _workers() -> list[int]:
    """Processes that score at the moment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"ray::MapWorker" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_a_shard_that_cannot_be_scored_is_told_and_the_others_stay(two_workers, bundle, job):
    (job.source / "part-1.csv").write_text("id,other\n1,x\n")
    with pytest.raises(SentimentError, match=r"1 of 4 were not.*part-1\.csv"):
        cluster.score_folder(bundle, job, workers=2)
    assert sorted(p.name for p in job.out.glob("*.csv")) == [f"part-{n}.csv" for n in (0, 2, 3)]
    assert not (job.out / cluster.MANIFEST).exists()


def test_what_is_no_folder_of_files_is_refused_before_ray_starts(bundle, job, tmp_path):
    def refused(error, match, **changes):
        from dataclasses import replace

        with pytest.raises(error, match=match):
            cluster.score_folder(bundle, replace(job, **changes))

    refused(DataError, "Expected a folder of files", source=tmp_path / "none")
    refused(UsageError, "for both", out=job.source)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "_SUCCESS").touch()
    refused(DataError, "Expected files to score", source=tmp_path / "empty")
    (job.source / "notes.docx").touch()
    refused(UsageError, r"notes\.docx")


def test_a_batch_function_for_spark(bundle):
    predict = cluster.predict_function(bundle)()
    found = predict(np.array([*TEXTS, None], dtype=object))
    wanted = open_predictor(bundle).predict([*TEXTS, ""])
    assert found["label"].tolist() == [one.label for one in wanted]
    np.testing.assert_allclose(found["score"], [one.score for one in wanted])
