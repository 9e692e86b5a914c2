"""Two scores of the same rows as a plot shows them: where the rows lie, and which value of one is as rare as which of
the other."""

from __future__ import annotations

import msgspec
import numpy as np

from holdfast.measure.figures import Floats

CELLS = 24
"""Of either score, between 0 and 1."""
POINTS = 101


class Joint(msgspec.Struct, frozen=True, kw_only=True):
    """`cells` are (former, here, rows) by number of the cell, where there are rows. `equal` are pairs of a former value
    and the one here that as large a share of all rows reaches, from the lowest on."""

    cells: tuple[tuple[int, int, int], ...]
    equal: tuple[tuple[float, float], ...]


def joint(former: Floats, here: Floats) -> Joint:
    """Of scores between 0 and 1, row by row."""
    places = [np.minimum((scores * CELLS).astype(np.int64), CELLS - 1) for scores in (former, here)]
    counts = np.bincount(places[0] * CELLS + places[1], minlength=CELLS * CELLS)
    shares = np.linspace(0, 1, POINTS)
    # Neither is interpolated: a share is what some row's score gives.
    one, other = (np.quantile(scores, shares, method="inverted_cdf") for scores in (former, here))
    return Joint(
        cells=tuple(
            (int(cell) // CELLS, int(cell) % CELLS, int(counts[cell])) for cell in np.flatnonzero(counts)
        ),
        equal=tuple(dict.fromkeys(zip(one.tolist(), other.tolist(), strict=True))),
    )
