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
    PolicyPublished,
    PolicyRolledBack,
    PolicyRolledOut,
    PolicyShadowed,
    PolicyShadowEnded,
)

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

PolicyPhase = Literal["live", "rolling_out", "shadow", "retired"]


class PolicyState(NamedTuple):
    """Where a policy stands. `percent` counts while it rolls out; `since` is the event that put it there.

    `source` is `None` for a policy that was only ever named (a roll-back to a pack that ships with
    Holdfast, say).
    """

    policy: str
    source: str | None
    phase: PolicyPhase
    percent: int
    since: int


Policies: TypeAlias = Mapping[str, PolicyState]
POLICY_EVENTS = (PolicyPublished, PolicyShadowed, PolicyShadowEnded, PolicyRolledOut, PolicyRolledBack)


def reduce_policies(policies: Policies, seq: int, event: Event) -> Policies:
    """The lifecycle after `event`. At most one policy is live, and at most one rolls out.

    A live policy stays live when it is also asked to run in the shadow or to roll out.
    """

    def put(policy: str, source: str | None, phase: PolicyPhase, percent: int = 0) -> None:
        before = after.get(policy)
        if source is None and before is not None:
            source = before.source
        after[policy] = PolicyState(policy, source, phase, percent, seq)

    def phase_of(policy: str) -> PolicyPhase | None:
        state = policies.get(policy)
        return None if state is None else state.phase

    def retire(phase: PolicyPhase, but: str) -> None:
        for name, state in policies.items():
            if state.phase == phase and name != but:
                put(name, None, "retired")

    after = dict(policies)
    match event:
        case PolicyPublished():
            # A roll-out is measured against the live policy; a new one ends it.
            retire("live", event.policy)
            retire("rolling_out", event.policy)
            put(event.policy, event.source, "live")
        case PolicyShadowed():
            if phase_of(event.policy) not in ("live", "rolling_out"):
                put(event.policy, event.source, "shadow")
        case PolicyShadowEnded():
            if phase_of(event.policy) == "shadow":
                put(event.policy, None, "retired")
        case PolicyRolledOut():
            if phase_of(event.policy) != "live":
                retire("rolling_out", event.policy)
                put(event.policy, event.source, "rolling_out" if event.percent else "retired", event.percent)
        case PolicyRolledBack():
            retire("live", event.to)
            if event.policy != event.to:
                put(event.policy, None, "retired")
            if phase_of(event.to) != "live":
                put(event.to, None, "live")
        case _:
            return policies
    return after


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
