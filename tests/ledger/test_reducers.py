"""The policies' table is the lifecycle, told in rows."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from holdfast.ledger.events import (
    Event,
    PolicyAdded,
    PolicyPublished,
    PolicyRolledBack,
    PolicyRolledOut,
    PolicyShadowed,
    PolicyShadowEnded,
)
from holdfast.ledger.reducers import PolicyState, lifecycle_of, reduce_policies
from holdfast.policy.lifecycle import Lifecycle, LifecycleError

names = st.sampled_from(["a@1", "a@2", "b@1", "b@2"])
steps = st.one_of(
    st.builds(lambda p: PolicyAdded(policy=p, source=p, by="x"), names),
    st.builds(lambda p: PolicyPublished(policy=p, source=p, by="x"), names),
    st.builds(lambda p: PolicyShadowed(policy=p, source=p, by="x"), names),
    st.builds(lambda p: PolicyShadowEnded(policy=p, by="x"), names),
    st.builds(lambda p, n: PolicyRolledOut(policy=p, source=p, percent=n, by="x"), names, st.integers(1, 99)),
    st.builds(lambda p: PolicyRolledBack(policy=p, to=p, by="x", why="y"), names),
)


def apply(lifecycle: Lifecycle, event: Event) -> Lifecycle:
    try:
        match event:
            case PolicyPublished():
                return lifecycle.publish(event.policy)
            case PolicyShadowed():
                return lifecycle.shadow(event.policy)
            case PolicyShadowEnded():
                return lifecycle.end_shadow(event.policy)
            case PolicyRolledOut():
                return lifecycle.roll_out(event.policy, event.percent)
            case PolicyRolledBack():
                return lifecycle.roll_back()[0]
    except LifecycleError:
        pass
    return lifecycle


@given(st.lists(steps, max_size=25))
def test_rows_and_lifecycle_never_part(events: list[Event]) -> None:
    states: Mapping[str, PolicyState] = {}
    lifecycle = Lifecycle()
    for seq, event in enumerate(events):
        states, lifecycle = reduce_policies(states, seq, event), apply(lifecycle, event)
        assert lifecycle_of(states) == lifecycle
        assert all(state.since <= seq for state in states.values())
        assert set(lifecycle.in_use) <= set(states)
