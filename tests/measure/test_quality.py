"""How good probabilities are: as scikit-learn has it, with intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from holdfast.measure.quality import losses, mean, quality


@given(st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=4, max_size=80))
@settings(max_examples=40, deadline=None)
def test_the_figures_are_those_of_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    said, positive = (np.array(side) for side in zip(*rows, strict=True))
    found = quality(said, positive, np.random.default_rng(0))
    assert found.brier.value == pytest.approx(brier_score_loss(positive, said))
    assert found.log_loss.value == pytest.approx(log_loss(positive, said, labels=[False, True]))
    for figure in (found.brier, found.log_loss, found.ece):
        assert figure.low <= figure.value <= figure.high  # type: ignore[operator]


def test_what_is_certain_and_wrong_costs_much_but_not_everything() -> None:
    assert losses(np.array([0.0, 1.0]), np.array([True, False])) == pytest.approx([9.9, 9.9], abs=0.01)


@pytest.mark.parametrize("n", [60, 1_200])  # under and over what is resampled row by row
def test_the_interval_of_a_mean_holds_it(n: int) -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(120):
        found = mean(rng.exponential(1, n), rng)
        held += found.low <= 1 <= found.high  # type: ignore[operator]
    assert 0.89 <= held / 120 <= 0.99
