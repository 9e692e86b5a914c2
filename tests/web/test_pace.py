"""What is learnt of batches: what they cost by the piece and each, whatever sizes come, and unmoved by one stall."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.web.pace import Pace

COSTS = st.tuples(st.floats(0.0005, 0.02), st.floats(0.0001, 0.005))
"""Seconds for each batch, and for each item."""


def learnt(batch_s: float, item_s: float, sizes: list[int]) -> Pace:
    pace = Pace()
    for size in sizes:
        pace.learn(size, batch_s + size * item_s)
    return pace


def test_nothing_is_known_before_a_batch_has_run() -> None:
    pace = Pace()
    assert not pace.is_known
    assert pace.seconds(100) == pace.queue_s(100, 0.05) == 0
    assert pace.fits(10_000, 0.05)


@given(COSTS, st.lists(st.integers(1, 200), min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_the_first_batch_is_known_at_once_and_nothing_is_ever_free(
    costs: tuple[float, float], sizes: list[int]
) -> None:
    batch_s, item_s = costs
    first = learnt(batch_s, item_s, sizes[:1])
    assert first.seconds(sizes[0]) == pytest.approx(batch_s + sizes[0] * item_s)
    pace = learnt(batch_s, item_s, sizes)
    assert pace.item_s > 0
    assert pace.batch_s >= 0


@given(COSTS, st.permutations([1, 16, 50, 100]))
@settings(max_examples=100, deadline=None)
def test_what_comes_again_and_again_is_foretold(costs: tuple[float, float], sizes: list[int]) -> None:
    batch_s, item_s = costs
    pace = learnt(batch_s, item_s, sizes * 40)
    for size in sizes:
        assert pace.seconds(size) == pytest.approx(batch_s + size * item_s, rel=0.1)


@given(COSTS, st.integers(1, 500))
@settings(max_examples=50, deadline=None)
def test_lone_requests_do_not_unlearn_what_many_take(costs: tuple[float, float], alone: int) -> None:
    batch_s, item_s = costs
    sizes = [48, 1] * 60
    before = learnt(batch_s, item_s, sizes).seconds(100)
    after = learnt(batch_s, item_s, [*sizes, *[1] * alone]).seconds(100)
    assert after == pytest.approx(before, rel=0.1)


@given(COSTS, st.floats(1, 1_000))
@settings(max_examples=100, deadline=None)
def test_a_stall_counts_as_twice_what_was_expected_however_long(
    costs: tuple[float, float], stall: float
) -> None:
    batch_s, item_s = costs
    pace = learnt(batch_s, item_s, [48, 1] * 60)
    before = pace.seconds(48)
    pace.learn(48, stall)
    assert before <= pace.seconds(48) <= 2 * before


@given(COSTS, st.sampled_from([0.2, 5.0]))
@settings(max_examples=100, deadline=None)
def test_a_machine_that_becomes_slower_or_faster_is_followed(
    costs: tuple[float, float], factor: float
) -> None:
    batch_s, item_s = costs
    pace = learnt(batch_s, item_s, [48] * 30)
    for _ in range(40):
        pace.learn(48, factor * (batch_s + 48 * item_s))
    assert pace.seconds(48) == pytest.approx(factor * (batch_s + 48 * item_s), rel=0.1)


@given(COSTS, st.integers(1, 5_000))
@settings(max_examples=100, deadline=None)
def test_batches_stay_short_where_they_cost_little_and_never_so_short_that_it_wastes_the_time(
    costs: tuple[float, float], waiting: int
) -> None:
    pace = learnt(*costs, [48, 1] * 60)
    turn = pace.turn_s(0.05)
    assert turn >= 0.05
    assert pace.batch_s <= 0.2 * turn + 1e-12
    # In turns it takes longer than all at once, but by a quarter at most.
    assert pace.seconds(waiting) <= pace.queue_s(waiting, turn) <= 1.25 * pace.seconds(waiting)
