"""The queues of the models, and the threads that empty them.

Only the event loop changes state; a thread gets a batch and returns its results. If a thread is
free, a text waits at most a few milliseconds for other texts.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sentiment_lstm.serving.errors import overloaded, too_late
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.options import Options

_USUAL_CHARACTERS = 5
"""An English token has about this many characters, including white space."""
Results = Sequence[Any]
"""A result or an exception for each job of a batch."""


@dataclass(slots=True, eq=False)
class Job:
    """What one caller waits for: predictions of texts, or the result of a function.

    `work` is passed to the thread; `characters` is the length of the texts, None for a function.
    """

    work: Any
    characters: int | None
    future: asyncio.Future[Any]
    since: float = field(default_factory=time.monotonic)

    @property
    def is_function(self) -> bool:
        """Whether it is a function, which runs alone."""
        return self.characters is None

    @property
    def tokens(self) -> int:
        """About how many tokens the texts have."""
        return 1 + (self.characters or 0) // _USUAL_CHARACTERS


class Batcher:
    """The queue of one model.

    Args:
        name: the model's name, for the metrics.
        compute: gets jobs in a thread and returns a result or an exception for each.
        workers: the threads, which all models use.
        options: limits.
        metrics: counters.
    """

    def __init__(
        self,
        name: str,
        compute: Callable[[Sequence[Job]], Results],
        workers: Workers,
        options: Options,
        metrics: Metrics,
    ) -> None:
        self._compute, self._workers, self._options = compute, workers, options
        self._jobs: deque[Job] = deque()
        self._tokens = 0
        self._timer: asyncio.TimerHandle | None = None
        self._expected = 1
        """The number of jobs in the last batch. As many are likely to arrive together again."""
        self._all_arrived = False
        self._waiting = metrics.waiting.labels(name)
        self._queue_seconds = metrics.queue_seconds.labels(name)

    async def result(self, work: object, characters: int | None) -> Any:  # noqa: ANN401
        """Wait until a thread has done the work, and return its result.

        Raises:
            Refused: the queue is full, or the work has waited until its deadline.
        """
        if len(self._jobs) >= self._options.max_concurrent_requests:
            raise overloaded(self._options.max_concurrent_requests)
        job = Job(work, characters, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._tokens += job.tokens
        self._waiting.inc()
        self._offer()
        return await job.future

    def start(self) -> None:
        """Give a batch to a free thread, if there is work."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._workers.free_or_wait(self):
            return
        if batch := self._batch():
            self._expected = len(batch)
            self._workers.run(self._compute, batch)
        if self._jobs:
            self._offer()

    def _offer(self) -> None:
        """Start if a thread is free: at once if a batch is full, else soon.

        Texts wait for others only if the last batch had more jobs than wait now. So a single client
        never waits: its text is scored as soon as the loop has read everything that has arrived.
        """
        if not self._workers.free_or_wait(self):
            return
        if self._tokens >= self._options.max_batch_tokens:
            self.start()
            return
        all_arrived = len(self._jobs) >= self._expected
        if self._timer is not None:
            if self._all_arrived or not all_arrived:
                return
            self._timer.cancel()
        self._all_arrived = all_arrived
        wait = 0.0 if all_arrived else self._options.max_batch_wait
        self._timer = asyncio.get_running_loop().call_later(wait, self.start)

    def _batch(self) -> list[Job]:
        """Take the oldest jobs: as many texts as may be scored together, or one function."""
        batch: list[Job] = []
        tokens, now = 0, time.monotonic()
        while self._jobs:
            job = self._jobs[0]
            if batch and (job.is_function or tokens + job.tokens > self._options.max_batch_tokens):
                break
            self._jobs.popleft()
            self._tokens -= job.tokens
            self._waiting.dec()
            if job.future.done():  # its caller has gone
                continue
            if now - job.since > self._options.deadline:
                job.future.set_exception(too_late(self._options.deadline))
                continue
            self._queue_seconds.observe(now - job.since)
            batch.append(job)
            tokens += job.tokens
            if job.is_function:
                break
        return batch


class Workers:
    """Threads that compute batches; models take turns.

    Args:
        threads: how many batches are computed at the same time.
    """

    def __init__(self, threads: int) -> None:
        self._free = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scoring")
        self._wanted: deque[Batcher] = deque()

    def free_or_wait(self, batcher: Batcher) -> bool:
        """Whether a thread is free. If none is, `Batcher.start` is called when one becomes free."""
        if self._free:
            return True
        if batcher not in self._wanted:
            self._wanted.append(batcher)
        return False

    def run(self, compute: Callable[[Sequence[Job]], Results], batch: Sequence[Job]) -> None:
        """Compute a batch in a thread, then give each caller its result."""
        self._free -= 1
        loop = asyncio.get_running_loop()

        def work() -> None:
            try:
                results = compute(batch)
            except BaseException as error:  # every caller must get it
                results = [error] * len(batch)
            loop.call_soon_threadsafe(self._deliver, batch, results)

        self._pool.submit(work)

    def close(self) -> None:
        """End the threads after their current batches."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, batch: Sequence[Job], results: Results) -> None:
        self._free += 1
        for job, result in zip(batch, results, strict=True):
            if job.future.done():
                continue
            if isinstance(result, BaseException):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)
        while self._free and self._wanted:
            self._wanted.popleft().start()
