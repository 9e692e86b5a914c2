"""What a plot of two scores shows: every row in one cell, and pairs of values that are equally rare."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.measure.joint import CELLS, joint

scores = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=300)


@given(scores)
@settings(max_examples=150, deadline=None)
def test_every_row_is_in_one_cell_and_pairs_rise_together(rows: list[tuple[float, float]]) -> None:
    former, here = (np.array(side) for side in zip(*rows, strict=True))
    found = joint(former, here)
    assert sum(count for *_, count in found.cells) == len(rows)
    counts = {(column, row): count for column, row, count in found.cells}
    assert len(counts) == len(found.cells)
    for column, row in counts:
        assert 0 <= column < CELLS and 0 <= row < CELLS
    for one, other in rows:
        assert (min(int(one * CELLS), CELLS - 1), min(int(other * CELLS), CELLS - 1)) in counts
    assert list(found.equal) == sorted(found.equal)
    assert [here for _, here in found.equal] == sorted(here for _, here in found.equal)
    assert found.equal[0] == (former.min(), here.min())
    assert found.equal[-1] == (former.max(), here.max())


def test_equal_values_are_reached_by_as_many_rows() -> None:
    rng = np.random.default_rng(0)
    former, here = rng.permutation(1_000) / 1_000, (rng.permutation(1_000) / 1_000) ** 3
    for before, after in joint(former, here).equal:
        assert (former >= before).sum() == (here >= after).sum()
