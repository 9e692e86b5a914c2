"""Files that grow, and can be cut back to where a checkpoint saw them."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from holdfast.errors import HoldfastError


class CannotWrite(HoldfastError):
    """An output exists already, is in use, or cannot be written."""

    code = "cannot-write"


class Output(Protocol):
    """Where bytes go; `size` is how many there are."""

    size: int

    def write(self, data: bytes) -> None: ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class StreamOutput:
    """Standard output: it only grows."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = 0

    def write(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()
        self.size += len(data)

    def sync(self) -> None: ...

    def close(self) -> None: ...


class NoOutput:
    """For who only wants the summary, or the record in the ledger."""

    size = 0

    def write(self, data: bytes) -> None: ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class FileOutput:
    """A file, locked while it is written, made when its first byte comes (or at once, when `now`).

    `size` given: cut the file to that many bytes and go on from there.
    """

    def __init__(self, path: Path, size: int = 0, *, now: bool = True) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self.size = size
        if now or size:
            self._open()
        else:
            path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        if not data:
            return
        try:
            (self._file or self._open()).write(data)
        except OSError as error:
            raise cannot_write(self._path, error) from None
        self.size += len(data)

    def sync(self) -> None:
        if self._file is None:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise cannot_write(self._path, error) from None

    def close(self) -> None:
        if self._file is not None:
            # What could not be written was said when it was synced.
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        try:
            # Not "wb": the file must not be emptied before it is ours.
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            file = os.fdopen(descriptor, "r+b", buffering=1 << 20)
        except OSError as error:
            raise cannot_write(self._path, error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise CannotWrite(
                "is being written by another run",
                where=str(self._path),
                next_step="wait for it, or name another --out",
            ) from None
        there = os.fstat(file.fileno()).st_size
        if there < self.size:
            file.close()
            raise CannotWrite(
                "is shorter than the run had written it",
                where=str(self._path),
                value=f"{there:,} bytes",
                expected=f"at least {self.size:,}",
                next_step="start again with --force instead of --resume",
            )
        file.truncate(self.size)
        file.seek(self.size)
        self._file = file
        return file


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """A file to write instead of `path`, which it becomes at the end: the old content or the new, never a
    part, whatever happens meanwhile."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode))
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from None


def replace(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Put `data` at `path`, at once or not at all."""
    with replacing(path, mode) as new:
        new.write_bytes(data)


def sync_folder(folder: Path) -> None:
    """Make a renaming or deletion in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    next_step = None
    if isinstance(error, FileNotFoundError):
        next_step = f"make the folder first: mkdir -p {path.parent}"
    elif error.errno == 28:  # ENOSPC
        next_step = "make room, then go on with --resume"
    return CannotWrite("cannot be written", where=str(path), value=error.strerror, next_step=next_step)
