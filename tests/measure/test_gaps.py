"""Gaps between slices: their size, their interval, and what chance alone would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.measure.figures import Confusion
from holdfast.measure.gaps import RATES, SMALL, Gap, gap

FPR, FNR = RATES


def with_rate(hits: int, n: int) -> Confusion:
    return Confusion(
        false_positives=hits, true_negatives=n - hits, false_negatives=n - hits, true_positives=hits
    )


def of(rate: str, slices: dict[str, Confusion], **options: object) -> Gap:
    return gap(rate, slices, np.random.default_rng(4), resamples=500, **options)  # type: ignore[arg-type]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(SMALL, 200)), min_size=2, max_size=8))
def test_it_is_the_largest_difference(pairs: list[tuple[int, int]]) -> None:
    slices = {f"s{place}": with_rate(min(hits, n), n) for place, (hits, n) in enumerate(pairs)}
    rates = [min(hits, n) / n for hits, n in pairs]
    found = of(FPR, slices)
    assert found.gap.value == pytest.approx(max(rates) - min(rates))
    assert found.gap.low <= found.gap.value <= found.gap.high
    assert found.lowest != found.highest
    assert 0 <= found.by_chance <= 1
    assert of(FNR, slices).gap.value == pytest.approx(max(rates) - min(rates))


def test_a_real_gap_is_beyond_chance_and_an_even_one_is_not() -> None:
    real = of(FPR, {"a": with_rate(5, 300), "b": with_rate(90, 300)})
    assert (real.lowest, real.highest, real.beyond_chance) == ("a", "b", True)
    assert real.gap.low > 0.2
    even = of(FPR, {"a": with_rate(30, 300), "b": with_rate(31, 300)})
    assert not even.beyond_chance


def test_chance_is_told_from_a_gap_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(6)
    alarms = 0
    for _ in range(300):
        slices = {str(place): with_rate(int(rng.binomial(80, 0.15)), 80) for place in range(10)}
        alarms += gap(FPR, slices, rng, resamples=300).beyond_chance
    assert alarms / 300 <= 0.09


def test_small_slices_and_rows_without_a_value_take_no_part() -> None:
    slices = {
        "a": with_rate(1, 100),
        "b": with_rate(2, 100),
        "few": with_rate(9, 9),
        "(unknown)": with_rate(90, 100),
    }
    found = of(FPR, slices, no_group=frozenset({"(unknown)"}))
    assert found.excluded == ("few", "(unknown)")
    assert found.slices == 2
    assert found.gap.value == pytest.approx(0.01)
    alone = of(FPR, {"a": with_rate(1, 100), "few": with_rate(1, 9)})
    assert alone.gap.value is None
    assert alone.gap.why == f"fewer than two slices have {SMALL} negative rows"
    assert not alone.beyond_chance
