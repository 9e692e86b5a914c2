"""Fitting a line: it finds what bent the probabilities, leaves good ones about alone, and refuses what cannot be fitted."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from holdfast.measure.refit import FEWEST, InvalidSample, check_sample, fit_line, parted, shifted
from holdfast.signals.recalibration import Line, Recalibration, logit


def drawn(seed: int, n: int, slope: float = 1.0, offset: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels that are positive with the probability on this line."""
    rng = np.random.default_rng(seed)
    said = 1 / (1 + np.exp(-rng.normal(-0.5, 2, n)))
    return said, rng.random(n) < Line(slope=slope, offset=offset)(said)


@given(st.integers(0, 10_000), st.floats(0.3, 2.5), st.floats(-2, 2))
@settings(max_examples=40, deadline=None)
def test_it_finds_the_line_that_the_labels_came_from(seed: int, slope: float, offset: float) -> None:
    found = fit_line(*drawn(seed, 20_000, slope, offset))
    assert found.slope == pytest.approx(slope, abs=0.25)
    assert found.offset == pytest.approx(offset, abs=0.25)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_probabilities_that_are_right_are_left_about_alone(seed: int) -> None:
    said, positive = drawn(seed, 20_000)
    moved = np.abs(fit_line(said, positive)(said) - said)
    assert moved.mean() < 0.01
    assert moved.max() < 0.04


def test_it_is_the_logistic_regression_of_scikit_learn() -> None:
    said, positive = drawn(3, 5_000, 0.6, -1)
    oracle = LogisticRegression(C=np.inf).fit(logit(said)[:, None], positive)
    found = fit_line(said, positive)
    assert found.slope == pytest.approx(oracle.coef_[0, 0], abs=0.01)
    assert found.offset == pytest.approx(oracle.intercept_[0], abs=0.01)


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 40))
@settings(max_examples=100, deadline=None)
def test_a_flawless_ranking_gets_a_finite_slope(seed: int, positives: int, negatives: int) -> None:
    rng = np.random.default_rng(seed)
    said = np.concatenate((rng.uniform(0.6, 1, positives), rng.uniform(0, 0.4, negatives)))
    found = fit_line(said, np.arange(said.size) < positives)
    assert 0 < found.slope < 20
    assert np.isfinite(found.offset)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_rows_does_not_matter(seed: int, shuffle: int) -> None:
    said, positive = drawn(seed, 300)
    order = np.random.default_rng(shuffle).permutation(said.size)
    one, other = fit_line(said, positive), fit_line(said[order], positive[order])
    assert one.slope == pytest.approx(other.slope, abs=1e-4)
    assert one.offset == pytest.approx(other.offset, abs=1e-4)


def test_labels_the_wrong_way_round_are_refused() -> None:
    said, positive = drawn(1, 500)
    with pytest.raises(InvalidSample, match="low, or by chance") as raised:
        fit_line(said, ~positive, "rows.csv, column y")
    assert raised.value.where == "rows.csv, column y"
    assert "--positive" in str(raised.value.next_step)


@pytest.mark.parametrize(
    ("positives", "negatives", "what"),
    [
        (0, 500, "has no positive row"),
        (500, 0, "has no negative row"),
        (FEWEST - 1, 500, "has too few positive rows"),
        (500, FEWEST - 1, "has too few negative rows"),
    ],
)
def test_too_few_rows_are_refused(positives: int, negatives: int, what: str) -> None:
    positive = np.arange(positives + negatives) < positives
    with pytest.raises(InvalidSample) as raised:
        check_sample(positive, np.linspace(0, 1, positive.size), "x")
    assert raised.value.what.startswith(what)
    assert raised.value.next_step


def test_scores_that_are_all_the_same_are_refused() -> None:
    positive = np.arange(100) < 50
    with pytest.raises(InvalidSample, match="the same probability in every row"):
        check_sample(positive, np.full(100, 0.25), "x")
    check_sample(positive, np.linspace(0, 1, 100), "x")


@given(st.lists(st.booleans(), min_size=2, max_size=200), st.integers(0, 1_000))
@settings(max_examples=100, deadline=None)
def test_either_part_gets_half_of_either_class(labels: list[bool], seed: int) -> None:
    positive = np.array(labels)
    chosen = parted(positive, np.random.default_rng(seed))
    for side in (positive, ~positive):
        assert (chosen & side).sum() == side.sum() // 2
    assert (chosen == parted(positive, np.random.default_rng(seed))).all()


@given(st.floats(0.01, 0.99), st.floats(0.001, 0.999))
@settings(max_examples=100, deadline=None)
def test_a_shifted_line_is_bayes_rule(sample: float, platform: float) -> None:
    said = np.linspace(0.01, 0.99, 50)
    moved = shifted(Line(), sample, platform)(said)
    for_positive, for_negative = said * platform / sample, (1 - said) * (1 - platform) / (1 - sample)
    assert moved == pytest.approx(for_positive / (for_positive + for_negative), abs=1e-5)


def test_a_sample_rich_in_positives_is_right_for_the_platform_once_shifted() -> None:
    said, positive = drawn(5, 200_000, 1, -2)
    rng = np.random.default_rng(0)
    taken = positive | (rng.random(said.size) < 0.1)  # what a platform labels: all positives, few others
    line = shifted(
        fit_line(said[taken], positive[taken]), float(positive[taken].mean()), float(positive.mean())
    )
    assert line.slope == pytest.approx(1, abs=0.05)
    assert line.offset == pytest.approx(-2, abs=0.1)


def test_a_line_as_steep_as_it_gets_can_be_loaded_again(tmp_path: Path) -> None:
    said = np.where(np.arange(20_000) < 10_000, 0.0002, 0.0001)
    line = fit_line(said, said > 0.00015)
    line = shifted(line, 0.5, 1e-6)
    made = Recalibration.of("abc.se", {"hate": line})
    (tmp_path / "c.json").write_bytes(msgspec.json.encode(made))
    assert Recalibration.load(tmp_path / "c.json") == made
