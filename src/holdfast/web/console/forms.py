"""Reading a form that a browser posted."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from litestar import Request

from holdfast.web.body import BodyReader
from holdfast.web.problems import Problem

LIMIT = 1024 * 1024
"""Bytes of a form: a text of the longest kind, written as %XX, fits."""
TIMEOUT_S = 10.0
FIELDS = 16


class Forms:
    """Reads forms, bounded in bytes, fields and time."""

    def __init__(self) -> None:
        self._reader = BodyReader(LIMIT, TIMEOUT_S)

    async def read(self, request: Request[Any, Any, Any]) -> dict[str, str]:
        """The fields of the form. Raises the problems `unsupported-media-type`, `bad-request`, `body-too-large`."""
        headers: dict[bytes, bytes] = request.scope["state"]["headers"]
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != b"application/x-www-form-urlencoded":
            await self._reader.discard(request.receive)
            raise Problem("unsupported-media-type", "Send a form.")
        body = await self._reader.read(request.receive, headers.get(b"content-length"))
        try:
            # Bytes that are not UTF-8 become U+FFFD: a form has no way to be told which one was meant.
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS)
        except ValueError:
            raise Problem("bad-request", "The form cannot be read.") from None
        return dict(pairs)
