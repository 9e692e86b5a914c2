"""Conformal cut-offs: on rows that could have come in any order they cover what they promise, for any number of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.measure.conformal import bands, ceiling_of, covered, floor_of, mixed, needed

TRIALS = 4_000


@pytest.mark.parametrize("n", [9, 19, 50, 137])
@pytest.mark.parametrize("miss", [0.1, 0.25])
@pytest.mark.parametrize("decimals", [1, 12])
def test_the_next_row_is_covered_as_often_as_promised(n: int, miss: float, decimals: int) -> None:
    """Ties (scores of one decimal) cost nothing but strictness."""
    rng = np.random.default_rng(n)
    drawn = np.round(rng.beta(0.5, 0.7, (TRIALS, n + 1)), decimals)
    below = above = 0
    for row in drawn:
        lowest, highest = floor_of(row[1:], miss), ceiling_of(row[1:], miss)
        below += lowest.cut is not None and row[0] < lowest.cut
        above += highest.cut is not None and row[0] > highest.cut
    slack = 3 * (miss * (1 - miss) / TRIALS) ** 0.5
    assert below / TRIALS <= miss + slack
    assert above / TRIALS <= miss + slack
    if decimals == 12:  # and not much more often
        assert below / TRIALS >= miss - 1 / (n + 1) - slack
        assert above / TRIALS >= miss - 1 / (n + 1) - slack


@given(st.floats(0.001, 0.5), st.integers(0, 20))
@settings(max_examples=100, deadline=None)
def test_no_cut_off_is_promised_with_too_few_rows(miss: float, more: int) -> None:
    enough = needed(miss)
    assert floor_of(np.linspace(0, 1, enough + more), miss).cut is not None
    assert ceiling_of(np.linspace(0, 1, enough + more), miss).cut is not None
    assert floor_of(np.linspace(0, 1, enough - 1), miss).cut is None
    assert ceiling_of(np.linspace(0, 1, enough - 1), miss).cut is None


@given(st.lists(st.floats(0, 1), min_size=20, max_size=100), st.floats(0.05, 0.4), st.floats(0.05, 0.4))
@settings(max_examples=100, deadline=None)
def test_a_stricter_promise_moves_the_cut_off_outwards(given: list[float], one: float, other: float) -> None:
    scores, (less, more) = np.array(given), sorted((one, other))
    assert floor_of(scores, less).cut <= floor_of(scores, more).cut  # type: ignore[operator]
    assert ceiling_of(scores, less).cut >= ceiling_of(scores, more).cut  # type: ignore[operator]
    mirrored = ceiling_of(1 - scores, one).cut
    assert mirrored == pytest.approx(1 - floor_of(scores, one).cut)  # type: ignore[operator]


def test_the_range_given_these_rows_holds_what_is_covered() -> None:
    """Of many samples about 95 % have the coverage of all that is to come inside the range that they tell."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        bound = floor_of(rng.random(80), 0.1)  # uniform: the cut-off is the share below it
        low, high = covered(bound, rng)
        held += low <= 1 - float(bound.cut or 0) <= high
    assert 0.92 <= held / 400 <= 0.98


def test_the_sets_cover_either_class() -> None:
    """Class by class (Mondrian), however unlike and unequal they are."""
    rng = np.random.default_rng(2)

    def sample(n: int) -> tuple[np.ndarray, np.ndarray]:
        positive = rng.random(n) < 0.2
        return rng.beta(np.where(positive, 3, 1), np.where(positive, 1.5, 4)), positive

    hits = np.zeros(2)
    for _ in range(300):
        scores, positive = sample(400)
        found = bands(scores, positive, *sample(50), 0.9, None, rng)
        new, truly = sample(200)
        hits += (new[truly] >= found.positive_from).mean(), (new[~truly] <= found.negative_up_to).mean()
        assert 0 <= found.unsure.value + found.sure.value <= 1 + 1e-9  # type: ignore[operator]
    assert hits / 300 == pytest.approx(0.9, abs=0.015)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60).filter(
        lambda rows: len({label for _, label in rows}) == 2
    ),
    st.floats(0.01, 0.99),
)
@settings(max_examples=60, deadline=None)
def test_a_mixed_share_weighs_the_classes(rows: list[tuple[bool, bool]], prevalence: float) -> None:
    hit, positive = (np.array(side) for side in zip(*rows, strict=True))
    found = mixed(hit, positive, prevalence, np.random.default_rng(0))
    assert found.value == pytest.approx(
        prevalence * hit[positive].mean() + (1 - prevalence) * hit[~positive].mean()
    )
    assert 0 <= found.low <= found.value <= found.high <= 1 + 1e-9  # type: ignore[operator]
    assert mixed(hit, positive, None, np.random.default_rng(0)).value == pytest.approx(hit.mean())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_a_promise_that_hardly_asks_for_anything_stays_within_the_rows(given: list[float]) -> None:
    scores = np.array(given)
    assert floor_of(scores, 1 - 1e-12).cut == scores.max()
    assert ceiling_of(scores, 1 - 1e-12).cut == scores.min()
