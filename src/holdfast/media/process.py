"""The reading process: started at the first picture, limited in memory and time, started anew when it ends.

    with ReadingProcess() as reading:
        reading.read(data, within_s=10)     # the text, or PictureRefused

It gets none of this process's environment and none of its files or sockets, so that what goes wrong in a decoder has
nothing to take.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import IO, Final

import msgspec

from holdfast.errors import HoldfastError
from holdfast.media.ocr import FRAME, TEXT, Read
from holdfast.media.picture import BYTES, PictureRefused, kind_of

START_S: Final = 60.0
"""Seconds in which it must be ready."""
PICTURES: Final = 1_000
"""Pictures after which it is started anew, and gives back what memory it hoards."""
ANSWER: Final = 8 * TEXT
"""Bytes of an answer."""


class ReaderFailed(HoldfastError):
    """The reading process does not start."""

    code = "reader-failed"


class TookTooLong(Exception):
    """A picture was not read in time. The process that tried was ended."""


def is_installed() -> bool:
    """Whether the extra `media` is there."""
    return find_spec("rapidocr") is not None and find_spec("PIL") is not None


class ReadingProcess:
    """Reads pictures one after the other. For one thread at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._read = 0

    def __enter__(self) -> ReadingProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process's id while there is one."""
        return None if self._process is None else self._process.pid

    def read(self, data: bytes, within_s: float) -> str:
        """The text in the picture `data`; empty where there is none.

        Raises `PictureRefused`, `TookTooLong`, and `ReaderFailed` where nothing can be read here at all. A picture that
        the process dies of (its memory is bounded) is `broken`.
        """
        if kind_of(data) is None:
            raise PictureRefused("not-a-picture")
        if len(data) > BYTES:
            raise PictureRefused("too-large")
        process = self._started()
        assert process.stdin is not None
        with _deadline(process, within_s) as passed:
            try:
                process.stdin.write(FRAME.pack(len(data)) + data)
                process.stdin.flush()
                answer = _answer(process)
            except (OSError, EOFError, msgspec.DecodeError):
                self.close()
                if passed():
                    raise TookTooLong from None
                raise PictureRefused("broken") from None
        if passed():
            self.close()  # it was answered at the last moment, and killed after that
        self._read += 1
        if answer.refused is not None:
            raise PictureRefused(answer.refused)
        return answer.text

    def kill(self) -> None:
        """Break off what is being read; from any thread. `close` comes after."""
        if (process := self._process) is not None:
            process.kill()

    def close(self) -> None:
        """End the process. The next picture starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written yet has nobody to go to
                    pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._read >= PICTURES or (self._process is not None and self._process.poll() is not None):
            self.close()
        if self._process is not None:
            return self._process
        self._read = 0
        process = self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "holdfast.media.ocr"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"},
            # A terminal's Ctrl-C is for the server, which still answers what waits.
            start_new_session=True,
        )
        with _deadline(process, START_S):
            try:
                _answer(process)
            except (OSError, EOFError, msgspec.DecodeError):
                self.close()
                raise ReaderFailed(
                    "the process that reads pictures does not start",
                    value=f"exit status {process.returncode}",
                    next_step="pip install 'holdfast[media]', then: python -m holdfast.media.ocr < /dev/null",
                ) from None
        return process


def _answer(process: subprocess.Popen[bytes]) -> Read:
    assert process.stdout is not None
    (size,) = FRAME.unpack(_exactly(process.stdout, FRAME.size))
    if size > ANSWER:
        raise EOFError
    return _decode(_exactly(process.stdout, size))


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


@contextmanager
def _deadline(process: subprocess.Popen[bytes], seconds: float) -> Iterator[Callable[[], bool]]:
    """Kill `process` after `seconds`, which ends every wait for it. Gives a function that tells whether it came to that."""
    over = threading.Event()

    def end() -> None:
        over.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield over.is_set
    finally:
        timer.cancel()


_decode = msgspec.json.Decoder(Read).decode
