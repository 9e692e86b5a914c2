from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.web.problems import Problem
from holdfast.web.ratelimit import BUCKET_LIMIT, BURST_S, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(
    rate=st.integers(1, 50),
    steps=st.lists(st.tuples(st.integers(1, 200), st.floats(0, 5)), min_size=1, max_size=60),
)
@settings(deadline=None)
def test_no_key_gets_more_than_a_burst_and_its_rate(rate: int, steps: list[tuple[int, float]]) -> None:
    clock = Clock()
    limiter = RateLimiter(rate, clock)
    granted = 0
    largest = 0
    for items, pause in steps:
        clock.now += pause
        try:
            limiter.spend("k", items)
        except Problem as problem:
            assert problem.code == "rate-limited"
            wait = int(dict(problem.headers)[b"retry-after"])
            # Waiting as told is enough.
            clock.now += wait
            limiter.spend("k", items)
        granted += items
        largest = max(largest, items)
        # A request above a burst passes from a full bucket only, and is paid back.
        assert granted <= rate * (clock.now - 1_000) + rate * BURST_S + largest + 1e-6


def test_keys_do_not_share_a_bucket() -> None:
    limiter = RateLimiter(1, Clock())
    limiter.spend("a", 10)
    with pytest.raises(Problem):
        limiter.spend("a", 1)
    limiter.spend("b", 10)


def test_headers_tell_what_is_left_and_when_it_is_whole() -> None:
    clock = Clock()
    limiter = RateLimiter(2, clock)
    assert dict(limiter.headers("k")) == {
        b"ratelimit-policy": b'"items";q=20;w=10',
        b"ratelimit": b'"items";r=20;t=0',
    }
    limiter.spend("k", 5)
    assert dict(limiter.headers("k"))[b"ratelimit"] == b'"items";r=15;t=3'
    limiter.spend("k", 15)
    with pytest.raises(Problem) as refused:
        limiter.spend("k", 3)
    assert dict(refused.value.headers)[b"retry-after"] == b"2"
    assert dict(refused.value.headers)[b"ratelimit"] == b'"items";r=0;t=10'


def test_buckets_do_not_pile_up() -> None:
    clock = Clock()
    limiter = RateLimiter(1, clock)
    for number in range(BUCKET_LIMIT):
        limiter.spend(str(number), 1)
    clock.now += 60
    limiter.spend("new", 1)
    assert len(limiter._buckets) == 1
