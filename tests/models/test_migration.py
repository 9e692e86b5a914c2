"""Rank correlation is Spearman's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.heads import HEADS
from models.migration import ATTRIBUTES, ranks, spearman
from scipy.stats import rankdata, spearmanr

_PAIRS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.sampled_from([0.0, 0.3, 0.6, 0.9])),
    min_size=4,
    max_size=12,
).filter(lambda pairs: all(len({pair[at] for pair in pairs}) > 1 for at in (0, 1)))


@settings(max_examples=30, deadline=None)
@given(_PAIRS)
def test_ranks_and_correlation_are_the_library_s(pairs: list[tuple[float, float]]) -> None:
    one, other = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    assert ranks(one).tolist() == rankdata(one).tolist()
    figure = spearman(one, other)
    assert figure.value == pytest.approx(spearmanr(one, other).statistic)
    assert figure.low is not None and figure.high is not None
    assert -1 - 1e-9 <= figure.low <= figure.value <= figure.high <= 1 + 1e-9


def test_what_never_varies_has_no_correlation() -> None:
    assert spearman(np.array([1.0, 1, 1, 1]), np.array([1.0, 2, 3, 4])).value is None
    assert spearman(np.array([1.0, 2]), np.array([1.0, 2])).value is None


def test_attributes_stand_on_heads() -> None:
    assert all(head in HEADS for heads in ATTRIBUTES.values() for head in heads)
