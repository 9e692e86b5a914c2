"""What a worker process is told: its place among the others, and what it serves.

`supervisor.py` writes it down the worker's standard input, `worker.py` reads it there.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from holdfast.settings import Settings

FOLDER = "serve.workers"
"""The folder in the data folder that the workers of one server share while it runs."""
GRACE_S = 10.0
"""Seconds that a worker has for closing once its requests are answered; after them it is killed."""
METRICS = "metrics"
LIMITS = "limits"
SUPERVISOR = "supervisor"


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's place: its `number` from 0, the folder it shares with the others, and when the server began."""

    number: int
    folder: Path
    started_at: datetime

    @property
    def is_first(self) -> bool:
        """Whether it is the one that does what needs doing once."""
        return self.number == 0


class PolicyText(NamedTuple):
    """A policy that decides instead of the published one, as it was when the server began."""

    source: str
    path: str


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker serves. `listener` and `lock` are file descriptors that it inherits."""

    place: Workplace
    data: Path
    settings: Settings
    policy: PolicyText | None
    bound_to_loopback: bool
    listener: int
    lock: int


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a worker says once: that it answers (`open`: to programs without a key), or why it cannot."""

    ready: bool
    open: bool = False
    code: str = ""
    what: str = ""
    where: str | None = None
    value: str | None = None
    expected: str | None = None
    next_step: str | None = None


def pid_file(folder: Path, worker: int | str) -> Path:
    """Where the supervisor keeps a process's id, for those who measure it."""
    return folder / f"{worker}.pid"


def encode(message: Task | Report) -> bytes:
    """One line."""
    return msgspec.json.encode(message, enc_hook=_plain) + b"\n"


def decode_task(line: bytes) -> Task:
    return msgspec.json.decode(line, type=Task, dec_hook=_typed)


def decode_report(line: bytes) -> Report:
    return msgspec.json.decode(line, type=Report)


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value).__name__)


def _typed(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError(kind.__name__)
