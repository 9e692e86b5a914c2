"""Where the console's pages get what they show: the ledger, the live policy, the figures.

All reading happens on threads, never on the event loop, and nothing here writes.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar, cast

from holdfast.content import Item
from holdfast.decision import Action, Decision
from holdfast.ledger import DecisionEntry, ItemRecord, Ledger
from holdfast.ledger.events import Allowed, Decided, Recorded
from holdfast.ledger.ledger import parse_ref
from holdfast.policy.lifecycle import Lifecycle
from holdfast.policy.policy import Policy
from holdfast.web.console.catalogue import Catalogue, Relative
from holdfast.web.console.figures import BIN_SECONDS, Figures, Minute, midnight, window_start
from holdfast.web.console.plot import Plot, plot
from holdfast.web.console.policy_text import ShownPolicy, shown_policy
from holdfast.web.console.views import Judged, Listing, Page, Row, ShownProof, judged, page, row, shown_proof
from holdfast.web.service import Service

T = TypeVar("T")

RECENT = 8
PAGE = 25
SEARCH = 2_000
"""Decisions that one request looks through for a rule."""
CATCH_UP = 20_000
"""Events that one refresh reads at most; a long day is caught up with in steps."""
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
        figures.add(self.ledger.read(figures.cursor, min(head.size, figures.cursor + CATCH_UP)))

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

    async def listing(
        self, action: Action | None, rule: str | None, when: str | None, before: str | None, *, may_see: bool
    ) -> Listing:
        return await asyncio.to_thread(self._listing, action, rule, when, before, may_see)

    def _listing(
        self, action: Action | None, rule: str | None, when: str | None, before: str | None, may_see: bool
    ) -> Listing:
        since = midnight(self.clock()) if when == "today" else None
        found: list[DecisionEntry] = []
        searched, cursor, more = 0, before, True
        while len(found) <= PAGE and more and searched < SEARCH:
            entries = self.ledger.decisions(PAGE + 1 if rule is None else 100, cursor, action)
            more = len(entries) == (PAGE + 1 if rule is None else 100)
            if since is not None and entries and entries[-1].at < since:
                entries, more = [entry for entry in entries if entry.at >= since], False
            if not entries:
                break
            searched += len(entries)
            cursor = entries[-1].ref
            found += entries if rule is None else self._with_rule(entries, rule)
            if rule is None:
                break
        shown = found[:PAGE]
        older = shown[-1].ref if len(found) > PAGE else None
        cut_short = rule is not None and more and len(found) <= PAGE
        return Listing(
            self._rows(shown, may_see),
            action,
            rule,
            when,
            before,
            cursor if cut_short else older,
            searched if cut_short else 0,
        )

    def _with_rule(self, entries: Iterable[DecisionEntry], rule: str) -> list[DecisionEntry]:
        whole = [entry for entry in entries if "." not in entry.ref]
        fired = {
            seq
            for seq, recorded in self._events([int(entry.ref) for entry in whole]).items()
            if isinstance(recorded.event, Decided)
            and any(r.name == rule for r in recorded.event.decision.rules)
        }
        return [entry for entry in whole if int(entry.ref) in fired]

    def _rows(self, entries: Sequence[DecisionEntry], may_see: bool) -> list[Row]:
        now = self.clock()
        events = self._events([int(entry.ref.partition(".")[0]) for entry in entries])
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

    def _events(self, places: Sequence[int]) -> dict[int, Recorded]:
        wanted = set(places)
        if not wanted:
            return {}
        first, last = min(wanted), max(wanted)
        if last - first < 4 * len(wanted):  # close together: one pass over all between
            return {recorded.seq: recorded for recorded in self.ledger.read(first, last + 1)}
        return {seq: self.ledger.get(seq) for seq in wanted}

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
        return judged(decision, item.text, engine.schema)


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
