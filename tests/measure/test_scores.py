"""Figures of a score: as scikit-learn has them, whatever the ties and the order of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from holdfast.measure.scores import BINS, CURVE_POINTS, ScoreFigures, rank, score_figures

scored = st.lists(st.tuples(st.booleans(), st.sampled_from([0, 0.1, 0.25, 0.5, 0.75, 1]) | st.floats(0, 1)), min_size=2, max_size=90)  # fmt: skip


def of(positive: np.ndarray, scores: np.ndarray, **options: int) -> ScoreFigures:
    return score_figures(
        np.asarray(positive, bool),
        np.asarray(scores, float),
        np.random.default_rng(3),
        resamples=200,
        **options,
    )


def sample(n: int, seed: int, shift: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    return positive, 1 / (1 + np.exp(-(rng.normal(size=n) + shift * positive)))


@settings(max_examples=150, deadline=None)
@given(scored)
def test_figures_are_those_of_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    positive, scores = (np.array(side) for side in zip(*rows, strict=True))
    found = of(positive, scores)
    if positive.all() or not positive.any():
        assert found.auc.why == found.average_precision.why
        assert "no row with a score is" in str(found.auc.why)
        assert found.curve == ()
        assert found.best_f1 is None
        return
    assert found.auc.value == pytest.approx(metrics.roc_auc_score(positive, scores))
    assert found.average_precision.value == pytest.approx(metrics.average_precision_score(positive, scores))
    for figure in (found.auc, found.average_precision, found.ece):
        assert figure.low <= figure.value <= figure.high
    best = max(metrics.f1_score(positive, scores >= cut) for cut in scores)
    assert found.best_f1.f1 == pytest.approx(best)
    assert metrics.f1_score(positive, scores >= found.best_f1.threshold) == pytest.approx(best)
    precision, recall, _ = metrics.precision_recall_curve(positive, scores)
    expected = set(zip(precision.round(9), recall.round(9), strict=True))
    assert {(round(p.precision, 9), round(p.recall, 9)) for p in found.curve} <= expected
    assert len(found.curve) <= CURVE_POINTS


@settings(max_examples=60, deadline=None)
@given(scored, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[bool, float]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(rows, len(rows))
    assert of(*zip(*rows, strict=True)) == of(*zip(*shuffled, strict=True))


def test_the_calibration_error_is_that_of_equal_mass_bins() -> None:
    positive, scores = sample(15 * 40, seed=5)
    found = of(positive, scores)
    observed, said = calibration_curve(positive, scores, n_bins=BINS, strategy="quantile")
    assert [one.n for one in found.reliability] == [40] * BINS
    assert [one.positive for one in found.reliability] == pytest.approx(observed)
    assert [one.mean_score for one in found.reliability] == pytest.approx(said)
    assert found.ece.value == pytest.approx(np.abs(observed - said).mean())


def test_a_probability_is_told_from_a_score_that_is_none() -> None:
    rng = np.random.default_rng(8)
    scores = rng.random(4_000)
    positive = rng.random(4_000) < scores
    honest, inflated = of(positive, scores), of(positive, np.sqrt(scores))
    assert honest.ece.value <= honest.ece_if_calibrated < 0.05
    assert inflated.ece.low > inflated.ece_if_calibrated
    assert "no probabilities: 0" in of(positive, scores.round() * 12).ece.why


@given(st.floats(0, 1), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_a_constant_score_ranks_nothing(score: float, positives: int, negatives: int) -> None:
    positive = np.repeat([True, False], [positives, negatives])
    found = of(positive, np.full(positive.size, score))
    assert found.auc.value == found.auc.low == found.auc.high == 0.5
    assert found.average_precision.value == pytest.approx(positives / positive.size)
    assert len(found.reliability) == len(found.curve) == 1


def test_a_perfect_score_is_perfect_and_not_certain() -> None:
    found = of(np.repeat([True, False], 10), np.linspace(1, 0, 20))
    assert found.auc.value == found.average_precision.value == found.best_f1.f1 == 1
    assert 0.6 < found.auc.low < 1


def test_grouping_for_the_bootstrap_changes_no_estimate_and_hardly_an_interval() -> None:
    positive, scores = sample(3_000, seed=2)
    coarse, fine = of(positive, scores, cells=100), of(positive, scores, cells=10_000)
    assert coarse.auc.value == fine.auc.value
    for name in ("auc", "average_precision"):
        one, other = getattr(coarse, name), getattr(fine, name)
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.01)


def test_the_interval_of_auc_covers_the_truth() -> None:
    positive, scores = sample(400_000, seed=0)
    truth = metrics.roc_auc_score(positive, scores)
    held = 0
    for seed in range(1, 301):
        found = of(*sample(120, seed))
        held += found.auc.low <= truth <= found.auc.high
    assert 0.91 <= held / 300 <= 0.99


def test_no_scores_at_all() -> None:
    found = of(np.array([], bool), np.array([]))
    assert found.auc.why == found.ece.why == "no row has a score"


def test_rank_groups_ties() -> None:
    ranked = rank(np.array([True, False, True, False]), np.array([0.5, 0.5, 0.9, -0.0]))
    assert ranked.scores.tolist() == [0.9, 0.5, 0.0]
    assert ranked.positives.tolist() == [1, 1, 0]
    assert ranked.negatives.tolist() == [0, 1, 1]
