"""A list of decisions holds exactly what its address names, page by page, with none twice and none left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.decision import ACTIONS, Decision, Fired
from holdfast.ledger import ItemRecord, Ledger, NotFound
from holdfast.ledger.events import Allowed, Decided, Event
from holdfast.web.console.listing import PAGE, Filters, search

DAY = datetime(2026, 3, 14, tzinfo=UTC)
COUNT = 90


def event(number: int) -> Event:
    """Every third is a compact allow of two items; the others hold, limit and allow in turn, by two rules."""
    record = ItemRecord(id=f"i-{number}")
    if number % 3 == 0:
        return Allowed(policy="p@1", items=(record, record), received_at=DAY)
    rule = Fired(name=f"rule_{number % 2}", then="hold", reason="spam", tells="", values={})
    decision = Decision(
        item_id=record.id,
        action=("hold", "limit", "allow")[number % 5 % 3],  # type: ignore[arg-type]
        escalate=number % 7 == 0,
        rules=(rule,),
        unknown=(),
        signals={},
        spans=(),
        policy="p@1",
        versions={},
    )
    return Decided(item=record, decision=decision, received_at=DAY)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    data: Path = tmp_path_factory.mktemp("listing")
    with Ledger.open(data=data) as ledger:
        for number in range(COUNT):
            # Two thirds were recorded today.
            at = DAY + timedelta(minutes=number - COUNT // 3)
            ledger.append([event(number)], at)
        yield ledger


def pages(ledger: Ledger, filters: Filters) -> list[str]:
    refs: list[str] = []
    for _ in range(COUNT):
        found = search(ledger, filters, DAY)
        assert len(found.entries) <= PAGE
        refs += [entry.ref for entry in found.entries]
        if found.older is None:
            return refs
        filters = filters._replace(before=found.older)
    raise AssertionError("it has no end")


def expected(filters: Filters) -> list[str]:
    refs = []
    for number in reversed(range(COUNT)):
        one = event(number)
        if filters.today and number < COUNT // 3:
            continue
        if isinstance(one, Allowed):
            if filters.action in (None, "allow") and filters.rule is None and not filters.escalated:
                refs += [f"{number}.1", f"{number}.0"]
        elif isinstance(one, Decided):
            decision = one.decision
            if (
                filters.action in (None, decision.action)
                and (filters.rule is None or decision.rules[0].name == filters.rule)
                and (not filters.escalated or decision.escalate)
            ):
                refs.append(str(number))
    return refs


@pytest.mark.parametrize("action", [None, "hold", "allow", "remove"])
@pytest.mark.parametrize("rule", [None, "rule_1", "rule_of_nobody"])
@pytest.mark.parametrize("escalated", [False, True])
@pytest.mark.parametrize("today", [False, True])
def test_pages_hold_what_the_filters_name(
    ledger: Ledger, action: str | None, rule: str | None, escalated: bool, today: bool
) -> None:
    filters = Filters(action, rule, escalated, today)  # type: ignore[arg-type]
    assert pages(ledger, filters) == expected(filters)


def test_a_place_that_cannot_be_one_is_told(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        search(ledger, Filters(before="x"), DAY)


@given(
    st.one_of(st.none(), st.sampled_from(ACTIONS)),
    st.one_of(st.none(), st.text(min_size=1, max_size=8)),
    st.booleans(),
    st.booleans(),
    st.one_of(st.none(), st.just("12.3")),
)
def test_an_address_says_all_of_the_filters(
    action: str | None, rule: str | None, escalated: bool, today: bool, before: str | None
) -> None:
    filters = Filters(action, rule, escalated, today, before)  # type: ignore[arg-type]
    query = dict(parse_qsl(urlsplit(filters.address).query))
    names = ("action", "rule", "escalated", "when", "before")
    assert Filters.of(*(query.get(name) for name in names)) == filters
    assert "before" not in filters.but(today=not today)
