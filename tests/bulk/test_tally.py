"""Tallies: bounded, the same however a run was cut, and nothing readable in them unless asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.bulk.blur import blur
from holdfast.bulk.rows import Rejected
from holdfast.bulk.tally import BUCKETS, EXAMPLES, KINDS, Tally, Timeline
from holdfast.content import Item
from holdfast.decider import DecidedItem
from holdfast.decision import Decision, Fired, Span, Unknown

FIRED = Fired(name="links", then="limit", reason="spam", tells="", values={})


def decided(n: int, fired: bool) -> DecidedItem:
    decision = Decision(
        item_id=str(n), action="limit" if fired else "allow", escalate=False,
        rules=(FIRED,) if fired else (), unknown=() if fired else (Unknown(name="x", missing=("author.age_days",)),),
        signals={"language": "en" if n % 2 else None}, spans=(Span(signal="text", start=2, end=4, label="link"),),
        policy="p@0", versions={},
    )  # fmt: skip
    return DecidedItem(None, decision)


def tally_of(cuts: list[int], keep_texts: bool = True) -> Tally:
    """A hundred rows in batches that end at `cuts`, with a checkpoint between batches."""
    tally = Tally(keep_texts=keep_texts)
    edges = [0, *sorted(cuts), 100]
    for start, stop in pairwise(edges):
        numbers = range(start, stop)
        items = [
            Item(
                id=str(n), text=f"words {n}", created_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=n)
            )
            for n in numbers
        ]
        if items:
            tally.add(items, [decided(n, n % 3 == 0) for n in numbers], [n + 1 for n in numbers])
        tally = msgspec.json.decode(msgspec.json.encode(tally), type=Tally)
    return tally


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 100), max_size=6))
def test_where_a_run_was_cut_does_not_show(cuts: list[int]) -> None:
    assert tally_of(cuts) == tally_of([])


def test_counts_and_examples() -> None:
    tally = tally_of([])
    assert tally.actions == {"allow": 66, "label": 0, "limit": 34, "hold": 0, "remove": 0}
    assert (tally.rules["links"].count, tally.rules["links"].alone) == (34, 34)
    assert tally.languages == {"": {"limit": 17, "allow": 33}, "en": {"limit": 17, "allow": 33}}
    assert tally.unknown["x"].missing == {"author.age_days": 66}
    assert tally.with_unknown == 66
    examples = tally.rules["links"].examples
    assert len(examples) == EXAMPLES
    assert max(example.row for example in examples) > 2 * EXAMPLES  # a sample, not the first
    assert all(example.text == f"words {example.id}" for example in examples)


def test_no_text_is_kept_unless_asked() -> None:
    assert b"words" not in msgspec.json.encode(tally_of([], keep_texts=False))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-60_000_000_000, 250_000_000_000), max_size=400))
def test_a_timeline_is_bounded_and_loses_nothing(seconds: list[int]) -> None:
    timeline = Timeline()
    for second in seconds:
        timeline.add(second, "allow")
    assert len(timeline.buckets) <= BUCKETS
    assert sum(counts["allow"] for counts in timeline.buckets.values()) == len(seconds)
    for second in seconds:
        assert second // timeline.width in timeline.buckets


def test_reasons_are_bounded() -> None:
    tally = Tally()
    tally.reject([Rejected(row=n, field=f"f{n}", reason="is bad") for n in range(1_000)])
    assert len(tally.kinds) == KINDS + 1
    assert sum(tally.kinds.values()) == tally.rejected == 1_000


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_a_blurred_text_shows_one_letter_and_the_length(text: str) -> None:
    blurred = blur(text)
    shown = [char for char in blurred.rpartition("(")[0] if char not in "█ …"]
    assert len(shown) <= 1
    assert f"({len(text):,} character" in blurred
    assert blurred.isprintable()
    assert len(blurred) < 60
