"""Reading a request's body: bounded in bytes, in time, and over all requests together."""

from __future__ import annotations

import asyncio
import re

from litestar.types import Receive

from holdfast.web.problems import Problem, retry_after

SMALL = 64 * 1024
"""Bytes of a body that count nothing towards the common budget."""
BUDGET = 256 * 1024 * 1024
"""Bytes that the bodies of all requests being read may hold together."""
DISCARD = 16 * 1024 * 1024
"""Bytes of a refused body that are read and thrown away, so that the client gets to see the refusal:
closing a connection on a client that still sends makes the kernel drop the answer."""
_JSON = re.compile(
    # Possessive: white space of 30 kB that is gone back over takes seconds.
    rb"application/json(?:\s*+;\s*+charset\s*+=\s*+\"?utf-8\"?)?\s*+;?+\s*+",
    re.IGNORECASE,
)


def is_json(content_type: bytes) -> bool:
    """Whether the header Content-Type says JSON in UTF-8. Time is linear."""
    return _JSON.fullmatch(content_type) is not None


class BodyReader:
    """Reads bodies of up to `limit` bytes, each within `timeout_s`."""

    def __init__(self, limit: int, timeout_s: float) -> None:
        self.limit = limit
        self._timeout_s = timeout_s
        self._held = 0

    async def read(self, receive: Receive, length: bytes | None) -> bytes:
        """The whole body. `length` is the header Content-Length.

        Raises the problems `body-too-large`, `request-timeout`, `overloaded`, and `bad-request` for a
        client that went away.
        """
        if length is not None and int(length) > self.limit:
            await self.discard(receive)
            raise self._too_large()
        try:
            async with asyncio.timeout(self._timeout_s):
                message = await receive()
                if message["type"] == "http.request" and not message.get("more_body", False):
                    body = message["body"]
                    if len(body) > self.limit:
                        raise self._too_large()
                    return body
                return await self._gather(message, receive)
        except TimeoutError:
            raise Problem("request-timeout", close=True) from None

    async def _gather(self, message: object, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = held = 0
        try:
            while True:
                if message["type"] != "http.request":  # type: ignore[index]
                    raise Problem(
                        "bad-request", "The client went away before the body was complete.", close=True
                    )
                chunk = message["body"]  # type: ignore[index]
                size += len(chunk)
                if size > self.limit:
                    chunks.clear()
                    await self.discard(receive)
                    raise self._too_large()
                if size > SMALL:
                    self._held += size - SMALL - held
                    held = size - SMALL
                    if self._held > BUDGET:
                        raise Problem("overloaded", headers=(retry_after(1),), close=True)
                chunks.append(chunk)
                if not message.get("more_body", False):  # type: ignore[attr-defined]
                    return b"".join(chunks)
                message = await receive()
        finally:
            self._held -= held

    async def discard(self, receive: Receive) -> None:
        """Read on for a while without keeping anything."""
        thrown = 0
        try:
            async with asyncio.timeout(self._timeout_s):
                while thrown < DISCARD:
                    message = await receive()
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        return
                    thrown += len(message["body"])
        except TimeoutError:
            return

    def _too_large(self) -> Problem:
        return Problem("body-too-large", f"A body may hold {self.limit:,} bytes.", close=True)
