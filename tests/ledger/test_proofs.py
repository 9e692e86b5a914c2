"""Proofs and exports: checked without the database, and by a stranger's few lines of code."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.samples import NOW, an_item, record, record_allowed

from holdfast.ledger import Ledger, LedgerDamaged, LedgerError, NotFound, Proof, merkle
from holdfast.ledger.export import check_export


def strangers_leaf(line: dict[str, object]) -> str:
    """The leaf by the words of `holdfast.ledger.encoding` alone."""

    def field(value: object) -> bytes:
        return (
            b"\xff\xff\xff\xff"
            if value is None
            else struct.pack(">I", len(str(value).encode())) + str(value).encode()
        )

    head = struct.pack(">Qq", line["seq"], line["at"])
    return hashlib.sha256(
        b"\x00" + head + field(line["key"]) + field(line["type"]) + field(line["body"])
    ).hexdigest()


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Proof:
    with Ledger.open(data=tmp_path_factory.mktemp("ledger")) as ledger:
        record(ledger, [an_item(n, caption="ein Wort 🌱") for n in range(11)], key="schlüssel")
        return ledger.prove(0, with_texts=True)


def test_every_event_is_proven_in_every_tree_since(ledger: Ledger) -> None:
    record(ledger, [an_item(n) for n in range(300)])
    roots = {}
    for size in (1, 2, 255, 256, 257, 300):
        roots[size] = ledger.prove(0, size).root
        for seq in {0, size // 2, size - 1}:
            proof = ledger.prove(seq, size)
            assert proof.faults(roots[size]) == []
            assert (proof.size, proof.recorded) == (size, ledger.get(seq))
    assert bytes.fromhex(roots[300]) == ledger.head().root
    for old in roots:
        path = ledger.prove_consistency(old, 300)
        assert merkle.is_consistent(old, bytes.fromhex(roots[old]), 300, ledger.head().root, path)


def test_there_is_no_proof_of_what_is_not_there(ledger: Ledger) -> None:
    record(ledger, [an_item(n) for n in range(3)])
    for seq, size in ((3, None), (0, 4), (2, 2), (-1, None), (0, 0)):
        with pytest.raises(NotFound):
            ledger.prove(seq, size)
    with pytest.raises(NotFound):
        ledger.prove_consistency(4)


def test_a_stranger_needs_the_description_only(proof: Proof) -> None:
    assert strangers_leaf(json.loads(proof.dump())) == proof.leaf


def test_a_proof_survives_its_file(proof: Proof) -> None:
    assert Proof.load(proof.dump()) == proof
    assert Proof.load(proof.dump()).faults(proof.root) == []
    assert {opening.text for opening in proof.texts} == {"a remark, number 0", "ein Wort 🌱"}


def test_an_erased_text_is_left_out(ledger: Ledger) -> None:
    record(ledger, [an_item(0, caption="kept")])
    ledger.erase(ledger.decision("0").item.text or "", "ada", "why", NOW)
    proof = ledger.prove(0, with_texts=True)
    assert [opening.text for opening in proof.texts] == ["kept"]
    assert proof.faults() == []


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_any_altered_value_of_a_proof_is_found(proof: Proof, data: st.DataObject) -> None:
    tree = json.loads(proof.dump())
    part = data.draw(
        st.sampled_from(["seq", "at", "key", "type", "body", "leaf", "size", "root", "path", "texts"])
    )
    value = tree[part]
    if part == "path":
        place = data.draw(st.integers(0, len(value) - 1))
        tree[part] = [*value[:place], "00" * 32, *value[place + 1 :]]
    elif part == "texts":
        name = data.draw(st.sampled_from(["commitment", "salt", "text"]))
        value[0][name] = "00" * 16
    elif isinstance(value, int):
        tree[part] = value + data.draw(st.integers(1, 1000)) * data.draw(st.sampled_from([-1, 1]))
    else:
        place = data.draw(st.integers(0, len(value) - 1))
        tree[part] = value[:place] + ("0" if value[place] != "0" else "1") + value[place + 1 :]
    # A different `size` can share the path's shape, so that only the known root tells them apart.
    altered = Proof.load(json.dumps(tree).encode())
    if part == "size":
        assert altered.faults(proof.root) != [] or altered.path == proof.path
    else:
        assert altered.faults(proof.root) != []


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff", b'{"format": "holdfast-proof-1"}', b"null", b'{"seq": "x"}'],
)
def test_what_is_not_a_proof_is_refused(content: bytes) -> None:
    with pytest.raises(LedgerError, match="not a proof"):
        Proof.load(content)


def test_a_proof_with_absurd_values_is_a_faulty_one(proof: Proof) -> None:
    for change in ({"seq": -1}, {"at": 2**63 - 1}, {"size": 0}, {"leaf": "zz"}, {"root": ""}, {"path": ()}):
        assert msgspec.structs.replace(proof, **change).faults() != []


# Exports ------------------------------------------------------------------------------------


def test_an_export_is_checked_by_itself_and_by_a_stranger(ledger: Ledger, tmp_path: Path) -> None:
    record(ledger, [an_item(n) for n in range(600)], key="k")
    record_allowed(ledger, [an_item(700), an_item(701, "ein Wort 🌱")])
    path = tmp_path / "export.jsonl"
    head = ledger.export(path)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert lines[0] == {"format": "holdfast-ledger-1", "size": 601, "root": head.root.hex()}
    assert [line["leaf"] for line in lines[1:]] == [strangers_leaf(line) for line in lines[1:]]
    found, faults = check_export(path)
    assert faults == []
    assert (found.size, found.root) == (601, head.root.hex())
    assert "ein Wort" not in path.read_text("utf-8")
    assert list(tmp_path.glob("*.part")) == []


def test_an_export_with_texts_holds_what_is_not_erased(ledger: Ledger, tmp_path: Path) -> None:
    record(ledger, [an_item(0, "one"), an_item(1, "two", caption="one"), an_item(2, "three")])
    ledger.erase(ledger.decision("2").item.text or "", "ada", "why", NOW)
    path = tmp_path / "export.jsonl"
    ledger.export(path, with_texts=True)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()[1:]]
    assert [line.get("text") or line["seq"] for line in lines] == [0, "one", 1, "two", 2, 3]
    assert check_export(path)[1] == []


def test_an_empty_ledger_is_exported_too(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    assert sqlite_ledger.export(path).size == 0
    assert check_export(path)[1] == []


def test_any_altered_line_of_an_export_is_found(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    record(sqlite_ledger, [an_item(n) for n in range(8)])
    path = tmp_path / "export.jsonl"
    sqlite_ledger.export(path, with_texts=True)
    lines = path.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        for old, new in (("hold", "Hold"), ("5", "6"), ("remark", "Remark"), ('"seq":', '"seq":1')):
            if old not in line or (number == 0 and old == "hold"):
                continue
            altered = [*lines[:number], line.replace(old, new, 1), *lines[number + 1 :]]
            path.write_text("\n".join(altered) + "\n", "utf-8")
            assert check_export(path)[1] != [], (number, old)
    for broken in (lines[:-1], [*lines, lines[-2]], lines[:3] + lines[5:], [*lines, "{"], [*lines, ""]):
        path.write_text("\n".join(broken) + "\n", "utf-8")
        assert check_export(path)[1] != [] or broken == lines[:-1]
    path.write_text("not an export\n")
    with pytest.raises(LedgerError, match="not an export"):
        check_export(path)


def test_an_export_that_fails_leaves_no_file(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    record(sqlite_ledger, [an_item(n) for n in range(4)])
    with sqlite_ledger.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq = 2")
    with pytest.raises(LedgerDamaged):
        sqlite_ledger.export(tmp_path / "export.jsonl")
    with pytest.raises(LedgerError, match="cannot be written"):
        sqlite_ledger.export(tmp_path / "no folder" / "export.jsonl")
    assert not list(tmp_path.glob("export*"))
