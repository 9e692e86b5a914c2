"""Curves are recovered from the labels they gave, and the student is trusted no further than it may lose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.calibration import BINDING, HARMFUL, MAY_LOSE, apply, fitted, platt, trusted
from models.examples import Examples
from models.heads import GROUPS, HEADS
from sklearn.linear_model import LogisticRegression

from holdfast.signals.classifier_input import Window
from holdfast.signals.classifier_model import sigmoid


def examples(targets: np.ndarray, sources: list[str]) -> Examples:
    n = len(sources)
    wide = np.full((n, len(HEADS) + len(GROUPS)), np.nan, np.float32)
    wide[:, : targets.shape[1]] = targets
    return Examples(
        [Window((1, 2), (0, 0))] * n, wide, np.ones(n, np.float32), sources, [None] * n, [None] * n
    )


@given(st.floats(0.2, 2.5), st.floats(-3, 3), st.floats(0.5, 12), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_curve_is_recovered(slope: float, offset: float, spread: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(0, spread, 4000)
    found = platt(logits, sigmoid(slope * logits + offset), np.ones(4000))
    assert (found.slope, found.offset) == pytest.approx((slope, offset), abs=0.02)


def test_the_curve_is_a_logistic_regression_s() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(0, 8, 3000)  # as sure of itself as a trained network
    truth = (random.random(3000) < sigmoid(0.3 * logits - 0.5)).astype(float)
    oracle = LogisticRegression(C=np.inf).fit(logits[:, None], truth)
    found = platt(logits, truth, np.ones(3000))
    assert (found.slope, found.offset) == pytest.approx((oracle.coef_[0, 0], oracle.intercept_[0]), abs=1e-3)


def test_a_head_with_too_few_labels_stays_as_it_is() -> None:
    logits = np.random.default_rng(0).normal(0, 1, (500, len(HEADS))).astype(np.float32)
    targets = np.full((500, len(HEADS)), np.nan, np.float32)
    targets[:, 0] = logits[:, 0] > 0.2
    targets[:20, 1] = 1
    assert list(fitted(logits, examples(targets, ["a"] * 500))) == [HEADS[0]]


@given(st.integers(0, 20))
@settings(max_examples=20, deadline=None)
def test_the_student_loses_no_more_than_it_may(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = 6 * BINDING
    caught = random.random(n) < 0.5
    encoder = np.where(caught, 0.9, 0.1)[:, None] * np.ones((1, len(HEADS)))
    student = np.where(caught, 2, -4)[:, None] + random.normal(0, 2, (n, len(HEADS) + len(GROUPS)))
    sources = ["a"] * (n // 2) + ["b"] * (n - n // 2)
    distilled, told = trusted(student.astype(np.float32), encoder, examples(encoder, sources))
    assert distilled.heads == HARMFUL
    columns = [HEADS.index(head) for head in HARMFUL]
    lets_go = sigmoid(student[:, columns].astype(np.float32)).max(1) < distilled.certain
    for source in ("a", "b"):
        among = caught & (np.array(sources) == source)
        assert lets_go[among].mean() <= MAY_LOSE
    assert lets_go[~caught].mean() > 0.01
    assert told["student_certain_alone"] == distilled.certain
    assert distilled.certain_in_context == 0  # nothing is known of texts in a context


def test_applied_curves_bend_only_their_heads() -> None:
    logits = np.ones((3, len(HEADS) + len(GROUPS)), np.float32)
    targets = np.full((3, len(HEADS)), np.nan, np.float32)
    assert (
        apply(logits, fitted(logits, examples(targets, ["a"] * 3))).tolist()
        == logits[:, : len(HEADS)].tolist()
    )
