"""How events become tables: pure functions from an event to rows, and from (state, event) to state.

Everything that is derived can be dropped and replayed through these (`Ledger.rebuild`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from holdfast.ledger.encoding import to_micros
from holdfast.ledger.events import (
    Allowed,
    Decided,
    Event,
    KeyCreated,
    KeyRevoked,
    PolicyAdded,
    PolicyPublished,
    PolicyRolledBack,
    PolicyRolledOut,
    PolicyShadowed,
    PolicyShadowEnded,
)
from holdfast.policy.lifecycle import Lifecycle, LifecycleError

WHOLE = -1
"""The slot of a decision that has an event of its own."""

DecisionRow: TypeAlias = tuple[int, int, str, str, str, int, int]
"""seq, slot, item_id, action, policy, at, escalate"""


def decision_rows(seq: int, at: int, event: Event) -> list[DecisionRow]:
    """The decisions that `event` holds."""
    if type(event) is Decided:
        decision = event.decision
        return [(seq, WHOLE, event.item.id, decision.action, decision.policy, at, int(decision.escalate))]
    if type(event) is Allowed:
        policy = event.policy
        return [(seq, slot, item.id, "allow", policy, at, 0) for slot, item in enumerate(event.items)]
    return []


# Policies -----------------------------------------------------------------------------------

PolicyPhase = Literal["live", "rolling_out", "shadow", "retired", "added"]


class PolicyState(NamedTuple):
    """Where a policy stands. `percent` counts while it rolls out; `since` is the event that put it there.

    `stepped_down` is the event by which it stopped being live, and `None` when a roll-back would not
    return to it.
    """

    policy: str
    source: str
    phase: PolicyPhase
    percent: int
    since: int
    stepped_down: int | None = None


Policies: TypeAlias = Mapping[str, PolicyState]
POLICY_EVENTS = (
    PolicyAdded,
    PolicyPublished,
    PolicyShadowed,
    PolicyShadowEnded,
    PolicyRolledOut,
    PolicyRolledBack,
)


def lifecycle_of(policies: Policies) -> Lifecycle:
    """The lifecycle that the states describe."""
    by_phase: dict[str, list[PolicyState]] = {}
    for state in sorted(policies.values(), key=lambda state: state.since):
        by_phase.setdefault(state.phase, []).append(state)
    live, rolling = by_phase.get("live"), by_phase.get("rolling_out")
    earlier = [(s.stepped_down, s.policy) for s in policies.values() if s.stepped_down is not None]
    return Lifecycle(
        live=live[0].policy if live else None,
        earlier=tuple(policy for _, policy in sorted(earlier)),
        candidate=rolling[0].policy if rolling else None,
        percent=rolling[0].percent if rolling else 0,
        shadows=tuple(state.policy for state in by_phase.get("shadow", ())),
    )


def reduce_policies(policies: Policies, seq: int, event: Event) -> Policies:
    """The states after `event`. A step that the lifecycle refuses changes nothing: whoever appends asks
    the lifecycle first."""
    sources = {state.policy: state.source for state in policies.values()}
    if isinstance(event, PolicyAdded | PolicyPublished | PolicyShadowed | PolicyRolledOut):
        sources.setdefault(event.policy, event.source)
    try:
        after = _step(lifecycle_of(policies), event)
    except LifecycleError:
        return policies
    states = {}
    for policy, source in sources.items():
        before = policies.get(policy)
        phase, percent = _phase_in(after, policy, before)
        stepped_down = None
        if policy in after.earlier:
            stepped_down = seq if before is None or before.stepped_down is None else before.stepped_down
        same = before is not None and (before.phase, before.percent) == (phase, percent)
        since = before.since if before is not None and same else seq
        states[policy] = PolicyState(policy, source, phase, percent, since, stepped_down)
    return states


def _step(lifecycle: Lifecycle, event: Event) -> Lifecycle:
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
        case _:
            return lifecycle


def _phase_in(lifecycle: Lifecycle, policy: str, before: PolicyState | None) -> tuple[PolicyPhase, int]:
    if policy == lifecycle.live:
        return "live", 0
    if policy == lifecycle.candidate:
        return "rolling_out", lifecycle.percent
    if policy in lifecycle.shadows:
        return "shadow", 0
    return ("added", 0) if before is None or before.phase == "added" else ("retired", 0)


# API keys -----------------------------------------------------------------------------------


class ApiKey(NamedTuple):
    """An API key as it stands. Times are microseconds; `scopes` are parted by spaces."""

    key_id: str
    digest: str
    scopes: str
    label: str
    created_by: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


ApiKeys: TypeAlias = Mapping[str, ApiKey]
KEY_EVENTS = (KeyCreated, KeyRevoked)


def reduce_keys(keys: ApiKeys, at: int, event: Event) -> ApiKeys:
    """The API keys after `event`, which was appended `at`."""
    match event:
        case KeyCreated():
            expires = None if event.expires_at is None else to_micros(event.expires_at)
            created = ApiKey(
                event.key_id, event.digest, " ".join(event.scopes), event.label, event.by, at, expires, None
            )
            return {**keys, event.key_id: created}
        case KeyRevoked():
            known = keys.get(event.key_id)
            if known is None or known.revoked_at is not None:
                return keys
            return {**keys, event.key_id: known._replace(revoked_at=at)}
        case _:
            return keys
