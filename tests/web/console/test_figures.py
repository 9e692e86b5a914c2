"""The first page's figures are what counting the ledger by hand gives."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.decision import ACTIONS, Decision, Fired, Unknown
from holdfast.ledger import ItemRecord, Recorded
from holdfast.ledger.events import Allowed, Decided, Event, PolicyPublished
from holdfast.web.console.figures import BIN_SECONDS, BINS, Figures, midnight, window_start
from holdfast.web.console.plot import HEIGHT, plot

NOW = datetime(2026, 3, 14, 0, 4, 7, tzinfo=UTC)  # four minutes into a day: the window reaches into the last
POLICY = "community@1"
RECORD = ItemRecord(id="1")


def decided(action: str, rules: int, unknown: bool, escalate: bool, at: datetime) -> Decided:
    fired = tuple(
        Fired(name=f"rule_{n}", then="hold", reason="spam", tells="", values={}) for n in range(rules)
    )
    missing = (Unknown(name="rule_9", missing=("author.id",)),) if unknown else ()
    decision = Decision(
        item_id="1", action=action, escalate=escalate, rules=fired, unknown=missing,
        signals={}, spans=(), policy=POLICY, versions={},
    )  # type: ignore[arg-type]  # fmt: skip
    return Decided(item=RECORD, decision=decision, received_at=at)


kinds = st.one_of(
    st.builds(lambda a, r, u, e: lambda at: decided(a, r, u, e, at), st.sampled_from(ACTIONS), st.integers(0, 3), st.booleans(), st.booleans()),
    st.builds(lambda n: lambda at: Allowed(policy=POLICY, items=(RECORD,) * n, received_at=at), st.integers(1, 5)),
    st.just(lambda _: PolicyPublished(policy=POLICY, source="", by="x")),
)  # fmt: skip
histories = st.lists(st.tuples(st.floats(0, 900), kinds), max_size=40)


def recorded(history: list[tuple[float, object]]) -> list[Recorded]:
    """The history as the ledger tells it: in order, `ago` seconds before now."""
    ordered = sorted(history, key=lambda entry: -entry[0])
    moments = [NOW - timedelta(seconds=ago) for ago, _ in ordered]
    return [
        Recorded(seq, at, None, make(at))  # type: ignore[operator]
        for seq, (at, (_, make)) in enumerate(zip(moments, ordered, strict=True))
    ]


def actions_of(event: Event) -> list[str]:
    if isinstance(event, Decided):
        return [event.decision.action]
    return ["allow"] * len(event.items) if isinstance(event, Allowed) else []


@given(histories, st.integers(0, 40))
@settings(deadline=None)
def test_figures_count_what_the_ledger_holds_in_any_number_of_steps(
    history: list[tuple[float, object]], cut: int
) -> None:
    events = [event for event in recorded(history) if event.at > window_start(NOW)]
    figures = Figures(NOW)
    figures.add(events[:cut])
    figures.add(events[cut:])
    today = [event for event in events if event.at >= midnight(NOW)]
    counted = figures.today(NOW)
    assert counted.actions == {a: Counter(x for e in today for x in actions_of(e.event))[a] for a in ACTIONS}
    assert counted.escalated == sum(e.event.decision.escalate for e in today if isinstance(e.event, Decided))
    fired = Counter(r.name for e in today if isinstance(e.event, Decided) for r in e.event.decision.rules)
    assert figures.fired(POLICY) == dict(fired)
    assert figures.fired("another@1") == {}
    first_bin = (int(NOW.timestamp()) // BIN_SECONDS - BINS + 1) * BIN_SECONDS
    recent = [e for e in events if e.at.timestamp() >= first_bin]
    bins = figures.bins(NOW)
    assert len(bins) == BINS
    assert sum(map(sum, bins)) == sum(len(actions_of(e.event)) for e in recent)
    assert sum(stopped for _, stopped in bins) == sum(
        action in ("hold", "remove") for e in recent for action in actions_of(e.event)
    )
    assert sum(minute.total for minute in figures.minutes(NOW)) == sum(map(sum, bins))
    if counted.unknown_share is not None:
        assert 0 <= counted.unknown_share <= 1


def test_a_new_day_starts_from_nothing() -> None:
    figures = Figures(NOW)
    figures.add([Recorded(0, NOW, None, decided("hold", 1, True, True, NOW))])
    assert figures.today(NOW).held == 1
    tomorrow = figures.today(NOW + timedelta(days=1))
    assert (tomorrow.total, tomorrow.escalated, tomorrow.unknown_share) == (0, 0, None)


def test_samples_speak_for_the_allows_that_are_kept_in_short() -> None:
    figures = Figures(NOW)
    sample = [decided("allow", 0, unknown, False, NOW) for unknown in (True, False, False, False)]
    compact = Allowed(policy=POLICY, items=(RECORD,) * 96, received_at=NOW)
    held = decided("hold", 1, False, False, NOW)
    events: list[Event] = [*sample, compact, held]
    figures.add(Recorded(seq, NOW, None, event) for seq, event in enumerate(events))
    share = figures.today(NOW).unknown_share
    assert share is not None
    assert abs(share - 25 / 101) < 1e-9


bins = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=60)


@given(bins, st.floats(0.1, 10))
@settings(deadline=None)
def test_a_column_is_as_tall_as_its_count(counts: list[tuple[int, int]], filled: float) -> None:
    drawn = plot(counts, 10, filled)
    assert drawn.top * 10 >= max(passed + stopped for passed, stopped in counts)
    for column, (passed, stopped) in zip(drawn.columns, counts, strict=True):
        per_unit = HEIGHT / (drawn.top * 10)
        assert abs(column.passed_height - passed * per_unit) < 1e-6
        assert abs(column.stopped_height - stopped * per_unit) < 1e-6
        assert abs(column.stopped_y + column.stopped_height - HEIGHT) < 1e-6
        assert abs(column.passed_y + column.passed_height - column.stopped_y) < 1e-6
        assert column.passed_y > -1e-6
    assert (drawn.trend == "none") == (drawn.total == 0)


def test_a_finding_names_the_trend() -> None:
    steady = [(100, 0)] * 60
    assert plot(steady, 10, 10).trend == "steady"
    assert plot(steady[:54] + [(300, 0)] * 6, 10, 10).trend == "rising"
    assert plot(steady[:54] + [(10, 0)] * 6, 10, 10).trend == "falling"
    assert plot([(0, 0)] * 54 + [(10, 0)] * 6, 10, 10).trend == "new"
    assert abs(plot([*steady[:59], (50, 0)], 10, 5).rate - 10) < 1e-9, "half of the newest bin is over"
