"""Compares the speed of `train --preset seed` with a usual notebook loop of the same layers.

    python benchmarks/train_speed.py [--json FILE] [--precision auto] [--to-accuracy 0.86]

Both learn from the same token ids of the `imdb` source with the same threads. They take turns in
one process, so that other work of the machine slows both. Between the turns, the machine's fastest
float32 matrix product is measured: its peak.

*Real* tokens are words of reviews. *Executed* tokens are all that the LSTM computes, with padding.
The share of the peak counts the LSTM's matrix products alone. A multiply-add is 2 FLOP, and
training makes each product three times: forward, gradient of inputs, gradient of weights.

Most of the ratio does not come from padding. PyTorch's LSTM starts with half-shut forget gates, so
the gradient of the last state fades below 1e-38 within 250 tokens; processors are slow on such
numbers. Ours starts with open gates. Our trainings also keep large freed blocks of memory, which
the notebook gets back from the system page by page. With `--same-setup` the notebook flushes
denormals and keeps its blocks, too; then only the length buckets make the difference.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from notebook_loop import Notebook
from rich.console import Console
from rich.table import Table
from torch import Tensor

from sentiment_lstm.batching import Position, Window, epoch_batches
from sentiment_lstm.data.corpus import load_corpus
from sentiment_lstm.data.screening import SetAside
from sentiment_lstm.errors import run_script
from sentiment_lstm.model.classifier import LSTMClassifier
from sentiment_lstm.presets import preset
from sentiment_lstm.records import PAD_ID
from sentiment_lstm.settings import ModelSettings, Settings
from sentiment_lstm.storage import as_json, write_atomically
from sentiment_lstm.text.tokenizer import TextTokenizer
from sentiment_lstm.training.feed import Feed, encode, make_feed
from sentiment_lstm.training.hardware import keep_freed_memory, resolve_auto
from sentiment_lstm.training.loop import Trainer
from sentiment_lstm.training.objective import Classification

ROUNDS = 5
RATIO_BAR, PEAK_BAR = 2.0, 0.40
"""Real tokens a second against the notebook's; share of the peak in executed products."""
log = Console(stderr=True)


Turns = list[tuple[float, float]]
"""Real and executed tokens a second, turn by turn."""


class Finished(Exception):  # noqa: N818
    """Raised by a watcher to end our training."""


class Watcher:
    """Watches our training (`loop.Watcher`); heeds no validation."""

    def validated(self) -> None:
        """After each batch of validation."""

    def epoch_ended(self, epoch: dict[str, float]) -> None:
        """After each validation."""


class Alternation(Watcher):
    """Watches our training; the notebook and the matrix product take turns with it.

    The first update of each side is a warm-up and does not count.
    """

    def __init__(
        self, rival: Iterator[Tensor], executed: Iterator[int], steps: int, same_setup: bool
    ) -> None:
        self.rival, self.executed, self.steps = rival, executed, steps
        self.same_setup = same_setup
        self.ours, self.notebook, self.peak = Turns(), Turns(), 0.0
        self.done, self.tokens, self.padded, self.mark = -1, 0, 0, 0.0

    def stepped(self, step: dict[str, float]) -> None:
        """Count an update of ours; at the end of our turn, the others take theirs."""
        self.done += 1
        self.tokens += int(step["tokens"])
        self.padded += next(self.executed)
        if self.done == 0:
            self._rival_turn(1)
            self._start_turn()
        elif self.done % self.steps == 0:
            seconds = time.monotonic() - self.mark
            self.ours.append((self.tokens / seconds, self.padded / seconds))
            self._others()
            log.print(f"round {len(self.ours)} of {ROUNDS}", highlight=False)
            if len(self.ours) == ROUNDS:
                raise Finished
            self._start_turn()

    def _start_turn(self) -> None:
        self.tokens, self.padded, self.mark = 0, 0, time.monotonic()

    def _others(self) -> None:
        batches, seconds = self._rival_turn(self.steps)
        real = sum(int((ids != PAD_ID).sum()) for ids in batches)
        executed = sum(ids.numel() for ids in batches)
        self.notebook.append((real / seconds, executed / seconds))
        self.peak = max(self.peak, matrix_peak())

    def _rival_turn(self, steps: int) -> tuple[list[Tensor], float]:
        keep_freed_memory(self.same_setup)
        mark = time.monotonic()
        batches = list(islice(self.rival, steps))
        seconds = time.monotonic() - mark
        keep_freed_memory(True)
        return batches, seconds


class UntilAccuracy(Watcher):
    """Watches our training until it reaches an accuracy; validation time does not count."""

    def __init__(self, target: float) -> None:
        self.target, self.reached = target, False
        self.seconds, self.mark = 0.0, time.monotonic()

    def stepped(self, step: dict[str, float]) -> None:
        """Add the update's seconds."""
        now = time.monotonic()
        self.seconds, self.mark = self.seconds + now - self.mark, now

    def epoch_ended(self, epoch: dict[str, float]) -> None:
        """Stop when the target is reached."""
        accuracy = epoch["validation_accuracy"]
        log.print(f"ours: {accuracy:.4f} after {self.seconds:.0f} s", highlight=False)
        self.mark, self.reached = time.monotonic(), accuracy >= self.target
        if self.reached:
            raise Finished


def matrix_peak() -> float:
    """FLOP/s of the fastest of several square float32 matrix products."""
    best = 0.0
    for size in (512, 1024, 2048):
        a, b, out = (torch.rand(size, size) for _ in range(3))
        for _ in range(5):
            mark = time.perf_counter()
            torch.mm(a, b, out=out)
            best = max(best, 2 * size**3 / (time.perf_counter() - mark))
    return best


def lstm_flop(model: ModelSettings) -> int:
    """FLOP of the LSTM's matrix products for training on one token.

    A layer multiplies input and state, W and H wide, into four gates: 4 H (W + H) multiply-adds.
    """
    inputs = [model.embedding_size] + [model.hidden_size] * (model.layers - 1)
    return 2 * 3 * sum(4 * model.hidden_size * (width + model.hidden_size) for width in inputs)


@dataclass(frozen=True)
class Setup:
    """What both sides learn from: the same reviews and ids."""

    settings: Settings
    feed: Feed
    whole: tuple[Window, Window]
    """Training and validation texts at full length; the notebook cuts them itself."""
    vocabulary: int

    @classmethod
    def read(cls, threads: int, precision: str) -> Setup:
        """Read, split and encode `imdb` as a training does."""
        here = {"threads": threads, "device": "cpu", "precision": precision}
        settings = preset("seed").updated({f"training.{k}": v for k, v in here.items()})
        settings = replace(settings, training=resolve_auto(settings.training))
        corpus = load_corpus(settings.data, settings.training.seed, SetAside(None))
        tokenizer = TextTokenizer.learn((review.text for review in corpus.sample), settings.text)
        training, validation = (
            encode(reviews, tokenizer, corpus.classes, sys.maxsize)
            for reviews in (corpus.sample, corpus.validation)
        )
        feed = make_feed(corpus, tokenizer, settings)
        return cls(settings, feed, (training, validation), len(tokenizer))

    def notebook(self) -> Notebook:
        """The notebook loop before its first update."""
        return Notebook(*self.whole, self.vocabulary)

    def trainer(self) -> Trainer:
        """Our training before its first update."""
        torch.manual_seed(0)
        model = LSTMClassifier(self.settings.model, self.vocabulary, classes=2)
        return Trainer(model, self.settings.training, self.feed, Classification())

    def executed(self) -> list[int]:
        """The tokens with padding in each of our updates, in the order of the first epoch."""
        at, training = Position(), self.settings.training
        batches = epoch_batches(self.feed.windows(), training.batch_tokens, training.seed, at)
        return [batch.ids.size for batch in batches]


def alternate(setup: Setup, steps: int, same_setup: bool) -> dict[str, Any]:
    """Both sides' medians over the rounds, and the fraction of the peak they reach."""
    watcher = Alternation(setup.notebook().epoch(), iter(setup.executed()), steps, same_setup)
    with suppress(Finished):
        setup.trainer().run(watcher)
    flop = lstm_flop(setup.settings.model)
    ours, notebook = (_side(t, flop, watcher.peak) for t in (watcher.ours, watcher.notebook))
    ratio = ours["real_tokens_per_second"] / notebook["real_tokens_per_second"]
    peak = watcher.peak / 1e9
    return {"ours": ours, "notebook": notebook, "ratio": ratio, "peak_gflops": peak}


def _side(turns: Turns, flop: int, peak: float) -> dict[str, float]:
    real, executed = map(statistics.median, zip(*turns, strict=True))
    return {
        "real_tokens_per_second": real,
        "executed_tokens_per_second": executed,
        "useful_gflops": real * flop / 1e9,
        "executed_gflops": executed * flop / 1e9,
        "useful_share_of_peak": real * flop / peak,
        "executed_share_of_peak": executed * flop / peak,
    }


def seconds_to(setup: Setup, target: float) -> dict[str, float | None]:
    """Training seconds until the validation accuracy after an epoch; None: never in the epochs."""
    watcher = UntilAccuracy(target)
    with suppress(Finished):
        setup.trainer().run(watcher)
    ours = watcher.seconds if watcher.reached else None
    return {"ours": ours, "notebook": _notebook_seconds_to(setup, target)}


def _notebook_seconds_to(setup: Setup, target: float) -> float | None:
    notebook, seconds = setup.notebook(), 0.0
    for _ in range(setup.settings.training.epochs):
        mark = time.monotonic()
        for _ in notebook.epoch():
            pass
        seconds += time.monotonic() - mark
        accuracy = notebook.accuracy()
        log.print(f"notebook: {accuracy:.4f} after {seconds:.0f} s", highlight=False)
        if accuracy >= target:
            return seconds
    return None


def show(result: dict[str, Any], title: str) -> None:
    table = Table("measure", "ours", "notebook", title=title)
    for name, value in result["ours"].items():
        table.add_row(name.replace("_", " "), _number(value), _number(result["notebook"][name]))
    Console().print(table)


def _number(value: float | None) -> str:
    if value is None:
        return "not reached"
    return f"{value:.3f}" if value < 10 else f"{value:,.0f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and show; the exit code says whether both bars are met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    steps = range(1, 61)  # all turns fit in one epoch
    parser.add_argument("--steps", type=int, default=8, choices=steps, metavar="N", help="a turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--precision", default="float32", help="of ours; the rival's is float32")
    parser.add_argument("--same-setup", action="store_true", help="see above")
    parser.add_argument("--to-accuracy", type=float, help="also train both until it; many minutes")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args(arguments)
    torch.set_flush_denormal(options.same_setup)  # threads that start later inherit it
    torch.set_num_threads(options.threads)
    keep_freed_memory(True)
    setup = Setup.read(options.threads, options.precision)
    result = alternate(setup, options.steps, options.same_setup)
    show(result, f"peak {result['peak_gflops']:.0f} GFLOP/s, {options.threads} threads")
    if options.to_accuracy:
        seconds = seconds_to(setup, options.to_accuracy)
        result["seconds_to_accuracy"] = {"accuracy": options.to_accuracy, **seconds}
        for name, value in seconds.items():
            print(f"{name}: {_number(value)} s to validation accuracy {options.to_accuracy}")
    if options.json:
        asked = {name: value for name, value in vars(options).items() if name != "json"}
        facts = {"torch": torch.__version__, "rounds": ROUNDS, **asked}
        write_atomically(options.json, as_json({**result, **facts}))
    return verdict(result)


def verdict(result: dict[str, Any]) -> int:
    ratio, of_peak = result["ratio"], result["ours"]["executed_share_of_peak"]
    met = ratio >= RATIO_BAR and of_peak >= PEAK_BAR
    speeds = f"{ratio:.2f} times the notebook's real tokens a second (bar {RATIO_BAR})"
    outcome = "met" if met else "missed"
    print(f"{speeds}, {of_peak:.0%} of the peak (bar {PEAK_BAR:.0%}): {outcome}")
    return 0 if met else 1


if __name__ == "__main__":
    run_script(main)
