"""Logs: one JSON object a line, or coloured lines at a terminal. Never what people wrote.

What a request carried is not logged: no body, no text, no id of an item or an account, no path beyond
its template, no query. An exception is logged by its type and the places in the code it came through,
without its message, which could quote a value.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, BinaryIO, TextIO

import msgspec
import structlog

from holdfast.errors import HoldfastError

FRAME_LIMIT = 30
_WARNING = re.compile(r"[^\n]*?:\d+: \w+")


def configure(stream: TextIO | None = None, level: int = logging.INFO, *, worker: int | None = None) -> None:
    """Set up logging for this process, on standard error by default. For programs, not for libraries.

    `worker` is said with every line.
    """
    stream = sys.stderr if stream is None else stream
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_messages,
    ]
    if worker is not None:
        processors.insert(0, _Told(worker))
    factory: Any
    if stream.isatty():
        processors.append(structlog.dev.ConsoleRenderer())
        factory = structlog.WriteLoggerFactory(stream)
    else:
        processors.append(_render)
        factory = structlog.BytesLoggerFactory(_Unbroken(stream.buffer))  # type: ignore[arg-type]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=False,
    )
    # Libraries log through the standard library; their warnings go the same way.
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)


def handle_loop_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Log what asyncio would print with the exception's message and the repr of everything around."""
    loop.set_exception_handler(_loop_error)


def without_messages(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Replace `exc_info` by the exception's type and its places in the code (a structlog processor)."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if isinstance(error, BaseException):
        event.update(describe(error))
    return event


def describe(error: BaseException) -> dict[str, Any]:
    """What may be logged of `error`.

    Log `**describe(error)`, not `exc_info=error`: where nobody configured the logs, structlog would
    print the values of local variables, and so what people wrote.
    """
    described: dict[str, Any] = {"error": _name(error), "trace": _places(error.__traceback__)}
    if isinstance(error, HoldfastError):
        # Holdfast's own errors are written so that they quote nothing.
        described["what"] = error.what
    cause = error.__cause__ or error.__context__
    if cause is not None:
        described["cause"] = _name(cause)
        described["cause_trace"] = _places(cause.__traceback__)
    return described


def _name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-FRAME_LIMIT:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _render(_: Any, __: str, event: Mapping[str, Any]) -> bytes:
    return _encode(event)


def _loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    described = describe(error) if isinstance(error, BaseException) else {}
    structlog.get_logger("asyncio").error("event_loop_error", message=context.get("message", ""), **described)


class _Told:
    """Says which worker speaks."""

    def __init__(self, worker: int) -> None:
        self._worker = worker

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("worker", self._worker)
        return event


class _Unbroken:
    """A stream whose end does not end the server: a log that nobody reads any more is not written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        # One call for the line, so that those of several processes do not mix.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(line)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


class _Forward(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        # The template of the message, not what was put into it.
        message = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        if record.name == "py.warnings":
            # Here the template is the whole message: keep the place and the category.
            found = _WARNING.match(record.getMessage())
            message = found[0] if found is not None else "a warning"
        described = describe(record.exc_info[1]) if record.exc_info and record.exc_info[1] else {}
        log.log(record.levelno, message.splitlines()[0] if message else "", logger=record.name, **described)


_encode = msgspec.json.Encoder(enc_hook=str).encode
