"""The systems of `own_data.py`: `train` as a user calls it, the linear baseline, and fastText.

Each learns from a problem's `train.csv` and is measured on its `test.csv`.
"""

from __future__ import annotations

import csv
import json
import pickle
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from own_data_tasks import Problem, Texts, as_texts

from sentiment_lstm.data.splitting import split
from sentiment_lstm.errors import MissingExtraError, TrainingError
from sentiment_lstm.evaluation.metrics import evaluate
from sentiment_lstm.evaluation.multi_label import measure_labels
from sentiment_lstm.training.baseline import fit_baseline

OURS, LINEAR, FASTTEXT, AUTOTUNED = "ours", "linear", "fastText", "fastText autotune"
LINEAR_THRESHOLDS = "linear, chosen thresholds"
"""Linear models for several labels per text. `LINEAR` has the threshold 0.5 for all labels."""
LEAST_DURATION = 10
"""The shortest autotuning of fastText, in seconds."""
VALIDATION_FRACTION = 0.1
"""The fraction of the training texts on which fastText's autotuning measures."""

ATTEMPTS = 4
_WITHOUT = Path(__file__).with_name("own_data_without.py")
_FIXED = {"wordNgrams": 2, "minn": 2, "maxn": 5, "epoch": 50, "lr": 0.5}
"""FastText without autotuning: the best of four choices on parts of the training splits."""


@dataclass(frozen=True)
class Measurement:
    """The figures of one training.

    `seconds`: the training alone. `megabytes`: the saved model, in units of 10^6 bytes. `right`:
    "1" for each text whose predicted class is the true one, else "0".

    Where a text may have several labels, `accuracy` is the fraction of texts that get exactly their
    labels, `right` says which ones, and `log_loss` is the sum over the labels.
    """

    accuracy: float
    macro_f1: float
    log_loss: float
    seconds: float
    megabytes: float
    right: str


Measure = Callable[[Problem, Path, float], Measurement]
"""From a problem, an empty folder for files, and the seconds that ours took, to figures."""


@dataclass(frozen=True)
class System:
    """A way to learn.

    `measure` trains and measures. `is_seeded`: whether its result depends on the seed, besides the
    choice of texts. `waits`: whether it needs the seconds that ours took. `only_several`: whether
    it is only for tasks with several labels per text.
    """

    name: str
    measure: Measure
    is_seeded: bool = True
    waits: bool = False
    only_several: bool = False


def ours(name: str, extra: str = "", without: str = "") -> System:
    """The command `train`, with more arguments as a shell would read them.

    `without`: a part of the network that is left out, a name in `own_data_without.PARTS`.
    """

    def measure(problem: Problem, folder: Path, _: float) -> Measurement:
        run, test = folder / "run", str(problem.folder / "test.csv")
        call = ["train", "--data", str(problem.folder / "train.csv"), "--out", str(run)]
        call += ["--multi-label"] if problem.task.multi_label else []
        start = time.perf_counter()
        call += ["--seed", str(problem.seed), *shlex.split(extra)]
        _command(*call, log=folder / "train.log", without=without)
        seconds = time.perf_counter() - start
        figures = json.loads(_command("evaluate", "--model", str(run), "--data", test, "--json"))
        scored = folder / "scored.csv"
        _command("predict", "--model", str(run), "--input", test, "--output", str(scored))
        right = _right_labels(scored, problem)
        measures = {name: figures[name] for name in ("accuracy", "macro_f1", "log_loss")}
        return Measurement(**measures, seconds=seconds, megabytes=_megabytes(run), right=right)

    return System(name, measure)


def linear() -> System:
    """The strong baseline of `training/baseline.py`; with several labels per text, one for each."""

    def measure(problem: Problem, _: Path, __: float) -> Measurement:
        if problem.task.multi_label:
            return _measured_one_vs_rest(problem, with_thresholds=False)
        labels = _class_indices(problem, problem.train)
        start = time.perf_counter()
        model = fit_baseline(problem.train.texts, labels, len(problem.classes))
        seconds = time.perf_counter() - start
        megabytes = len(pickle.dumps(model)) / 1e6  # what users of scikit-learn save
        return _measured(problem, model.predict_proba(problem.test.texts), seconds, megabytes)

    return System(LINEAR, measure, is_seeded=False)


def linear_with_thresholds() -> System:
    """One linear model for each label, with thresholds that were chosen on texts held out."""

    def measure(problem: Problem, _: Path, __: float) -> Measurement:
        return _measured_one_vs_rest(problem, with_thresholds=True)

    return System(LINEAR_THRESHOLDS, measure, is_seeded=False, only_several=True)


def _measured_one_vs_rest(problem: Problem, *, with_thresholds: bool) -> Measurement:
    from own_data_labels import fit_one_vs_rest

    start = time.perf_counter()
    model = fit_one_vs_rest(problem.train.texts, problem.targets(problem.train), problem.seed)
    seconds = time.perf_counter() - start
    megabytes = len(pickle.dumps(model)) / 1e6
    thresholds = model.thresholds.tolist() if with_thresholds else None
    probabilities = model.predict_proba(problem.test.texts)
    return _measured(problem, probabilities, seconds, megabytes, thresholds)


def fasttext(autotuned: bool) -> System:
    """FastText's classifier: with fixed settings, or autotuned for as long as ours took.

    Autotuning measures on a tenth of the training texts. It never trains on them. It sometimes
    never ends, or fails: then it starts again with another seed, and later with more time.
    """

    def measure(problem: Problem, folder: Path, seconds_of_ours: float) -> Measurement:
        if not find_spec("fasttext"):
            raise MissingExtraError(
                "Expected fastText to compare with, found none: "
                "pip install 'sentiment-lstm[benchmarks]'."
            )
        _write_for_fasttext(problem, folder, autotuned)
        duration = max(LEAST_DURATION, round(seconds_of_ours))
        for attempt in range(ATTEMPTS):
            settings: dict[str, Any] = dict(_FIXED)
            if autotuned:
                settings = {"autotuneDuration": duration * (attempt // 2 + 1)}
            settings |= {"class_count": len(problem.classes), "seed": problem.seed + 100 * attempt}
            if problem.task.multi_label:
                settings["loss"] = "ova"
            seconds = _run_fasttext(folder, settings, 60 + 4 * duration if autotuned else None)
            if seconds is not None:
                return _measured_fasttext(problem, folder, seconds)
        raise TrainingError(f"Expected fastText to train, found {ATTEMPTS} failures.")

    return System(AUTOTUNED if autotuned else FASTTEXT, measure, waits=autotuned)


def _command(*arguments: str, log: Path | None = None, without: str = "") -> str:
    """Run our command in a process of its own; its standard output. `without`: as for `ours`.

    Raises:
        TrainingError: the command failed.
    """
    program = [str(_WITHOUT), without] if without else ["-m", "sentiment_lstm"]
    call = [sys.executable, *program, *arguments]
    done = subprocess.run(call, capture_output=True, text=True, encoding="utf-8", check=False)
    if log:
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise TrainingError(f"Expected `{arguments[0]}` to succeed, found: {reason}")
    return done.stdout


def _right_labels(scored: Path, problem: Problem) -> str:
    """Compare the labels of a scored file, which keeps the rows' order, with the true ones."""
    column = "predicted_labels" if problem.task.multi_label else "predicted_label"
    with scored.open(encoding="utf-8", newline="") as file:
        predicted = [set(problem.names(row[column])) for row in csv.DictReader(file)]
    true = [set(problem.names(labels)) for labels in problem.test.labels]
    return "".join(str(int(a == b)) for a, b in zip(predicted, true, strict=True))


def _megabytes(run: Path) -> float:
    """The size of the saved model; logs in subfolders do not count."""
    return sum(path.stat().st_size for path in run.iterdir() if path.is_file()) / 1e6


def _class_indices(problem: Problem, texts: Texts) -> list[int]:
    index_of = {name: index for index, name in enumerate(problem.classes)}
    return [index_of[label] for label in texts.labels]


def _measured(
    problem: Problem,
    probabilities: NDArray[np.float64],
    seconds: float,
    megabytes: float,
    thresholds: Sequence[float] | None = None,
) -> Measurement:
    """The figures of a system that gave these probabilities, [N, C].

    `thresholds`: those of the labels if a text may have several, [C]; None: 0.5 for all.
    """
    if problem.task.multi_label:
        thresholds = thresholds or [0.5] * len(problem.classes)
        targets = problem.targets(problem.test)
        values = measure_labels(targets, probabilities, thresholds, problem.classes)
        hits = ((probabilities >= np.array(thresholds)) == targets).all(axis=1)
        right = "".join(str(int(hit)) for hit in hits)
        figures = {name: values[name] for name in ("accuracy", "macro_f1", "log_loss")}
        return Measurement(**figures, seconds=seconds, megabytes=megabytes, right=right)
    labels = _class_indices(problem, problem.test)
    scores = evaluate(labels, probabilities)
    right = "".join(str(int(hit)) for hit in probabilities.argmax(axis=1) == labels)
    return Measurement(scores.accuracy, scores.macro_f1, scores.log_loss, seconds, megabytes, right)


def _write_for_fasttext(problem: Problem, folder: Path, autotuned: bool) -> None:
    """Write `train.txt`, `test.txt` and, for autotuning, `validation.txt`."""
    train = problem.train
    if autotuned:
        parts = split(problem.examples(train), VALIDATION_FRACTION, problem.seed)
        train, validation = map(as_texts, parts)
        _write_lines(folder / "validation.txt", _labelled_lines(problem, validation))
    lines = _labelled_lines(problem, train)
    order = np.random.default_rng(problem.seed).permutation(len(lines))  # it does not shuffle
    _write_lines(folder / "train.txt", [lines[row] for row in order])
    _write_lines(folder / "test.txt", [_plain(text) for text in problem.test.texts])


def _labelled_lines(problem: Problem, texts: Texts) -> list[str]:
    index_of = {name: index for index, name in enumerate(problem.classes)}
    lines = []
    for labels, text in zip(texts.labels, texts.texts, strict=True):
        marks = [f"__label__{index_of[name]}" for name in problem.names(labels)]
        lines.append(" ".join([*marks, _plain(text)]))
    return lines


def _plain(text: str) -> str:
    """Prepare a text as fastText's tutorial does: lower case, punctuation apart, one line."""
    return re.sub(r"([.!?,'/()])", r" \1 ", " ".join(text.split())).lower()


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _run_fasttext(folder: Path, settings: dict[str, Any], timeout: float | None) -> float | None:
    """The seconds of a training; None if it failed or did not end in time."""
    script = Path(__file__).with_name("own_data_fasttext.py")
    call = [sys.executable, str(script), str(folder), json.dumps(settings)]
    try:
        done = subprocess.run(call, capture_output=True, text=True, timeout=timeout, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return None
    return float(done.stdout)


def _measured_fasttext(problem: Problem, folder: Path, seconds: float) -> Measurement:
    probabilities = np.array(json.loads((folder / "probabilities.json").read_text("utf-8")))
    megabytes = (folder / "model.bin").stat().st_size / 1e6
    return _measured(problem, probabilities, seconds, megabytes)


def empty_folder(folder: Path) -> Path:
    """Make the folder anew; files of a training that was cut off disappear."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
