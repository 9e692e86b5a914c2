"""`POST /v1/decide`: what is decided is answered, recorded, and decided once."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.content import Item
from holdfast.decider import Submission
from holdfast.ledger import Ledger

from .conftest import LONG, LONGER, App, running


def item(number: int = 1, text: str = "hello") -> dict[str, Any]:
    return {"id": f"c-{number}", "text": text}


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["type"] == f"/problems/{code}"
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def test_one_item_is_answered_with_its_decision(app: App) -> None:
    response = app.decide(item(7, LONG))
    assert response.status_code == 200
    decision = response.json()
    assert decision["id"] == "c-7"
    assert decision["action"] == "hold"
    assert [rule["name"] for rule in decision["rules"]] == ["long"]
    assert decision["rules"][0]["values"] == {"text.length": 41}
    assert decision["policy"].startswith("lengths@")
    assert set(decision) == {
        "ref", "id", "action", "escalate", "rules", "unknown", "signals", "spans", "policy", "versions",
    }  # fmt: skip
    assert next(iter(decision)) == "ref"
    with Ledger.open(data=app.data) as ledger:
        found = ledger.decision(decision["ref"])
    assert (found.item.id, found.action) == ("c-7", "hold")
    assert found.decision is not None
    assert found.decision.rules[0].name == "long"


def test_several_items_are_answered_in_their_order(app: App) -> None:
    texts = ["a", LONG, "b", LONGER, "c"]
    response = app.decide({"items": [item(n, text) for n, text in enumerate(texts)]})
    decisions = response.json()["decisions"]
    assert [d["id"] for d in decisions] == [f"c-{n}" for n in range(5)]
    assert [d["action"] for d in decisions] == ["allow", "hold", "allow", "remove", "allow"]
    assert len({d["ref"] for d in decisions}) == 5
    with Ledger.open(data=app.data) as ledger:
        assert [ledger.decision(d["ref"]).item.id for d in decisions] == [d["id"] for d in decisions]


def test_a_list_of_one_is_answered_with_a_list(app: App) -> None:
    assert len(app.decide({"items": [item()]}).json()["decisions"]) == 1


@given(batches=st.lists(st.lists(st.integers(1, 100), min_size=1, max_size=9), min_size=1, max_size=12))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_request_gets_its_own_decisions_whatever_runs_beside_it(
    app: App, batches: list[list[int]]
) -> None:
    def send(numbered: tuple[int, list[int]]) -> None:
        number, lengths = numbered
        items = [{"id": f"{number}-{n}", "text": "y" * length} for n, length in enumerate(lengths)]
        decisions = app.decide({"items": items}).json()["decisions"]
        assert [d["id"] for d in decisions] == [i["id"] for i in items]
        assert [d["signals"]["text.length"] for d in decisions] == lengths

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, enumerate(batches)))


def test_wrong_items_refuse_the_whole_request_and_record_nothing(app: App) -> None:
    before = app.service.ledger.head().size
    document = problem(
        app.decide({"items": [item(1), {"id": "2"}, item(3), {"id": ""}]}), 422, "invalid-item"
    )
    assert [error["where"] for error in document["errors"]] == ["items[1].text", "items[3].text"]
    assert app.service.ledger.head().size == before


def test_the_1001st_item_is_one_too_many(app: App) -> None:
    assert len(app.decide({"items": [item(n) for n in range(1_000)]}).json()["decisions"]) == 1_000
    document = problem(app.decide({"items": [item(n) for n in range(1_001)]}), 413, "too-many-items")
    assert document["errors"] == [{"where": "items", "expected": "1 to 1,000 items"}]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"id":"1","text":NaN}',
        b'{"id":"1","text":"\\ud800"}',
        b'{"id":"1","text":"\xff"}',
        b"\x00",
    ],
)
def test_what_is_not_json_is_told_so(app: App, body: bytes) -> None:
    assert problem(app.decide(body), 400, "malformed-json")["errors"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""]
)
def test_only_json_is_read(app: App, kind: str) -> None:
    problem(app.decide(item(), **{"Content-Type": kind}), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_by_its_other_names(app: App, kind: str) -> None:
    assert app.decide(item(), **{"Content-Type": kind}).status_code == 200


def test_other_methods_are_not_allowed(app: App) -> None:
    response = app.client.get("/v1/decide")
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


def test_bodies_are_bounded_with_and_without_a_length(tmp_path: Path) -> None:
    with running(tmp_path, body_limit=1_000) as app:
        big = msgspec.json.encode(item(1, "x" * 2_000))
        problem(app.decide(big), 413, "body-too-large")
        chunks = (big[start : start + 100] for start in range(0, len(big), 100))
        response = app.client.post("/v1/decide", content=chunks, headers={"Content-Type": "application/json"})
        assert "1,000 bytes" in problem(response, 413, "body-too-large")["detail"]
        small = msgspec.json.encode(item())
        response = app.client.post(
            "/v1/decide", content=iter([small[:9], small[9:]]), headers={"Content-Type": "application/json"}
        )
        assert response.json()["action"] == "allow"
        assert app.service.bodies._held == 0


def test_items_are_counted_against_the_keys_rate(tmp_path: Path) -> None:
    with running(tmp_path, rate_limit=10) as app:
        response = app.decide({"items": [item(n) for n in range(60)]})
        assert response.headers["ratelimit-policy"] == '"items";q=100;w=10'
        assert response.headers["ratelimit"].startswith('"items";r=4')
        refused = app.decide({"items": [item(n) for n in range(90)]})
        problem(refused, 429, "rate-limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        # Another key has a bucket of its own.
        assert app.decide({"items": [item(n) for n in range(90)]}, **app.key("decide")).status_code == 200


# Idempotency --------------------------------------------------------------------------------


def test_a_request_sent_again_is_answered_as_before_and_decided_once(app: App) -> None:
    first = app.decide(item(1, LONG), **{"Idempotency-Key": "k-1"})
    size = app.service.ledger.head().size
    again = app.decide(item(1, LONG), **{"Idempotency-Key": "k-1"})
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert app.service.ledger.head().size == size


def test_a_key_is_good_for_one_request(app: App) -> None:
    app.decide(item(1), **{"Idempotency-Key": "k"})
    problem(app.decide(item(2), **{"Idempotency-Key": "k"}), 422, "idempotency-conflict")


def test_each_api_key_has_idempotency_keys_of_its_own(app: App) -> None:
    one = app.decide(item(1), **{"Idempotency-Key": "k"})
    other = app.decide(item(2), **{"Idempotency-Key": "k"}, **app.key("decide"))
    assert other.status_code == 200
    assert other.json()["id"] != one.json()["id"]


def test_duplicates_at_the_same_time_are_decided_once(app: App) -> None:
    body = {"items": [item(n, LONG) for n in range(20)]}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: app.decide(body, **{"Idempotency-Key": "same"}), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    with Ledger.open(data=app.data) as ledger:
        assert len(ledger.decisions(limit=100)) == 20


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "ä".encode().decode("latin-1")])
def test_idempotency_keys_are_bounded(app: App, key: str) -> None:
    response = app.client.post(
        "/v1/decide",
        content=msgspec.json.encode(item()),
        headers=[(b"Content-Type", b"application/json"), (b"Idempotency-Key", key.encode("latin-1"))],
    )
    problem(response, 400, "invalid-idempotency-key")


def test_an_answer_that_is_no_longer_kept_is_not_made_up(app: App) -> None:
    app.decide(item(1), **{"Idempotency-Key": "old"})
    app.service.ledger.purge_responses(datetime.now(UTC) + timedelta(hours=1))
    problem(app.decide(item(1), **{"Idempotency-Key": "old"}), 409, "idempotency-expired")


def test_a_replay_survives_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        headers = app.key("decide") | {"Idempotency-Key": "k"}
        first = app.decide(item(1, LONG), **headers)
    with running(tmp_path) as app:
        again = app.decide(item(1, LONG), **headers)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


# When it goes wrong -------------------------------------------------------------------------


def test_what_cannot_be_recorded_is_not_answered(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        with closing(sqlite3.connect(tmp_path / "holdfast.db")) as thief:
            thief.execute("ALTER TABLE events RENAME TO stolen")
            refused = app.decide(item())
            thief.execute("ALTER TABLE stolen RENAME TO events")
        problem(refused, 503, "store-unavailable")
        assert "retry-after" in refused.headers
        # It goes on by itself once the cause is gone.
        assert app.decide(item()).status_code == 200


def test_a_writer_that_hangs_costs_a_time_out_and_not_the_server(tmp_path: Path) -> None:
    with running(tmp_path, timeout_s=1.5) as app:
        with closing(sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)) as hanging:
            hanging.execute("BEGIN IMMEDIATE")
            problem(app.decide(item()), 503, "timed-out")
            hanging.execute("ROLLBACK")
        assert app.decide(item(2)).status_code == 200


def test_a_full_queue_says_when_to_come_back(tmp_path: Path) -> None:
    with running(tmp_path, queue_limit=30, batch_limit=10, timeout_s=5) as app:
        body = {"items": [item(n) for n in range(10)]}
        with closing(sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)) as hanging:
            hanging.execute("BEGIN IMMEDIATE")
            with ThreadPoolExecutor(8) as pool:
                waiting = [pool.submit(app.decide, body) for _ in range(8)]
                done, _ = wait(waiting, timeout=1)
                refused = [future.result() for future in done]
                hanging.execute("ROLLBACK")
                answers = [future.result() for future in waiting]
        assert len(refused) == 4  # one batch runs, three wait
        for answer in refused:
            problem(answer, 503, "overloaded")
            assert int(answer.headers["retry-after"]) >= 1
        assert sorted(answer.status_code for answer in answers) == [200] * 4 + [503] * 4


def test_one_request_that_breaks_the_engine_fails_alone(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    signals = app.service.decider.engine.signals
    measure = type(signals[0]).measure

    def breaks(self: Any, batch: Any) -> Any:
        if any(i.id == "poison" for i in batch.items):
            raise ZeroDivisionError
        return measure(self, batch)

    monkeypatch.setattr(type(signals[0]), "measure", breaks)
    ids = ["poison" if n == 5 else f"c-{n}" for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda i: app.decide({"id": i, "text": "hello"}), ids))
    assert [a.status_code for a in answers] == [500 if i == "poison" else 200 for i in ids]
    problem(answers[5], 500, "internal")


def test_the_answer_is_sent_once_what_it_says_is_durable(app: App) -> None:
    decision = app.decide(item(1, LONG)).json()
    with closing(sqlite3.connect(f"file:{app.data / 'holdfast.db'}?mode=ro", uri=True)) as reader:
        found = reader.execute(
            "SELECT action FROM decisions WHERE seq = ?", (int(decision["ref"]),)
        ).fetchone()
    assert found == ("hold",)


def test_requests_gather_into_batches(app: App) -> None:
    async def burst() -> None:
        submit = app.service.batcher.submit
        await asyncio.gather(
            *(
                submit(Submission([Item(id=str(n), text="x")], None, None, lambda _: b""), 1)
                for n in range(50)
            )
        )

    before = _metric(app, "holdfast_batch_items_count")
    with app.client.portal() as portal:
        portal.call(burst)
    assert _metric(app, "holdfast_batch_items_count") == before + 1


def _metric(app: App, name: str) -> float:
    value = app.service.metrics.registry.get_sample_value(name)
    return 0.0 if value is None else value
