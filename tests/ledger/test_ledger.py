from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from tests.ledger.samples import NOW, a_decision, an_item, record, record_allowed

from holdfast.errors import HoldfastError
from holdfast.ledger import IdempotencyConflict, InvalidKey, Ledger, LedgerError, NotFound, texts_of
from holdfast.ledger.events import Decided, KeyCreated, KeyRevoked, PolicyPublished, PolicyShadowed


def published(policy: str) -> PolicyPublished:
    return PolicyPublished(policy=policy, source=f"policy: {policy}", by="ada")


def test_what_was_appended_is_read_back(ledger: Ledger) -> None:
    items = [an_item(n) for n in range(5)]
    appended = record(ledger, items)
    assert (appended.first, appended.count, appended.replayed) == (0, 5, False)
    read = list(ledger.read())
    assert [recorded.seq for recorded in read] == [0, 1, 2, 3, 4]
    assert all(recorded.at == NOW for recorded in read)
    events = [recorded.event for recorded in read]
    assert [event.item.id for event in events if isinstance(event, Decided)] == [item.id for item in items]
    assert ledger.items([event.item for event in events if isinstance(event, Decided)]) == items
    assert list(ledger.read(2, 4)) == read[2:4]
    assert ledger.get(3) == read[3]
    assert ledger.head().size == 5


def test_every_text_of_an_item_comes_back(ledger: Ledger) -> None:
    item = an_item(1, "ein Wort 🌱", caption="caption", parent="parent " * 1000, transcript="t" * 100_000)
    record(ledger, [item, an_item(2, "ein Wort 🌱")])
    first, second = (r.event.item for r in ledger.read() if isinstance(r.event, Decided))
    assert ledger.item(first) == item
    assert first.text == second.text, "the same text is stored once"
    assert ledger.text(first.text or "") == "ein Wort 🌱"


def test_no_words_of_an_item_stand_in_an_event(ledger: Ledger) -> None:
    record(ledger, [an_item(1, "unmistakable words")])
    with ledger.database.reading() as connection:
        (body,) = connection.exec_driver_sql("SELECT body FROM events").one()
    assert b"unmistakable" not in bytes(body)
    assert b"lexicon.harassment" in bytes(body)


def test_a_decision_is_found_by_its_reference(ledger: Ledger) -> None:
    record(ledger, [an_item(1)], "remove")
    record_allowed(ledger, [an_item(2), an_item(3)])
    full = ledger.decision("0")
    assert (full.action, full.item.id) == ("remove", "c1")
    assert full.decision is not None and full.decision.escalate
    compact = ledger.decision("1.1")
    assert (compact.action, compact.item.id, compact.decision) == ("allow", "c3", None)
    for wrong in ("1", "0.0", "1.2", "2", "-1", "x", "", "1.", "1.x", "9" * 30, "١"):
        with pytest.raises(NotFound):
            ledger.decision(wrong)


def test_decisions_are_listed_newest_first_and_by_page(ledger: Ledger) -> None:
    record(ledger, [an_item(n) for n in range(3)])
    record_allowed(ledger, [an_item(n) for n in range(3, 6)])
    record(ledger, [an_item(0)], "remove")
    refs = ["4", "3.2", "3.1", "3.0", "2", "1", "0"]
    assert [entry.ref for entry in ledger.decisions()] == refs
    assert [entry.ref for entry in ledger.decisions(2)] == refs[:2]
    assert [entry.ref for entry in ledger.decisions(3, before="3.1")] == refs[3:6]
    assert [entry.ref for entry in ledger.decisions(action="allow")] == refs[1:4]
    assert [(e.ref, e.action, e.escalate) for e in ledger.decisions_of("c0")] == [
        ("4", "remove", True),
        ("0", "hold", False),
    ]
    assert ledger.decisions_of("nobody") == []


def test_a_key_appends_once(ledger: Ledger) -> None:
    first = ledger.append(
        [published("a@1")], NOW, key="k", fingerprint=b"q", response=lambda seq: b"seq %d" % seq
    )
    again = ledger.append([published("b@1")], NOW, key="k", fingerprint=b"q", response=lambda seq: b"other")
    assert (first.first, first.count, first.response, first.replayed) == (0, 1, b"seq 0", False)
    assert (again.first, again.count, again.response, again.replayed) == (0, 1, b"seq 0", True)
    assert ledger.head().size == 1
    assert ledger.replay("k", b"q") == again
    assert ledger.replay("other") is None
    assert list(ledger.policies()) == ["a@1"]


def test_a_key_with_another_request_is_refused(ledger: Ledger) -> None:
    ledger.append([published("a@1")], NOW, key="k", fingerprint=b"one")
    for attempt in (ledger.replay, lambda key, request: ledger.append([], NOW, key=key, fingerprint=request)):
        with pytest.raises(IdempotencyConflict):
            attempt("k", b"two")
    assert ledger.head().size == 1


@pytest.mark.parametrize("key", ["", "x" * 257, "a\x00b", "a\nb"])
def test_a_key_is_bounded(sqlite_ledger: Ledger, key: str) -> None:
    with pytest.raises(InvalidKey):
        sqlite_ledger.append([published("a@1")], NOW, key=key)


def test_a_replayed_writer_changes_nothing(ledger: Ledger) -> None:
    record(ledger, [an_item(1)], key="k")
    before = ledger.head()
    assert record(ledger, [an_item(2), an_item(3)], key="k").replayed
    assert ledger.head() == before
    assert len(ledger.decisions()) == 1
    assert ledger.verify() == []


def test_purged_responses_are_gone_but_their_keys_still_hold(ledger: Ledger) -> None:
    def append(key: str, at: datetime) -> object:
        return ledger.append([published(key)], at, key=key, response=lambda seq: b"r")

    append("old", NOW)
    append("new", NOW + timedelta(hours=2))
    assert ledger.purge_responses(NOW + timedelta(hours=1)) == 1
    assert ledger.purge_responses(NOW + timedelta(hours=1)) == 0
    old, new = ledger.replay("old"), ledger.replay("new")
    assert old is not None and (old.first, old.count, old.response) == (0, 1, None)
    assert new is not None and new.response == b"r"
    assert ledger.verify() == []


def test_an_exception_undoes_the_whole_append(ledger: Ledger) -> None:
    record(ledger, [an_item(1)])
    head = ledger.head()
    item = an_item(2, "a text that is never stored")
    with pytest.raises(ZeroDivisionError), ledger.writing(NOW, key="k") as writer:
        commitments = writer.commit(texts_of(item))
        writer.append([Decided.of(item, a_decision(item), commitments, NOW)])
        raise ZeroDivisionError
    assert ledger.head() == head
    assert ledger.replay("k") is None
    assert ledger.text(commitments[item.text]) is None
    # What the undone transaction knew must not leak into the next one.
    record(ledger, [item])
    assert ledger.item(ledger.decision("1").item) == item
    assert ledger.verify() == []


def test_a_text_that_no_event_refers_to_is_not_stored(ledger: Ledger) -> None:
    with ledger.writing(NOW) as writer:
        commitments = writer.commit(["left alone"])
    assert ledger.text(commitments["left alone"]) is None


def test_an_event_cannot_refer_to_a_text_that_was_not_committed_with_it(ledger: Ledger) -> None:
    item = an_item(1)
    with pytest.raises(LedgerError, match="not committed"):
        ledger.append([Decided.of(item, a_decision(item), {item.text: "00" * 32}, NOW)], NOW)
    assert ledger.head().size == 0


def test_texts_may_be_left_out(ledger: Ledger) -> None:
    item = an_item(1)
    ledger.append([Decided.of(item, a_decision(item), None, NOW)], NOW)
    assert ledger.item(ledger.decision("0").item) is None


def test_several_appends_in_one_transaction(ledger: Ledger) -> None:
    items = [an_item(n) for n in range(4)]
    with ledger.writing(NOW, key="k") as writer:
        for item in items:
            commitments = writer.commit(texts_of(item))
            writer.append([Decided.of(item, a_decision(item), commitments, NOW)])
    assert (writer.appended.first, writer.appended.count) == (0, 4)
    assert [r.key for r in ledger.read()] == ["k", None, None, None]
    assert ledger.verify() == []


def test_times_are_kept_to_the_microsecond_and_in_utc(ledger: Ledger) -> None:
    moment = datetime(2026, 7, 1, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=2)))
    ledger.append([published("a@1")], moment)
    found = ledger.get(0).at
    assert found == moment
    assert found.tzinfo is UTC
    with pytest.raises(ValueError, match="zone"):
        ledger.append([published("a@1")], datetime(2026, 1, 1))  # noqa: DTZ001


def test_times_before_1970_sort_and_verify(ledger: Ledger) -> None:
    ledger.append([published("a@1")], datetime(1969, 1, 1, tzinfo=UTC))
    assert ledger.get(0).at.year == 1969
    assert ledger.verify() == []


def test_policies_and_keys_stand_as_their_events_say(ledger: Ledger) -> None:
    ledger.append(
        [
            published("a@1"),
            PolicyShadowed(policy="b@1", source="policy: b", by="ada"),
            KeyCreated(
                key_id="k1", digest="d", scopes=("decide", "read"), label="app", by="ada", expires_at=NOW
            ),
        ],
        NOW,
    )
    ledger.append([published("b@1"), KeyRevoked(key_id="k1", by="ada")], NOW + timedelta(days=1))
    assert {name: state.phase for name, state in ledger.policies().items()} == {
        "a@1": "retired",
        "b@1": "live",
    }
    assert ledger.policies()["a@1"].source == "policy: a@1"
    key = ledger.keys()["k1"]
    assert key.scopes == "decide read"
    assert key.expires_at is not None and key.revoked_at == key.created_at + 86_400_000_000
    assert ledger.verify() == []


def test_rebuilding_gives_the_same_derived_tables(ledger: Ledger) -> None:
    record(ledger, [an_item(n) for n in range(600)])
    record_allowed(ledger, [an_item(n) for n in range(3)])
    ledger.append([published("a@1"), KeyCreated(key_id="k", digest="d", scopes=(), label="", by="")], NOW)
    before = (ledger.decisions(1000), ledger.policies(), ledger.keys())
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("UPDATE decisions SET item_id = 'wrong'")
        connection.exec_driver_sql("DELETE FROM policies")
    assert ledger.verify(limit=5)
    steps: list[tuple[int, int]] = []
    assert ledger.rebuild(lambda done, total: steps.append((done, total))) == 603
    assert steps[-1] == (603, 603)
    assert (ledger.decisions(1000), ledger.policies(), ledger.keys()) == before
    assert ledger.verify() == []


def test_threads_may_append_at_once(ledger: Ledger) -> None:
    errors: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for batch in range(5):
                # Some texts are shared, so that threads meet over the same address.
                record(ledger, [an_item(n, f"text {n * batch}") for n in range(worker, worker + 9)])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert ledger.head().size == 4 * 5 * 9
    assert ledger.verify() == []


def test_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.head().size == 0
    assert list(ledger.read()) == []
    assert ledger.decisions() == []
    assert ledger.verify() == []
    assert ledger.rebuild() == 0
    with pytest.raises(NotFound):
        ledger.prove(0)
    with pytest.raises(HoldfastError, match="empty"):
        ledger.get(0)
