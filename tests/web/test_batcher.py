"""The batcher's laws: own outcome, in order, alone in failure, bounded in number and in time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.web.batcher import Batcher, QueueFull, Stopped, TooLate

Job = tuple[int, str]  # number, how it behaves


class Refused(Exception):
    pass


class Recorder:
    """What the worker saw. It answers a job by its number, and behaves as the job says."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, jobs: Sequence[Job]) -> list[int | Exception]:
        self.gate.wait(10)
        self.threads.add(threading.get_ident())
        self.batches.append([number for number, _ in jobs])
        if any(kind == "explode" for _, kind in jobs):
            raise RuntimeError("the whole batch")
        return [Refused(number) if kind == "refuse" else number * 10 for number, kind in jobs]


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 20))


def batcher_of(recorder: Recorder, **options: Any) -> Batcher[Job, int]:
    return Batcher(recorder, **{"queue_limit": 10_000, "batch_limit": 64, "timeout_s": 10.0, **options})


@given(
    waves=st.lists(
        st.lists(
            st.tuples(st.integers(1, 40), st.sampled_from(["answer", "answer", "refuse", "explode"])),
            max_size=12,
        ),
        max_size=6,
    ),
    batch_limit=st.integers(1, 50),
)
@settings(max_examples=100, deadline=None)
def test_every_job_gets_its_own_outcome_in_order(
    waves: list[list[tuple[int, str]]], batch_limit: int
) -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder, batch_limit=batch_limit)
        kinds: list[str] = []
        sizes: list[int] = []
        answers: list[asyncio.Future[int]] = []
        for wave in waves:
            for size, kind in wave:
                answers.append(batcher.submit((len(kinds), kind), size))
                kinds.append(kind)
                sizes.append(size)
            await asyncio.sleep(0)
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        await batcher.close()

        assert [number for batch in recorder.batches for number in batch] == list(range(len(kinds)))
        assert len(recorder.threads) <= 1
        for batch in recorder.batches:
            assert len(batch) == 1 or sum(sizes[number] for number in batch) <= batch_limit
            exploded = any(kinds[number] == "explode" for number in batch)
            for number in batch:
                outcome = outcomes[number]
                if exploded:
                    assert isinstance(outcome, RuntimeError)
                elif kinds[number] == "refuse":
                    assert isinstance(outcome, Refused)
                    assert outcome.args == (number,)
                else:
                    assert outcome == number * 10
        assert batcher.queued_items == 0

    run(scenario())


def test_jobs_gather_while_a_batch_runs() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder)
        recorder.gate.clear()
        first = batcher.submit((0, "answer"), 1)
        await asyncio.sleep(0.02)
        others = [batcher.submit((n, "answer"), 1) for n in range(1, 40)]
        recorder.gate.set()
        await asyncio.gather(first, *others)
        assert recorder.batches == [[0], list(range(1, 40))]
        await batcher.close()

    run(scenario())


def test_the_queue_is_bounded_in_items_and_says_when_to_come_back() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder, queue_limit=10)
        recorder.gate.clear()
        running = batcher.submit((0, "answer"), 500)  # above the limit, but nothing waits
        await asyncio.sleep(0.02)
        waiting = [batcher.submit((n, "answer"), 5) for n in (1, 2)]
        with pytest.raises(QueueFull) as full:
            batcher.submit((3, "answer"), 1)
        assert full.value.seconds > 0
        recorder.gate.set()
        assert await asyncio.gather(running, *waiting) == [0, 10, 20]
        assert await batcher.submit((4, "answer"), 10) == 40
        await batcher.close()

    run(scenario())


def test_a_job_that_is_too_late_is_told_so_and_never_run_if_it_waited() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder, timeout_s=0.1)
        recorder.gate.clear()
        running = batcher.submit((0, "answer"), 1)
        await asyncio.sleep(0.02)
        waiting = batcher.submit((1, "answer"), 1)
        for late in (running, waiting):
            with pytest.raises(TooLate):
                await late
        recorder.gate.set()
        assert await batcher.submit((2, "answer"), 1) == 20
        assert recorder.batches == [[0], [2]]
        await batcher.close()

    run(scenario())


def test_a_client_that_gives_up_takes_nobody_with_it() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder)
        recorder.gate.clear()
        running = batcher.submit((0, "answer"), 1)
        await asyncio.sleep(0.02)
        gone, here = batcher.submit((1, "answer"), 1), batcher.submit((2, "answer"), 1)
        gone.cancel()
        running.cancel()
        recorder.gate.set()
        assert await here == 20
        assert recorder.batches == [[0], [2]]
        await batcher.close()

    run(scenario())


def test_closing_answers_what_waits_and_takes_no_more() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder)
        recorder.gate.clear()
        answers = [batcher.submit((n, "answer"), 1) for n in range(5)]
        closing = asyncio.ensure_future(batcher.close())
        await asyncio.sleep(0.02)
        with pytest.raises(Stopped):
            batcher.submit((9, "answer"), 1)
        assert not closing.done()
        recorder.gate.set()
        assert await asyncio.gather(*answers) == [0, 10, 20, 30, 40]
        await closing

    run(scenario())


def test_closing_an_idle_batcher_ends_its_thread() -> None:
    async def scenario() -> None:
        batcher = batcher_of(Recorder())
        assert await batcher.on_worker(threading.current_thread) in threading.enumerate()
        await batcher.close()
        assert not any(thread.name.startswith("decider") for thread in threading.enumerate())

    run(scenario())


def test_a_wrong_number_of_outcomes_fails_the_batch_and_not_the_batcher() -> None:
    async def scenario() -> None:
        batcher: Batcher[int, int] = Batcher(
            lambda jobs: [1] if 1 in jobs else [], queue_limit=10, batch_limit=10, timeout_s=5
        )
        with pytest.raises(RuntimeError, match="another number"):
            await batcher.submit(0, 1)
        assert await batcher.submit(1, 1) == 1
        await batcher.close()

    run(scenario())


def test_deadlines_need_no_timer_for_each_job() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder, timeout_s=0.15)
        started = time.monotonic()
        for number in range(200):
            assert await batcher.submit((number, "answer"), 1) == number * 10
        recorder.gate.clear()
        with pytest.raises(TooLate):
            await batcher.submit((200, "answer"), 1)
        assert time.monotonic() - started >= 0.15
        recorder.gate.set()
        await batcher.close()

    run(scenario())


def test_who_would_wait_too_long_is_refused_at_once_and_who_has_patience_waits() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder, batch_limit=10)
        assert batcher.wait_s == 0
        recorder.gate.clear()
        warm = batcher.submit((0, "answer"), 10)
        await asyncio.sleep(0.1)  # ten items in a tenth of a second: that is the pace
        recorder.gate.set()
        await warm
        recorder.gate.clear()
        running = batcher.submit((1, "answer"), 10)
        await asyncio.sleep(0.01)
        # Nothing waits yet: whoever comes is let in, or one large job would shut the door on all.
        waiting = batcher.submit((2, "answer"), 100, 0.001)
        assert batcher.wait_s > 0.5
        with pytest.raises(QueueFull) as refusal:
            batcher.submit((3, "answer"), 1, 0.25)
        assert refusal.value.seconds > 0.25
        patient = batcher.submit((4, "answer"), 1, 60.0)
        recorder.gate.set()
        assert await asyncio.gather(running, waiting, patient) == [10, 20, 40]
        assert batcher.queued_items == 0
        await batcher.close()

    run(scenario())


def test_who_asks_before_submitting_is_told_the_same() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder, queue_limit=10)
        batcher.check(1_000_000, 0.0)  # nothing waits
        recorder.gate.clear()
        answers = [batcher.submit((0, "answer"), 1)]
        await asyncio.sleep(0.02)
        answers.append(batcher.submit((1, "answer"), 6))
        batcher.check(4)
        with pytest.raises(QueueFull):
            batcher.check(5)
        assert batcher.queued_items == 6
        recorder.gate.set()
        assert await asyncio.gather(*answers) == [0, 10]
        await batcher.close()
        with pytest.raises(Stopped):
            batcher.check(1)

    run(scenario())


def test_a_batch_takes_no_more_than_will_be_done_in_its_time() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder, batch_s=0.05)
        for _ in range(40):  # a millisecond for an item, nothing for a batch
            batcher.pace.learn(50, 0.05)
        recorder.gate.clear()
        answers = [batcher.submit((0, "answer"), 1)]
        await asyncio.sleep(0.01)
        # One job that is larger than a batch should be runs all the same, alone.
        sizes = [20, 20, 20, 20, 300, 20]
        answers += [batcher.submit((n, "answer"), size) for n, size in enumerate(sizes, 1)]
        recorder.gate.set()
        assert await asyncio.gather(*answers) == [0, 10, 20, 30, 40, 50, 60]
        assert [number for batch in recorder.batches for number in batch] == list(range(7))
        assert all(len(batch) <= 2 for batch in recorder.batches)
        assert [5] in recorder.batches
        await batcher.close()

    run(scenario())


def test_whoever_is_let_in_has_the_patience_for_those_who_join_the_same_batch() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder, batch_s=0.05)
        for _ in range(40):
            batcher.pace.learn(50, 0.05)
        recorder.gate.clear()
        running = batcher.submit((0, "answer"), 1)
        await asyncio.sleep(0.01)
        waiting: list[asyncio.Future[int]] = []
        with pytest.raises(QueueFull) as refusal:
            waiting.extend(batcher.submit((number, "answer"), 1, 0.25) for number in range(1, 1_000))
        # 250 ms of work, less the 50 ms that a batch may still grow by.
        assert 20 <= len(waiting) <= 210
        assert 0 < refusal.value.seconds < 0.25
        recorder.gate.set()
        await asyncio.gather(running, *waiting)
        await batcher.close()

    run(scenario())


def test_nobody_is_let_in_behind_a_batch_that_hangs() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder, batch_s=0.05)
        for _ in range(40):
            batcher.pace.learn(50, 0.05)
        recorder.gate.clear()
        hanging = batcher.submit((0, "answer"), 10)
        await asyncio.sleep(0.01)
        first = batcher.submit((1, "answer"), 1, 0.25)
        await asyncio.sleep(0.3)
        with pytest.raises(QueueFull) as refusal:
            batcher.submit((2, "answer"), 1, 0.25)
        assert refusal.value.seconds > 0.25
        recorder.gate.set()
        assert await asyncio.gather(hanging, first) == [0, 10]
        assert await batcher.submit((3, "answer"), 1, 0.25) == 30
        await batcher.close()

    run(scenario())


def test_the_wait_shrinks_while_a_batch_runs() -> None:
    async def scenario() -> None:
        recorder = Recorder()
        batcher = batcher_of(recorder)
        recorder.gate.clear()
        first = batcher.submit((0, "answer"), 10)
        await asyncio.sleep(0.2)
        recorder.gate.set()
        await first
        recorder.gate.clear()
        second = batcher.submit((1, "answer"), 10)
        await asyncio.sleep(0.02)
        early = batcher.wait_s
        await asyncio.sleep(0.1)
        assert 0 <= batcher.wait_s < early
        recorder.gate.set()
        await second
        await batcher.close()

    run(scenario())
