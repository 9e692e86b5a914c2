"""Where the console's pages get what they show: the ledger, the live policy, the figures.

All reading happens on threads, never on the event loop, and nothing here writes.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple, TypeVar, cast

from holdfast.content import Item
from holdfast.decision import Action, Decision
from holdfast.ledger import DecisionEntry, ItemRecord, Ledger
from holdfast.ledger.decisions import parse_ref
from holdfast.ledger.events import Allowed, Decided, Recorded
from holdfast.policy.lifecycle import Lifecycle
from holdfast.policy.policy import Policy
from holdfast.web.console.catalogue import Catalogue, Relative
from holdfast.web.console.figures import BIN_SECONDS, Figures, Minute, midnight, window_start
from holdfast.web.console.listing import Filters, Listing, events_of, search
from holdfast.web.console.plot import Plot, plot
from holdfast.web.console.policy_text import ShownPolicy, shown_policy
from holdfast.web.console.views import Judged, Page, Row, ShownProof, judged, page, row, shown_proof
from holdfast.web.service import Service

T = TypeVar("T")

RECENT = 8
CATCH_UP_S = 0.25
"""Seconds that one refresh reads for at most; a long day is caught up with in steps."""
REFRESH_S = 1.0


class InForce(NamedTuple):
    """What decides now."""

    policy: Policy
    lifecycle: Lifecycle


class Rate(NamedTuple):
    """The plot, its finding, and the table behind it."""

    plot: Plot
    finding: str
    stopped: str
    minutes: Sequence[Minute]


class Status(NamedTuple):
    """The status line."""

    since: Relative
    policy: str
    candidate: str | None
    candidate_share: float
    size: int
    head: str
    unknown_share: float | None


class Counts(NamedTuple):
    """Today's counts; `counting` while the day is still being read."""

    actions: dict[Action, int]
    held: int
    escalated: int
    counting: bool


class Commands(NamedTuple):
    """Two commands to try when nothing was decided yet."""

    curl: str
    file: str


class Shown(NamedTuple):
    """The first page's figures at one moment."""

    status: Status
    today: Counts
    rate: Rate
    clock: str
    commands: Commands


class Sources:
    """What the console reads of a `service` that is open."""

    def __init__(
        self, service: Service, words: Catalogue, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.service = service
        self.words = words
        self.clock = clock
        self._figures: Figures | None = None
        self._head = (0, "")
        self._force: InForce | None = None
        self._refreshed: datetime | None = None
        self._turn = asyncio.Lock()

    @property
    def ledger(self) -> Ledger:
        return self.service.ledger

    async def in_force(self) -> InForce:
        """The live policy, asked for where the decider runs."""
        decider, now = self.service.decider, self.clock()
        return await self._on_worker(lambda: InForce(decider.policy(now), decider.lifecycle(now)))

    async def _on_worker(self, function: Callable[[], T]) -> T:
        # The batcher's own outcome type says nothing about what else runs on its thread.
        return cast(T, await cast(Any, self.service.batcher).on_worker(function))

    # Figures --------------------------------------------------------------------------------

    async def shown(self, commands: Commands) -> Shown:
        """The figures as they are now, at most a second old however many ask."""
        now = self.clock()
        async with self._turn:
            if self._refreshed is None or abs((now - self._refreshed).total_seconds()) >= REFRESH_S:
                await asyncio.to_thread(self._refresh, now)
                self._force = await self.in_force()
                self._refreshed = now
        assert self._force is not None
        return self._show(now, self._force, commands)

    async def fired(self, policy: str) -> dict[str, int]:
        """How often each rule of `policy` fired today."""
        now = self.clock()
        async with self._turn:
            await asyncio.to_thread(self._refresh, now)
            assert self._figures is not None
            self._figures.today(now)
            return self._figures.fired(policy)

    def _refresh(self, now: datetime) -> None:
        head = self.ledger.head()
        self._head = (head.size, head.root.hex())
        if self._figures is None:
            self._figures = Figures(now, self.ledger.first_after(window_start(now)))
        figures = self._figures
        figures.add(_for_a_while(self.ledger.read(figures.cursor, head.size), CATCH_UP_S))

    def _show(self, now: datetime, force: InForce, commands: Commands) -> Shown:
        figures = self._figures
        assert figures is not None
        words = self.words
        today = figures.today(now)
        size, head = self._head
        drawn = plot(figures.bins(now), BIN_SECONDS, now.timestamp() % BIN_SECONDS)
        lifecycle = force.lifecycle
        return Shown(
            status=Status(
                words.relative(self.service.started_at, now),
                force.policy.id,
                lifecycle.candidate,
                lifecycle.percent / 100,
                size,
                head if size else "",
                today.unknown_share,
            ),
            today=Counts(today.actions, today.held, today.escalated, figures.cursor < size),
            rate=Rate(drawn, finding(drawn, words), stopped(drawn, words), figures.minutes(now)),
            clock=f"{now.astimezone(UTC):%H:%M:%S} UTC",
            commands=commands,
        )

    # Decisions ------------------------------------------------------------------------------

    async def recent(self, *, may_see: bool) -> Sequence[Row]:
        return await asyncio.to_thread(self._recent, may_see)

    def _recent(self, may_see: bool) -> Sequence[Row]:
        return self._rows(self.ledger.decisions(RECENT), may_see)

    async def listing(self, filters: Filters, *, may_see: bool) -> Listing:
        """A page of decisions. Raises the ledger's `NotFound` for a place that cannot be one."""
        return await asyncio.to_thread(self._listing, filters, may_see)

    def _listing(self, filters: Filters, may_see: bool) -> Listing:
        found = search(self.ledger, filters, midnight(self.clock()))
        return Listing(self._rows(found.entries, may_see), filters, found.older, found.searched)

    def _rows(self, entries: Sequence[DecisionEntry], may_see: bool) -> list[Row]:
        now = self.clock()
        events = events_of(self.ledger, entries)
        held: list[tuple[DecisionEntry, ItemRecord, Decision | None]] = []
        for entry in entries:
            seq, _, slot = entry.ref.partition(".")
            event = events[int(seq)].event
            if isinstance(event, Decided):
                held.append((entry, event.item, event.decision))
            elif isinstance(event, Allowed):
                held.append((entry, event.items[int(slot)], None))
        commitments = [record.text for _, record, _ in held if record.text is not None]
        texts = self.ledger.texts(commitments) if may_see else {}
        return [
            row(entry.ref, entry.at, record, decision, texts, may_see=may_see, now=now, words=self.words)
            for entry, record, decision in held
        ]

    async def decision(self, ref: str, *, may_see: bool) -> tuple[Page, ShownProof]:
        """Everything about one decision. Raises the ledger's `NotFound`."""
        return await asyncio.to_thread(self._decision, ref, may_see)

    def _decision(self, ref: str, may_see: bool) -> tuple[Page, ShownProof]:
        found = self.ledger.decision(ref)
        event = self.ledger.get(parse_ref(ref)[0])
        texts = self.ledger.texts(list(found.item.commitments())) if may_see else {}
        schema = self.service.decider.engine.schema
        shown = page(found, event, texts, schema, may_see=may_see, now=self.clock(), words=self.words)
        return shown, shown_proof(self.ledger.prove(event.seq))

    # Policies and trying --------------------------------------------------------------------

    async def policy(self) -> tuple[ShownPolicy, Lifecycle]:
        """The live policy, with how often each rule fired today, and what runs beside it."""
        policy, lifecycle = await self.in_force()
        return shown_policy(policy, await self.fired(policy.id)), lifecycle

    async def judge(self, item: Item) -> Judged:
        """Decide `item` under the live policy, without a record and with fresh counters."""
        decider, now = self.service.decider, self.clock()
        engine = decider.engine
        (decision,) = await self._on_worker(lambda: engine.decide([item], decider.policy(now), now))
        return judged(decision, item.text, engine.schema, self.words)


def _for_a_while(events: Iterable[Recorded], seconds: float) -> Iterator[Recorded]:
    """`events` until `seconds` have passed."""
    until = perf_counter() + seconds
    for event in events:
        yield event
        if perf_counter() > until:
            break


def commands(service: Service, base: str) -> Commands:
    """The two commands to try on this server, which is at the address `base`."""
    key = "" if service.access.is_open else " \\\n  -H 'Authorization: Bearer hf_…'"
    return Commands(
        f"curl {base.rstrip('/')}/v1/decide{key} \\\n"
        """  -H 'Content-Type: application/json' \\\n  -d '{"id": "1", "text": "Hello from the other side"}'""",
        f"holdfast decide comments.csv --data {shlex.quote(str(service.data))}",
    )


def finding(drawn: Plot, words: Catalogue) -> str:
    """What the plot shows, in a sentence."""
    if drawn.trend == "none":
        return words.say("rate.none")
    if drawn.trend == "new" or drawn.total < 60 or drawn.rate < 0.1:
        return words.say("rate.few", n=drawn.total)
    rate = round(drawn.rate) if drawn.rate >= 10 else drawn.rate
    return words.say(f"rate.{drawn.trend}", rate=float(f"{rate:.2g}") if rate < 10 else rate)


def stopped(drawn: Plot, words: Catalogue) -> str:
    return words.say("rate.stopped", share=words.percent(drawn.stopped_share)) if drawn.total else ""
