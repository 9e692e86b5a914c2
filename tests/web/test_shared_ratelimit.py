"""Several limiters over one file spend as one would."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.web import shared_ratelimit
from holdfast.web.problems import Problem
from holdfast.web.ratelimit import RateLimiter
from holdfast.web.shared_ratelimit import SharedRateLimiter


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def refused(spend: Callable[[], None]) -> object:
    try:
        spend()
    except Problem as problem:
        return problem.headers
    return None


spends = st.tuples(st.integers(0, 2), st.sampled_from("abc"), st.integers(1, 30), st.floats(0, 5))


@given(st.lists(spends, max_size=40))
@settings(max_examples=60, deadline=None)
def test_whichever_limiter_is_asked_the_answer_is_one_limiters(
    asked: list[tuple[int, str, int, float]],
) -> None:
    clock = Clock()
    one = RateLimiter(2, clock)
    with TemporaryDirectory() as folder:
        several = [SharedRateLimiter(Path(folder) / "limits", 2, clock) for _ in range(3)]
        for which, key, items, passes in asked:
            clock.now += passes
            limiter = several[which]
            expected = refused(lambda: one.spend(key, items))  # noqa: B023
            assert refused(lambda: limiter.spend(key, items)) == expected  # noqa: B023
            assert limiter.headers(key) == one.headers(key)
        for limiter in several:
            limiter.close()


def test_the_file_has_all_its_room_from_the_start(tmp_path: Path) -> None:
    # A page without room on a full disk would end the process that touches it (SIGBUS).
    SharedRateLimiter(tmp_path / "limits", 2).close()
    made = (tmp_path / "limits").stat()
    assert made.st_blocks * 512 >= made.st_size > 0


def test_when_there_is_no_room_the_fullest_bucket_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_ratelimit, "BUCKET_LIMIT", 1)
    clock = Clock()
    limiter = SharedRateLimiter(tmp_path / "limits", 1, clock)
    limiter.spend("poor", 10)
    for number in range(50):
        limiter.spend(f"k{number}", 2)
    with pytest.raises(Problem):
        limiter.spend("poor", 1)
    limiter.close()


def _spend(path: Path, spent: multiprocessing.Queue[int]) -> None:
    limiter = SharedRateLimiter(path, 1e-6)
    limiter.burst = 1000.0
    for _ in range(600):
        try:
            limiter.spend("k", 1)
        except Problem:
            break
        spent.put(1)


def test_processes_that_spend_at_once_spend_one_budget(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    spent = context.Queue()
    processes = [context.Process(target=_spend, args=(tmp_path / "limits", spent)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    total = 0
    while not spent.empty():
        total += spent.get()
    assert total == 1000
