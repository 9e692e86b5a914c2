"""A text is acted on where a head that counts reaches its cut-off, and never for what is unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import cutoffs
from models.heads import HEADS
from models.sources import InvalidRecipe

_ROWS = st.lists(
    st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), min_size=len(HEADS), max_size=len(HEADS)),
    min_size=1,
    max_size=5,
)


@settings(deadline=None)
@given(_ROWS)
def test_acting_needs_a_head_that_counts(rows: list[list[float]]) -> None:
    cuts = cutoffs.load()
    table = np.array(rows)
    expected = [any(row[HEADS.index(head)] >= cuts.act[head] for head in cuts.acts) for row in rows]
    assert cuts.acted_on(table).tolist() == expected
    assert (cuts.reviewed(table) >= cuts.acted_on(table)).all()


@settings(deadline=None)
@given(_ROWS)
def test_heads_that_nobody_labelled_say_nothing(rows: list[list[float]]) -> None:
    cuts = cutoffs.load()
    table = np.array(rows)
    assert not cuts.acted_on(table, np.zeros(table.shape, np.bool_)).any()
    assert (cuts.acted_on(table, np.ones(table.shape, np.bool_)) == cuts.acted_on(table)).all()


def test_what_labels_ask_for() -> None:
    cuts = cutoffs.load()
    labels = np.full((4, len(HEADS)), np.nan)
    labels[0, HEADS.index("hate")] = 1
    labels[1, HEADS.index("hate")] = 0
    labels[2, HEADS.index("profanity")] = 1  # describes, and is not acted on
    labels[3, [HEADS.index("hate"), HEADS.index("threat")]] = [0, 0.8]
    meant, silent = cuts.meant(labels)
    assert meant.tolist() == [True, False, False, True]
    assert silent.tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("  hate: 0.65\n", "", "not one cut-off a head"),
        ("  hate: 0.65\n", "  hate: 1.5\n", "not one cut-off a head"),
        ("  hate: 0.65\n", "  hate: 0.2\n", "before it is reviewed"),
        ("acts: [hate", "acts: [toxic", "unknown head"),
        ("acts:", "akts:", "not cut-offs"),
    ],
)
def test_wrong_cut_offs_are_refused(tmp_path: Path, was: str, becomes: str, says: str) -> None:
    text = cutoffs.FILE.read_text(encoding="utf-8")
    assert was in text
    path = tmp_path / "cutoffs.yaml"
    path.write_text(text.replace(was, becomes, 1), encoding="utf-8")
    with pytest.raises(InvalidRecipe, match=says):
        cutoffs.load(path)
