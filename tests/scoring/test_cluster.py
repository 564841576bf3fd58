"""A local Ray of two workers scores folders. No row is lost or repeated if a worker dies."""

import csv
import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sentiment_lstm.bundle import fingerprint
from sentiment_lstm.errors import DataError, SentimentError, UsageError
from sentiment_lstm.inference.predictor import open_predictor
from sentiment_lstm.scoring import cluster
from sentiment_lstm.scoring.files import Job, score_file

# Ray itself uses an option that it has deprecated.
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
    row_ids = []
    for path in sorted(out.glob("*.csv")):
        with path.open() as file:
            row_ids += [row["id"] for row in csv.DictReader(file)]
    return row_ids


@pytest.mark.slow
def test_a_folder_is_scored_like_its_files_and_only_once(two_workers, bundle, job, tmp_path):
    shards = cluster.score_folder(bundle, job, workers=2)
    assert [shard.rows for shard in shards.values()] == [30] * 4
    alone = Job(job.source / "part-2.csv", tmp_path / "alone.csv", job.model)
    score_file(open_predictor(bundle), alone, lambda rows, fraction: None)
    assert (job.out / "part-2.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()
    manifest = json.loads((job.out / cluster.MANIFEST).read_text())
    assert manifest["rows"] == 120
    assert list(manifest["shards"]) == [f"part-{n}.csv" for n in range(4)]
    (job.out / "part-1.csv").unlink()
    again = cluster.score_folder(bundle, job, workers=2)
    assert [shard.was_complete for shard in again.values()] == [True, False, True, True]
    assert json.loads((job.out / cluster.MANIFEST).read_text()) == manifest


@pytest.mark.slow
def test_a_killed_worker_loses_and_repeats_no_row(two_workers, bundle, tmp_path):
    source = folder(tmp_path / "in", files=4, rows=60_000)
    job = Job(source, tmp_path / "out", fingerprint(bundle))
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while not (killed or over.is_set()):
            if any(job.out.glob("*.parts/*.rows")):  # in the middle of a shard
                killed.extend(_workers()[:1])
            time.sleep(0.005)
        for worker in killed:
            os.kill(worker, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        shards = cluster.score_folder(bundle, job, workers=2)
    finally:
        over.set()
        killer.join()
    assert killed, "the test came too late to kill anybody"
    assert [shard.rows for shard in shards.values()] == [60_000] * 4
    assert sorted(ids(job.out)) == sorted(f"{n}-{row}" for n in range(4) for row in range(60_000))
    assert not list(job.out.glob("*.parts"))


def _workers() -> list[int]:
    """Return the ids of this Ray's processes that are scoring."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        pid = int(path.parent.name)
        try:
            if b"ray::MapWorker" in path.read_bytes() and os.getpid() in _ancestors(pid):
                pids.append(pid)
        except OSError:
            continue
    return pids


def _ancestors(pid: int) -> list[int]:
    pids = []
    while pid > 1:
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
        pids.append(pid)
    return pids


@pytest.mark.slow
def test_a_shard_that_cannot_be_scored_is_reported_and_the_others_stay(two_workers, bundle, job):
    (job.source / "part-1.csv").write_text("id,other\n1,x\n")
    job.out.mkdir()
    (job.out / cluster.MANIFEST).write_text('{"shards": {}}')
    with pytest.raises(
        SentimentError, match=r"part-1\.csv \(1 of 4\) were not; the first: Expected"
    ):
        cluster.score_folder(bundle, job, workers=2)
    assert sorted(p.name for p in job.out.glob("*.csv")) == [f"part-{n}.csv" for n in (0, 2, 3)]
    assert not (job.out / cluster.MANIFEST).exists(), "an old one no longer vouches"


@pytest.mark.slow
def test_the_command_reports_rows_and_files(two_workers, run, model, job):
    call = ["predict", "--model", str(model), "--engine", "ray", "--workers", "1", "--json"]
    code, out, err = run(*call, "--input", str(job.source), "--output", str(job.out))
    assert code == 0
    assert json.loads(out) == {"rows": 120, "files": 4, "set_aside": {}, "already": 0}
    assert "Scored 120 rows of 4 files" in err


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda job: replace(job, source=job.source / "none"), DataError, "a folder of files"),
        (lambda job: replace(job, out=job.source), UsageError, "would replace it"),
        (lambda job: (job.source / "notes.docx").touch(), UsageError, r"notes\.docx"),
        (lambda job: (job.source / "deeper").mkdir(), UsageError, "found deeper"),
        (lambda job: (job.source / "x.csv.bad.jsonl").touch(), UsageError, r"x\.csv\.bad\.jsonl"),
        (lambda job: _stranger(job.out / cluster.MANIFEST), UsageError, "to be ours"),
    ],
)
def test_wrong_folders_are_refused_before_ray_starts(bundle, job, change, error, match):
    job = change(job) or job
    with pytest.raises(error, match=match):
        cluster.score_folder(bundle, job)


def _stranger(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("mine")


def test_files_of_other_programs_are_no_input(bundle, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "_SUCCESS").touch()
    with pytest.raises(DataError, match="Expected files to score"):
        cluster.score_folder(bundle, Job(tmp_path / "in", tmp_path / "out", ""))


def test_what_workers_find_out_is_said_in_one_line(bundle, job, caplog):
    for number in (1, 2):
        (job.source / f"part-{number}.csv").write_bytes("id;text\n1;schön\n".encode("cp1252"))
    (job.source / "part-3.csv").write_bytes("id;text\n1;schön\n".encode())
    worker = cluster._Worker(bundle, job, overwrite=False)
    rows = [worker({"name": f"part-{number}.csv"}) for number in range(4)]
    assert [row["problem"] for row in rows] == [""] * 4
    caplog.clear()
    cluster._log_notes(rows)
    assert caplog.messages == [
        "Read part-1.csv as cp1252, with ; between its columns. It is not UTF-8; if letters look "
        "wrong, name its encoding with --encoding. The same holds for 1 more of the files.",
        "Read part-3.csv with ; between its columns.",
    ]


def test_a_batch_function_for_spark(bundle):
    predict = cluster.predict_function(bundle)()
    predicted = predict(np.array([*TEXTS, None], dtype=object))
    expected = open_predictor(bundle).predict([*TEXTS, ""])
    assert predicted["label"].tolist() == [prediction.label for prediction in expected]
    scores = np.array([prediction.score for prediction in expected], dtype=np.float64)
    np.testing.assert_allclose(predicted["score"], scores)


def test_pandas_3_gives_spark_nan_for_a_missing_text(bundle):
    predicted = cluster.predict_function(bundle)()(np.array(["good", float("nan")], dtype=object))
    assert predicted["label"][1] is None
    assert np.isnan(predicted["score"]).tolist() == [False, True]


def test_labels_for_spark_are_joined_by_a_sign_that_none_contains(make_bundle):
    bundle = make_bundle(classes=("a|b", "c"), thresholds=(0.01, 0.01))
    predicted = cluster.predict_function(bundle)()(np.array(["a good film"], dtype=object))
    assert predicted["label"].tolist() == ["a|b;c"]
