"""`POST /v1/decide`: one item, or up to 1,000, decided and recorded before the answer is sent.

A raw ASGI handler: on this route the framework's parsing and response objects would cost as much as the
decision. `openapi.py` documents it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec
from litestar.handlers import asgi
from litestar.handlers.asgi_handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from holdfast.decider import DecidedItem, Submission
from holdfast.web.body import is_json
from holdfast.web.edge import send_answer, send_problem
from holdfast.web.explanation import Explainer, with_spans
from holdfast.web.guard import OWN
from holdfast.web.items import decode_request
from holdfast.web.problems import Problem
from holdfast.web.service import Service

PATH = "/v1/decide"
_KEY = re.compile(rb"[\x21-\x7e]{1,200}")
_TYPE = (b"content-type", b"application/json")
_REPLAYED = (b"idempotency-replayed", b"true")
_encoder = msgspec.json.Encoder()


def decide_handler(service: Service) -> ASGIRouteHandler:
    """The handler of `POST /v1/decide`."""
    explainer = Explainer(service)

    @asgi(PATH, copy_scope=False, opt=OWN)
    async def decide(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] != "POST":  # type: ignore[typeddict-item]
                raise Problem("method-not-allowed", "Send items with POST.", headers=((b"allow", b"POST"),))
            body, headers = await _answer(service, explainer, scope, receive)
        except Problem as problem:
            service.metrics.problem(problem.code)
            await send_problem(problem, send)
            return
        await send_answer(200, headers, body, send)

    return decide


async def _answer(
    service: Service, explainer: Explainer, scope: Scope, receive: Receive
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    state = scope["state"]
    given: Mapping[bytes, bytes] = state["headers"]
    length = given.get(b"content-length")
    try:
        # Before the body is read: who may not or cannot be answered costs next to nothing.
        principal = await service.access.authenticate(scope, given, "decide")
        state["key_id"] = principal.key_id
        service.limiter.spend(principal.key_id, 1)
        if not is_json(given.get(b"content-type", b"")):
            raise Problem("unsupported-media-type")
        key = _idempotency_key(given, principal.key_id)
        heads = explainer.asked(scope["query_string"])
        service.admit()
    except Problem:
        await service.bodies.discard(receive)
        raise
    body = await service.bodies.read(receive, length)
    items, single = decode_request(body)
    if len(items) > 1:
        service.limiter.spend(principal.key_id, len(items) - 1)
    respond: Callable[[Sequence[DecidedItem]], bytes] = _respond_one if single else _respond_many
    fingerprint = body
    if heads:
        found = await explainer.explain(items, single, heads, principal.key_id)
        respond, fingerprint = with_spans(respond, found), body + f"\nexplain={','.join(heads)}".encode()
    submission = Submission(items, key, None if key is None else fingerprint, respond)
    answer = await service.decide(submission)
    if answer.response is None:
        raise Problem("idempotency-expired")
    headers = [_TYPE, (b"content-length", str(len(answer.response)).encode())]
    headers += service.limiter.headers(principal.key_id)
    if answer.replayed:
        headers.append(_REPLAYED)
    return answer.response, headers


def _idempotency_key(headers: Mapping[bytes, bytes], key_id: str) -> str | None:
    """The ledger's key for the header: each API key has a space of its own."""
    given = headers.get(b"idempotency-key")
    if given is None:
        return None
    if _KEY.fullmatch(given) is None:
        raise Problem("invalid-idempotency-key")
    return f"{key_id}:{given.decode()}"


def _respond_one(decided: Sequence[DecidedItem]) -> bytes:
    return encode_decided(decided[0])


def _respond_many(decided: Sequence[DecidedItem]) -> bytes:
    return b'{"decisions":[' + b",".join(map(encode_decided, decided)) + b"]}"


def encode_decided(decided: DecidedItem) -> bytes:
    """A decision's JSON object with `ref` as its first member."""
    # Joined as bytes: a copy of the decision with one member more would cost as much as its encoding.
    ref = b"null" if decided.ref is None else b'"' + decided.ref.encode() + b'"'
    return b'{"ref":' + ref + b"," + _encoder.encode(decided.decision)[1:]
