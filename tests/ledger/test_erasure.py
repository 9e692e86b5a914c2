"""A text that is erased is gone from every byte of the data folder; everything else stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.ledger.samples import NOW, an_item, record, record_allowed

from holdfast.decider import Decider
from holdfast.engine import Engine
from holdfast.ledger import AlreadyErased, Ledger, NotFound
from holdfast.ledger.events import TextErased
from holdfast.policy.policy import Policy

WORDS = "quite unmistakable words"
LONG = "an unmistakable story, told at length; " * 500


def erase_text(ledger: Ledger, ref: str) -> str:
    commitment = ledger.decision(ref).item.text or ""
    ledger.erase(commitment, "ada", "asked for by its author", NOW)
    return commitment


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_an_erased_text_is_gone_and_its_decision_stays(ledger: Ledger) -> None:
    record(ledger, [an_item(0, WORDS), an_item(1, "other words", caption=WORDS)])
    record_allowed(ledger, [an_item(2, WORDS)])
    before = ledger.prove(0)
    commitment = erase_text(ledger, "0")
    event = ledger.get(3).event
    assert event == TextErased(commitment=commitment, by="ada", why="asked for by its author")
    assert ledger.text(commitment) is None
    # One text is stored once: whoever consists of the same words loses them too.
    assert [ledger.item(ledger.decision(ref).item) for ref in ("0", "1", "2.0")] == [None, None, None]
    assert ledger.text(ledger.decision("1").item.text or "") == "other words"
    assert ledger.decision("0").action == "hold"
    assert before.faults(ledger.prove(0, size=before.size).root) == []
    assert ledger.verify() == []


def test_no_byte_of_it_is_left_in_the_folder(tmp_path: Path) -> None:
    with Ledger.open(data=tmp_path) as ledger:
        record(ledger, [an_item(n) for n in range(50)])
        record(ledger, [an_item(100, WORDS), an_item(101, "kept words")])
        record(ledger, [an_item(n) for n in range(200, 250)])
        with ledger.database.reading() as connection:
            (salt,) = connection.exec_driver_sql(
                "SELECT salt FROM texts WHERE content = ?", (WORDS.encode(),)
            ).one()
        assert WORDS.encode() in bytes_of(tmp_path)
        erase_text(ledger, "50")
        left = bytes_of(tmp_path)
        assert b"kept words" in left, "the search would find what is there"
        for gone in (WORDS.encode(), salt):
            assert gone not in left
    assert WORDS.encode() not in bytes_of(tmp_path)


def test_a_long_text_is_deflated_and_erased_like_any_other(tmp_path: Path) -> None:
    with Ledger.open(data=tmp_path) as ledger:
        record(ledger, [an_item(0, LONG)])
        with ledger.database.reading() as connection:
            (content,) = connection.exec_driver_sql("SELECT content FROM texts").one()
        assert len(content) < len(LONG) // 10
        ledger.database.scrub()
        assert content[100:160] in bytes_of(tmp_path)
        erase_text(ledger, "0")
        assert content[100:160] not in bytes_of(tmp_path)


def test_most_texts_erased_in_any_order_leave_nothing(tmp_path: Path) -> None:
    """Also not in the unused space of pages that SQLite moved rows out of; after compacting, no address."""
    texts = [f"<{number:05d}:{'x' * (number * 37 % 400)}>" for number in range(600)]
    with Ledger.open(data=tmp_path) as ledger:
        record(ledger, [an_item(number, text) for number, text in enumerate(texts)])
        with ledger.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT content, address FROM texts").all()
        address_of = {content[:7]: address for content, address in rows}
        order = sorted(range(600), key=lambda number: number * 7919 % 601)
        for number in order[:550]:
            # Without the scrub of each erasure, which is done once at the end.
            commitment = ledger.decision(str(number)).item.text or ""
            ledger.append([TextErased(commitment=commitment, by="", why="")], NOW)
        assert ledger.database.scrub()
        kept = {texts[number][:7].encode() for number in order[550:]}
        assert {start for start in address_of if start in bytes_of(tmp_path)} == kept
        ledger.database.compact()
        left = bytes_of(tmp_path)
        assert {start for start, address in address_of.items() if address in left} == kept
        assert ledger.verify() == []


def test_the_same_words_posted_again_are_committed_anew(ledger: Ledger) -> None:
    record(ledger, [an_item(0, WORDS)])
    old = erase_text(ledger, "0")
    record(ledger, [an_item(1, WORDS)])
    new = ledger.decision("2").item.text
    assert new is not None and new != old
    assert ledger.text(new) == WORDS
    assert ledger.verify() == []


def test_an_erasure_by_another_process_is_not_undone_by_what_is_remembered_here(database_url: str) -> None:
    with Ledger.open(database_url) as here, Ledger.open(database_url) as there:
        record(here, [an_item(0, WORDS)])
        record(here, [an_item(1, WORDS)])  # remembered by now
        old = erase_text(there, "0")
        record(here, [an_item(2, WORDS)])
        new = here.decision("3").item.text or ""
        assert new != old
        assert here.text(new) == WORDS
        assert here.verify() == []


def test_words_erased_and_said_again_in_one_transaction(ledger: Ledger) -> None:
    item = an_item(0, WORDS)
    record(ledger, [item])
    old = ledger.decision("0").item.text or ""
    with ledger.writing(NOW) as writer:
        assert writer.commit([WORDS])[WORDS] == old
        writer.append([TextErased(commitment=old, by="", why="")])
        assert writer.commit([WORDS])[WORDS] != old
    assert ledger.text(old) is None
    assert ledger.verify() == []


def test_only_what_is_there_can_be_erased_and_only_once(ledger: Ledger) -> None:
    record(ledger, [an_item(0, WORDS)])
    commitment = erase_text(ledger, "0")
    size = ledger.head().size
    with pytest.raises(AlreadyErased):
        ledger.erase(commitment, "ada", "again", NOW)
    for unknown in ("00" * 32, "", "not hex", "0" * 63):
        with pytest.raises(NotFound):
            ledger.erase(unknown, "ada", "why", NOW)
    assert ledger.head().size == size
    assert ledger.verify() == []


def test_a_reader_of_an_older_state_delays_the_scrub_and_is_told(tmp_path: Path) -> None:
    with Ledger.open(data=tmp_path) as ledger:
        record(ledger, [an_item(0, WORDS)])
        with ledger.database.reading() as reader:
            reader.exec_driver_sql("SELECT count(*) FROM events").one()
            erase_text(ledger, "0")
            assert not ledger.database.scrub()
        assert ledger.database.scrub()
        assert WORDS.encode() not in bytes_of(tmp_path)


def test_an_erasure_reaches_what_was_answered_to_a_key(tmp_path: Path) -> None:
    """A rule that reads the words has them among its values; the response kept with a key must not."""
    engine = Engine()
    source = """
policy: words
on_unknown: allow
rules:
  - name: reads_the_words
    when: item.text LIKE '%unmistakable%'
    then: hold
    reason: other
    tells: Waits for a person to look at it.
"""
    policy = Policy.load(source, engine.schema)
    with Ledger.open(data=tmp_path) as ledger:
        decider = Decider(engine, ledger, policy=policy)
        (decided,) = decider.decide([an_item(1, WORDS)], NOW, key="k")
        assert decided.decision.rules[0].name == "reads_the_words"
        assert WORDS.encode() in bytes_of(tmp_path)
        erase_text(ledger, decided.ref or "")
        assert WORDS.encode() not in bytes_of(tmp_path)
