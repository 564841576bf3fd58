"""Runs commands that write to the disk, each in a forked process in which faults strike.

`Server` starts this file as a process. It imports everything once, so that a command starts within
milliseconds. It has one thread, so that forking it is safe.
"""

# ruff: noqa: PTH123, SIM115

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROW_LIMIT = 2
"""Rows of a part, so that a small file has several."""
SECONDS = 120
"""A command that takes longer is killed by SIGALRM."""


class Server:
    """Starts commands."""

    def __init__(self) -> None:
        environment = os.environ | {
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment,
        )  # fmt: skip

    def run(self, root: Path, *commands: str, **fault: Any) -> list[tuple[int, str, list[str]]]:
        """Run commands at the same time in a folder.

        Args:
            root: the working folder, whose points are counted. What the commands print and the
                points are kept beside it.
            commands: keys of `COMMANDS`.
            fault: arguments of `Faults`; `user`: the number of the user who runs the commands;
                `jumping`: the clock jumps; `signals`: a signal comes every millisecond.

        Returns:
            For each command its exit code (negative: the signal that killed it), what it printed
            to standard error, and its points.
        """
        jobs = [{"root": str(root), "command": c, "number": n} for n, c in enumerate(commands)]
        print(json.dumps([job | fault for job in jobs]), file=self._process.stdin, flush=True)
        codes = json.loads(self._process.stdout.readline())
        said = [root.with_name(f"said-{n}.txt").read_text() for n in range(len(jobs))]
        reports = [root.with_name(f"points-{n}.json").read_text() for n in range(len(jobs))]
        points = [json.loads(report or "[]") for report in reports]
        return list(zip(codes, said, points, strict=True))

    def stop(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def cli(*arguments: str) -> None:
    from sentiment_lstm.cli import main

    sys.argv = ["sentiment-lstm", *arguments]
    main()


def predict(kind: str, *options: str) -> Callable[[], None]:
    def command() -> None:
        from sentiment_lstm.scoring import files

        files.CHUNK = ROW_LIMIT
        paths = ["--input", f"in.{kind}", "--output", f"out/o.{kind}"]
        cli("predict", "--model", "tiny", "--threads", "1", *paths, *options)

    return command


def predict_from_standard_input() -> None:
    with open("in.csv") as file:
        os.dup2(file.fileno(), 0)
    sys.stdin = open(0, closefd=False)
    predict("csv", "--input", "-")()


def score_folder() -> None:
    """Score a folder, with the worker in this process instead of Ray's."""
    from sentiment_lstm.bundle import load_bundle
    from sentiment_lstm.scoring import cluster, files

    def score(ray, worker_arguments, names, workers):
        worker = cluster._Worker(*worker_arguments)
        return [worker({"name": name}) for name in names]

    files.CHUNK = ROW_LIMIT
    cluster._import_ray, cluster._score_on_ray = lambda: None, score
    bundle = load_bundle(_tiny())
    cluster.score_folder(bundle, files.Job(Path("shards"), Path("out"), "m"))


def save_pretrained() -> None:
    from sentiment_lstm import SentimentClassifier

    SentimentClassifier.from_pretrained(_tiny()).save_pretrained("model")


def export() -> None:
    cli("export", "--model", "model")


SMALL = (
    "text.min_frequency=1", "model.embedding_size=4", "model.hidden_size=4", "model.layers=1",
    "training.threads=1", "training.batch_tokens=200", "training.epochs=2",
)  # fmt: skip
"""Settings of a training that ends soon."""


def train(*options: str) -> Callable[[], None]:
    """Train, or resume the training if it has begun."""

    def command() -> None:
        if Path("runs/r/settings.json").exists():
            cli("train", "--resume", "runs/r")
        settings = [word for setting in SMALL for word in ("--set", setting)]
        cli("train", "--data", "texts.csv", "--out", "runs/r", *options, *settings)

    return command


def _tiny() -> Path:
    import sentiment_lstm

    return Path(sentiment_lstm.__file__).parent / "pretrained" / "tiny"


COMMANDS: dict[str, Callable[[], None]] = {
    "predict csv": predict("csv"),
    "predict csv again": predict("csv", "--overwrite", "--probabilities"),
    "predict parquet": predict("parquet"),
    "predict jsonl.gz": predict("jsonl.gz"),
    "predict -": predict_from_standard_input,
    "score_folder": score_folder,
    "save_pretrained": save_pretrained,
    "export": export,
    "train quick": train("--preset", "quick"),
    "train auto": train("--preset", "auto"),
}


def _serve() -> None:
    _import_everything()
    for line in sys.stdin:
        children = [_forked(job) for job in json.loads(line)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(json.dumps(codes), flush=True)


def _import_everything() -> None:
    import contextlib
    import importlib

    modules = (
        "onnxruntime", "torch", "torch._dynamo", "onnx", "sklearn.linear_model", "filelock",
        "pyarrow.parquet", "rich.progress", "rich._emoji_codes", "pydantic.type_adapter",
        "sentiment_lstm.cli", "sentiment_lstm.commands.files", "sentiment_lstm.api",
        "sentiment_lstm.export", "sentiment_lstm.scoring.cluster", "sentiment_lstm.training.run",
    )  # fmt: skip
    for name in modules:
        with contextlib.suppress(ModuleNotFoundError):  # then a command that needs it fails
            importlib.import_module(name)


def _forked(job: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        try:
            _run(**job)
        finally:
            os._exit(70)
    return child


def _run(
    root: str, command: str, number: int, user: int = 0, jumping: bool = False,
    signals: bool = False, **fault: Any,
) -> None:  # fmt: skip
    import signal
    import tempfile
    import traceback

    from faults import Faults

    above = Path(root).parent
    os.chdir(root)
    said = os.open(above / f"said-{number}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    report = os.open(above / f"points-{number}.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(said, descriptor)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)
    os.environ["TMPDIR"] = tempfile.tempdir = str(Path(root) / "tmp")
    signal.alarm(SECONDS)
    if user:
        os.seteuid(user)
    if jumping:
        _make_the_clock_jump()
    if signals:
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    faults, code = Faults(Path(root), **fault), 0
    faults.install()
    try:
        COMMANDS[command]()
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    except Exception as error:
        code = getattr(error, "exit_code", 70)
        print(traceback.format_exc() if code == 70 else f"Error: {error}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(report, json.dumps(faults.points).encode())
    os._exit(code)


def _make_the_clock_jump() -> None:
    """Each time that is asked for lies a year before or after the real one."""
    import itertools
    import time

    real, years = time.time, itertools.cycle([1, -1, 0])
    time.time = lambda: real() + next(years) * 31_557_600
    time.time_ns = lambda: int(time.time() * 1e9)


if __name__ == "__main__":
    _serve()
