"""Whatever stored cell is altered, whatever row is taken away or added: it is found, and where it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import Table, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from tests.ledger.samples import NOW, an_item, record, record_allowed

from holdfast.ledger import Ledger, TreeHead
from holdfast.ledger.events import KeyCreated, KeyRevoked, PolicyPublished, PolicyShadowed
from holdfast.ledger.faults import Fault
from holdfast.ledger.suggestions import Suggested, suggest
from holdfast.store.schema import (
    api_keys,
    decisions,
    events,
    metadata,
    nodes,
    policies,
    responses,
    secrets,
    texts,
    tree,
)

TABLES = (events, nodes, tree, texts, secrets, responses, decisions, policies, api_keys)


def fill(ledger: Ledger) -> None:
    """Something in every table and of every kind: over a tile of events, a short rest, a long text, erased
    texts, compact allows, responses given and purged."""
    record(ledger, [an_item(n) for n in range(200)], key="first")
    ledger.append(
        [
            PolicyPublished(policy="a@1", source="policy: a", by="ada"),
            PolicyShadowed(policy="b@1", source="policy: b", by="ada"),
            KeyCreated(key_id="k1", digest="d1", scopes=("decide",), label="app", by="ada", expires_at=NOW),
            KeyCreated(key_id="k2", digest="d2", scopes=("read",), label="", by="ada"),
            KeyRevoked(key_id="k2", by="ada"),
        ],
        NOW,
        key="purged",
        response=lambda seq: b"old response",
    )
    ledger.purge_responses(NOW + timedelta(seconds=1))
    record_allowed(ledger, [an_item(n, "said again and again") for n in range(300, 304)])
    record(ledger, [an_item(400, "long " * 400, caption="said again and again")], "remove")
    ledger.append(
        [PolicyPublished(policy="c@1", source="", by="ada")], NOW, key="kept", response=lambda seq: b"kept"
    )
    suggest(ledger, [Suggested(an_item(n), {"TOXICITY": 0.5}, "k1") for n in (600, 601)], NOW)
    for ref in ("3", "150"):
        ledger.erase(ledger.decision(ref).item.text or "", "ada", "asked for by its author", NOW)
    record(ledger, [an_item(n) for n in range(500, 560)])
    assert ledger.head().size > 256
    assert ledger.verify() == []


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger.open(data=tmp_path_factory.mktemp("ledger")) as ledger:
        fill(ledger)
        yield ledger


@pytest.fixture(scope="module")
def rows(filled: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    return stored(filled)


def stored(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    with ledger.database.reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in TABLES
        }


def at(table: Table, row: tuple[Any, ...]) -> Any:
    names = [column.name for column in table.columns]
    return and_(*(column == row[names.index(column.name)] for column in table.primary_key.columns))


def altered(value: Any, draw: Any, nullable: bool) -> Any:
    """Another value for a cell, of the type that its table is strict about."""
    if nullable and draw(st.integers(0, 9)) == 0:
        return None
    if isinstance(value, int):
        return value ^ (1 << draw(st.integers(0, 30)))
    if isinstance(value, str):
        if not value:
            return "x"
        place = draw(st.integers(0, len(value) - 1))
        return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
    if not value or draw(st.integers(0, 9)) == 0:
        return value + b"\x00"
    place = draw(st.integers(0, len(value) - 1))
    return value[:place] + bytes([value[place] ^ (1 << draw(st.integers(0, 7)))]) + value[place + 1 :]


def places(table: Table, row: tuple[Any, ...]) -> set[tuple[str, str]]:
    """How a report may call this row."""
    cell = dict(zip((column.name for column in table.columns), row, strict=True))
    match table.name:
        case "events":
            return {("events", f"seq {cell['seq']}")}
        case "nodes":
            return {("nodes", f"level {cell['level']}, position {cell['position']}")}
        case "tree":
            return {
                ("tree", "row 1"),
                *(("tree", f"row 1, {n}") for n in ("size", "frontier", "root", "erasures")),
            }
        case "texts":
            return {("texts", f"commitment {cell['commitment'].hex()}")}
        case "secrets":
            return {("secrets", "row 1")}
        case "responses":
            return {("responses", f"key {cell['key']!r}"), ("responses", f"key of event {cell['first']}")}
        case "decisions":
            return {("decisions", f"seq {cell['seq']}, slot {cell['slot']}")}
        case "policies":
            return {("policies", f"policy {cell['policy']!r}")}
        case _:
            return {("api_keys", f"key_id {cell['key_id']!r}")}


def named(faults: list[Fault]) -> set[tuple[str, str]]:
    return {(fault.table, fault.place) for fault in faults}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_altered_cell_is_found_and_located(
    filled: Ledger, rows: dict[str, list[tuple[Any, ...]]], data: st.DataObject
) -> None:
    table = data.draw(st.sampled_from(TABLES), label="table")
    row = data.draw(st.sampled_from(rows[table.name]), label="row")
    index = data.draw(st.integers(0, len(row) - 1), label="column")
    column = list(table.columns)[index]
    value = row[index]
    if value is None:
        new: Any = {int: 7, str: "x", bytes: b"x"}[column.type.python_type]
    else:
        new = altered(value, data.draw, bool(column.nullable))
    changed = (*row[:index], new, *row[index + 1 :])
    try:
        with filled.database.writing() as connection:
            connection.execute(update(table).where(at(table, row)).values({column.name: new}))
    except IntegrityError:
        reject()  # the database itself refuses two rows of one key
    try:
        faults = filled.verify()
    finally:
        with filled.database.writing() as connection:
            connection.execute(update(table).where(at(table, changed)).values({column.name: value}))
    assert named(faults) & (places(table, row) | places(table, changed)), faults
    # Nothing else is blamed: one altered cell accuses its own table only.
    assert {fault.table for fault in faults} <= {table.name}, faults


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_any_row_taken_away_is_found_and_located(filled: Ledger, table: Table) -> None:
    every = stored(filled)[table.name]
    for row in (every[0], every[len(every) // 2], every[-1]):
        with filled.database.writing() as connection:
            connection.execute(delete(table).where(at(table, row)))
        try:
            faults = filled.verify()
        finally:
            with filled.database.writing() as connection:
                filled.database.insert(connection, table, [row])
        assert named(faults) & places(table, row), faults
        assert {fault.table for fault in faults} <= {table.name}, faults
    assert filled.verify() == []


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (events, (-1, 0, None, "policy_published", b"{}", b"")),
        (events, (10**6, 0, None, "policy_published", b"{}", b"")),
        (events, (2**62, 0, None, "policy_published", b"{}", b"")),
        (nodes, (8, 10, b"x" * 32)),
        (nodes, (7, 0, b"x" * 32)),
        (nodes, (8, -1, b"x" * 32)),
        (tree, (2, 1, b"x" * 32, b"x" * 32, 0)),
        (texts, (b"x" * 32, 5, bytes(8), b"a" * 16, b"s" * 16, 0, b"added")),
        (texts, (b"y" * 32, 10**6, bytes(8), b"b" * 16, b"s" * 16, 0, b"added")),
        (texts, (b"z" * 32, 5, b"\0" * 7 + b"\6", b"z" * 16, bytes(16), 0, bytes(5))),
        (secrets, (2, b"x", b"x")),
        (responses, ("added", 5, 1, b"f" * 32, None, 0, b"d" * 32)),
        (decisions, (3, 0, "c3", "allow", "p", 0, 0)),
        (decisions, (-5, -1, "c3", "allow", "p", 0, 0)),
        (decisions, (10**6, -1, "c3", "allow", "p", 0, 0)),
        (policies, ("added", "text", "live", 0, 0, None)),
        (api_keys, ("added", "d", "", "", "", 0, None, None)),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else str(value[0])[:12],
)
def test_any_added_row_is_found(filled: Ledger, table: Table, row: tuple[Any, ...]) -> None:
    with filled.database.writing() as connection:
        connection.execute(insert(table).values(row))
    try:
        faults = filled.verify()
    finally:
        with filled.database.writing() as connection:
            connection.execute(delete(table).where(at(table, row)))
    assert table.name in {fault.table for fault in faults}, faults
    assert filled.verify() == []


def test_the_test_covers_every_table() -> None:
    assert {table.name for table in TABLES} == set(metadata.tables)


def test_events_cut_off_at_the_end_are_found(ledger: Ledger) -> None:
    record(ledger, [an_item(n) for n in range(300)])
    with ledger.database.writing() as connection:
        for table in (events, decisions):
            connection.execute(delete(table).where(table.c.seq >= 290))
    faults = ledger.verify()
    assert Fault("events", "seq 290 to 299", "missing: the tree counts 300 events") in faults


def test_a_history_rewritten_as_a_whole_is_found_by_an_earlier_head(tmp_path: Path) -> None:
    with (
        Ledger.open(data=tmp_path / "honest") as honest,
        Ledger.open(data=tmp_path / "rewritten") as rewritten,
    ):
        for ledger in (honest, rewritten):
            record(ledger, [an_item(n) for n in range(100)])
        early = honest.head()
        record(honest, [an_item(n) for n in range(100, 400)])
        record(rewritten, [an_item(n) for n in range(100, 400)], "allow")
        empty = TreeHead(0, bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
        assert honest.verify(heads=[honest.head(), early, empty]) == []
        assert rewritten.verify() == []
        (fault,) = rewritten.verify(heads=[early])
        assert (fault.table, fault.place) == ("events", "seq 0 to 99")
        assert "rewritten" in fault.what
        (fault,) = rewritten.verify(heads=[TreeHead(401, b"x" * 32)])
        assert (fault.table, fault.place) == ("events", "seq 400")
        assert "missing" in fault.what


def test_text_that_is_not_text_is_a_fault_and_not_a_crash(sqlite_ledger: Ledger) -> None:
    record(sqlite_ledger, [an_item(1)], key="k")
    with sqlite_ledger.database.writing() as connection:
        for statement in (
            "UPDATE events SET key = CAST(x'FF' AS TEXT)",
            "UPDATE responses SET key = CAST(x'FF' AS TEXT)",
            "UPDATE decisions SET item_id = CAST(x'FFFE' AS TEXT)",
        ):
            connection.exec_driver_sql(statement)
    assert {fault.table for fault in sqlite_ledger.verify()} == {"events", "responses"}


def test_bytes_of_the_file_overwritten_are_a_fault_and_not_a_crash(tmp_path: Path) -> None:
    with Ledger.open(data=tmp_path) as ledger:
        record(ledger, [an_item(n) for n in range(500)])
    path = tmp_path / "holdfast.db"
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2 // 4096 * 4096
    for start in range(middle, middle + 40_000, 4096):  # the headers of ten pages
        raw[start : start + 64] = b"\xff" * 64
    path.write_bytes(raw)
    with Ledger.open(data=tmp_path) as ledger:
        faults = ledger.verify()
    assert "database" in {fault.table for fault in faults}


def test_a_ledger_that_is_wrong_everywhere_is_reported_up_to_a_limit(ledger: Ledger) -> None:
    record(ledger, [an_item(n) for n in range(300)])
    with ledger.database.writing() as connection:
        connection.execute(update(events).values(at=0))
    assert len(ledger.verify(limit=7)) == 7


def test_progress_is_told(sqlite_ledger: Ledger) -> None:
    record(sqlite_ledger, [an_item(n) for n in range(1100)])
    steps: list[tuple[int, int]] = []
    sqlite_ledger.verify(lambda done, total: steps.append((done, total)))
    assert steps[0] == (0, 1100)
    assert steps[-1] == (1100, 1100)
    assert len(steps) > 2


def test_the_checks_hold_on_both_databases(ledger: Ledger) -> None:
    fill(ledger)
    every = stored(ledger)
    for table in TABLES:
        row = every[table.name][1 % len(every[table.name])]
        for index, column in enumerate(table.columns):
            if not isinstance(row[index], bytes):
                continue
            broken = bytes([row[index][0] ^ 1]) + row[index][1:] if row[index] else b"x"
            changed = (*row[:index], broken, *row[index + 1 :])
            with ledger.database.writing() as connection:
                connection.execute(update(table).where(at(table, row)).values({column.name: broken}))
            faults = ledger.verify()
            with ledger.database.writing() as connection:
                connection.execute(update(table).where(at(table, changed)).values({column.name: row[index]}))
            assert {fault.table for fault in faults} == {table.name}, (column.name, faults)
    assert ledger.verify() == []


def test_an_altered_node_of_the_upper_levels_is_located(tmp_path: Path) -> None:
    with Ledger.open(data=tmp_path) as ledger:
        event = KeyRevoked(key_id="none", by="")
        ledger.append([event] * (2**16 + 300), NOW)
        for level, position in ((16, 0), (8, 77), (8, 256)):
            cell = and_(nodes.c.level == level, nodes.c.position == position)
            with ledger.database.writing() as connection:
                value = connection.execute(select(nodes.c.hash).where(cell)).scalar_one()
                connection.execute(update(nodes).where(cell).values(hash=b"x" * 32))
            (fault,) = ledger.verify()
            assert (fault.table, fault.place) == ("nodes", f"level {level}, position {position}")
            with ledger.database.writing() as connection:
                connection.execute(update(nodes).where(cell).values(hash=value))
        for seq, size in ((0, 2**16), (2**16 - 1, None), (2**16 + 299, None), (256 * 77 + 3, 2**16 + 1)):
            assert ledger.prove(seq, size).faults() == []
