"""Live figures: one stream of server-sent events a browser, one set of figures for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from weakref import WeakSet

import structlog
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response, ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from holdfast.web.console import render
from holdfast.web.console.sources import Shown, Sources, commands
from holdfast.web.service import Service

STREAMS = 64
"""Browsers that are sent live figures at a time."""
BEAT_S = 2.0
"""Seconds between two messages of a stream; silence for longer tells a browser that it is stale."""

_log = structlog.get_logger("holdfast.web")


class _Stream:
    """A place among the streams that are open."""


def pulse_route(service: Service, sources: Sources) -> HTTPRouteHandler:
    """`GET /pulse`: the first page's figures whenever they change, a beat when they do not."""
    # Weak, so that a stream whose client left before it began is not counted for ever.
    streams: WeakSet[_Stream] = WeakSet()
    rendered: tuple[Shown, str] | None = None

    def html_of(shown: Shown) -> str:
        nonlocal rendered
        if rendered is None or rendered[0] != shown:
            rendered = (shown, render.fragment("parts/pulse.html", "pulse", shown))
        return rendered[1]

    async def messages(stream: _Stream, base: str) -> AsyncIterator[ServerSentEventMessage]:
        last = ""
        try:
            while not service.draining.is_set():
                html = html_of(await sources.shown(commands(service, base)))
                if html == last:
                    yield ServerSentEventMessage(event="beat", data="")
                else:
                    last = html
                    yield ServerSentEventMessage(data=html)
                try:
                    async with asyncio.timeout(BEAT_S):
                        await service.draining.wait()
                except TimeoutError:
                    continue
        except Exception as error:
            # The browser sees the stream end, says that its figures are old, and tries again.
            _log.warning("pulse_failed", exc_info=error)
        finally:
            streams.discard(stream)

    @get("/pulse")
    async def pulse(request: Request[Any, Any, Any]) -> Response[Any]:
        if len(streams) >= STREAMS or service.draining.is_set():
            return Response("", status_code=503, media_type="text/plain", headers={"Retry-After": "30"})
        stream = _Stream()
        streams.add(stream)
        return ServerSentEvent(messages(stream, str(request.base_url)))

    return pulse
