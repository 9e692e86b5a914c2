"""Figures agree with their definitions, counted pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.figures import auc, by_functionality, by_source, f1, macro_f1
from models.heads import GROUPS, HEADS

_SCORED = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.9])), min_size=2).filter(
    lambda rows: len({truth for truth, _ in rows}) == 2
)


@given(_SCORED)
def test_auc_is_how_often_a_positive_scores_above_a_negative(rows: list[tuple[bool, float]]) -> None:
    truth, scores = np.array([t for t, _ in rows]), np.array([s for _, s in rows])
    pairs = [float(p > n) + 0.5 * float(p == n) for p in scores[truth] for n in scores[~truth]]
    assert auc(truth, scores) == pytest.approx(np.mean(pairs))


def test_f1_by_hand() -> None:
    truth = np.array([True, True, False, False])
    said = np.array([True, False, True, False])
    assert f1(truth, said) == 0.5
    assert macro_f1(truth, said) == 0.5
    assert f1(truth, np.zeros(4, np.bool_)) == 0


def test_unknown_labels_and_thin_slices_are_left_out() -> None:
    labels = np.full((60, len(HEADS)), np.nan, np.float32)
    labels[:40, 0] = [0, 1] * 20
    scores = np.tile(np.nan_to_num(labels[:, :1]), (1, len(HEADS))).astype(np.float32)
    found = by_source(labels, scores, ["one"] * 30 + ["two"] * 30)
    assert set(found) == {"hate"}
    assert set(found["hate"]) == {"all", "one"}  # "two" has five of each
    assert found["hate"]["all"] == {"rows": 40, "positive": 0.5, "auc": 1.0, "f1": 1.0, "macro_f1": 1.0}


def test_a_functionality_is_right_when_what_is_done_is_right() -> None:
    labels = np.full((4, len(HEADS) + len(GROUPS)), np.nan, np.float32)
    scores = np.zeros_like(labels)
    labels[:, HEADS.index("hate")] = [1, 1, 0, 0]
    scores[0, HEADS.index("threat")] = 0.9  # acted on for another reason: acted on
    scores[2, HEADS.index("profanity")] = 0.9  # nothing to act on
    found = by_functionality(labels, scores, ["wishes", "wishes", "memory", None])
    assert found == {
        "memory": {"rows": 1, "acted_on": 0.0, "accuracy": 1.0},
        "wishes": {"rows": 2, "acted_on": 1.0, "accuracy": 0.5},
    }
