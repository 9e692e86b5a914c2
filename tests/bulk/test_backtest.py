"""A backtest is what would have happened: it must agree with deciding twice, however it is fed."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.bulk.backtest import GROUP_LIMIT, OTHERS, UNKNOWN, Changed, UnknownGroup, backtest
from holdfast.content import Account, Item
from holdfast.engine import Engine
from holdfast.policy.policy import Policy

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
OLD = """
policy: old
rules:
  - {name: insult, when: lexicon.insult > 0, then: label, reason: harassment, tells: Marked.}
  - {name: links, when: text.links > 0, then: hold, reason: spam, tells: Waits.}
"""
NEW = """
policy: new
counters:
  seen: count per author over 1 hours
rules:
  - {name: insult, when: lexicon.insult > 0, then: hold, reason: harassment, tells: Waits.}
  - {name: often, when: seen > 2, then: limit, reason: flooding, tells: Slowed down.}
"""

items = st.lists(
    st.builds(
        lambda text, author, surface, minute, side: Item(
            id="x",
            text=text,
            author=Account(id=author),
            surface=surface,
            created_at=NOW + timedelta(minutes=minute),
            context={} if side is None else {"side": side},
        ),
        st.sampled_from(["soup", "what a moron", "see https://example.com", "moron https://example.com"]),
        st.sampled_from("ab"),
        st.sampled_from(["comment", "reply"]),
        st.integers(0, 5),
        st.sampled_from(["red", "blue", None]),
    ),
    max_size=20,
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def policies(engine: Engine) -> tuple[Policy, Policy]:
    return Policy.load(OLD, engine.schema), Policy.load(NEW, engine.schema)


@settings(max_examples=40, deadline=None)
@given(items, st.integers(1, 20))
def test_it_agrees_with_deciding_twice(
    engine: Engine, policies: tuple[Policy, Policy], sample: list[Item], size: int
) -> None:
    old, new = policies
    changes: list[Changed] = []
    batches = [sample[n : n + size] for n in range(0, len(sample), size)]
    result = backtest(
        engine,
        old,
        new,
        batches,
        NOW,
        by=["item.surface"],
        on_change=lambda _, change: changes.append(change),
    )
    before, after = engine.decide(sample, old, NOW), engine.decide(sample, new, NOW)
    assert result.n == len(sample)
    assert result.moves == Counter((a.action, b.action) for a, b in zip(before, after, strict=True))
    assert (
        result.changed
        == len(changes)
        == sum(a.action != b.action for a, b in zip(before, after, strict=True))
    )
    assert result.stricter + result.milder == result.changed
    for name, tally in result.rules.items():
        assert tally.n == len(sample)
        assert tally.before == sum(name in {r.name for r in d.rules} for d in before)
        assert tally.after == sum(name in {r.name for r in d.rules} for d in after)
        assert tally.after - tally.before == tally.gained - tally.lost
    by_surface = result.groups["item.surface"]
    assert sum(tally.n for tally in by_surface.values()) == len(sample)
    assert sum(tally.gained for tally in by_surface.values()) == result.acted_on.gained


def test_a_policy_against_itself_changes_nothing(engine: Engine, policies: tuple[Policy, Policy]) -> None:
    sample = [Item(id=str(n), text="what a moron") for n in range(50)]
    result = backtest(engine, policies[0], policies[0], [sample], NOW)
    assert (result.changed, result.acted_on.change.estimate) == (0, 0.0)
    assert result.acted_on.change.low < 0 < result.acted_on.change.high


def test_groups_come_from_context_too_and_the_unknown_are_counted(
    engine: Engine, policies: tuple[Policy, Policy]
) -> None:
    sample = [
        Item(id="1", text="soup", context={"side": "red"}),
        Item(id="2", text="moron"),
        Item(id="3", text="moron", context={"side": "blue"}),
    ]
    groups = backtest(engine, *policies, [sample], NOW, by=["side", "contact.kinds"]).groups
    assert set(groups["side"]) == {"red", "blue", UNKNOWN}
    assert groups["contact.kinds"]["(none)"].n == 3
    with pytest.raises(UnknownGroup, match="--by sight"):
        backtest(engine, *policies, [sample], NOW, by=["sight"])


def test_groups_are_bounded(engine: Engine, policies: tuple[Policy, Policy]) -> None:
    sample = [Item(id=str(n), text="soup") for n in range(GROUP_LIMIT + 50)]
    groups = backtest(engine, *policies, [sample], NOW, by=["item.id"]).groups["item.id"]
    assert len(groups) == GROUP_LIMIT + 1
    assert groups[OTHERS].n == 50
