"""The first screen's figures, derived from the ledger's events by a small reducer.

Nothing here is stored: a restart reads today's events again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from holdfast.decision import ACTIONS, Action
from holdfast.ledger.events import Allowed, Decided, Recorded

BIN_SECONDS = 10
BINS = 60
"""Ten minutes of ten seconds."""
STOPPED: frozenset[Action] = frozenset({"hold", "remove"})


class Minute(NamedTuple):
    """A row of the table behind the plot."""

    start: datetime
    actions: dict[Action, int]

    @property
    def total(self) -> int:
        return sum(self.actions.values())


class Today(NamedTuple):
    """Counts since midnight UTC.

    `unknown_share` is the share of decisions with a rule that could not be judged, `None` where no
    decision says. Compactly kept allows do not say; the sampled ones speak for them where there are any.
    """

    day: date
    actions: dict[Action, int]
    escalated: int
    unknown_share: float | None

    @property
    def total(self) -> int:
        return sum(self.actions.values())

    @property
    def held(self) -> int:
        return self.actions["hold"]


class Figures:
    """Counts of today and of the last ten minutes; feed it events in the ledger's order."""

    def __init__(self, now: datetime, first: int = 0) -> None:
        self.cursor = first
        """The place of the next event to read."""
        self._open_day(now.astimezone(UTC).date())
        self._bins: deque[tuple[int, Counter[Action]]] = deque(maxlen=BINS + 1)

    def _open_day(self, day: date) -> None:
        self._day = day
        self._actions: Counter[Action] = Counter()
        self._rules: Counter[tuple[str, str]] = Counter()
        self._escalated = 0
        self._compact = 0
        # (decisions, those with an unknown rule): of sampled allows, and of all others kept in full.
        self._sampled = [0, 0]
        self._others = [0, 0]

    def add(self, events: Iterable[Recorded]) -> int:
        """Count `events`; returns how many there were."""
        read = 0
        for seq, at, _, event in events:
            read += 1
            self.cursor = seq + 1
            if isinstance(event, Decided):
                decision = event.decision
                self._count(at, decision.action, 1)
                if at.date() == self._day:
                    self._escalated += decision.escalate
                    is_sample = decision.action == "allow" and not decision.rules and not decision.escalate
                    kept = self._sampled if is_sample else self._others
                    kept[0] += 1
                    kept[1] += bool(decision.unknown)
                    self._rules.update((decision.policy, rule.name) for rule in decision.rules)
            elif isinstance(event, Allowed):
                self._count(at, "allow", len(event.items))
                if at.date() == self._day:
                    self._compact += len(event.items)
        return read

    def _count(self, at: datetime, action: Action, n: int) -> None:
        day = at.date()
        if day > self._day:
            self._open_day(day)
        if day == self._day:
            self._actions[action] += n
        place = int(at.timestamp()) // BIN_SECONDS
        if not self._bins or self._bins[-1][0] < place:
            self._bins.append((place, Counter()))
        # An event whose clock lags behind is counted in the newest bin.
        self._bins[-1][1][action] += n

    def today(self, now: datetime) -> Today:
        """The counts of the day of `now`."""
        day = now.astimezone(UTC).date()
        if day > self._day:
            self._open_day(day)
        actions: dict[Action, int] = {action: self._actions[action] for action in ACTIONS}
        return Today(self._day, actions, self._escalated, self._unknown_share())

    def _unknown_share(self) -> float | None:
        allows = self._sampled[0] + (self._compact if self._sampled[0] else 0)
        total = allows + self._others[0]
        if not total:
            return None
        of_allows = self._sampled[1] / self._sampled[0] if self._sampled[0] else 0.0
        return (self._others[1] + of_allows * allows) / total

    def fired(self, policy: str) -> dict[str, int]:
        """How often each rule of `policy` (`name@version`) fired today."""
        return {rule: n for (of, rule), n in self._rules.items() if of == policy}

    def bins(self, now: datetime) -> list[tuple[int, int]]:
        """(passed, stopped) of the last ten minutes, oldest first; the newest bin is still filling."""
        by_place = dict(self._bins)
        last = int(now.timestamp()) // BIN_SECONDS
        counts = []
        for place in range(last - BINS + 1, last + 1):
            actions = by_place.get(place, Counter())
            stopped = sum(n for action, n in actions.items() if action in STOPPED)
            counts.append((sum(actions.values()) - stopped, stopped))
        return counts

    def minutes(self, now: datetime) -> list[Minute]:
        """The same ten minutes by the minute, newest first."""
        by_place = dict(self._bins)
        last = int(now.timestamp()) // BIN_SECONDS
        per_minute = 60 // BIN_SECONDS
        rows = []
        for end in range(last + 1, last + 1 - BINS, -per_minute):
            total: Counter[Action] = Counter()
            for place in range(end - per_minute, end):
                total.update(by_place.get(place, Counter()))
            start = datetime.fromtimestamp((end - per_minute) * BIN_SECONDS, UTC)
            rows.append(Minute(start, {action: total[action] for action in ACTIONS}))
        return rows


def midnight(now: datetime) -> datetime:
    """The start of the day of `now`, UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def window_start(now: datetime) -> datetime:
    """From when on events count towards the figures: midnight, or ten minutes ago just after it."""
    return min(midnight(now), now - timedelta(seconds=BIN_SECONDS * BINS))
