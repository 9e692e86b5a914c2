"""uvicorn's HTTP protocol with the bounds that it lacks: sizes of the head, and time for everything.

uvicorn bounds how long a connection may idle between requests, but neither the size of a request's head
nor the time that it may take to arrive, nor the time that a client may leave an answer unread. Each of
these lets one client hold memory or connections for nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from holdfast.web.problems import Problem

URL_LIMIT = 8 * 1024
HEAD_LIMIT = 32 * 1024
"""Bytes of all headers of a request together."""
HEADERS_LIMIT = 100
HEAD_TIMEOUT_S = 10.0
"""Seconds from the first byte of a request, or from the connection, to the end of its headers."""
STALL_TIMEOUT_S = 30.0
"""Seconds that a client may leave an answer unread."""


CONNECTION = "holdfast.connection"
"""Where a request's scope holds its `Connection`."""


class Connection:
    """What is remembered of a connection between its requests."""

    __slots__ = ("come_back_at",)

    def __init__(self) -> None:
        self.come_back_at = 0.0
        """When, by the loop's clock, a client that was refused was told to try again."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._connection = Connection()
        self._head_bytes = 0
        self._refusal: Problem | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_took_too_long)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            if self._head_timer is None and not self.transport.is_closing():
                self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_took_too_long)
        elif self._head_timer is not None:
            self._cancel_head_timer()

    def on_message_begin(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()
        self.scope[CONNECTION] = self._connection  # type: ignore[literal-required]

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > URL_LIMIT:
            self._refuse("url-too-long")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > HEAD_LIMIT or len(self.headers) >= HEADERS_LIMIT:
            self._refuse("headers-too-large")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = False

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(STALL_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        self._end(self._refusal or Problem("bad-request"))

    def handle_websocket_upgrade(self) -> None:
        self._end(Problem("bad-request", "This server speaks no WebSocket."))

    def _refuse(self, code: str) -> None:
        self._refusal = Problem(code)
        # Ends the parser's work; it comes out of `feed_data` as its own error and so to `send_400_response`.
        raise httptools.HttpParserError(code)

    def _head_took_too_long(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._in_head and self.cycle is not None and not self.cycle.response_complete:
            # The head is that of a pipelined request; the answer before it is still being made.
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_took_too_long)
            return
        self._end(Problem("request-timeout"))

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end(self, problem: Problem) -> None:
        """Answer with `problem` and close: what follows in this connection cannot be understood."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
            return
        problem.close = True
        body = problem.body()
        head = b"".join(
            name + b": " + value + b"\r\n"
            for name, value in (*self.server_state.default_headers, *problem.all_headers(body))
        )
        self.transport.write(STATUS_LINE[problem.status] + head + b"\r\n" + body)
        self.transport.close()
