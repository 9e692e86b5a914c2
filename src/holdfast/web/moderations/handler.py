"""The route: key, body, pictures read, then one submission for all texts of the request.

A raw ASGI handler, as the one of `POST /v1/decide`, and for the same reason.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import structlog
from litestar.handlers import asgi
from litestar.handlers.asgi_handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from holdfast.content import Item
from holdfast.decider import Answer, Submission
from holdfast.schema import Value
from holdfast.web.body import is_json
from holdfast.web.edge import REF, send_answer
from holdfast.web.guard import OWN
from holdfast.web.logs import describe
from holdfast.web.moderations.categories import Kind, Reading
from holdfast.web.moderations.errors import Refusal, refusal_of, send_refusal
from holdfast.web.moderations.images import Pictures
from holdfast.web.moderations.wire import (
    PATH,
    Message,
    ModerationResponse,
    decode_request,
    encode_response,
    result,
)
from holdfast.web.problems import Problem
from holdfast.web.service import Service

_TYPE: Final = (b"content-type", b"application/json")
_log = structlog.get_logger("holdfast.web")


class _Text(NamedTuple):
    """A text to look at: the input that it belongs to, and whether it was written or read."""

    message: int
    kind: Kind
    item: Item


def moderations_handler(service: Service, pictures: Pictures) -> ASGIRouteHandler:
    """The handler of `POST /v1/moderations`. `pictures` reads those of requests."""

    @asgi(PATH, copy_scope=False, opt=OWN)
    async def moderations(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body, headers = await _answer(service, pictures, scope, receive)
        except Refusal as refusal:
            refused = refusal
        except Problem as problem:
            refused = refusal_of(problem)
        except Exception as error:
            # Left to the edge it would be told in a form that OpenAI's clients do not read.
            _log.error("request_failed", request=scope["state"].get("request_id"), **describe(error))
            refused = refusal_of(Problem("internal"))
        else:
            await send_answer(200, headers, body, send)
            return
        service.metrics.problem(refused.counted)
        await send_refusal(refused, send)

    return moderations


async def _answer(
    service: Service, pictures: Pictures, scope: Scope, receive: Receive
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    state = scope["state"]
    given: Mapping[bytes, bytes] = state["headers"]
    try:
        if scope["method"] != "POST":  # type: ignore[typeddict-item]
            raise Problem("method-not-allowed", "Send the input with POST.", headers=((b"allow", b"POST"),))
        # Before the body is read: who may not or cannot be answered costs next to nothing.
        principal = await service.access.authenticate(scope, given, "decide")
        state["key_id"] = principal.key_id
        service.limiter.spend(principal.key_id, 1)
        if not is_json(given.get(b"content-type", b"")):
            raise Problem("unsupported-media-type")
        service.admit(patience_s=service.settings.compatible.queue_s)
    except Problem:
        await service.bodies.discard(receive)
        raise
    body = await service.bodies.read(receive, given.get(b"content-length"))
    asked = decode_request(body)
    del body  # pictures are large, and wait their turn
    inputs = sum(1 + len(message.images) for message in asked.messages)
    if inputs > 1:
        service.limiter.spend(principal.key_id, inputs - 1)
    name = secrets.token_hex(12)
    texts = [
        text
        for number, message in enumerate(asked.messages)
        for text in _texts(f"moderation-{name}", number, message, await pictures.texts(message.images))
    ]
    answer = await _decided(service, [text.item for text in texts])
    readings: list[list[Reading]] = [[] for _ in asked.messages]
    for text, signals in zip(texts, _signals(answer), strict=True):
        readings[text.message].append(Reading(text.kind, signals))
    version = f"holdfast-{service.decider.engine.versions['classifier']}"
    response = encode_response(
        ModerationResponse(
            id=f"modr-{name}",
            model=version if asked.model is None else f"{asked.model}@{version}",
            results=[result(found) for found in readings],
        )
    )
    headers = [_TYPE, (b"content-length", str(len(response)).encode())]
    headers += service.limiter.headers(principal.key_id)
    if len(answer.decided) == 1 and (ref := answer.decided[0].ref) is not None:
        headers.append((REF, ref.encode()))
    return response, headers


def _texts(name: str, number: int, message: Message, read: Sequence[str | None]) -> list[_Text]:
    """The texts of a message. What was `read` off a picture is an item of its own, with the message's text as its
    caption: it is measured as a text is (nobody classifies transcripts), its decision says what it was about, and who
    reviews it sees which words stood in the picture."""
    found = []
    if message.text is not None:
        found.append(_Text(number, "text", Item(id=f"{name}-{number}", text=message.text)))
    for place, text in enumerate(read):
        if text is not None:
            item = Item(id=f"{name}-{number}-image-{place}", text=text, caption=message.text)
            found.append(_Text(number, "image", item))
    return found


async def _decided(service: Service, items: Sequence[Item]) -> Answer:
    """What the engine says of `items`: decided by the live policy and recorded, or only measured."""
    if not items:
        return Answer(())
    compatible = service.settings.compatible
    submission = Submission(items) if compatible.record else Submission((), scored=items)
    return await service.decide(submission, compatible.queue_s)


def _signals(answer: Answer) -> Sequence[Mapping[str, Value]]:
    return answer.signals or [decided.decision.signals for decided in answer.decided]
