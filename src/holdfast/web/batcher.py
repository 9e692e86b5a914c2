"""Micro-batching: many small requests become few engine batches, without any waiting for its own sake.

Requests queue on the event loop. While one batch runs on the worker thread the next one gathers, so the
batch grows with the load: one request alone runs alone, a thousand at once run in a few batches, each
with one pass of the engine and one ledger transaction (group commit).

The laws, which `tests/web/test_batcher.py` holds: every job gets exactly its own outcome; jobs run in
the order in which they came; a job that failed fails alone; a job that has timed out before its turn is
never run; the queue never holds more than its limit; a job that would have to wait longer than it has the
patience for is refused at once, so that under overload the wait stays what it is and the work done is for
those who still listen.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from typing import Generic, NamedTuple, TypeVar

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")
T = TypeVar("T")


DECAY = 0.9
"""How much of the speed known before a batch counts after it."""


class QueueFull(Exception):
    """More items wait than the limit or the job's patience allows; `seconds` is a guess at when there will be room."""

    def __init__(self, seconds: float) -> None:
        super().__init__("the queue is full")
        self.seconds = seconds


class TooLate(Exception):
    """A job was not answered within its time. It may have been run all the same."""


class Stopped(Exception):
    """The batcher takes no more jobs."""


class _Waiting(NamedTuple, Generic[Job, Outcome]):
    job: Job
    size: int
    deadline: float
    answer: asyncio.Future[Outcome]


class Batcher(Generic[Job, Outcome]):
    """Feeds one worker thread. Use from one event loop.

    `run` takes the jobs of a batch, on the worker thread, and returns for each its outcome or the
    exception that it failed with. What `run` itself raises fails every job of that batch.
    `queue_limit` and `batch_limit` count items; a single job above a limit still runs, alone.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Job]], Sequence[Outcome | Exception]],
        *,
        queue_limit: int,
        batch_limit: int,
        timeout_s: float,
        name: str = "decider",
    ) -> None:
        self._run = run
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._timeout_s = timeout_s
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._queue: deque[_Waiting[Job, Outcome]] = deque()
        self._unanswered: deque[_Waiting[Job, Outcome]] = deque()
        self._queued_items = 0
        self._running = False
        self._starting = False
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        # Items of the batches so far and the seconds that they took, the latest counting most.
        self._items_run = self._seconds_run = 0.0
        self._in_flight = 0
        self._started_at = 0.0

    @property
    def queued_items(self) -> int:
        """Items that wait for their batch."""
        return self._queued_items

    @property
    def wait_s(self) -> float:
        """Seconds until what runs and what waits will be done, as far as the latest batches tell; 0 before any."""
        if not self._items_run:
            return 0.0
        pace = self._seconds_run / self._items_run
        wait = self._queued_items * pace
        if self._running:
            elapsed = asyncio.get_running_loop().time() - self._started_at
            wait += max(0.0, self._in_flight * pace - elapsed)
        return wait

    def submit(self, job: Job, size: int, patience_s: float = inf) -> asyncio.Future[Outcome]:
        """Queue `job`, which holds `size` items; the future gives its outcome.

        Raises `Stopped`, or `QueueFull` where others wait and there is no room, or the wait would be longer than
        `patience_s`. The future fails with `TooLate` after `timeout_s`.
        """
        if self._stopped:
            raise Stopped
        if self._queue:
            wait = self.wait_s
            if self._queued_items + size > self._queue_limit or wait > patience_s:
                raise QueueFull(wait or 1.0)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(job, size, loop.time() + self._timeout_s, loop.create_future())
        self._queue.append(waiting)
        self._unanswered.append(waiting)
        self._queued_items += size
        self._idle.clear()
        if self._timer is None:
            self._timer = loop.call_at(waiting.deadline, self._expire)
        if not self._running and not self._starting:
            # Not at once: what else arrived in this turn of the loop joins the batch.
            self._starting = True
            loop.call_soon(self._start)
        return waiting.answer

    async def on_worker(self, function: Callable[[], T]) -> T:
        """Run `function` on the worker thread, between batches."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, function)

    async def close(self) -> None:
        """Take no more jobs, answer those that wait, then end the worker thread."""
        self._stopped = True
        await self._idle.wait()
        await asyncio.to_thread(self._worker.shutdown)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._starting = False
        batch: list[_Waiting[Job, Outcome]] = []
        items = 0
        while self._queue:
            waiting = self._queue[0]
            if batch and items + waiting.size > self._batch_limit:
                break
            self._queue.popleft()
            self._queued_items -= waiting.size
            if not waiting.answer.done():
                batch.append(waiting)
                items += waiting.size
        if not batch:
            self._idle.set()
            return
        self._running = True
        self._in_flight = items
        loop = asyncio.get_running_loop()
        started = self._started_at = loop.time()

        def done(future: Future[Sequence[Outcome | Exception]]) -> None:
            loop.call_soon_threadsafe(self._finish, batch, items, started, future)

        self._worker.submit(self._run, [waiting.job for waiting in batch]).add_done_callback(done)

    def _finish(
        self,
        batch: list[_Waiting[Job, Outcome]],
        items: int,
        started: float,
        future: Future[Sequence[Outcome | Exception]],
    ) -> None:
        self._running = False
        took = asyncio.get_running_loop().time() - started
        self._items_run = DECAY * self._items_run + items
        self._seconds_run = DECAY * self._seconds_run + took
        error = future.exception()
        outcomes: Sequence[Outcome | BaseException]
        outcomes = [error] * len(batch) if error is not None else future.result()
        if len(outcomes) != len(batch):
            outcomes = [RuntimeError("a batch answered another number of jobs than it was given")] * len(
                batch
            )
        # The next batch starts first, so that the worker is busy while this one's answers are written.
        if self._queue:
            self._start()
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.answer.done():
                continue
            if isinstance(outcome, BaseException):
                waiting.answer.set_exception(outcome)
            else:
                waiting.answer.set_result(outcome)
        while self._unanswered and self._unanswered[0].answer.done():
            self._unanswered.popleft()
        if not self._running and not self._queue:
            self._idle.set()

    def _expire(self) -> None:
        """Fail the jobs whose time is over. One timer serves all, since deadlines come in order."""
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._unanswered:
            oldest = self._unanswered[0]
            if not oldest.answer.done():
                if oldest.deadline > loop.time():
                    self._timer = loop.call_at(oldest.deadline, self._expire)
                    return
                oldest.answer.set_exception(TooLate())
            self._unanswered.popleft()
