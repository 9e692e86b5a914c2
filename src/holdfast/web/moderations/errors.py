"""Refusals as OpenAI's clients read them: `{"error": {"message", "type", "param", "code"}}`.

Words are Holdfast's own: nothing of what was sent is in them. Clients try again after 408, 409, 429 and 5xx, as long
as `Retry-After` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from litestar.types import Send

from holdfast.web.edge import send_answer
from holdfast.web.problems import KINDS, Problem

INVALID_REQUEST: Final = "invalid_request_error"
SERVER_ERROR: Final = "server_error"


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong: `param` is the place in the request, `code` a name for programs."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class Refusal(Exception):
    """A request is refused. `counted` is the name under which the metrics count it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = INVALID_REQUEST,
        param: str | None = None,
        code: str | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
        close: bool = False,
        counted: str = "invalid-item",
    ) -> None:
        super().__init__(code)
        self.status = status
        self.detail = ErrorDetail(message=message, type=type, param=param, code=code)
        self.headers = tuple(headers)
        self.close = close
        self.counted = counted

    def body(self) -> bytes:
        return _encode(ErrorDocument(error=self.detail))

    def all_headers(self, body: bytes) -> list[tuple[bytes, bytes]]:
        """The headers of the answer whose body is `body`."""
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *self.headers,
        ]
        if self.close:
            headers.append((b"connection", b"close"))
        return headers


class _Kind(NamedTuple):
    type: str
    code: str | None
    status: int | None = None
    """Where it is another than the problem's own."""
    message: str | None = None
    """Where the problem's own words speak of what this format does not have."""


_KINDS: Final = {
    "malformed-json": _Kind(INVALID_REQUEST, "invalid_json"),
    "bad-request": _Kind(INVALID_REQUEST, None),
    "unauthenticated": _Kind(INVALID_REQUEST, "invalid_api_key"),
    "forbidden": _Kind(INVALID_REQUEST, "insufficient_permissions"),
    "foreign-origin": _Kind(INVALID_REQUEST, "foreign_origin"),
    "method-not-allowed": _Kind(INVALID_REQUEST, "method_not_allowed"),
    "request-timeout": _Kind(INVALID_REQUEST, "request_timeout"),
    "body-too-large": _Kind(INVALID_REQUEST, "request_too_large"),
    "unsupported-media-type": _Kind(INVALID_REQUEST, "unsupported_content_type"),
    "invalid-item": _Kind(INVALID_REQUEST, None, 400),
    "rate-limited": _Kind("rate_limit_error", "rate_limit_exceeded"),
    "timed-out": _Kind(SERVER_ERROR, "timed_out", message="The answer took too long. Try again."),
}
"""How each problem that a request can meet is told; the others are named as problems are."""


def refusal_of(problem: Problem) -> Refusal:
    """`problem` as this format says it, with its headers."""
    fault = SERVER_ERROR if problem.status >= 500 else INVALID_REQUEST
    kind = _KINDS.get(problem.code) or _Kind(fault, problem.code.replace("-", "_"))
    message = kind.message or f"{KINDS[problem.code].title}. {problem.detail}"
    if problem.errors:
        first = problem.errors[0]
        message += f" At {first.where}: expected {first.expected}."
    return Refusal(
        message,
        status=kind.status or problem.status,
        type=kind.type,
        code=kind.code,
        headers=problem.headers,
        close=problem.close,
        counted=problem.code,
    )


async def send_refusal(refusal: Refusal, send: Send) -> None:
    """Answer with `refusal`."""
    body = refusal.body()
    await send_answer(refusal.status, refusal.all_headers(body), body, send)


_encode = msgspec.json.Encoder().encode
