"""Problems: every refusal over HTTP, as `application/problem+json` (RFC 9457).

A problem says which rule of the interface was broken and where, never what was sent: its words are
Holdfast's own, so that it can be logged and shown. `type` is a path on this server that explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

MEDIA_TYPE = b"application/problem+json"
ERROR_LIMIT = 100
"""Errors that one problem lists; `detail` says how many there were."""


class Kind(NamedTuple):
    """One type of problem: `status`, a title for people, and what a client does about it."""

    status: int
    title: str
    doc: str


KINDS: dict[str, Kind] = {
    "malformed-json": Kind(400, "The body is not JSON", "Send one JSON document in UTF-8. Numbers must be finite (no NaN) and nesting shallow."),
    "invalid-parameter": Kind(400, "A parameter is not valid", "`errors` names the parameter and what it may be."),
    "invalid-idempotency-key": Kind(400, "The Idempotency-Key is not valid", "Send 1 to 200 printable ASCII characters, a UUID for example."),
    "bad-request": Kind(400, "The request is not valid HTTP", "Check the client or the proxy before this server."),
    "unauthenticated": Kind(401, "An API key is needed", "Send `Authorization: Bearer hf_…`. Make a key with `holdfast key create --scope decide`."),
    "forbidden": Kind(403, "This API key may not do that", "Make a key with the scope that `detail` names: `holdfast key create --scope …`."),
    "foreign-origin": Kind(403, "The request came from another site", "A server without keys answers only programs on its own machine, not web pages of other sites. Make an API key."),
    "not-found": Kind(404, "There is nothing here", "Check the path or the reference."),
    "method-not-allowed": Kind(405, "The method is not allowed here", "The header `Allow` lists the methods that are."),
    "request-timeout": Kind(408, "The request took too long to arrive", "Send head and body without pauses."),
    "idempotency-expired": Kind(409, "The answer for this Idempotency-Key is no longer kept", "The request was decided before; find the decisions with GET /v1/decisions?id=…. The operator's setting is `serve.idempotency_hours`."),
    "body-too-large": Kind(413, "The body is too large", "Send fewer items at a time. The operator's setting is `serve.body_limit`."),
    "too-many-items": Kind(413, "There are too many items", "Send up to 1,000 items at a time."),
    "url-too-long": Kind(414, "The URL is too long", "Put data into the body."),
    "unsupported-media-type": Kind(415, "The body's type is not supported", "Send `Content-Type: application/json`."),
    "invalid-item": Kind(422, "An item is not valid", "`errors` names each place and what is expected there. Nothing of the request was decided."),
    "idempotency-conflict": Kind(422, "The Idempotency-Key was used for another request", "Use a new key for a new request."),
    "rate-limited": Kind(429, "Too many items in too short a time", "Wait for the seconds in `Retry-After`. The operator's setting is `serve.rate_limit`."),
    "headers-too-large": Kind(431, "The headers are too large", "Send smaller or fewer headers."),
    "internal": Kind(500, "Something went wrong here", "Nothing is known to be wrong with the request. The log has the request id that is in the header `X-Request-Id`."),
    "overloaded": Kind(503, "There is more work than this server can do now", "Try again after the seconds in `Retry-After`."),
    "timed-out": Kind(503, "The answer took too long", "Try again; with an Idempotency-Key an item that was decided after all is not decided twice."),
    "draining": Kind(503, "The server is stopping", "Try again; another server, or this one after its restart, will answer."),
    "not-ready": Kind(503, "The server is not ready for work", "Send work elsewhere until this path answers 200."),
    "store-unavailable": Kind(503, "The ledger cannot be written", "Nothing was decided. Try again; the operator finds the cause in the log."),
}  # fmt: skip


class FieldError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong: `where` it is (`items[3].author.id`), and what is `expected` there."""

    where: str
    expected: str


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is not a success (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] = ()


class Problem(Exception):
    """A request is refused. `code` is one of `KINDS`; raise it anywhere under a handler."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
        close: bool = False,
    ) -> None:
        super().__init__(code)
        kind = KINDS[code]
        self.code = code
        self.status = kind.status
        self.detail = kind.doc if detail is None else detail
        self.errors = tuple(errors[:ERROR_LIMIT])
        self.headers = tuple(headers)
        self.close = close
        """Whether the connection has to end, because the rest of the request will not be read."""

    def document(self) -> ProblemDocument:
        return ProblemDocument(
            type=f"/problems/{self.code}",
            title=KINDS[self.code].title,
            status=self.status,
            detail=self.detail,
            errors=self.errors,
        )

    def body(self) -> bytes:
        return _encode(self.document())

    def all_headers(self, body: bytes) -> list[tuple[bytes, bytes]]:
        """The headers of the answer whose body is `body`."""
        headers = [
            (b"content-type", MEDIA_TYPE),
            (b"content-length", str(len(body)).encode()),
            *self.headers,
        ]
        if self.close:
            headers.append((b"connection", b"close"))
        return headers


def retry_after(seconds: float) -> tuple[bytes, bytes]:
    """The header that says when to come back, in whole seconds and at least one."""
    return (b"retry-after", str(max(1, -int(-seconds // 1))).encode())


_encode = msgspec.json.Encoder().encode
