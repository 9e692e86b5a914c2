"""Counters: against a naive reference, and the laws that make them safe to cut, stop and resume."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy.samples import SCHEMA, load

from holdfast.policy import counters as counters_module
from holdfast.policy import window as window_module
from holdfast.policy.counters import Counters, UnreadableSnapshot
from holdfast.policy.window import LATENESS, ItemWindow, ValueWindow
from holdfast.schema import Value

DECLARATIONS = {
    "by_author": "count per author over 10 seconds",
    "insults": "count where lexicon.insult > 0 per target over 60 seconds",
    "strangers": "count distinct author.id where NOT author.followed_by_target per target over 10 seconds",
    "pairs": "count per author, target over 2 minutes",
    "languages": "count distinct language per item.surface over 1 minute",
    "everything": "count over 5 seconds",
    "everybody": "count distinct author.id over 5 seconds",
    "never": "count where 1 = 2 over 5 seconds",
}


def declared(names: str = "") -> Counters:
    chosen = {name: text for name, text in DECLARATIONS.items() if not names or name in names.split()}
    head = "counters:\n" + "".join(f"  {name}: {text}\n" for name, text in chosen.items())
    policy = load(" OR ".join(f"{name} > 0" for name in chosen), head=head)
    return Counters(policy.counters)


Row = tuple[float, str | None, str | None, bool | None, int, str | None, str]
NAMES = ("author.id", "target.id", "author.followed_by_target", "lexicon.insult", "language", "item.surface")


def columns(rows: list[Row]) -> tuple[dict[str, list[Value]], list[float]]:
    return {name: [row[n + 1] for row in rows] for n, name in enumerate(NAMES)}, [row[0] for row in rows]


def advance(counters: Counters, rows: list[Row]) -> list[dict[str, Value]]:
    values = counters.advance(*columns(rows))
    return [{name: column[n] for name, column in values.items()} for n in range(len(rows))]


def naive(rows: list[Row]) -> list[dict[str, Value]]:
    """What the declarations say, by looking through everything that came before, for every item."""
    plans: dict[str, tuple[float, Callable[[Row], Value | tuple[Value, ...]], Callable[[Row], Value], Callable[[Row], bool]]] = {
        "by_author": (10, lambda r: r[1], lambda r: id(r), lambda r: True),
        "insults": (60, lambda r: r[2], lambda r: id(r), lambda r: r[4] > 0),
        "strangers": (10, lambda r: r[2], lambda r: r[1], lambda r: r[3] is False),
        "pairs": (120, lambda r: None if None in r[1:3] else r[1:3], lambda r: id(r), lambda r: True),
        "languages": (60, lambda r: r[6], lambda r: r[5], lambda r: True),
        "everything": (5, lambda r: True, lambda r: id(r), lambda r: True),
        "everybody": (5, lambda r: True, lambda r: r[1], lambda r: True),
        "never": (5, lambda r: True, lambda r: id(r), lambda r: False),
    }  # fmt: skip
    result = []
    for n, row in enumerate(rows):
        values: dict[str, Value] = {}
        for name, (seconds, key, value, counts) in plans.items():
            if key(row) is None:
                values[name] = None
                continue
            seen = {
                value(other)
                for other in rows[: n + 1]
                if row[0] - seconds < other[0] <= row[0] + LATENESS
                and key(other) == key(row)
                and counts(other)
            }
            values[name] = len(seen - {None})
        result.append(values)
    return result


_IDS = st.sampled_from(["a", "b", "c", None])


@st.composite
def streams(draw: st.DrawFn, late: float = LATENESS) -> list[Row]:
    """Items in the order of arrival, each at most `late` seconds after one that came later."""
    rows: list[Row] = []
    newest = 1_700_000_000.0
    for _ in range(draw(st.integers(0, 40))):
        newest += draw(st.sampled_from([0.0, 0.0, 0.5, 1.0, 5.0, 10.0, 61.0, 400.0]))
        behind = draw(st.sampled_from([0.0, 0.0, 0.0, 0.25, 3.0, 10.0, late]))
        rows.append(
            (
                newest - min(behind, late),
                draw(_IDS),
                draw(_IDS),
                draw(st.sampled_from([True, False, False, None])),
                draw(st.integers(0, 1)),
                draw(st.sampled_from(["en", "de", None])),
                draw(st.sampled_from(["comment", "reply"])),
            )
        )
    return rows


@settings(max_examples=150, deadline=None)
@given(streams())
def test_values_are_those_of_a_naive_count(rows: list[Row]) -> None:
    assert advance(declared(), rows) == naive(rows)


@settings(max_examples=60, deadline=None)
@given(streams(), st.integers(0, 40), st.integers(0, 40))
def test_how_a_stream_is_cut_makes_no_difference(rows: list[Row], one: int, two: int) -> None:
    low, high = sorted((one, two))
    counters = declared()
    cut = advance(counters, rows[:low]) + advance(counters, rows[low:high]) + advance(counters, rows[high:])
    assert cut == advance(declared(), rows)


@settings(max_examples=60, deadline=None)
@given(streams(late=2_000.0), st.integers(0, 40))
def test_a_restored_snapshot_goes_on_as_if_nothing_had_happened(rows: list[Row], stop: int) -> None:
    counters = declared()
    advance(counters, rows[:stop])
    restored = Counters.restore(counters.declarations, counters.snapshot())
    assert restored.snapshot() == counters.snapshot()
    assert advance(restored, rows[stop:]) == advance(counters, rows[stop:])
    assert restored.snapshot() == counters.snapshot()


@settings(max_examples=60, deadline=None)
@given(streams(late=5_000.0))
def test_items_that_come_too_late_are_never_counted_twice(rows: list[Row]) -> None:
    for value, reference in zip(advance(declared(), rows), naive(rows), strict=True):
        for name, count in value.items():
            if count is None:
                assert reference[name] is None
            else:
                assert isinstance(count, int)
                assert count <= reference[name]  # type: ignore[operator]


def a_row(time: float, author: str | None = "a", target: str | None = "t") -> Row:
    return (time, author, target, False, 1, "en", "comment")


def test_a_key_that_is_missing_makes_the_value_unknown() -> None:
    (value,) = advance(declared("by_author pairs"), [a_row(0, author=None)])
    assert value == {"by_author": None, "pairs": None}


def test_a_condition_that_is_unknown_does_not_count() -> None:
    rows = [(*a_row(0)[:3], None, *a_row(0)[4:]), a_row(1)]
    assert [value["strangers"] for value in advance(declared("strangers"), rows)] == [0, 1]


def test_counters_are_fields_that_are_unknown_where_their_key_can_be() -> None:
    head = "counters:\n  one: count per author over 1 hour\n  two: count per item.surface over 1 hour\n"
    policy = load("one > 1 OR two > 1", head=head)
    assert [(c.name, c.nullable, c.seconds) for c in policy.counters] == [
        ("one", True, 3600),
        ("two", False, 3600),
    ]
    assert policy.fields["two"].nullable is False
    assert policy.counters[0].text == "count per author over 1 hour"


def test_a_counter_goes_on_under_another_name_but_not_with_another_meaning() -> None:
    counters = declared("by_author")
    advance(counters, [a_row(0), a_row(1)])
    state = counters.snapshot()
    policy = load("renamed > 1", head="counters:\n  renamed: COUNT   PER author over 10 seconds\n")
    renamed = Counters.restore(policy.counters, state)
    assert renamed.advance(*columns([a_row(2)])) == {"renamed": [3]}
    policy = load("renamed > 1", head="counters:\n  renamed: count per author over 11 seconds\n")
    changed = Counters.restore(policy.counters, state)
    assert changed.advance(*columns([a_row(2)])) == {"renamed": [1]}


def test_a_changed_definition_is_another_meaning() -> None:
    def counting(bar: int) -> Counters:
        head = f"define:\n  bad: lexicon.insult > {bar}\ncounters:\n  many: count where bad per author over 1 hour\n"
        return Counters(load("many > 1", head=head).counters)

    state = counting(0)
    advance(state, [a_row(0)])
    assert advance(Counters.restore(counting(0).declarations, state.snapshot()), [a_row(1)]) == [{"many": 2}]
    assert advance(Counters.restore(counting(1).declarations, state.snapshot()), [a_row(1)]) == [{"many": 0}]


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"\x00",
        b"not msgpack",
        msgspec.msgpack.encode([2, []]),
        msgspec.msgpack.encode([1, [["count per author.id over 10", [["a", 0.0, b"123", []]]]]]),
        msgspec.msgpack.encode([1, [["count per author.id over 10", [[{}, 0.0, b"", []]]]]]),
    ],
)
def test_a_damaged_snapshot_is_refused(state: bytes) -> None:
    with pytest.raises(UnreadableSnapshot) as refused:
        Counters.restore(declared("by_author").declarations, state)
    assert refused.value.next_step is not None


def test_a_damaged_snapshot_of_distinct_values_is_refused() -> None:
    counters = declared("strangers")
    text = counters.declarations[0].meaning
    for values in ([], [[]]):
        state = msgspec.msgpack.encode([1, [[text, [["t", 0.0, b"\x00" * 8, values]]]]])
        with pytest.raises(UnreadableSnapshot):
            Counters.restore(counters.declarations, state)


# Bounds ---------------------------------------------------------------------------------------


def test_a_flood_at_one_key_saturates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "KEPT", 100)
    monkeypatch.setattr(window_module, "_DROPPED", 10)
    for window in (ItemWindow(), ValueWindow()):
        counts = []
        for n in range(1_000):
            window.add(float(n % 7), f"value {n}", -1.0)
            counts.append(window.count(-1.0, 10.0))
            assert len(window) <= 100
            assert len(window.times) <= 2 * 100 + 66
        assert counts[:90] == list(range(1, 91))
        assert min(counts[90:]) >= 90


def test_past_entries_are_dropped() -> None:
    for window in (ItemWindow(), ValueWindow()):
        for n in range(10_000):
            window.add(float(n), f"value {n}", n - 10.0)
            assert window.count(n - 10.0, n) == min(n + 1, 10)
        assert len(window.times) < 200
        if isinstance(window, ValueWindow):
            assert len(window.last) < 200


def test_keys_whose_window_is_over_make_room() -> None:
    counters = declared("by_author")
    for n in range(2_000):
        advance(counters, [a_row(n * 10.0, author=f"author {n}")])
    assert len(counters._tallies[0]._windows) < 50


def test_keys_are_bounded_and_the_least_recent_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters_module, "KEYS", 10)
    counters = declared("by_author")
    advance(counters, [a_row(0.0, author="regular")])
    for n in range(100):
        advance(counters, [a_row(0.0, author=f"author {n}"), a_row(0.0, author="regular")])
        assert len(counters._tallies[0]._windows) <= 10
    (value,) = advance(counters, [a_row(0.0, author="regular")])
    assert value["by_author"] == 102
    (value,) = advance(counters, [a_row(0.0, author="author 0")])
    assert value["by_author"] == 1


def test_entries_are_bounded_over_all_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters_module, "ENTRIES", 50)
    counters = declared("by_author strangers")
    for n in range(500):
        advance(counters, [a_row(0.0, author=f"author {n % 30}", target=f"target {n % 20}")])
        for tally in counters._tallies:
            assert tally._entries == sum(len(window) for window in tally._windows.values()) <= 50


def test_schema_of_the_samples_has_what_the_counters_read() -> None:
    assert set(NAMES) <= set(SCHEMA)
