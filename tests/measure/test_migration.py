"""Former thresholds and what is equal to them here: as many rows, in the same order, with the labels' precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import precision_score, recall_score

from holdfast.measure.migration import THRESHOLDS, Migration, migration, spearman
from holdfast.measure.refit import InvalidSample

scores = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.booleans()), min_size=4, max_size=80
).filter(lambda rows: all(len({row[side] for row in rows}) > 1 for side in range(3)))


def mapped(
    former: object,
    here: object,
    positive: object = None,
    thresholds: tuple[float, ...] = (),
    prevalence: float | None = None,
) -> Migration:
    return migration(
        "column:api",
        np.asarray(former, float),
        np.asarray(here, float),
        None if positive is None else np.asarray(positive, bool),
        thresholds,
        prevalence,
        np.random.default_rng(0),
        "rows.csv",
    )


@given(scores, st.lists(st.floats(0, 1), min_size=2, max_size=6), st.sampled_from([None, 0.1]))
@settings(max_examples=120, deadline=None)
def test_a_higher_threshold_is_never_equal_to_a_lower_cut_off(
    rows: list[tuple[int, int, bool]], thresholds: list[float], prevalence: float | None
) -> None:
    former, here, positive = (np.array(side) for side in zip(*rows, strict=True))
    found = mapped(former / 20, here / 20, positive, tuple(thresholds), prevalence)
    cuts = [2.0 if one.same_share.at is None else one.same_share.at for one in found.thresholds]
    assert cuts == sorted(cuts)


@given(scores, st.floats(0, 1))
@settings(max_examples=120, deadline=None)
def test_no_cut_off_comes_nearer_to_the_share(rows: list[tuple[int, int, bool]], threshold: float) -> None:
    former, here, _ = (np.array(side) for side in zip(*rows, strict=True))
    (found,) = mapped(former, here, None, (20 * threshold,)).thresholds
    wanted = (former >= 20 * threshold).mean()
    best = min(abs((here >= cut).mean() - wanted) for cut in [*np.unique(here), 99])
    assert abs(found.same_share.acted_on.value - wanted) == pytest.approx(best)  # type: ignore[operator]
    assert found.former.acted_on.value == pytest.approx(wanted)


@given(st.lists(st.integers(0, 1_000), min_size=10, max_size=200, unique=True), st.floats(0.05, 0.95))
@settings(max_examples=60, deadline=None)
def test_a_score_in_other_units_is_mapped_to_itself(values: list[int], threshold: float) -> None:
    """Any rising function of it acts on the very same rows."""
    former = np.array(values) / 1_000
    (found,) = mapped(former, np.sqrt(former), None, (threshold,)).thresholds
    assert found.agreement.value == 1
    assert (found.only_former, found.only_here) == (0, 0)
    acted_on = former[former >= threshold]
    assert found.same_share.at == (pytest.approx(np.sqrt(acted_on.min())) if acted_on.size else None)


def test_with_labels_the_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    positive = rng.random(500) < 0.4
    former, here = (np.clip(rng.normal(0.3 + 0.3 * positive, 0.2), 0, 1) for _ in range(2))
    found = mapped(former, here, positive)
    assert [one.former.at for one in found.thresholds] == list(THRESHOLDS)
    assert found.correlation.value == pytest.approx(spearmanr(former, here).statistic)
    for one in found.thresholds:
        before, after = former >= one.former.at, here >= one.same_share.at
        assert one.former.precision.value == pytest.approx(precision_score(positive, before))  # type: ignore[union-attr]
        assert one.former.recall.value == pytest.approx(recall_score(positive, before))  # type: ignore[union-attr]
        assert one.same_share.precision.value == pytest.approx(precision_score(positive, after))  # type: ignore[union-attr]
        assert one.agreement.value == pytest.approx((before == after).mean())
        assert one.only_former - one.only_here == before.sum() - after.sum()
        same = one.same_precision
        if same is None:
            continue
        assert same.precision.value >= one.former.precision.value - 1e-9  # type: ignore[union-attr, operator]
        lower = np.unique(here[here < same.at])
        assert all(precision_score(positive, here >= cut) < one.former.precision.value for cut in lower)  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("n", [120, 1_000])
def test_the_interval_holds_the_cut_off_that_is_equal_for_all(n: int) -> None:
    rng = np.random.default_rng(n)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        truth = rng.normal(0, 1, count)
        former, here = (1 / (1 + np.exp(-truth - rng.normal(0, 0.7, count))) for _ in range(2))
        return former, here**2

    former, here = drawn(400_000)
    equal = np.quantile(here, 1 - (former >= 0.7).mean())
    held = 0
    for _ in range(300):
        (found,) = mapped(*drawn(n), None, (0.7,)).thresholds
        assert found.low <= found.same_share.at <= found.high  # type: ignore[operator]
        held += found.low <= equal <= found.high
    assert 0.92 <= held / 300 <= 0.99


@given(scores, st.floats(0, 1), st.sampled_from([None, 0.1]))
@settings(max_examples=80, deadline=None)
def test_what_the_same_number_gives_here(
    rows: list[tuple[int, int, bool]], threshold: float, prevalence: float | None
) -> None:
    former, here, positive = (np.array(side) for side in zip(*rows, strict=True))
    (found,) = mapped(former / 20, here / 20, positive, (threshold,), prevalence).thresholds
    assert found.unchanged is not None and found.change is not None
    assert found.unchanged.at == found.former.at == threshold
    expected = found.unchanged.acted_on.value - found.former.acted_on.value  # type: ignore[operator]
    assert found.change.value == pytest.approx(expected)
    assert -1 <= found.change.low <= found.change.value <= found.change.high <= 1  # type: ignore[operator]
    before = former / 20 >= threshold
    after = here / 20 >= (2 if found.same_share.at is None else found.same_share.at)
    if before.any():
        assert found.again.value == pytest.approx((before & after).sum() / before.sum())
    else:
        assert found.again.value is None


@pytest.mark.parametrize("prevalence", [None, 0.1])
def test_the_interval_of_a_change_holds_the_change_of_all(prevalence: float | None) -> None:
    rng = np.random.default_rng(7)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        positive = rng.random(count) < 0.4
        truth = rng.normal(0, 1, count) + positive
        former, here = (1 / (1 + np.exp(-truth - rng.normal(0, 0.7, count))) for _ in range(2))
        return former, here**2, positive

    former, here, positive = drawn(400_000)
    weight = np.where(
        positive, (prevalence or 0.4) / positive.mean(), (1 - (prevalence or 0.4)) / (~positive).mean()
    )
    true = np.average((here >= 0.7).astype(float) - (former >= 0.7), weights=weight)
    held, times = 0, 300 if prevalence is None else 100  # with one, the other figures take long
    for _ in range(times):
        change = mapped(*drawn(150), (0.7,), prevalence).thresholds[0].change
        held += change.low <= true <= change.high  # type: ignore[union-attr, operator]
    assert 0.9 <= held / times <= 1


def test_a_threshold_that_nothing_reached_acts_on_nothing_here() -> None:
    (found,) = mapped([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [1, 0, 1, 0], (0.9,)).thresholds
    assert found.same_share.at is None
    assert found.same_share.acted_on.value == 0
    assert found.same_precision is None


def test_another_share_of_positives_weighs_the_rows() -> None:
    former, here = np.repeat([0.9, 0.1], 50), np.linspace(1, 0, 100)
    positive = np.tile([True, False], 50)
    (found,) = mapped(former, here, positive, (0.5,), 0.02).thresholds
    assert found.former.acted_on.value == pytest.approx(0.5)
    assert found.former.precision.value == pytest.approx(0.02, abs=1e-9)  # type: ignore[union-attr]


def test_scores_of_other_units_need_thresholds() -> None:
    former, here = np.arange(100.0), np.linspace(0, 1, 100)
    with pytest.raises(InvalidSample, match="not between 0 and 1") as raised:
        mapped(former, here)
    assert raised.value.value == "0 to 99"
    found = mapped(former, here, None, (50.0,))
    assert found.thresholds[0].agreement.value == 1
    assert (found.joint, found.thresholds[0].unchanged, found.thresholds[0].change) == (None, None, None)


def test_scores_that_are_all_the_same_are_refused() -> None:
    for former, here in (([0.5] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]), ([0.1, 0.2, 0.3, 0.4, 0.5], [0.5] * 5)):
        with pytest.raises(InvalidSample, match="the same in every row"):
            mapped(former, here)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=60))
@settings(max_examples=60, deadline=None)
def test_the_correlation_is_that_of_scipy(rows: list[tuple[int, int]]) -> None:
    one, other = (np.array(side, float) for side in zip(*rows, strict=True))
    if min(one.std(), other.std()) == 0:
        return
    found = spearman(one, other)
    assert found.value == pytest.approx(spearmanr(one, other).statistic, abs=1e-9)
    assert -1 <= found.low <= found.value <= found.high <= 1  # type: ignore[operator]
