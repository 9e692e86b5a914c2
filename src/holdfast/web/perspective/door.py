"""The door of the routes in Google's format: pre-flight, key, body, and refusals in Google's words.

    door = Door(service)
    door.post("/v1alpha1/comments:analyze", answer)   # answer(principal, body) -> Answered

Raw ASGI handlers, as that of `/v1/decide`. What a handler raises as `GoogleError` or `Problem` is answered as Google
would; the metrics count it by our own codes. Query parameters other than `key` are taken and mean nothing.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import structlog
from litestar.handlers import asgi
from litestar.handlers.asgi_handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from holdfast.web.access import Principal
from holdfast.web.body import BodyReader
from holdfast.web.edge import REF, send_answer
from holdfast.web.failures import problem_of
from holdfast.web.guard import OWN
from holdfast.web.logs import describe
from holdfast.web.perspective import errors
from holdfast.web.perspective.errors import GoogleError
from holdfast.web.problems import Problem
from holdfast.web.service import Service

BODY_LIMIT: Final = 1024 * 1024
"""Bytes of a body: a comment is 20 kB at most, and an article beside it seldom more."""

Header = tuple[bytes, bytes]

_JSON: Final = re.compile(
    rb"(?:application/(?:[\w.+-]+\+)?json|text/plain)\s*(?:;.*)?", re.IGNORECASE | re.DOTALL
)
_TYPE: Final = (b"content-type", b"application/json; charset=UTF-8")
_ORIGIN: Final = (b"access-control-allow-origin", b"*")
_EXPOSED: Final = (b"access-control-expose-headers", b"retry-after, " + REF + b", x-request-id")
_ASKED_HEADERS: Final = (
    b"access-control-allow-headers",
    b"authorization, content-type, x-goog-api-key, x-goog-api-client, x-api-key, x-requested-with, *",
)
_REMEMBERED: Final = (b"access-control-max-age", b"3600")

_log = structlog.get_logger("holdfast.web")


class Answered(NamedTuple):
    """The JSON of an answer, and headers besides those that every answer has."""

    body: bytes
    headers: Sequence[Header] = ()


class Door:
    """Makes the handlers of one server's routes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        serve = service.settings.serve
        self._bodies = BodyReader(min(BODY_LIMIT, serve.body_limit), serve.timeout_s)

    def post(
        self,
        path: str,
        answer: Callable[[Principal, bytes], Awaitable[Answered]],
        patience_s: float | None = None,
    ) -> ASGIRouteHandler:
        """The handler of `POST path` for keys with the scope `decide`. Each request counts as an item.

        With `patience_s` it is one that the engine answers: where that would take longer, the body is not looked at.
        """

        async def respond(scope: Scope, receive: Receive) -> Answered:
            headers: Mapping[bytes, bytes] = scope["state"]["headers"]
            try:
                # Before the body is read: who may not or cannot be answered costs next to nothing.
                presented = _google_key(scope, headers)
                principal = await self._service.access.authenticate(scope, headers, "decide", presented)
                scope["state"]["key_id"] = principal.key_id
                self._service.limiter.spend(principal.key_id, 1)
                kind = headers.get(b"content-type")
                if kind is not None and _JSON.fullmatch(kind) is None:
                    raise Problem("unsupported-media-type")
                if patience_s is not None:
                    self._service.admit(patience_s=patience_s)
            except (Problem, GoogleError):
                await self._bodies.discard(receive)
                raise
            body = await self._bodies.read(receive, headers.get(b"content-length"))
            answered = await answer(principal, body)
            return answered._replace(
                headers=(*answered.headers, *self._service.limiter.headers(principal.key_id))
            )

        return self._handler(path, ("POST",), respond)

    def get(self, path: str, answer: Callable[[Scope], Answered]) -> ASGIRouteHandler:
        """The handler of `GET path`, for everyone."""

        async def respond(scope: Scope, receive: Receive) -> Answered:  # noqa: ARG001
            return answer(scope)

        return self._handler(path, ("GET", "HEAD"), respond)

    def _handler(
        self,
        path: str,
        methods: tuple[str, ...],
        respond: Callable[[Scope, Receive], Awaitable[Answered]],
    ) -> ASGIRouteHandler:
        allowed = ", ".join((*methods, "OPTIONS")).encode()
        preflight = [_ORIGIN, (b"access-control-allow-methods", allowed), _ASKED_HEADERS, _REMEMBERED]

        @asgi(path, copy_scope=False, opt=OWN)
        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            method = str(scope.get("method"))
            if method == "OPTIONS":
                await send_answer(204, preflight, b"", send)
                return
            try:
                if method not in methods:
                    raise Problem(
                        "method-not-allowed",
                        f"Only {methods[0]} is answered here.",
                        headers=((b"allow", allowed),),
                    )
                answered = await respond(scope, receive)
            except Exception as error:
                await self._refuse(self._told(error, scope), send)
                return
            await _send(200, answered.body, answered.headers, send)

        return handle

    def _told(self, error: Exception, scope: Scope) -> GoogleError:
        if isinstance(error, GoogleError):
            return error
        headers: Mapping[bytes, bytes] = scope["state"]["headers"]
        keyed = any(name in headers for name in (b"authorization", b"x-api-key", b"cookie"))
        if not isinstance(error, Problem):
            _log.error("request_failed", request=scope["state"].get("request_id"), **describe(error))
            error = problem_of(error)
        return errors.of(error, keyed=keyed or _google_key(scope, headers) is not None)

    async def _refuse(self, error: GoogleError, send: Send) -> None:
        self._service.metrics.problem(error.problem)
        headers = [*error.headers, (b"connection", b"close")] if error.close else error.headers
        await _send(error.code, error.body(), headers, send)


async def _send(status: int, body: bytes, headers: Sequence[Header], send: Send) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send_answer(status, [_TYPE, length, _ORIGIN, _EXPOSED, *headers], body, send)


def _google_key(scope: Scope, headers: Mapping[bytes, bytes]) -> str | None:
    """The key in `?key=` or in `X-Goog-Api-Key`; elsewhere it is looked for as on every route."""
    query = scope["query_string"]
    if b"key" in query:
        for name, value in parse_qsl(query.decode("latin-1")):
            if name == "key":
                return value
    given = headers.get(b"x-goog-api-key")
    return given.decode("latin-1") if given else None
