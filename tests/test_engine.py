from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.content import Account, Item
from holdfast.engine import Engine
from holdfast.errors import InvalidItem
from holdfast.policy.counters import Counters
from holdfast.policy.policy import Policy

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
SOURCE = """
policy: sample
counters:
  strangers_10m: count distinct author.id per target over 10 minutes
rules:
  - name: threat
    when: lexicon.threat_phrase > 0
    then: hold
    escalate: true
    reason: threat
    tells: Threats wait for a person to look at them.
  - name: pile_on
    when: strangers_10m >= 3 AND NOT author.followed_by_target
    then: limit
    reason: pile_on
    tells: Many strangers at once.
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def policy(engine: Engine) -> Policy:
    return Policy.load(SOURCE, engine.schema)


words = st.sampled_from(["soup", "I will k1ll you", "see you", "ho\u200bla", "👀", "שלום", ""])
items = st.builds(
    lambda n, text, author, followed, minute: Item(
        id=str(n),
        text=text,
        author=Account(id=author, followed_by_target=followed),
        target=Account(id="creator"),
        created_at=NOW + timedelta(minutes=minute),
    ),
    st.integers(0, 99),
    words,
    st.sampled_from("abcd"),
    st.sampled_from([True, False, None]),
    st.integers(0, 30),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(items, max_size=12), st.integers(0, 12))
def test_how_items_are_cut_into_batches_makes_no_difference(
    engine: Engine, policy: Policy, batch: list[Item], cut: int
) -> None:
    whole = engine.decide(batch, policy, NOW)
    counters = Counters(policy.counters)
    halves = [
        decision
        for part in (batch[:cut], batch[cut:])
        for decision in engine.judge(engine.measure(part), policy, counters, NOW)
    ]
    assert halves == whole


def test_a_decision_says_what_fired_with_which_values_and_where(engine: Engine, policy: Policy) -> None:
    (decision,) = engine.decide([Item(id="7", text="well, I will k1ll you")], policy, NOW)
    assert (decision.item_id, decision.action, decision.escalate) == ("7", "hold", True)
    (rule,) = decision.rules
    assert (rule.name, rule.reason, rule.values) == ("threat", "threat", {"lexicon.threat_phrase": 1})
    (span,) = decision.spans
    assert "well, I will k1ll you"[span.start : span.end] == "I will k1ll you"
    assert decision.policy == policy.id
    assert set(decision.versions) == {signal.name for signal in engine.signals}
    assert set(decision.signals) == {f.name for signal in engine.signals for f in signal.fields}


def test_what_is_missing_is_unknown_and_named(engine: Engine, policy: Policy) -> None:
    crowd = [
        Item(id=str(n), text="hi", author=Account(id=str(n)), target=Account(id="creator")) for n in range(3)
    ]
    decision = engine.decide(crowd, policy, NOW)[-1]
    assert decision.action == "allow"
    assert [(u.name, u.missing) for u in decision.unknown] == [("pile_on", ("author.followed_by_target",))]


def test_nothing_in_gives_nothing_out(engine: Engine, policy: Policy) -> None:
    assert engine.decide([], policy, NOW) == []


def test_a_time_from_the_future_does_not_push_others_out_of_a_window(engine: Engine, policy: Policy) -> None:
    def comment(n: int, created_at: datetime | None) -> Item:
        author = Account(id=str(n), followed_by_target=False)
        return Item(id=str(n), text="hi", author=author, target=Account(id="creator"), created_at=created_at)

    crowd = [comment(1, NOW), comment(2, NOW + timedelta(days=400)), comment(3, NOW)]
    assert engine.decide(crowd, policy, NOW)[-1].action == "limit"


def test_an_embedders_items_are_checked_by_name(engine: Engine, policy: Policy) -> None:
    with pytest.raises(InvalidItem, match=r"items\[1\]\.text"):
        engine.decide([Item(id="1", text="soup"), Item(id="2", text="\ud800")], policy, NOW)


@given(sizes=st.tuples(st.integers(0, 4), st.integers(0, 4)))
@settings(max_examples=25, deadline=None)
def test_a_split_measurement_is_the_measurement_of_its_parts(engine: Engine, sizes: tuple[int, int]) -> None:
    texts = ["what an idiot", "call 030 5550 123 now", "lovely soup", "you moron"]
    items = [Item(id=f"i{n}", text=texts[n % 4]) for n in range(sum(sizes))]
    before, after = engine.measure(items).split(sizes[0])
    for part, own in ((before, items[: sizes[0]]), (after, items[sizes[0] :])):
        alone = engine.measure(own)
        assert list(part.items) == own
        assert part.rows() == alone.rows()
        assert {row: list(found) for row, found in part.spans.items() if found} == {
            row: list(found) for row, found in alone.spans.items() if found
        }
