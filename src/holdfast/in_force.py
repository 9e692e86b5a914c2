"""The policies in force: loaded from where the ledger says they stand, each with its counters.

A change by another process is seen within `REFRESH`; a policy that comes into force, or comes back after a
restart, begins with what the ledger has seen within its counters' windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

import msgspec

from holdfast.content import Item
from holdfast.engine import Engine
from holdfast.ledger.events import ItemRecord, PolicyAdded, PolicyPublished, records_in
from holdfast.ledger.ledger import Ledger
from holdfast.ledger.reducers import lifecycle_of
from holdfast.policy.counters import Counters
from holdfast.policy.lifecycle import Lifecycle
from holdfast.policy.packs import DEFAULT_PACK, pack_source
from holdfast.policy.policy import Policy

REFRESH = timedelta(milliseconds=250)
"""How long a policy change by another process may take to be seen."""
WARM_LIMIT = 200_000
"""Items from the ledger that counters are warmed with, at most."""
WARM_BATCH = 500


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
    published.
    """

    def __init__(self, engine: Engine, ledger: Ledger | None, fixed: Policy | None) -> None:
        self.engine = engine
        self.ledger = ledger
        self.lifecycle = Lifecycle() if fixed is None else Lifecycle(live=fixed.id)
        self.by_id: Mapping[str, InForce] = {}
        self._fixed = fixed
        self._refreshed: datetime | None = None
        self._restored: _Snapshot | None = None
        self._warm = True

    @property
    def live(self) -> InForce:
        return self.by_id[self.lifecycle.live or ""]

    def refresh(self, now: datetime) -> None:
        """Follow the ledger, unless that was done within `REFRESH`."""
        if self._refreshed is not None and abs(now - self._refreshed) < REFRESH:
            return
        first, self._refreshed = self._refreshed is None, now
        if self._fixed is None:
            sources = self._follow(now)
            self.by_id = {
                policy: self.by_id.get(policy)
                or self._enforce(Policy.load(sources[policy], self.engine.schema, policy), now)
                for policy in self.lifecycle.in_use
            }
        elif first:
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
            self._count(self.ledger, policy, counters, max(start, self.ledger.first_after(since)))
        return InForce(policy, counters)

    def _count(self, ledger: Ledger, policy: Policy, counters: Counters, start: int) -> None:
        """Count what the ledger recorded from `start` on."""
        history = islice(
            ((record, at) for event in ledger.read(start) for record, at in records_in(event.event)),
            WARM_LIMIT,
        )
        while batch := list(islice(history, WARM_BATCH)):
            records = [record for record, _ in batch]
            # An erased text counts as an empty one: who wrote to whom, and when, is still known.
            items = [
                item or _without_words(record)
                for item, record in zip(ledger.items(records), records, strict=True)
            ]
            self.engine.count(self.engine.measure(items), policy, counters, [at for _, at in batch])


def _without_words(record: ItemRecord) -> Item:
    return Item(
        id=record.id,
        text="",
        surface=record.surface,
        author=record.author,
        target=record.target,
        language=record.language,
        created_at=record.created_at,
        context=record.context,
    )
