"""Derived tables are pure functions of the events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.samples import NOW, a_decision, an_item

from holdfast.ledger.events import (
    Allowed,
    Decided,
    Event,
    ItemRecord,
    KeyCreated,
    KeyRevoked,
    PolicyAdded,
    PolicyPublished,
    PolicyRolledBack,
    PolicyRolledOut,
    PolicyShadowed,
    PolicyShadowEnded,
)
from holdfast.ledger.reducers import (
    Policies,
    decision_rows,
    lifecycle_of,
    reduce_keys,
    reduce_policies,
)

NAMES = st.sampled_from(["a@1", "b@1", "c@1", "d@1"])


def policy_events() -> st.SearchStrategy[Event]:
    text = st.just("policy: x")
    return st.one_of(
        st.builds(PolicyAdded, policy=NAMES, source=text, by=st.just("ada")),
        st.builds(PolicyPublished, policy=NAMES, source=text, by=st.just("ada")),
        st.builds(PolicyShadowed, policy=NAMES, source=text, by=st.just("ada")),
        st.builds(PolicyShadowEnded, policy=NAMES, by=st.just("ada")),
        st.builds(
            PolicyRolledOut, policy=NAMES, source=text, percent=st.integers(-1, 101), by=st.just("ada")
        ),
        st.builds(PolicyRolledBack, policy=NAMES, to=NAMES, by=st.just("ada"), why=st.just("")),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(policy_events(), max_size=25))
def test_whatever_is_appended_the_lifecycle_holds(events: list[Event]) -> None:
    states: Policies = {}
    for seq, event in enumerate(events):
        before = dict(states)
        states = reduce_policies(states, seq, event)
        phases = [state.phase for state in states.values()]
        assert phases.count("live") <= 1
        assert phases.count("rolling_out") <= 1
        assert before.keys() <= states.keys(), "a policy that was named is not forgotten"
        assert all(states[name].since <= seq for name in states)
        assert all(0 < s.percent < 100 for s in states.values() if s.phase == "rolling_out")
        lifecycle = lifecycle_of(states)
        assert {name for name, s in states.items() if s.phase == "shadow"} == set(lifecycle.shadows)
        assert set(lifecycle.in_use) <= states.keys(), "every policy in force has its text in the ledger"


def test_decisions_come_from_both_kinds_of_event() -> None:
    item = an_item(1)
    full = Decided.of(item, a_decision(item, "remove"), None, NOW)
    assert decision_rows(7, 1000, full) == [(7, -1, "c1", "remove", "community@0123456789ab", 1000, 1)]
    compact = Allowed(policy="p@1", items=(ItemRecord(id="x"), ItemRecord(id="y")), received_at=NOW)
    assert decision_rows(8, 1000, compact) == [
        (8, 0, "x", "allow", "p@1", 1000, 0),
        (8, 1, "y", "allow", "p@1", 1000, 0),
    ]
    assert decision_rows(9, 1000, KeyRevoked(key_id="k", by="")) == []


def test_a_key_is_revoked_once_and_only_if_it_was_made() -> None:
    created = KeyCreated(key_id="k", digest="d", scopes=("decide", "read"), label="app", by="ada")
    keys = reduce_keys({}, 10, created)
    assert keys["k"][1:] == ("d", "decide read", "app", "ada", 10, None, None)
    revoked = reduce_keys(keys, 20, KeyRevoked(key_id="k", by="ada"))
    assert revoked["k"].revoked_at == 20
    assert reduce_keys(revoked, 30, KeyRevoked(key_id="k", by="ada")) == revoked
    assert reduce_keys(keys, 20, KeyRevoked(key_id="other", by="ada")) == keys
    assert keys["k"].revoked_at is None, "the state before is left as it was"
