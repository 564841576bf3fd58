"""(torch) Trains one model in several processes (ranks), which `torchrun` starts.

All ranks run the same code on the same texts. At each update, each rank reads a batch of its own,
and the gradients of all ranks are averaged. So all ranks always have the same weights. Rank 0 alone
writes to the run folder and to the terminal. Without `torchrun`, the loop calls no
function that exchanges numbers.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache, wraps
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous

from sentiment_lstm.errors import TrainingError
from sentiment_lstm.interrupts import Interrupted
from sentiment_lstm.training.ranks import rank, rank_count

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

_TIMEOUT = timedelta(minutes=10)
"""How long a rank waits for the others. A process that ends is noticed at once."""

_trainings = count()
"""Numbers of the trainings of this process. A training's number begins its names in the store."""

_RESUME = "with train --resume and the run folder"
RESUME_IF_BEGUN = "with train --resume if the run folder holds settings.json, else as before"
NOTHING_TO_RESUME = "as before, because nothing was trained"

P = ParamSpec("P")
T = TypeVar("T")


class RankEndedError(TrainingError):
    """Another rank has ended, or did not answer in time.

    Args:
        advice: how to start the ranks again.
    """

    def __init__(self, advice: str = _RESUME) -> None:
        super().__init__(
            f"Expected all {rank_count()} processes at work, found one that ended or did not "
            f"answer: start the same number again, {advice}."
        )


def with_all_ranks(train: Callable[P, T]) -> Callable[P, T]:
    """Join the ranks before a function, and leave them after it.

    If several ranks fail, the one that failed first raises its error. The others end silently.
    """

    @wraps(train)
    def joined(*args: P.args, **kwargs: P.kwargs) -> T:
        if rank_count() == 1:
            return train(*args, **kwargs)
        store = _join()
        try:
            result = train(*args, **kwargs)
        except (Exception, Interrupted) as error:
            if not _is_first(store):
                sys.exit(getattr(error, "exit_code", 1))
            raise
        with suppress(RuntimeError):  # all are done: a rank that ends early does no harm
            dist.barrier()  # else a rank could leave while another still waits for its answer
        dist.destroy_process_group()
        return result

    return joined


def _join() -> Store:
    """Wait for all ranks.

    Raises:
        RankEndedError: they did not all come.
    """
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    from torch.distributed.distributed_c10d import PrefixStore

    # If torch first imports this after the ranks have met, its functions' default arguments keep
    # the group. Then the group's threads outlive the training, and some exits of Python abort.
    from torch.distributed.nn import functional  # noqa: F401

    with _others_needed(RESUME_IF_BEGUN), _signals_end_the_process():
        store = PrefixStore(f"training {next(_trainings)}", _common_store())
        dist.init_process_group(store=store, rank=rank(), world_size=rank_count(), timeout=_TIMEOUT)
    return store


@contextmanager
def _signals_end_the_process() -> Iterator[None]:
    """Obey Ctrl-C and SIGTERM at once. While torch waits, no handler of Python runs."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@cache
def _common_store() -> Store:
    """Where ranks meet: in torchrun's process, or in that of rank 0."""
    store: Store = next(rendezvous("env://", timeout=_TIMEOUT))[0]
    return store


def _is_first(store: Store) -> bool:
    """Whether this rank is the first that has failed."""
    try:
        return store.add("failures", 1) == 1
    except RuntimeError:  # torch has no other class: the process with the store has ended
        return True


@contextmanager
def _others_needed(advice: str = _RESUME) -> Iterator[None]:
    """Turn an error of torch.distributed into a clear one.

    Raises:
        RankEndedError: another rank has ended, or did not answer in time.
    """
    try:
        yield
    except RuntimeError as error:  # by gloo, nccl or the store; gloo has no class of its own
        raise RankEndedError(advice) from error


def average_gradients(
    model: nn.Module, ids: NDArray[np.int64] | None, units: int, numbers: Iterable[float]
) -> list[float]:
    """Average the gradients over the units (texts or tokens) of all ranks.

    Before, each rank has the gradients of the mean loss over its own units. Of the embedding's
    gradient, only rows that are not 0 on at least one rank are sent.

    Args:
        model: its gradients are replaced. Its largest matrix is `embedding.weight`.
        ids: the rows of the embedding's gradient that differ from 0 on any rank. None: unknown.
            Then the ranks first exchange which rows these are, which takes longer.
        units: the number of this rank's units, at least 1.
        numbers: other numbers of this rank.

    Returns:
        The sums of these numbers over all ranks.
    """
    embedding = model.get_parameter("embedding.weight")
    gradients = [p.grad for p in model.parameters() if p is not embedding and p.grad is not None]
    vectors = embedding.grad
    assert vectors is not None
    rows = _changed_rows(vectors) if ids is None else torch.from_numpy(ids).to(vectors.device)
    own = torch.tensor([1.0, *(number / units for number in numbers)], device=vectors.device)
    parts = [own, vectors[rows], *gradients]
    sums = torch.cat([part.flatten() for part in parts]) * units
    _reduce(sums)
    all_units = sums[0].clone()
    totals, *means = torch.split(sums / all_units, [part.numel() for part in parts])
    vectors[rows] = means[0].view(-1, vectors.shape[1])
    for gradient, mean in zip(gradients, means[1:], strict=True):
        gradient.copy_(mean.view_as(gradient))
    return [float(mean * all_units) for mean in totals[1:]]


def _changed_rows(gradient: Tensor) -> Tensor:
    """The rows of a gradient [V, E] that are not 0 on some rank."""
    # Four times as fast as `any`.
    is_changed = ((gradient.amax(dim=1) != 0) | (gradient.amin(dim=1) != 0)).to(torch.uint8)
    _reduce(is_changed, largest=True)
    return is_changed.nonzero().squeeze(1)


def _reduce(tensor: Tensor, *, largest: bool = False) -> None:
    """Replace each number by its sum over all ranks, or its maximum, with equal bits on each."""
    with _others_needed():
        dist.all_reduce(tensor, dist.ReduceOp.MAX if largest else dist.ReduceOp.SUM)


def sums_of_ranks(numbers: Iterable[float]) -> list[float]:
    """Each number's sum over all ranks."""
    tensor = torch.tensor(list(numbers), dtype=torch.float64)
    _reduce(tensor)
    return list(map(float, tensor.tolist()))


@torch.no_grad()
def copy_first_weights(model: nn.Module) -> None:
    """Give every rank the weights of rank 0."""
    with _others_needed():
        for parameter in model.parameters():
            dist.broadcast(parameter, 0)


def require_same_texts(fingerprint: str) -> None:
    """Compare the texts of this rank with those of rank 0.

    Raises:
        TrainingError: they differ.
    """
    if rank_count() > 1 and _sent_to_all(fingerprint.encode()) != fingerprint.encode():
        raise TrainingError(
            "Expected the same texts and the same version on every machine, found others on rank "
            f"{rank()}: copy the files of rank 0."
        )


def send_files(folder: Path, files: Iterable[Path]) -> None:
    """Send files of rank 0's folder to the other ranks, which wait in `received_files`."""
    if rank_count() > 1:
        names = [path.relative_to(folder).as_posix() for path in files]
        _sent_to_all(json.dumps(names).encode())
        for name in names:
            _sent_to_all((folder / name).read_bytes())


@contextmanager
def received_files() -> Iterator[Path]:
    """The files that rank 0 sends, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="sentiment-lstm-rank-") as name:
        for file in json.loads(_sent_to_all()):
            path = Path(name, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_sent_to_all())
        yield Path(name)


def _sent_to_all(data: bytes = b"") -> bytes:
    """The bytes of rank 0, on every rank."""
    with _others_needed():
        size = torch.tensor(len(data))
        dist.broadcast(size, 0)
        content = torch.zeros(int(size), dtype=torch.uint8)
        if not rank():
            content = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        if len(content):
            dist.broadcast(content, 0)
        return content.numpy().tobytes()
