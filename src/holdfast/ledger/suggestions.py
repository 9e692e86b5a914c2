"""Suggested scores: recording what clients say that an item should have scored, and finding it again.

Nothing is decided by a suggestion. Few events are suggestions, so they have an index of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, select

from holdfast.content import Item
from holdfast.ledger.decisions import parse_ref
from holdfast.ledger.encoding import decode_body, from_micros
from holdfast.ledger.errors import NotFound
from holdfast.ledger.events import ItemRecord, ScoreSuggested, texts_of
from holdfast.ledger.ledger import Ledger
from holdfast.ledger.reducers import WHOLE
from holdfast.store.schema import SUGGESTED, events

LOOK_BACK = 100
"""Suggestions among which one that comes again is found."""
PAGE = 500


class Suggested(NamedTuple):
    """What a client says: `item` should score `scores`, 0 to 1 by attribute; `by` is the id of its API key."""

    item: Item
    scores: Mapping[str, float]
    by: str
    community: str | None = None


class Found(NamedTuple):
    """A suggestion in its place in the ledger."""

    seq: int
    at: datetime
    event: ScoreSuggested


def suggest(ledger: Ledger, suggested: Sequence[Suggested], at: datetime) -> list[int]:
    """Record suggestions in one transaction. Returns the place of each.

    One that repeats the last word of the same key on the same texts is not recorded again, as long as that is among
    the newest: a client whose connection broke may send it twice.
    """
    with ledger.writing(at) as writer:
        commitments = writer.commit(text for one in suggested for text in texts_of(one.item))
        # Read once it is this writer's turn: no other can append between this look and the append.
        places = {_subject(found.event): found for found in reversed(newest(ledger, LOOK_BACK))}
        first = writer.appended.first
        appended: list[ScoreSuggested] = []
        answers = []
        for one in suggested:
            event = ScoreSuggested(
                item=ItemRecord.of(one.item, commitments),
                scores=dict(one.scores),
                by=one.by,
                community=one.community,
            )
            last = places.get(_subject(event))
            if last is None or last.event.scores != event.scores:
                last = places[_subject(event)] = Found(first + len(appended), at, event)
                appended.append(event)
            answers.append(last.seq)
        if appended:
            writer.append(appended)
    return answers


def newest(ledger: Ledger, limit: int, before: int | None = None) -> list[Found]:
    """The newest suggestions, newest first; `before` is the place of the last one of the page before."""
    with ledger.database.reading() as connection:
        return _found(connection, _query(limit, before))


def newest_first(ledger: Ledger) -> Iterator[Found]:
    """Every suggestion, newest first. Memory stays flat, and no transaction is held open between pages."""
    before: int | None = None
    while page := newest(ledger, PAGE, before):
        yield from page
        before = page[-1].seq


def last_words(found: Iterator[Found]) -> Iterator[tuple[Found, bool]]:
    """Suggestions that come newest first, each with whether it is its key's last word on its texts."""
    seen: set[bytes] = set()
    for one in found:
        # A digest: a million suggestions take some 100 MB, a third of what their names would.
        subject = blake2b(repr(_subject(one.event)).encode(), digest_size=16).digest()
        yield one, subject not in seen
        seen.add(subject)


def item_at(ledger: Ledger, ref: str) -> ItemRecord:
    """The item of the decision or the suggestion at the reference `ref`. Raises `NotFound`."""
    try:
        return ledger.decision(ref).item
    except NotFound as error:
        with suppress(NotFound):
            seq, slot = parse_ref(ref)
            event = ledger.get(seq).event
            if type(event) is ScoreSuggested and slot == WHOLE:
                return event.item
        error.what = "no decision and no suggestion has this reference"
        raise


def _subject(event: ScoreSuggested) -> tuple[object, ...]:
    """Whose word it is, and on what."""
    item = event.item
    return event.by, event.community, item.text, item.caption, item.parent


def _query(limit: int, before: int | None) -> Select[Any]:
    query = select(events.c.seq, events.c.at, events.c.body).where(SUGGESTED)
    if before is not None:
        query = query.where(events.c.seq < before)
    return query.order_by(events.c.seq.desc()).limit(limit)


def _found(connection: Connection, query: Select[Any]) -> list[Found]:
    found = []
    for row in connection.execute(query):
        event = decode_body(row.body)
        if type(event) is ScoreSuggested:
            found.append(Found(row.seq, from_micros(row.at), event))
    return found
