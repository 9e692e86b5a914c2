"""Lists of decisions: which ones, and the page of them that an address names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from holdfast.decision import ACTIONS, Action
from holdfast.ledger import DecisionEntry, Ledger, Recorded
from holdfast.ledger.events import Decided
from holdfast.web.console.views import Row

PAGE = 25
STEP = 200
"""Decisions that are looked through for a rule at a time."""
SEARCH = 2_000
"""Decisions that one request looks through for a rule."""


class Filters(NamedTuple):
    """What a list holds. `before` is the reference that the page comes before."""

    action: Action | None = None
    rule: str | None = None
    escalated: bool = False
    today: bool = False
    before: str | None = None

    @classmethod
    def of(
        cls, action: str | None, rule: str | None, escalated: str | None, when: str | None, before: str | None
    ) -> Filters:
        """The filters of an address; what it does not know is left out."""
        known = next((one for one in ACTIONS if one == action), None)
        return cls(known, rule or None, bool(escalated), when == "today", before or None)

    def __bool__(self) -> bool:
        return self != Filters()

    @property
    def address(self) -> str:
        """Where the list is found."""
        query = urlencode(
            {
                name: value
                for name, value in (
                    ("action", self.action),
                    ("rule", self.rule),
                    ("escalated", "1" if self.escalated else None),
                    ("when", "today" if self.today else None),
                    ("before", self.before),
                )
                if value
            }
        )
        return f"/decisions?{query}" if query else "/decisions"

    def but(self, **changes: object) -> str:
        """The address of the list with `changes`; it starts at the newest again unless they say where."""
        return self._replace(**{"before": None, **changes}).address  # type: ignore[arg-type]


class Found(NamedTuple):
    """Entries of one page. `older` is the place after which the next one starts.

    `searched` is how many decisions were looked through when the search ended without filling the page.
    """

    entries: Sequence[DecisionEntry]
    older: str | None
    searched: int = 0


class Listing(NamedTuple):
    """A page of decisions as it is shown."""

    rows: Sequence[Row]
    filters: Filters
    older: str | None
    searched: int


def search(ledger: Ledger, filters: Filters, midnight: datetime) -> Found:
    """The page that `filters` names. `midnight` is when today began.

    Raises `NotFound` for a place that cannot be one.
    """
    by_rule = filters.rule is not None
    step = STEP if by_rule else PAGE + 1
    found: list[DecisionEntry] = []
    searched, cursor, more = 0, filters.before, True
    while more and len(found) <= PAGE and searched < SEARCH:
        entries = ledger.decisions(step, cursor, filters.action, whole=by_rule, escalated=filters.escalated)
        more = by_rule and len(entries) == step
        if filters.today and entries and entries[-1].at < midnight:
            entries, more = [entry for entry in entries if entry.at >= midnight], False
        if entries:
            cursor = entries[-1].ref
        searched += len(entries)
        found += entries if filters.rule is None else _with_rule(ledger, entries, filters.rule)
    page = found[:PAGE]
    if len(found) > PAGE:
        return Found(page, page[-1].ref)
    return Found(page, cursor, searched) if more else Found(page, None)


def _with_rule(ledger: Ledger, entries: Sequence[DecisionEntry], rule: str) -> list[DecisionEntry]:
    events = events_of(ledger, entries)
    return [entry for entry in entries if _fired(events[int(entry.ref)], rule)]


def _fired(recorded: Recorded, rule: str) -> bool:
    event = recorded.event
    return isinstance(event, Decided) and any(fired.name == rule for fired in event.decision.rules)


def events_of(ledger: Ledger, entries: Sequence[DecisionEntry]) -> dict[int, Recorded]:
    """The events behind `entries`, by their place."""
    wanted = {int(entry.ref.partition(".")[0]) for entry in entries}
    if not wanted:
        return {}
    first, last = min(wanted), max(wanted)
    if last - first < 4 * len(wanted):  # close together: one pass over all between
        return {recorded.seq: recorded for recorded in ledger.read(first, last + 1)}
    return {seq: ledger.get(seq) for seq in wanted}
