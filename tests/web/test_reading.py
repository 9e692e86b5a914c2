"""What can be read back: decisions with a proof that holds, lists, policies, signals."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.content import ITEM_FIELDS
from holdfast.ledger import Proof

from .conftest import LONG, LONGER, POLICY, App, running


def decided(app: App, *texts: str) -> list[dict[str, Any]]:
    items = [{"id": f"c-{n}", "text": text} for n, text in enumerate(texts)]
    decisions: list[dict[str, Any]] = app.decide({"items": items}).json()["decisions"]
    return decisions


def test_a_decision_is_read_back_as_it_was_answered(app: App) -> None:
    decided(app, "one before")
    (answered,) = decided(app, LONG)
    record = app.client.get(f"/v1/decisions/{answered['ref']}").json()
    assert record["ref"] == answered["ref"]
    assert record["action"] == "hold"
    assert {"ref": answered["ref"], **record["decision"]} == answered
    assert record["item"]["id"] == "c-0"
    assert record["texts"] == {"text": LONG}


def test_the_proof_holds_without_the_server(app: App) -> None:
    for n in range(20):
        decided(app, f"{n} " + LONG)
    (answered,) = decided(app, LONG)
    proof = msgspec.convert(app.client.get(f"/v1/decisions/{answered['ref']}").json()["proof"], Proof)
    assert proof.seq == int(answered["ref"])
    assert proof.size == app.service.ledger.head().size
    assert proof.root == app.service.ledger.head().root.hex()
    assert proof.faults() == []
    assert msgspec.structs.replace(proof, body=proof.body.replace("hold", "allow")).faults()


def test_a_compact_allow_has_its_place_and_its_item(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        answered = decided(app, "a", "b", "c")
        compact = [d for d in answered if "." in d["ref"]]
        assert compact
        for one in compact:
            record = app.client.get(f"/v1/decisions/{one['ref']}").json()
            assert (record["action"], record["decision"]) == ("allow", None)
            assert record["item"]["id"] == one["id"]
            assert record["policy"] == one["policy"]


def test_what_people_wrote_takes_the_scope_text(app: App) -> None:
    (answered,) = decided(app, LONG)
    path = f"/v1/decisions/{answered['ref']}"
    without = app.client.get(path, headers=app.key("read"))
    assert without.json()["texts"] is None
    assert LONG not in without.text
    assert app.client.get(path, headers=app.key("read", "text")).json()["texts"] == {"text": LONG}
    assert app.client.get(path, headers=app.key("text")).status_code == 403


def test_an_erased_text_is_gone_and_the_proof_still_holds(app: App) -> None:
    (answered,) = decided(app, LONG)
    path = f"/v1/decisions/{answered['ref']}"
    commitment = app.client.get(path).json()["item"]["text"]
    app.service.ledger.erase(commitment, "test", "asked", datetime.now(UTC))
    record = app.client.get(path).json()
    assert record["texts"] == {}
    assert msgspec.convert(record["proof"], Proof).faults() == []


@pytest.mark.parametrize("ref", ["999", "0.5", "0", "x", "-1", "1.", "1.2.3", "9" * 30, "1%2F2", "1;DROP"])
def test_what_is_no_decision_is_not_found(app: App, ref: str) -> None:
    response = app.client.get(f"/v1/decisions/{ref}")
    assert response.status_code in (400, 404)
    assert response.headers["content-type"] == "application/problem+json"


def test_lists_are_paged_newest_first_without_gap_or_overlap(app: App) -> None:
    answered = [d for n in range(5) for d in decided(app, *(["x", LONG, "y", LONGER, "z"] * 2))]
    newest_first = sorted((d["ref"] for d in answered), key=_place, reverse=True)
    seen: list[str] = []
    before: str | None = None
    while True:
        query = {"limit": "7", **({} if before is None else {"before": before})}
        page = app.client.get("/v1/decisions", params=query).json()
        assert len(page["decisions"]) <= 7
        seen += [d["ref"] for d in page["decisions"]]
        before = page["next"]
        if before is None:
            break
    assert seen == newest_first


def _place(ref: str) -> tuple[int, int]:
    seq, _, slot = ref.partition(".")
    return int(seq), int(slot or -1)


def test_lists_can_be_narrowed(app: App) -> None:
    decided(app, "x", LONG, LONGER, LONG)
    held = app.client.get("/v1/decisions", params={"action": "hold"}).json()["decisions"]
    assert [d["id"] for d in held] == ["c-3", "c-1"]
    assert {d["action"] for d in held} == {"hold"}
    mine = app.client.get("/v1/decisions", params={"id": "c-2"}).json()["decisions"]
    assert [(d["id"], d["action"]) for d in mine] == [("c-2", "remove")]
    assert app.client.get("/v1/decisions", params={"id": "c-2", "action": "hold"}).json()["decisions"] == []
    assert app.client.get("/v1/decisions", params={"id": "unheard-of"}).json() == {
        "decisions": [],
        "next": None,
    }


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "zebrafinch"}, "limit"),
        ({"before": "zebrafinch"}, "before"),
        ({"action": "zebrafinch"}, "action"),
        ({"id": ""}, "id"),
        ({"id": "zebrafinch" * 30}, "id"),
    ],
)
def test_parameters_are_checked_and_not_repeated(app: App, query: dict[str, str], where: str) -> None:
    response = app.client.get("/v1/decisions", params=query)
    assert response.status_code == 400
    document = response.json()
    assert document["type"] == "/problems/invalid-parameter"
    assert [error["where"] for error in document["errors"]] == [where]
    assert "zebrafinch" not in response.text


def test_policies_are_listed_and_shown(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        decided(app, "x")
        (listed,) = app.client.get("/v1/policies").json()["policies"]
        shown = app.client.get(f"/v1/policies/{listed['id']}").json()
        assert shown["name"] == "lengths"
        assert shown["id"] == f"lengths@{shown['version']}"
        assert shown["source"] == POLICY
        assert [rule["name"] for rule in shown["rules"]] == ["long", "longer"]
        assert shown["rules"][0]["when"] == "text.length > 40"
        assert shown["rules"][0]["reads"] == ["text.length"]
        assert app.client.get("/v1/policies/lengths@000000000000").status_code == 404


def test_signals_declare_what_rules_may_read(app: App) -> None:
    listed = app.client.get("/v1/signals").json()
    assert [field["name"] for field in listed["item"]] == [field.name for field in ITEM_FIELDS]
    engine = app.service.decider.engine
    names = {f["name"] for f in listed["item"]} | {f["name"] for s in listed["signals"] for f in s["fields"]}
    assert names == set(engine.schema)
    assert {s["name"]: s["version"] for s in listed["signals"]} == engine.versions


def test_commitments_are_salted(app: App) -> None:
    (answered,) = decided(app, LONG)
    commitment = app.client.get(f"/v1/decisions/{answered['ref']}").json()["item"]["text"]
    assert commitment != hashlib.sha256(LONG.encode()).hexdigest()
