"""What monitors see: alive, ready, and counts that hold nothing of a person."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from holdfast.decision import Decision, Fired
from holdfast.web.metrics import RULE_LIMIT, Metrics
from holdfast.web.problems import KINDS
from holdfast.web.service import READY_FOR_S

from .conftest import LONG, LONGER, App, running


def sample(app: App, name: str, **labels: str) -> float:
    for family in text_string_to_metric_families(app.client.get("/metrics").text):
        for one in family.samples:
            if one.name == name and labels.items() <= one.labels.items():
                return one.value
    return 0.0


def test_alive_and_ready(app: App) -> None:
    assert app.client.get("/healthz").json() == {"status": "alive"}
    assert app.client.get("/readyz").json() == {"status": "ready"}


def test_a_server_that_stops_is_not_ready_but_answers(app: App) -> None:
    app.service.drain()
    app.app.state.edge.draining = True
    response = app.client.get("/readyz")
    assert response.status_code == 503
    assert "draining" in response.json()["detail"]
    assert response.headers["connection"] == "close"
    answered = app.decide({"id": "1", "text": "x"})
    assert answered.status_code == 200
    assert answered.headers["connection"] == "close"


def test_a_ledger_that_cannot_be_written_is_not_ready(tmp_path: Path) -> None:
    with running(tmp_path, timeout_s=0.2) as app:
        with closing(sqlite3.connect(tmp_path / "holdfast.db", isolation_level=None)) as hanging:
            hanging.execute("BEGIN IMMEDIATE")
            assert app.client.get("/readyz").status_code == 503
            hanging.execute("ROLLBACK")
        app.service._ready_at -= READY_FOR_S
        assert app.client.get("/readyz").status_code == 200


def test_a_full_disk_is_not_ready(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.web.service.FREE_BYTES", 2**62)
    response = app.client.get("/readyz")
    assert response.status_code == 503
    assert "disk" in response.json()["detail"]


def test_readiness_is_looked_into_at_most_once_a_second(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    look = app.service._why_not_writable

    def counted() -> str | None:
        nonlocal asked
        asked += 1
        return look()

    monkeypatch.setattr(app.service, "_why_not_writable", counted)
    for _ in range(20):
        assert app.client.get("/readyz").status_code == 200
    assert asked <= 3


def test_metrics_count_what_happened(app: App) -> None:
    app.decide({"items": [{"id": str(n), "text": text} for n, text in enumerate(["x", LONG, LONGER])]})
    app.decide({"id": "1", "text": LONG}, **{"Idempotency-Key": "k"})
    app.decide({"id": "1", "text": LONG}, **{"Idempotency-Key": "k"})
    app.decide({"id": "1"})
    app.client.get("/nowhere/zebrafinch")
    assert sample(app, "holdfast_items_total", action="allow") == 1
    assert sample(app, "holdfast_items_total", action="hold") == 2
    assert sample(app, "holdfast_items_total", action="remove") == 1
    assert sample(app, "holdfast_rules_fired_total", rule="long") == 3
    assert sample(app, "holdfast_replays_total") == 1
    assert sample(app, "holdfast_batch_items_sum") == 4
    assert sample(app, "holdfast_requests_total", route="/v1/decide", status="200") == 3
    assert sample(app, "holdfast_requests_total", route="/v1/decide", status="422") == 1
    assert sample(app, "holdfast_requests_total", route="unmatched", status="404") == 1
    assert sample(app, "holdfast_request_seconds_count", route="/v1/decide") == 4
    assert sample(app, "holdfast_problems_total", code="invalid-item") == 1
    assert sample(app, "holdfast_problems_total", code="not-found") == 1
    assert sample(app, "holdfast_ledger_events") == app.service.ledger.head().size
    assert sample(app, "holdfast_queue_items") == 0
    assert sample(app, "holdfast_ready") == 1


def test_no_label_holds_what_a_client_sent(app: App) -> None:
    word = "zebrafinch"
    app.decide({"id": word, "text": word, "author": {"id": word}, "context": {word: word}})
    app.decide({"id": word, word: word})
    app.client.get(f"/{word}")
    app.client.get(f"/v1/decisions/{word}?{word}={word}")
    app.client.request(word.upper(), "/healthz")
    text = app.client.get("/metrics").text
    assert word not in text.lower()
    routes = {
        s.labels["route"]
        for f in text_string_to_metric_families(text)
        for s in f.samples
        if "route" in s.labels
    }
    assert routes <= {"/v1/decide", "unmatched", "/v1/decisions/{ref}", "/healthz", "/metrics"}


def test_labels_are_bounded() -> None:
    metrics = Metrics()
    for number in range(RULE_LIMIT + 50):
        fired = Fired(name=f"rule_{number}", then="hold", reason="r", tells="t", values={})
        metrics.batch(
            [
                Decision(
                    item_id="1",
                    action="hold",
                    escalate=True,
                    rules=(fired,),
                    unknown=(),
                    signals={},
                    spans=(),
                    policy="p@1",
                    versions={},
                )
            ],
            1,
            0.01,
        )
        metrics.request("/v1/decide", f"METHOD{number}", 405, 0.1)
    samples = list(text_string_to_metric_families(metrics.render().decode()))
    rules = {s.labels["rule"] for f in samples for s in f.samples if s.name == "holdfast_rules_fired_total"}
    methods = {s.labels["method"] for f in samples for s in f.samples if "method" in s.labels}
    assert len(rules) == RULE_LIMIT + 1
    assert "other" in rules
    assert methods == {"other"}
    assert len(metrics._by_request) <= 2


def test_every_problem_type_can_be_looked_up(app: App) -> None:
    for code, kind in KINDS.items():
        document = app.client.get(f"/problems/{code}").json()
        assert document["status"] == kind.status
        assert document["what_to_do"] == kind.doc
    assert app.client.get("/problems/none").status_code == 404
