"""From a picture's URL to the text in it: out of the URL itself, or from a host that is allowed; then read, one
picture at a time, in the reading process.

All of it happens beside the event loop and beside the decider: one thread waits for the reading process, and a few
fetch. What waits is bounded, and refused beyond that.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from holdfast.media.picture import BYTES, KINDS, REASONS, PictureRefused, kind_of
from holdfast.media.process import ReaderFailed, ReadingProcess, TookTooLong, is_installed
from holdfast.settings import Settings
from holdfast.web.logs import describe
from holdfast.web.moderations.errors import Refusal
from holdfast.web.moderations.remote import NotFetched, Target, allowed_places, fetch, target_of
from holdfast.web.problems import Problem, retry_after

WAITING: Final = 8
"""Requests with pictures that are in hand at a time; more are told to come back."""
FETCHING: Final = 4
"""Pictures that are fetched at a time."""
FETCH_S: Final = 5.0
"""Seconds that fetching one may take."""
IDLE_S: Final = 600.0
"""Seconds without a picture after which the reading process ends; it holds some 300 MB."""

_DATA: Final = re.compile(
    r"data:(?P<type>[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40});base64,", re.IGNORECASE | re.ASCII
)
_TYPES: Final = {**{f"image/{kind}": kind for kind in KINDS}, "image/jpg": "jpeg"}
_log = structlog.get_logger("holdfast.web")


class Pictures:
    """Reads the pictures of requests. Use from one event loop; `close` when it ends.

    Without the extra `media` no picture is looked at (and none is fetched); URLs are checked all the same. Raises
    `InvalidSetting` for hosts that are none.
    """

    def __init__(self, settings: Settings) -> None:
        self._allowed = allowed_places(settings.compatible.image_hosts)
        self._timeout_s = settings.serve.timeout_s
        self._process = ReadingProcess()
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._fetching = ThreadPoolExecutor(FETCHING, thread_name_prefix="fetching")
        self._in_hand = 0
        self._idle: asyncio.TimerHandle | None = None

    async def texts(self, images: Sequence[tuple[str, str]]) -> list[str | None]:
        """The text in each of `images`, given as its place in the request and its URL; `None` where there is none, or
        nobody looks.

        Raises `Refusal` for the first that is not in order, and the problems `overloaded` and `timed-out`.
        """
        if not images:
            return []
        if self._in_hand >= WAITING:
            raise Problem("overloaded", "Too many pictures wait to be read.", headers=(retry_after(2),))
        self._in_hand += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                return [await self._text(place, url) for place, url in images]
        except (TimeoutError, TookTooLong):
            raise Problem("timed-out", headers=(retry_after(2),)) from None
        finally:
            self._in_hand -= 1
            self._wait_idly()

    async def close(self) -> None:
        """End the reading process. What still waits is answered with a problem."""
        if self._idle is not None:
            self._idle.cancel()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._process.kill()
        self._reading.shutdown(cancel_futures=True)
        self._fetching.shutdown(wait=False, cancel_futures=True)
        self._process.close()

    def _wait_idly(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_S, lambda: loop.run_in_executor(self._reading, self._process.close))

    async def _text(self, place: str, url: str) -> str | None:
        loop = asyncio.get_running_loop()
        try:
            source = self._source(place, url)
            if isinstance(source, Target):
                if not is_installed():
                    return None
                data = await loop.run_in_executor(self._fetching, fetch, source, BYTES, FETCH_S)
                if kind_of(data) is None:
                    raise PictureRefused("not-a-picture")
            else:
                data = await loop.run_in_executor(self._reading, _decoded, place, url, source)
                if not is_installed():
                    return None
            read = await loop.run_in_executor(self._reading, self._process.read, data, self._timeout_s)
        except NotFetched as error:
            raise _refused(place, f"The picture is not fetched: {error.why}.") from None
        except PictureRefused as error:
            code = "image_too_large" if error.reason == "too-large" else "invalid_image"
            raise _refused(place, f"The picture is not read: {REASONS[error.reason]}.", code) from None
        except ReaderFailed as error:
            _log.error("pictures_unread", **describe(error))
            raise Problem("internal") from None
        return read or None

    def _source(self, place: str, url: str) -> Target | re.Match[str]:
        if url[:5].lower() != "data:":
            return target_of(url, self._allowed)
        match = _DATA.match(url)
        if match is None:
            raise _refused(place, "Invalid data URL: expected data:image/png;base64,… or another kind.")
        if match["type"].lower() not in _TYPES:
            raise _refused(
                place, f"Unsupported image: expected one of {', '.join(KINDS)}.", "invalid_image_format"
            )
        return match


def _decoded(place: str, url: str, head: re.Match[str]) -> bytes:
    """The bytes in a data URL that begins with `head`, which are what it says. Raises `Refusal`."""
    if (len(url) - head.end()) // 4 * 3 > BYTES + 2:
        raise PictureRefused("too-large")
    try:
        data = base64.b64decode(url[head.end() :].encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise _refused(place, "Invalid data URL: what follows the comma is not base64.") from None
    kind, declared = kind_of(data), _TYPES[head["type"].lower()]
    if kind is None:
        raise PictureRefused("not-a-picture")
    if kind != declared:
        raise _refused(place, f"Invalid data URL: it says {declared}, but holds {kind}.", "invalid_image")
    return data


def _refused(place: str, message: str, code: str = "invalid_image_url") -> Refusal:
    return Refusal(message, param=place, code=code)
