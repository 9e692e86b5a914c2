"""Cut-offs: they give what was asked on new rows, and say so when nothing can."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.measure.cut_offs import CutOff, InvalidTarget, Rows, Target, cut_off, lower_first, precision_at

PRECISE, FOUND, CALM = (
    Target(aim="precision", bound=0.9),
    Target(aim="recall", bound=0.9),
    Target(aim="false-positives", bound=0.02),
)


def drawn(rng: np.random.Generator, n: int, share: float = 0.3) -> Rows:
    """Calibrated probabilities of four decimals, as the classifier gives them."""
    scores = np.round(1 / (1 + np.exp(-rng.normal(np.log(share / (1 - share)), 2.5, n))), 4)
    return Rows(scores, rng.random(n) < scores)


def of(target: Target, fitted: Rows, kept: Rows, prevalence: float | None = None) -> CutOff:
    return cut_off(target, fitted, kept, prevalence, np.random.default_rng(0))


def test_the_targets_hold_on_rows_to_come() -> None:
    rng = np.random.default_rng(1)
    new = drawn(rng, 200_000)
    precision, recall, false = [], [], []
    for _ in range(60):
        fitted, kept = drawn(rng, 400), drawn(rng, 400)
        act, review, calm = (of(target, fitted, kept) for target in (PRECISE, FOUND, CALM))
        assert review.promised and calm.promised and not act.promised
        assert act.unmet is review.unmet is calm.unmet is None
        precision.append(new.positive[new.scores >= act.at].mean())
        recall.append((new.scores[new.positive] >= review.at).mean())
        false.append((new.scores[~new.positive] >= calm.at).mean())
    assert np.mean(recall) == pytest.approx(0.9, abs=0.012)
    assert np.mean(false) <= 0.023
    assert np.mean(np.array(precision) >= 0.89) >= 0.7


@given(st.integers(0, 1_000), st.sampled_from([PRECISE, FOUND, CALM]), st.sampled_from([None, 0.05, 0.6]))
@settings(max_examples=60, deadline=None)
def test_the_figures_are_those_of_the_kept_rows(seed: int, target: Target, prevalence: float | None) -> None:
    rng = np.random.default_rng(seed)
    fitted, kept = drawn(rng, 200), drawn(rng, 200)
    found = of(target, fitted, kept, prevalence)
    assert found.at is not None
    beyond = kept.scores >= found.at
    recall, false = beyond[kept.positive].mean(), beyond[~kept.positive].mean()
    assert found.recall.value == pytest.approx(recall)
    assert found.false_positive_rate.value == pytest.approx(false)
    share = kept.positive.mean() if prevalence is None else prevalence
    assert found.acted_on.value == pytest.approx(share * recall + (1 - share) * false)
    if beyond.any():
        assert found.precision.value == pytest.approx(
            share * recall / (share * recall + (1 - share) * false), abs=1e-9
        )
    assert (
        found.achieved
        is {
            "precision": found.precision,
            "recall": found.recall,
            "false-positives": found.false_positive_rate,
        }[target.aim]
    )


@given(st.integers(0, 1_000), st.floats(0.3, 0.95), st.floats(0.3, 0.95))
@settings(max_examples=60, deadline=None)
def test_who_wants_more_recall_cuts_lower(seed: int, one: float, other: float) -> None:
    rng = np.random.default_rng(seed)
    fitted, kept = drawn(rng, 200), drawn(rng, 200)
    less, more = (of(Target(aim="recall", bound=bound), fitted, kept).at for bound in sorted((one, other)))
    assert more <= less  # type: ignore[operator]


@given(st.integers(0, 1_000), st.floats(0.01, 0.5), st.floats(0.01, 0.5))
@settings(max_examples=60, deadline=None)
def test_who_wants_fewer_false_positives_cuts_higher(seed: int, one: float, other: float) -> None:
    rng = np.random.default_rng(seed)
    fitted, kept = drawn(rng, 400), drawn(rng, 400)
    fewer, more = (of(Target(aim="false-positives", bound=b), fitted, kept).at for b in sorted((one, other)))
    assert fewer >= more  # type: ignore[operator]


def test_what_no_cut_off_gives_is_said_with_what_is_possible() -> None:
    rng = np.random.default_rng(3)
    noise = Rows(np.round(rng.random(300), 4), rng.random(300) < 0.3)
    act = of(PRECISE, noise, noise)
    assert "no cut-off reaches it" in str(act.unmet)
    assert act.at is not None
    few = Rows(np.round(rng.random(40), 4), np.arange(40) < 5)
    review = of(FOUND, few, few)
    assert "it takes 9 positive rows" in str(review.unmet)
    assert "there are 5: they can promise at least 83.3 %" in str(review.unmet)
    assert review.at == few.scores[few.positive].min()
    assert not review.promised
    calm = of(Target(aim="false-positives", bound=0.01), few, few)
    assert "it takes 99 negative rows" in str(calm.unmet)
    assert calm.at > few.scores[~few.positive].max()  # type: ignore[operator]


def test_negative_rows_at_the_very_top_leave_nothing_above() -> None:
    rows = Rows(np.ones(400), np.arange(400) < 200)
    found = of(CALM, rows, rows)
    assert found.at is None
    assert "highest probability" in str(found.unmet)
    assert found.acted_on.value == 0
    assert found.precision.value is None


def test_looking_begins_no_higher_than_acting() -> None:
    scores = np.round(np.concatenate((np.linspace(0.5, 1, 200), np.linspace(0, 0.55, 200))), 4)
    rows = Rows(scores, np.arange(400) < 200)
    rng = np.random.default_rng(0)
    act, review = of(PRECISE, rows, rows), of(Target(aim="recall", bound=0.5), rows, rows)
    assert act.at < review.at  # type: ignore[operator]
    moved = lower_first(act, review, rows, None, rng)
    assert moved.at == act.at
    assert moved.recall.value >= 0.5  # type: ignore[operator]
    assert "acting reaches it already" in str(moved.note)
    other = of(Target(aim="precision", bound=0.99), rows, rows)
    assert lower_first(act, other, rows, None, rng).at == other.at
    assert lower_first(review, act, rows, None, rng) is act
    unmet = msgspec.structs.replace(act, unmet="no cut-off reaches it")
    assert lower_first(unmet, review, rows, None, rng) is review


def test_no_false_positive_is_taken_that_finds_nothing() -> None:
    """Where the classes do not touch, the cut-off for precision lies at the lowest positive row."""
    scores = np.round(np.concatenate((np.linspace(0.6, 1, 100), np.linspace(0, 0.4, 100))), 4)
    rows = Rows(scores, np.arange(200) < 100)
    assert of(PRECISE, rows, rows).at == 0.6


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.01, 0.99))
@settings(max_examples=100, deadline=None)
def test_precision_moves_with_the_share_of_positives(hits: int, false: int, prevalence: float) -> None:
    kept = Rows(np.zeros(100), np.arange(100) < 50)
    here, there = precision_at(hits, false, kept, None), precision_at(hits, false, kept, prevalence)
    if here.value is None:
        assert there.value is None
        return
    assert there.low <= there.value <= there.high  # type: ignore[operator]
    if 0 < here.value < 1:
        assert (there.value > here.value) == (prevalence > 0.5) or prevalence == pytest.approx(0.5)
    else:
        assert there.value == here.value


@pytest.mark.parametrize(
    "given",
    [
        "",
        "recall",
        "recall=",
        "recall=1",
        "recall=0",
        "recall=90%",
        "f1=0.9",
        "recall=nan",
        "recall=1e-300",
        "=0.9",
    ],
)
def test_targets_that_are_none(given: str) -> None:
    with pytest.raises(InvalidTarget, match="is not a target") as raised:
        Target.parse(given, "--act")
    assert raised.value.where == "--act"


def test_targets_as_they_are_told() -> None:
    assert str(Target.parse("recall=0.9", "--act")) == "recall at least 90 %"
    assert str(Target.parse("false-positives=0.005", "--act")) == "false positives at most 0.5 %"
    assert Target.parse("precision=0.95", "--act").met(0.96)
    assert not Target.parse("false-positives=0.05", "--act").met(0.06)
