"""Under overload: refused at once, with when to come back, before the body is looked at; who was let in is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.web.conftest import App, eventually, running

PATHS = ("/v1/decide", "/v1/moderations", "/v1alpha1/comments:analyze")
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[App]:
    """A server of which one item at most may wait."""
    with running(tmp_path, queue_limit=1) as app:
        yield app


@pytest.mark.parametrize("path", PATHS)
def test_a_full_queue_refuses_before_the_body_is_looked_at(small: App, path: str) -> None:
    client = small.client
    assert client.post(path, content=b"{", headers=JSON).status_code == 400
    gate = threading.Event()
    with ThreadPoolExecutor(3) as pool:
        busy = pool.submit(
            client.blocking_portal.call, small.service.batcher.on_worker, lambda: gate.wait(20)
        )
        try:
            admitted = [pool.submit(small.decide, {"id": "0", "text": "hello"})]
            time.sleep(0.1)  # until it runs, and waits for the worker
            admitted.append(pool.submit(small.decide, {"id": "1", "text": "hello"}))
            eventually(lambda: small.service.batcher.queued_items == 1)
            refused = client.post(path, content=b"{", headers=JSON)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            # What cannot be answered anyway is told so: a key comes first.
            unknown = client.post(path, content=b"{", headers={**JSON, "Authorization": "Bearer hf_unknown"})
            assert unknown.status_code in (400, 401)
        finally:
            gate.set()
        busy.result(20)
        assert [one.result(20).status_code for one in admitted] == [200, 200]
    assert client.post(path, content=b"{", headers=JSON).status_code == 400


def test_a_suggestion_does_not_wait_for_the_engine(small: App) -> None:
    gate = threading.Event()
    client = small.client
    with ThreadPoolExecutor(3) as pool:
        busy = pool.submit(
            client.blocking_portal.call, small.service.batcher.on_worker, lambda: gate.wait(20)
        )
        try:
            admitted = [pool.submit(small.decide, {"id": "0", "text": "hello"})]
            time.sleep(0.1)
            admitted.append(pool.submit(small.decide, {"id": "1", "text": "hello"}))
            eventually(lambda: small.service.batcher.queued_items == 1)
            assert (
                client.post("/v1alpha1/comments:suggestscore", content=b"{", headers=JSON).status_code == 400
            )
        finally:
            gate.set()
        busy.result(20)
        assert [one.result(20).status_code for one in admitted] == [200, 200]


def test_the_pace_is_known_before_the_first_request(small: App) -> None:
    assert small.service.batcher.pace.is_known
