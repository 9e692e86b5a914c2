"""Slices: every value of every row is in one, in bounded numbers, and they sum to the whole."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.measure.slices import NAME_CHARACTERS, NO_GROUP, OTHERS, SLICE_LIMIT, UNKNOWN, Slices, slices_of

values = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["a", "b", "", " c  d "])


@given(st.lists(values, max_size=60))
@settings(max_examples=100, deadline=None)
def test_slices_of_single_values_sum_to_the_whole(column: list) -> None:
    slices = Slices("by")
    for row, value in enumerate(column):
        slices.add(row, value)
    rows = sorted(int(row) for _, found in slices for row in found)
    assert rows == list(range(len(column)))
    names = [name for name, _ in slices]
    assert len(set(names)) == len(names)


@given(st.lists(st.lists(st.sampled_from("abc")), max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_row_is_in_each_of_its_slices_once(column: list[list[str]]) -> None:
    slices = Slices("by", ";")
    for row, value in enumerate(column):
        slices.add(row, "; ".join(value))
    found = {name: set(map(int, rows)) for name, rows in slices}
    for name in "abc":
        assert found.get(name, set()) == {row for row, value in enumerate(column) if name in value}
    assert found.get(UNKNOWN, set()) == {row for row, value in enumerate(column) if not value}


def test_names() -> None:
    assert slices_of(True) == ("true",)
    assert slices_of(3.0) == ("3",)
    assert slices_of(["a", "a", "b"]) == ("a", "b")
    assert slices_of([]) == ("(none)",)
    assert slices_of("a|b") == ("a|b",)
    assert slices_of("a| b |", "|") == ("a", "b")
    assert slices_of("\x1b[31mred\u202e") == ("\ufffd[31mred\ufffd",)
    assert slices_of("a\x1fb\x1f") == ("a", "b")
    assert len(slices_of("x" * 500)[0]) == NAME_CHARACTERS


def test_too_many_values_are_counted_together() -> None:
    slices = Slices("by", ";")
    for row in range(SLICE_LIMIT + 50):
        slices.add(row, f"v{row};w{row}")
    found = dict(slices)
    assert len(found) == SLICE_LIMIT + 1
    assert [int(row) for row in found[OTHERS]] == list(range(SLICE_LIMIT // 2, SLICE_LIMIT + 50))


def test_large_slices_come_first_and_no_group_last() -> None:
    slices = Slices("by")
    for row, value in enumerate([None, None, None, "a", "b", "b"]):
        slices.add(row, value)
    assert [name for name, _ in slices] == ["b", "a", UNKNOWN]
    assert UNKNOWN in NO_GROUP
    assert list(Slices("by")) == []
