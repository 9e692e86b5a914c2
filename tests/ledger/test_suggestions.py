"""Suggested scores: recorded once, found without a scan, erasable, and proved like everything else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.samples import NOW, an_item, record, record_allowed

from holdfast.ledger import Ledger, NotFound, suggestions
from holdfast.ledger.events import ScoreSuggested
from holdfast.ledger.export import check_export
from holdfast.ledger.suggestions import Suggested, item_at, last_words, newest, newest_first, suggest

SCORES = {"TOXICITY": 0.9, "THREAT": 0.0}


def a_suggestion(number: int, by: str = "k1", **scores: float) -> Suggested:
    return Suggested(an_item(number, caption="under this"), scores or SCORES, by, "forum-7")


def test_what_was_suggested_is_read_back_with_its_texts(ledger: Ledger) -> None:
    record(ledger, [an_item(0)])
    assert suggest(ledger, [a_suggestion(1), a_suggestion(2, "k2", INSULT=1.0)], NOW) == [1, 2]
    second, first = newest(ledger, 10)
    assert (first.seq, first.at, first.event.by, first.event.community) == (1, NOW, "k1", "forum-7")
    assert first.event.scores == SCORES
    assert ledger.item(first.event.item) == a_suggestion(1).item
    assert (second.seq, second.event.by, second.event.scores) == (2, "k2", {"INSULT": 1.0})


def test_a_suggestion_decides_nothing_and_is_verified_like_every_event(
    ledger: Ledger, tmp_path: Path
) -> None:
    record_allowed(ledger, [an_item(0)])
    suggest(ledger, [a_suggestion(1)], NOW)
    assert [entry.ref for entry in ledger.decisions()] == ["0.0"]
    with pytest.raises(NotFound):
        ledger.decision("1")
    assert ledger.verify() == []
    before = newest(ledger, 10)
    assert ledger.rebuild() == 2
    assert (newest(ledger, 10), ledger.verify()) == (before, [])
    proof = ledger.prove(1, with_texts=True)
    assert proof.faults() == []
    assert {opening.text for opening in proof.texts} == {"a remark, number 1", "under this"}
    ledger.export(tmp_path / "all.jsonl", with_texts=True)
    assert check_export(tmp_path / "all.jsonl")[1] == []
    assert "a remark, number 1" in (tmp_path / "all.jsonl").read_text()


def test_its_text_is_erased_like_any_other(ledger: Ledger) -> None:
    suggest(ledger, [a_suggestion(1)], NOW)
    with ledger.database.reading() as connection:
        (body,) = connection.exec_driver_sql("SELECT body FROM events").one()
    assert b"remark" not in bytes(body), "no words stand in an event"
    ledger.erase(item_at(ledger, "0").text or "", "ada", "asked for by its author", NOW)
    (found,) = newest(ledger, 10)
    assert ledger.item(found.event.item) is None
    assert found.event.scores == SCORES
    assert ledger.verify() == []
    assert suggest(ledger, [a_suggestion(1)], NOW) == [2], "said again after that, it is new"
    assert ledger.verify() == []


def test_an_altered_suggestion_is_found(ledger: Ledger) -> None:
    suggest(ledger, [a_suggestion(1)], NOW)
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM texts")
    assert {(fault.table, fault.what) for fault in ledger.verify()} == {
        ("texts", "missing: event 0 refers to it")
    }


def test_one_that_is_sent_again_is_recorded_once(ledger: Ledger) -> None:
    assert suggest(ledger, [a_suggestion(1)], NOW) == [0]
    assert suggest(ledger, [a_suggestion(1), a_suggestion(2), a_suggestion(2)], NOW) == [0, 1, 1]
    assert suggest(ledger, [a_suggestion(1, "another")], NOW) == [2], "another's word is another word"
    assert suggest(ledger, [a_suggestion(1, THREAT=1.0)], NOW) == [3], "a change of mind"
    assert suggest(ledger, [a_suggestion(1)], NOW) == [4], "and back"
    assert ledger.head().size == 5
    assert ledger.verify() == []


def test_how_far_back_a_repeat_is_looked_for(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "LOOK_BACK", 3)
    suggest(sqlite_ledger, [a_suggestion(n) for n in range(4)], NOW)
    assert suggest(sqlite_ledger, [a_suggestion(1), a_suggestion(0)], NOW) == [1, 4]


def test_they_are_found_newest_first_and_by_page(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions, "PAGE", 2)
    for number in range(5):
        record(ledger, [an_item(number)])
        suggest(ledger, [a_suggestion(number)], NOW + timedelta(minutes=number))
    assert [found.seq for found in newest(ledger, 2)] == [9, 7]
    assert [found.seq for found in newest(ledger, 2, before=7)] == [5, 3]
    assert newest(ledger, 2, before=1) == []
    assert [found.seq for found in newest_first(ledger)] == [9, 7, 5, 3, 1]


def test_they_are_found_by_their_index(ledger: Ledger) -> None:
    record(ledger, [an_item(n) for n in range(50)])
    suggest(ledger, [a_suggestion(1)], NOW)
    query = suggestions._query(10, 1_000)
    with ledger.database.writing() as connection:
        if ledger.database.is_sqlite:
            explain = "EXPLAIN QUERY PLAN "
        else:
            explain = "EXPLAIN "
            # In a table of one page a scan is the cheaper way, and PostgreSQL knows.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("DROP INDEX ix_events_key")
            connection.exec_driver_sql("ALTER TABLE events DROP CONSTRAINT pk_events CASCADE")
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row) for row in connection.exec_driver_sql(f"{explain}{compiled}"))
    assert "ix_events_suggested" in plan
    assert "SCAN events" not in plan.replace("SCAN events USING INDEX", "")


def test_the_item_at_a_reference(ledger: Ledger) -> None:
    record(ledger, [an_item(0)])
    suggest(ledger, [a_suggestion(1)], NOW)
    ledger.erase(item_at(ledger, "0").text or "", "ada", "why", NOW)
    assert [item_at(ledger, ref).id for ref in ("0", "1")] == ["c0", "c1"]
    for wrong in ("2", "3", "1.0", "x", "-1", "9" * 5_000):
        with pytest.raises(NotFound):
            item_at(ledger, wrong)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.sampled_from([0.0, 0.5, 1.0]))))
def test_the_last_word_of_each_key_on_each_text_counts(said: list[tuple[int, str, float]]) -> None:
    events = [
        suggestions.Found(
            seq,
            NOW,
            ScoreSuggested(
                item=suggestions.ItemRecord(id=str(seq), text=f"{text:064d}"), scores={"SPAM": score}, by=by
            ),
        )
        for seq, (text, by, score) in enumerate(said)
    ]
    kept = {
        (found.event.item.text, found.event.by): found.event.scores["SPAM"]
        for found, is_last in last_words(iter(reversed(events)))
        if is_last
    }
    assert kept == {(f"{text:064d}", by): score for text, by, score in said}
