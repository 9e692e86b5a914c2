from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.samples import an_item, record

from holdfast.ledger import texts
from holdfast.ledger.errors import LedgerDamaged
from holdfast.ledger.ledger import Ledger
from holdfast.ledger.texts import DEFLATED, PLAIN, fold, unfold


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=2000) | st.builds(lambda part, n: part * n, st.binary(max_size=9), st.integers(0, 900))
)
def test_unfolding_undoes_folding(content: bytes) -> None:
    coding, stored = fold(content)
    assert unfold(coding, stored) == content
    assert len(stored) <= len(content)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_bit_of_a_deflated_text_can_change_unseen(data: st.DataObject) -> None:
    coding, stored = fold(b"again and again " * 60)
    assert coding == DEFLATED
    place, bit = data.draw(st.integers(0, len(stored) - 1)), data.draw(st.integers(0, 7))
    altered = stored[:place] + bytes([stored[place] ^ 1 << bit]) + stored[place + 1 :]
    with pytest.raises(ValueError, match="checksum"):
        unfold(coding, altered)


def test_what_fold_cannot_have_made_is_refused() -> None:
    def sealed(content: bytes) -> bytes:
        return content + zlib.crc32(content).to_bytes(4, "big")

    for coding, stored in (
        (2, b""),
        (-1, b""),
        (DEFLATED, b"abc"),
        (DEFLATED, sealed(b"not deflated")),
        (DEFLATED, sealed(zlib.compress(b"text") + b"more")),
        (DEFLATED, sealed(zlib.compress(b"text")[:-3])),
    ):
        with pytest.raises(ValueError, match=r"coding|checksum|inflated"):
            unfold(coding, stored)
    assert unfold(PLAIN, b"text") == b"text"


def test_a_forged_row_cannot_fill_the_memory() -> None:
    bomb = zlib.compress(bytes(texts.TEXT_BYTES_LIMIT * 4))
    with pytest.raises(ValueError, match="inflated"):
        unfold(DEFLATED, bomb + zlib.crc32(bomb).to_bytes(4, "big"))


def test_an_altered_text_is_not_handed_out(ledger: Ledger) -> None:
    record(ledger, [an_item(1, "as it was said")])
    commitment = ledger.decision("0").item.text or ""
    with ledger.database.writing() as connection:
        connection.execute(texts_table().update().values(content=b"as it was not"))
    with pytest.raises(LedgerDamaged, match="committed"):
        ledger.text(commitment)


def test_without_its_secret_a_store_takes_no_text(ledger: Ledger) -> None:
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM secrets")
    with pytest.raises(LedgerDamaged, match="secret"):
        Ledger(ledger.database)


def test_many_texts_in_one_batch(ledger: Ledger) -> None:
    items = [an_item(n) for n in range(1_300)]
    record(ledger, items)
    record(ledger, [an_item(n, items[n].text) for n in range(0, 1_300, 7)])
    with ledger.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM texts").scalar_one() == 1_300


def test_what_is_remembered_is_bounded(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "REMEMBERED", 10)
    for start in range(0, 60, 6):
        record(sqlite_ledger, [an_item(n) for n in range(start, start + 6)])
    store = sqlite_ledger.text_store
    assert len(store._young) + len(store._old) <= 10 + 6 + 10 + 6
    record(sqlite_ledger, [an_item(0), an_item(59)])
    with sqlite_ledger.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM texts").scalar_one() == 60
    assert sqlite_ledger.verify() == []


def texts_table():  # type: ignore[no-untyped-def]
    from holdfast.store.schema import texts as table

    return table
