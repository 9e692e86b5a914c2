"""The policies in force: loaded from where the ledger says they stand, each with its counters.

A change by another process is seen within `REFRESH`; a policy that comes into force, or comes back after a
restart, begins with what the ledger has seen within its counters' windows.

Where several workers decide, each follows the ledger: before a batch it counts what the others recorded since
its last one. What others decide at the same moment it cannot see, so a counter may lack, for one batch, what
the others' batches of that moment hold; after it all have counted the same, whatever the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

import msgspec

from holdfast.counting import count_past
from holdfast.engine import Engine
from holdfast.ledger.events import PolicyAdded, PolicyPublished, past_in
from holdfast.ledger.idempotency import Appended
from holdfast.ledger.ledger import Ledger
from holdfast.ledger.reducers import lifecycle_of
from holdfast.policy.counters import Counters
from holdfast.policy.lifecycle import Lifecycle
from holdfast.policy.packs import DEFAULT_PACK, pack_source
from holdfast.policy.policy import Policy

REFRESH = timedelta(milliseconds=250)
"""How long a policy change by another process may take to be seen."""
WARM_LIMIT = 200_000
"""Items from the ledger that counters are warmed with, about and at most: the newest."""
SKIPS = 100
"""Stretches of own events that one query leaves out, at most."""
FOLLOW_LIMIT = 5_000
"""Items by others that are counted before one batch, at most; a worker that lags is even soon."""


class InForce(NamedTuple):
    """A policy that is judged, and its counters."""

    policy: Policy
    counters: Counters


class _Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    size: int
    counters: dict[str, bytes]


class PoliciesInForce:
    """Every policy that takes part in deciding: live, rolling out, in shadow.

    `fixed` decides instead of whatever the ledger says. Where nothing is live, the default pack is, and is
    published. `following` says that others record in the ledger too, whose items count here.
    """

    def __init__(
        self, engine: Engine, ledger: Ledger | None, fixed: Policy | None, *, following: bool = False
    ) -> None:
        self.engine = engine
        self.following = following and ledger is not None
        self.ledger = ledger
        self.lifecycle = Lifecycle() if fixed is None else Lifecycle(live=fixed.id)
        self.by_id: Mapping[str, InForce] = {}
        self._fixed = fixed
        self._refreshed: datetime | None = None
        self._restored: _Snapshot | None = None
        self._warm = True
        self._followed: datetime | None = None
        # Every event before this place has been counted, and of those from there on, these.
        self._position = 0
        self._own: list[range] = []

    @property
    def live(self) -> InForce:
        return self.by_id[self.lifecycle.live or ""]

    def refresh(self, now: datetime) -> None:
        """Follow the ledger: others' items each time, policies unless that was done within `REFRESH`."""
        if self.following and now != self._followed and any(f.policy.counters for f in self.by_id.values()):
            self._followed = now
            self._catch_up(FOLLOW_LIMIT)
        if self._refreshed is not None and abs(now - self._refreshed) < REFRESH:
            return
        first, self._refreshed = self._refreshed is None, now
        if self._fixed is None:
            sources = self._follow(now)
            self._meet_before_enforcing(self.lifecycle.in_use)
            self.by_id = {
                policy: self.by_id.get(policy)
                or self._enforce(Policy.load(sources[policy], self.engine.schema, policy), now)
                for policy in self.lifecycle.in_use
            }
        elif first:
            self._meet_before_enforcing([self._fixed.id])
            self.by_id = {self._fixed.id: self._enforce(self._fixed, now)}
            self._add_to_ledger(self._fixed, now)

    def _follow(self, now: datetime) -> dict[str, str]:
        """The texts of the policies in the ledger; sees to it that one is live."""
        states = {} if self.ledger is None else self.ledger.policies()
        self.lifecycle = lifecycle_of(states)
        sources = {state.policy: state.source for state in states.values()}
        if self.lifecycle.live is None:
            default = Policy.load(pack_source(DEFAULT_PACK), self.engine.schema, DEFAULT_PACK)
            self.lifecycle = self.lifecycle.publish(default.id)
            sources[default.id] = default.source
            if self.ledger is not None:
                event = PolicyPublished(
                    policy=default.id, source=default.source, by="holdfast", note="the default pack"
                )
                self.ledger.append([event], now)
        return sources

    def _add_to_ledger(self, policy: Policy, now: datetime) -> None:
        # Decisions name the policy by its hash: its text has to be where they are.
        if self.ledger is not None and policy.id not in self.ledger.policies():
            self.ledger.append([PolicyAdded(policy=policy.id, source=policy.source, by="holdfast")], now)

    # Counters -------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The counters' state, for `restore` in another process."""
        if self.following:
            self._catch_up()
            size = self._position
        else:
            size = 0 if self.ledger is None else self.ledger.head().size
        counters = {name: force.counters.snapshot() for name, force in self.by_id.items()}
        return msgspec.msgpack.encode(_Snapshot(size=size, counters=counters))

    def restore(self, snapshot: bytes, *, warm: bool = True) -> None:
        """Go on from `snapshot`; what the ledger has seen since is counted as well, unless not `warm`:
        a resumed run goes through those items again.

        Raises `msgspec.DecodeError` for what `snapshot` did not make. Call it before the first decision.
        """
        self._restored = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        self._warm = warm

    def _enforce(self, policy: Policy, now: datetime) -> InForce:
        """Load the policy's counters and bring them up to what the ledger has seen."""
        if not policy.counters:
            return InForce(policy, Counters(()))
        restored = self._restored
        if restored is not None and policy.id in restored.counters:
            counters = Counters.restore(policy.counters, restored.counters[policy.id])
            start = restored.size
        else:
            counters, start = Counters(policy.counters), 0
        if self.ledger is not None and self._warm:
            since = now - timedelta(seconds=max(counter.seconds for counter in policy.counters))
            start = max(start, self.ledger.first_after(since), self.ledger.newest(WARM_LIMIT))
            stop = self._position if self.following else None
            history = (past for event in self.ledger.read(start, stop) for past in past_in(event.event))
            count_past(self.engine, self.ledger, policy, counters, history)
        return InForce(policy, counters)

    # Following ------------------------------------------------------------------------------

    def _meet_before_enforcing(self, policies: Iterable[str]) -> None:
        """Bring all counters to one place in the ledger, from which those of new policies go on with them."""
        if self.following and not self.by_id.keys() >= set(policies):
            self._catch_up()

    @property
    def met(self) -> dict[str, Sequence[bool | None]]:
        """For which items of the latest batch the counters' conditions held, by mark."""
        return {mark: met for force in self.by_id.values() for mark, met in force.counters.counted.items()}

    def recorded(self, appended: Iterable[Appended]) -> None:
        """Say which events hold items that were counted here when they were decided."""
        if not self.following:
            return
        for one in sorted(appended, key=lambda one: one.first):
            if self._own and self._own[-1].stop == one.first:
                self._own[-1] = range(self._own[-1].start, one.first + one.count)
            elif one.count:
                self._own.append(range(one.first, one.first + one.count))

    def _catch_up(self, limit: float = inf) -> None:
        """Count what others recorded, about `limit` items at most."""
        assert self.ledger is not None
        counting = [force for force in self.by_id.values() if force.policy.counters]
        if not counting:
            # What comes into force begins with what the ledger holds then.
            self._position, self._own = self.ledger.head().size, []
            return
        taken, more = 0, True
        while more and taken < limit:
            # A worker that lags has many of its own; a query takes some.
            skip, later = self._own[:SKIPS], self._own[SKIPS:]
            page, more = self.ledger.page(self._position, later[0].start if later else None, skip)
            history = [past for event in page for past in past_in(event.event)]
            for force in counting:
                count_past(self.engine, self.ledger, force.policy, force.counters, history)
            taken += len(history)
            if page:
                self._position = page[-1].seq + 1
            if not more and skip:
                self._position = max(self._position, skip[-1].stop)
                more = bool(later)
            self._own = [own for own in self._own if own.stop > self._position]
