"""Several deciders on one ledger count as one would, and measure nothing twice for it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast import in_force
from holdfast.content import Account, Item
from holdfast.decider import Decider, Submission
from holdfast.decision import Decision
from holdfast.engine import Engine, Measured
from holdfast.in_force import REFRESH
from holdfast.ledger import paging
from holdfast.ledger.events import Allowed, Decided, PolicyPublished, PolicyShadowed
from holdfast.ledger.ledger import Ledger
from holdfast.policy.policy import Policy
from holdfast.settings import LedgerSettings
from holdfast.signals.lexicon import Lexicon
from holdfast.signals.text import Text

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
COUNTERS = """\
  seen: count per target over 1 hours
  rude: count where lexicon.insult > 0 per target over 1 hours
  rude_people: count distinct author.id where lexicon.insult > 0 AND coalesce(mood, 0) < 5 per target over 1 hours
  soups: count where item.text LIKE '%soup%' per author over 10 minutes
"""
POLICY = """
policy: counting
inputs:
  mood: {{type: integer, doc: How it feels.}}
counters:
{counters}
rules:
  - {{name: busy, when: seen >= 4, then: label, reason: r, tells: t}}
  - {{name: rude, when: rude >= 2 AND lexicon.insult > 0, then: hold, reason: r, tells: t}}
  - {{name: mob, when: rude_people >= 2, then: limit, reason: r, tells: t}}
  - {{name: soups, when: soups >= 2, then: label, reason: r, tells: t}}
"""
LETTERS = "  sizes: count distinct text.letters where text.letters > 3 per target over 1 hours\n"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine([Text(), Lexicon.starter()])


@contextmanager
def a_ledger(engine: Engine, source: str) -> Iterator[Ledger]:
    with tempfile.TemporaryDirectory() as folder, Ledger.open(data=Path(folder)) as ledger:
        publish(ledger, engine, source)
        yield ledger


def publish(ledger: Ledger, engine: Engine, source: str) -> Policy:
    policy = Policy.load(source, engine.schema)
    ledger.append([PolicyPublished(policy=policy.id, source=policy.source, by="test")], NOW)
    return policy


def state(decider: Decider) -> object:
    """What the counters know, whatever the order in which they came to know it."""
    saved = msgspec.msgpack.decode(decider.snapshot())["counters"]
    return {
        policy: {
            (meaning, str(key)): (sorted(msgspec.convert(memoryview(times).cast("d").tolist(), list[float])), set(values))
            for meaning, keys in msgspec.msgpack.decode(state)[1]
            for key, _, times, values in keys
        }
        for policy, state in saved.items()
    }  # fmt: skip


def told(decisions: Sequence[Decision]) -> list[object]:
    return [(one.item_id, one.action, [(rule.name, rule.values) for rule in one.rules]) for one in decisions]


texts = st.sampled_from(["a lovely soup", "you idiot", "you idiot, what a soup", "hi"])
specs = st.tuples(texts, st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from([None, 1, 9]), st.integers(0, 900))  # fmt: skip
batches = st.lists(
    st.tuples(st.integers(0, 2), st.lists(specs, min_size=1, max_size=4)), min_size=1, max_size=10
)


def items_of(batch: Sequence[tuple[str, str, str, int | None, int]], number: int) -> list[Item]:
    return [
        Item(
            id=f"{number}-{place}",
            text=text,
            author=Account(id=author),
            target=Account(id=target),
            context={} if mood is None else {"mood": mood},
            # Some come minutes late: the window is about when they happened.
            created_at=NOW - timedelta(seconds=late / 4),
        )
        for place, (text, author, target, mood, late) in enumerate(batch)
    ]


@given(batches, st.sampled_from(["", LETTERS]), st.booleans(), st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_who_of_several_decides_makes_no_difference(
    batches: list[tuple[int, list[tuple[str, str, str, int | None, int]]]], more: str, keep: bool, before: int
) -> None:
    engine = Engine([Text(), Lexicon.starter()])
    source = POLICY.format(counters=COUNTERS + more)
    # Without their texts, and without a word on counters, what was allowed cannot be counted again.
    terms = LedgerSettings(allow_sample_rate=0.3, keep_allowed_text=keep or bool(more) or before > 0)
    with a_ledger(engine, source) as alone, a_ledger(engine, source) as shared:
        one = Decider(engine, alone, terms)
        # What was decided before there were several says nothing of counters.
        past = Decider(engine, shared, terms)
        several = [Decider(engine, shared, terms, following=True) for _ in range(3)]
        for number, (worker, batch) in enumerate(batches):
            now = NOW + timedelta(seconds=number)
            items = items_of(batch, number)
            key = f"key {number}" if number % 3 == 0 else None
            expected = one.decide(items, now, key=key)
            got = (past if number < before else several[worker]).decide(items, now, key=key)
            assert told([d.decision for d in got]) == told([d.decision for d in expected])
        for decider in [one, *several]:
            decider.policy(NOW + timedelta(seconds=len(batches)))
        states = [state(decider) for decider in several]
        assert states == [state(one)] * 3
        # A worker that starts anew, with a snapshot or none, knows the same.
        for snapshot in (several[0].snapshot(), None):
            fresh = Decider(engine, shared, terms, following=True)
            if snapshot is not None:
                fresh.restore(snapshot)
            fresh.policy(NOW + timedelta(seconds=len(batches)))
            assert state(fresh) == states[0]
        assert shared.verify() == []


def comment(n: object, text: str = "hi", author: str = "a") -> Item:
    return Item(id=str(n), text=text, author=Account(id=author), target=Account(id="x"), created_at=NOW)


def test_what_others_decided_is_not_measured_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    measure = Engine.measure

    def watched(self: Engine, items: Sequence[Item], *fields: object) -> Measured:
        measured.append(len(items))
        return measure(self, items, *fields)  # type: ignore[arg-type]

    with a_ledger(engine, POLICY.format(counters=COUNTERS)) as ledger:
        one, other = (Decider(engine, ledger, following=True) for _ in range(2))
        other.policy(NOW)
        one.decide([comment(n, "you idiot" if n % 2 else "hi", f"a{n}") for n in range(30)], NOW)
        monkeypatch.setattr(Engine, "measure", watched)
        (last,) = other.decide([comment("last", "you idiot", "b")], NOW)
    assert sum(measured) == 1
    assert {rule.name: rule.values for rule in last.decision.rules}["mob"] == {"rude_people": 16}


def test_a_policy_that_comes_in_meets_the_others_where_they_are(engine: Engine) -> None:
    with a_ledger(engine, POLICY.format(counters=COUNTERS)) as ledger:
        one, other = (Decider(engine, ledger, following=True) for _ in range(2))
        one.decide([comment(1)], NOW)
        other.decide([comment(2)], NOW)
        one.decide([comment(3)], NOW)
        again = Policy.load(POLICY.format(counters=COUNTERS + LETTERS), engine.schema)
        ledger.append([PolicyShadowed(policy=again.id, source=again.source, by="test")], NOW)
        later = NOW + 2 * REFRESH
        other.decide([comment(4)], later)
        one.decide([comment(5)], later)
        other.policy(later + REFRESH)
        assert len(one.lifecycle(later).in_use) == 2
        alone = Decider(engine, ledger)
        alone.policy(later)
        assert state(one) == state(other) == state(alone)


def test_a_key_that_another_worker_was_quicker_with_counts_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_ledger(engine, POLICY.format(counters=COUNTERS)) as ledger:
        one, other = (Decider(engine, ledger, following=True) for _ in range(2))
        for moment in (NOW, NOW + REFRESH):
            one.policy(moment)  # the second time it looks for others' items
        submission = Submission([comment(1)], "k", b"f", lambda _: b"answer")
        replay = Ledger.replay
        # Both looks before the work come too early to see the other.
        monkeypatch.setattr(Ledger, "replay", lambda *_: None)
        other.decide_all([submission], NOW)
        (answer,) = one.decide_all([submission], NOW + REFRESH)
        monkeypatch.setattr(Ledger, "replay", replay)
        assert getattr(answer, "replayed", False)
        one.policy(NOW + timedelta(seconds=1))
        assert state(one) == state(other)


def test_one_decider_alone_leaves_no_mark(engine: Engine) -> None:
    with a_ledger(engine, POLICY.format(counters=COUNTERS)) as ledger:
        Decider(engine, ledger).decide([comment(n, "you idiot") for n in range(3)], NOW)
        assert all(
            not event.event.counted for event in ledger.read() if isinstance(event.event, Allowed | Decided)
        )


def test_a_worker_that_lags_comes_even_in_steps(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_force, "FOLLOW_LIMIT", 3)
    monkeypatch.setattr(in_force, "SKIPS", 2)
    monkeypatch.setattr(paging, "PAGE_ROWS", 2)
    monkeypatch.setattr(paging, "FETCH_ROWS", 2)
    monkeypatch.setattr("holdfast.ledger.ledger.FETCH_ROWS", 2)
    with a_ledger(engine, POLICY.format(counters=COUNTERS)) as ledger:
        one, other = (Decider(engine, ledger, following=True) for _ in range(2))
        moment = NOW
        for n in range(12):
            moment += timedelta(milliseconds=1)
            one.decide([comment(f"{n}-{m}", "you idiot") for m in range(4)], moment)
            if n % 2:
                other.decide([comment(f"{n}", "you idiot")], moment)
        alone = Decider(engine, ledger)
        alone.policy(moment)
        for _ in range(40):
            moment += timedelta(milliseconds=1)
            other.policy(moment)
        assert state(one) == state(other) == state(alone)
