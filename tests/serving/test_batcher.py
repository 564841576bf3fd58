"""Queues: what is computed together, what waits, and what is refused."""

import asyncio
import threading

import pytest

from sentiment_lstm.serving.batcher import Batcher, Workers
from sentiment_lstm.serving.errors import Refused
from sentiment_lstm.serving.metrics import Metrics
from sentiment_lstm.serving.options import Options

NEVER = 1000.0
"""Seconds. A test that waits so long has failed."""


class Recorder:
    """Computes nothing; remembers the batches. The first batch waits until `go` is set."""

    def __init__(self) -> None:
        self.batches: list[list[object]] = []
        self.go = threading.Event()

    def __call__(self, jobs):
        self.batches.append([job.work for job in jobs])
        self.go.wait(60)
        return [ValueError(job.work) if job.work == "bad" else job.work for job in jobs]


def run(scenario, threads=1, **options):
    """Run a coroutine function with a batcher and its recorder."""

    async def main():
        recorder, workers = Recorder(), Workers(threads)
        batcher = Batcher("films", recorder, workers, Options(**options), Metrics())
        try:
            await scenario(batcher, recorder)
        finally:
            recorder.go.set()
            workers.close()

    asyncio.run(asyncio.wait_for(main(), 60))


async def begin(batcher, work, characters=4):
    task = asyncio.create_task(batcher.result(work, characters))
    await asyncio.sleep(0.02)
    return task


def test_texts_that_wait_are_computed_together():
    async def scenario(batcher, recorder):
        tasks = [await begin(batcher, name) for name in "abc"]
        recorder.go.set()
        assert await asyncio.gather(*tasks) == ["a", "b", "c"]
        assert recorder.batches == [["a"], ["b", "c"]]

    run(scenario)


def test_texts_that_arrive_at_once_are_computed_together():
    async def scenario(batcher, recorder):
        recorder.go.set()
        await asyncio.gather(*(batcher.result(name, 4) for name in "abc"))
        assert recorder.batches == [["a", "b", "c"]]

    run(scenario)


def test_as_many_as_before_are_waited_for():
    async def scenario(batcher, recorder):
        recorder.go.set()
        await asyncio.gather(*(batcher.result(name, 4) for name in "abc"))
        tasks = [await begin(batcher, name) for name in "de"]
        assert recorder.batches == [["a", "b", "c"]], "another may arrive"
        tasks.append(await begin(batcher, "f"))
        await asyncio.gather(*tasks)  # all have arrived, so the wait ends
        alone = await begin(batcher, "g")
        assert not alone.done(), "others may arrive"
        batcher.start()  # as the timer does
        await alone
        await batcher.result("h", 4)  # the client is alone
        assert recorder.batches == [["a", "b", "c"], ["d", "e", "f"], ["g"], ["h"]]

    run(scenario, max_batch_wait=NEVER)


def test_the_wait_ends():
    async def scenario(batcher, recorder):
        recorder.go.set()
        await asyncio.gather(*(batcher.result(name, 4) for name in "ab"))
        await batcher.result("c", 4)
        assert recorder.batches == [["a", "b"], ["c"]]

    run(scenario, max_batch_wait=0.003)


def test_a_batch_has_a_number_of_tokens():
    async def scenario(batcher, recorder):
        recorder.go.set()
        await asyncio.gather(*(batcher.result(name, 40) for name in "abcde"))
        assert recorder.batches == [["a", "b"], ["c", "d"], ["e"]]

    run(scenario, max_batch_tokens=25)


def test_a_function_is_computed_alone_and_in_turn():
    async def scenario(batcher, recorder):
        recorder.go.set()
        jobs = [("a", 4), ("b", 4), ("f", None), ("c", 4)]
        await asyncio.gather(*(batcher.result(*job) for job in jobs))
        assert recorder.batches == [["a", "b"], ["f"], ["c"]]

    run(scenario)


def test_several_threads_compute_at_the_same_time():
    async def scenario(batcher, recorder):
        tasks = [await begin(batcher, name) for name in "ab"]
        while len(recorder.batches) < 2:
            await asyncio.sleep(0.01)
        assert sorted(recorder.batches) == [["a"], ["b"]]
        recorder.go.set()
        await asyncio.gather(*tasks)

    run(scenario, threads=2)


def test_a_full_queue_refuses_at_once():
    async def scenario(batcher, recorder):
        tasks = [await begin(batcher, name) for name in "abc"]
        with pytest.raises(Refused) as error:
            await batcher.result("d", 4)
        assert (error.value.status, error.value.error_type) == (429, "Overloaded")
        assert error.value.retry_after
        recorder.go.set()
        assert await asyncio.gather(*tasks) == ["a", "b", "c"]

    run(scenario, max_concurrent_requests=2)


def test_what_has_waited_too_long_is_not_computed():
    async def scenario(batcher, recorder):
        tasks = [await begin(batcher, name) for name in "ab"]
        batcher._jobs[0].since -= 30  # "b" waits until "a" is computed
        recorder.go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[0] == "a"
        assert results[1].status == 503
        assert recorder.batches == [["a"]]

    run(scenario, deadline=30)


def test_what_nobody_waits_for_is_not_computed():
    async def scenario(batcher, recorder):
        tasks = [await begin(batcher, name) for name in "abc"]
        tasks[1].cancel()
        await asyncio.sleep(0)
        recorder.go.set()
        assert await tasks[0] == "a"
        assert await tasks[2] == "c"
        assert recorder.batches == [["a"], ["c"]]

    run(scenario)


def test_a_caller_that_goes_while_it_is_computed_harms_nobody():
    async def scenario(batcher, recorder):
        first = await begin(batcher, "a")
        first.cancel()
        second = await begin(batcher, "b")
        recorder.go.set()
        assert await second == "b"

    run(scenario)


def test_an_error_reaches_only_its_caller():
    async def scenario(batcher, recorder):
        recorder.go.set()
        calls = (batcher.result(name, 4) for name in ("a", "bad", "c"))
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [results[0], results[2]] == ["a", "c"]
        assert isinstance(results[1], ValueError)

    run(scenario)


def test_a_thread_that_fails_tells_every_caller():
    async def main():
        workers = Workers(1)
        batcher = Batcher("films", lambda jobs: 1 / 0, workers, Options(), Metrics())
        calls = (batcher.result(name, 4) for name in "ab")
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results] == [ZeroDivisionError] * 2
        workers.close()

    asyncio.run(main())


def test_models_take_turns():
    async def main():
        workers, recorder = Workers(1), Recorder()
        films, letters = (
            Batcher(name, recorder, workers, Options(), Metrics()) for name in ("films", "letters")
        )
        jobs = ((films, "a"), (films, "b"), (letters, "c"), (films, "d"))
        tasks = [await begin(*job) for job in jobs]
        recorder.go.set()
        await asyncio.gather(*tasks)
        assert recorder.batches == [["a"], ["b", "d"], ["c"]]
        workers.close()

    asyncio.run(main())
