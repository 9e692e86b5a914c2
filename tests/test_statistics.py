import math
import random

from hypothesis import given
from hypothesis import strategies as st

from holdfast.statistics import paired_difference_interval, share_interval

counts = st.integers(0, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts)
def test_a_share_lies_in_its_interval_and_the_interval_in_0_to_1(pair: tuple[int, int]) -> None:
    hits, n = pair
    estimate, low, high = share_interval(hits, n)
    assert 0 <= low <= high <= 1
    assert math.isnan(estimate) if n == 0 else low <= estimate <= high


@given(counts, st.integers(2, 50))
def test_more_data_narrows_the_interval(pair: tuple[int, int], factor: int) -> None:
    hits, n = pair
    if n:
        few, many = share_interval(hits, n), share_interval(hits * factor, n * factor)
        assert many.high - many.low < few.high - few.low


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 5_000))
def test_a_paired_change_mirrors_when_gains_and_losses_swap(gained: int, lost: int, same: int) -> None:
    n = gained + lost + same
    one, other = paired_difference_interval(gained, lost, n), paired_difference_interval(lost, gained, n)
    if n:
        assert math.isclose(one.estimate, -other.estimate, abs_tol=1e-12)
        assert math.isclose(one.low, -other.high, abs_tol=1e-12)
        assert one.low <= one.estimate <= one.high


def test_wilson_matches_a_published_example() -> None:
    # Newcombe 1998, table I: 15 of 148 gives 0.0624 to 0.1605.
    _, low, high = share_interval(15, 148)
    assert (round(low, 4), round(high, 4)) == (0.0624, 0.1605)


def test_both_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = random.Random(7)
    share_hit = change_hit = 0
    trials, n = 600, 120
    for _ in range(trials):
        hits = sum(rng.random() < 0.05 for _ in range(n))
        share_hit += share_interval(hits, n)[1] <= 0.05 <= share_interval(hits, n)[2]
        draws = [rng.random() for _ in range(n)]
        gained, lost = sum(d < 0.08 for d in draws), sum(0.08 <= d < 0.11 for d in draws)
        _, low, high = paired_difference_interval(gained, lost, n)
        change_hit += low <= 0.05 <= high
    assert share_hit / trials > 0.93
    assert change_hit / trials > 0.93
