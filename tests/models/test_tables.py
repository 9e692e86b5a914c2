"""Tables stand between their markers, and nothing else of a card changes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.sources import InvalidRecipe
from models.tables import LAYOUTS, markdown, put

from holdfast.measure.figures import Figure

_PROSE = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).filter(
    lambda text: "<!--" not in text
)


@settings(deadline=None)
@given(_PROSE, _PROSE, _PROSE, st.sampled_from(["| a |\n", "", "\\1 \\g<2>\n"]))
def test_only_the_place_between_the_markers_changes(before: str, old: str, after: str, new: str) -> None:
    card = f"{before}<!-- table: heads -->\n{old}<!-- end -->{after}"
    filled = put(card, {"heads": new})
    assert filled == f"{before}<!-- table: heads -->\n{new}<!-- end -->{after}"
    assert put(filled, {"heads": new}) == filled
    assert put(card, {}) == card


def test_each_table_finds_its_own_place() -> None:
    card = "<!-- table: one -->\n<!-- end -->\n<!-- table: two -->\nold\n<!-- end -->\n"
    assert put(card, {"two": "new\n"}) == card.replace("old", "new")


@pytest.mark.parametrize(
    ("card", "says"),
    [
        ("no place", "no place for a table"),
        ("<!-- table: heads -->\n", "without its other half"),
        ("<!-- end -->", "without its other half"),
        ("<!-- table: heads -->\n<!-- table: bars -->\n<!-- end --><!-- end -->", "without its other half"),
    ],
)
def test_a_card_without_the_place_is_refused(card: str, says: str) -> None:
    with pytest.raises(InvalidRecipe, match=says):
        put(card, {"heads": "x"})


def test_cells_read_as_people_write_them() -> None:
    table = markdown(
        "classes",
        [
            {
                "class": "a | b",
                "wanted": "left up",
                "n": 1234,
                "patterns": 3,
                "right": Figure(value=0.5, low=0.25, high=0.75),
                "encoder_alone": {"value": None, "why": "there are no rows"},
                "bar": 0.95,
                "met": False,
            }
        ],
    )
    head, line, row = table.splitlines()
    assert head.count("|") == line.count("|")
    assert row == "| a \\| b | left up | 1,234 | 3 | 50.0 % (25.0 – 75.0) | – | – | ≥ 95 % | **no** |"


def test_a_loss_has_a_minus() -> None:
    row = {"source": "all", "difference": Figure(value=-0.012, low=-0.02, high=0.001)}
    assert "−1.2 (−2.0 – 0.1)" in markdown("stages", [row])
    none = {"what": "cost", "figure": Figure(value=-0.0001, low=-0.002, high=0.0)}
    assert "| 0.000 (−0.002 – 0.000) |" in markdown("bars", [none])


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_was_not_measured_says_so(name: str) -> None:
    assert markdown(name, []) == "(not measured in this run)\n"
    assert markdown(name, [{}]).count("\n") == 3
