"""The outermost layer holds back who was told when to come back, and comes sooner only to be refused again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdfast.web import edge as module
from holdfast.web.edge import Edge
from holdfast.web.metrics import Metrics
from holdfast.web.problems import Problem, retry_after
from holdfast.web.protocol import CONNECTION, Connection


class Sleeps:
    """Stands in for waiting: how long it would have been."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slept: list[float] = []
        monkeypatch.setattr(module.asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def ask(edge: Edge, connection: Connection | None) -> int:
    scope: dict[str, Any] = {"type": "http", "method": "POST", "headers": [], "path_template": "/"}
    if connection is not None:
        scope[CONNECTION] = connection
    status = 0

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await edge(scope, receive, send)  # type: ignore[arg-type]
    return status


def edge_of(*outcomes: Problem | None) -> Edge:
    left = list(outcomes)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        outcome = left.pop(0)
        if outcome is not None:
            raise outcome
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return Edge(app, Metrics())


def busy(seconds: float = 1) -> Problem:
    return Problem("overloaded", headers=(retry_after(seconds),))


def test_only_who_comes_too_early_to_be_refused_again_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    sleeps = Sleeps(monkeypatch)

    async def scenario() -> None:
        connection = Connection()
        edge = edge_of(busy(), None, busy(), busy(600), busy(), Problem("not-found"))
        assert await ask(edge, connection) == 503
        assert await ask(edge, connection) == 200  # there is room again: nobody waits for an answer
        assert sleeps.slept == []
        assert await ask(edge, connection) == 503
        assert len(sleeps.slept) == 1 and 0.5 < sleeps.slept[0] <= 1
        await ask(edge, connection)
        await ask(edge, connection)
        assert sleeps.slept[-1] == module.LONGEST_HOLD_S  # told ten minutes, held for seconds
        held = len(sleeps.slept)
        assert await ask(edge, connection) == 404
        assert len(sleeps.slept) == held

    asyncio.run(scenario())


def test_connections_do_not_wait_for_each_other_and_nobody_waits_while_the_server_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sleeps = Sleeps(monkeypatch)

    async def scenario() -> None:
        edge = edge_of(*(busy() for _ in range(5)))
        for connection in (Connection(), Connection(), None, None):
            assert await ask(edge, connection) == 503
        again = Connection()
        again.come_back_at = asyncio.get_running_loop().time() + 1
        edge.draining = True
        assert await ask(edge, again) == 503
        assert sleeps.slept == []

    asyncio.run(scenario())
