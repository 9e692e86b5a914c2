"""The outermost layer of the application: every request passes it, whatever becomes of it.

It gives the request an id, adds the headers that every answer carries, turns what escapes into a
problem, and counts and logs the answer. A client that was told when to come back, and comes earlier only to be
refused again, gets that answer at the time it was told: a thousand that hammer must not cost those who are answered.
Plain ASGI, since it is on the path of every decision.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections.abc import Iterable
from time import perf_counter
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.web.logs import describe
from holdfast.web.metrics import Metrics
from holdfast.web.problems import Problem
from holdfast.web.protocol import CONNECTION, Connection

QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Routes that monitors ask all the time; they are logged at level debug."""
REF = b"x-holdfast-ref"
"""The header in which another format's answer names what was recorded of it, where that is one thing."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_BUSY = frozenset({429, 503})
LONGEST_HOLD_S = 2.0
"""Seconds that a refusal may be held back."""
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NO_STORE = (b"cache-control", b"no-store")
_DATA_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PAGE_POLICY = (
    b"content-security-policy",
    b"default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'none'",
)
_CLOSE = (b"connection", b"close")


class Edge:
    """Wraps an ASGI application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.draining = False
        """While true every answer ends its connection, so that clients turn to another server."""
        self._metrics = metrics
        self._log: Any = None
        self._ids = itertools.count()
        self._prefix = secrets.token_hex(6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        if self._log is None:
            # Bound once, when the program has configured its logs: binding for each line costs more
            # than the line.
            self._log = structlog.get_logger("holdfast.web").bind()
        started = perf_counter()
        state: dict[str, Any] = scope.setdefault("state", {})
        headers = state["headers"] = dict(scope["headers"])
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given) is not None:
            request_id = given.decode()
        else:
            request_id = f"{self._prefix}-{next(self._ids):x}"
        state["request_id"] = request_id
        status = 0

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status in _BUSY and not self.draining:
                    await _hold_back(scope, message.get("headers", ()))
                message["headers"] = self._complete(list(message.get("headers", ())), request_id)
            await send(message)

        try:
            await self.app(scope, receive, finish)
        except Exception as error:
            problem = error if isinstance(error, Problem) else Problem("internal")
            if problem is not error:
                self._log.error("request_failed", request=request_id, **describe(error))
            self._metrics.problem(problem.code)
            if status == 0:
                await send_problem(problem, finish)
            else:
                # The answer has begun; only breaking it off tells the client that it is not whole.
                raise
        finally:
            took = perf_counter() - started
            route = scope.get("path_template") or "unmatched"
            method = scope["method"]
            self._metrics.request(route, method, status, took)
            log = self._log.debug if route in QUIET else self._log.info
            log(
                "request",
                request=request_id,
                method=method if method.isalpha() and len(method) < 10 else "other",
                route=route,
                status=status,
                ms=round(took * 1000, 2),
                key=state.get("key_id"),
            )

    def _complete(self, headers: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
        kind = b""
        has_policy = has_cache = False
        for name, value in headers:
            if name == b"content-type":
                kind = value
            elif name == b"content-security-policy":
                has_policy = True
            elif name == b"cache-control":
                has_cache = True
        headers += _ALWAYS
        if not has_policy:
            headers.append(_PAGE_POLICY if kind.startswith(b"text/html") else _DATA_POLICY)
        if not has_cache:
            headers.append(_NO_STORE)
        headers.append((b"x-request-id", request_id.encode()))
        if self.draining:
            headers.append(_CLOSE)
        return headers


async def _hold_back(scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Wait until the client was told to come back, if it has come too early; note when it is told to come now."""
    connection: Connection | None = scope.get(CONNECTION)  # type: ignore[assignment]
    told = dict(headers).get(b"retry-after")
    if connection is None or told is None:
        return
    clock = asyncio.get_running_loop().time
    early = connection.come_back_at - clock()
    if early > 0:
        await asyncio.sleep(min(early, LONGEST_HOLD_S))
    connection.come_back_at = clock() + int(told)


async def send_problem(problem: Problem, send: Send) -> None:
    """Answer with `problem`."""
    body = problem.body()
    await send_answer(problem.status, problem.all_headers(body), body, send)


async def send_answer(status: int, headers: list[tuple[bytes, bytes]], body: bytes, send: Send) -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
