"""Micro-batching: many small requests become few engine batches, without any waiting for its own sake.

Requests queue on the event loop. While one batch runs on the worker thread the next one gathers, so the
batch grows with the load: one request alone runs alone, a thousand at once run in a few batches, each
with one pass of the engine and one ledger transaction (group commit). It grows up to where a longer one would
save little: whoever is in a batch waits for all of it.

The laws, which `tests/web/test_batcher.py` holds: every job gets exactly its own outcome; jobs run in
the order in which they came; a job that failed fails alone; a job that has timed out before its turn is
never run; the queue never holds more than its limit; a job that would be answered later than it has the
patience for is refused at once, so that under overload the wait stays what it is and the work done is for
those who still listen.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from time import perf_counter
from typing import Generic, NamedTuple, TypeVar

from holdfast.web.pace import Pace

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")
T = TypeVar("T")


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
    `queue_limit` and `batch_limit` count items, `batch_s` is how many seconds a batch should take at most; a single
    job above a limit still runs, alone.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Job]], Sequence[Outcome | Exception]],
        *,
        queue_limit: int,
        batch_limit: int,
        timeout_s: float,
        batch_s: float = inf,
        name: str = "decider",
    ) -> None:
        self._run = run
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._timeout_s = timeout_s
        self._batch_s = batch_s
        self.pace = Pace()
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
        self._in_flight = 0
        self._started_at = 0.0

    @property
    def queued_items(self) -> int:
        """Items that wait for their batch."""
        return self._queued_items

    @property
    def wait_s(self) -> float:
        """Seconds until what runs and what waits will be done, as far as the latest batches tell; 0 before any."""
        wait = self.pace.queue_s(self._queued_items, self.pace.turn_s(self._batch_s))
        if self._running:
            # What takes longer than expected hangs on something; that it will hang for as long again is the best guess.
            wait += abs(self.pace.seconds(self._in_flight) - (perf_counter() - self._started_at))
        return wait

    def check(self, size: int, patience_s: float = inf) -> None:
        """Raise what `submit` would raise for a job of `size` items, before there is one."""
        if self._stopped:
            raise Stopped
        if self._queue:
            wait = self.wait_s
            turn = self.pace.turn_s(self._batch_s)
            # Whoever comes before the next batch starts will be in it too, and make it longer by up to a turn.
            patience = patience_s if turn == inf else max(patience_s - turn, patience_s / 2)
            if self._queued_items + size > self._queue_limit or wait > patience:
                raise QueueFull(wait or 1.0)

    def submit(self, job: Job, size: int, patience_s: float = inf) -> asyncio.Future[Outcome]:
        """Queue `job`, which holds `size` items; the future gives its outcome.

        Raises `Stopped`, or `QueueFull` where others wait and there is no room, or the answer would come later than
        after `patience_s`. The future fails with `TooLate` after `timeout_s`.
        """
        self.check(size, patience_s)
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
        turn = self.pace.turn_s(self._batch_s)
        while self._queue:
            waiting = self._queue[0]
            grown = items + waiting.size
            if batch and (grown > self._batch_limit or not self.pace.fits(grown, turn)):
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
        started = self._started_at = perf_counter()

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
        self.pace.learn(items, perf_counter() - started)
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
