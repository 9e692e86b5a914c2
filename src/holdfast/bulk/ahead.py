"""An engine that measures in other processes, ahead of being asked.

Signals are pure and take most of the time, so the next chunks can be measured while this one is judged,
recorded and written. The decisions are the same: it is the same engine, asked the same thing.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from multiprocessing.connection import Connection
from signal import SIG_IGN, SIGINT, SIGTERM, signal
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from holdfast.content import Item
from holdfast.decision import Span
from holdfast.engine import Engine, Measured
from holdfast.signals import Signal

MOST_WORKERS = 3
"""More would wait: judging and writing are done by one process."""


class HasItems(Protocol):
    """A part of a run."""

    @property
    def items(self) -> list[Item]: ...


Part = TypeVar("Part", bound=HasItems)


class _Answer(NamedTuple):
    columns: dict[str, list[Any]]
    spans: dict[int, list[Span]]


_encode = msgspec.msgpack.Encoder().encode
_decode_items = msgspec.msgpack.Decoder(list[Item]).decode
_decode_answer = msgspec.msgpack.Decoder(_Answer).decode


def spare_cores() -> int:
    """How many workers are of use here: one process is busy already."""
    return min(len(os.sched_getaffinity(0)) - 1, MOST_WORKERS)


class AheadEngine(Engine):
    """`ahead` goes through the parts of a run and has each measured before it gives it out.

    A context manager: workers live from `__enter__` to `__exit__`, and end by themselves when this
    process does. Enter it before files and databases are opened, which the workers would hold on to.
    What was not measured ahead, or by a worker that died, is measured here.
    """

    def __init__(self, signals: Sequence[Signal], workers: int) -> None:
        super().__init__(signals)
        self._count = workers
        self._workers: list[_Worker] = []
        self._measured: dict[tuple[int, int, int], tuple[Sequence[Item], Measured]] = {}

    def __enter__(self) -> AheadEngine:
        # Tables that are loaded now are shared by all, and what cannot be loaded is told before a file is begun.
        super().measure(
            [Item(id="1", text="A first comment, so that every table is loaded before it counts.")]
        )
        for _ in range(self._count):
            self._workers.append(_Worker(self._reply, [worker.here for worker in self._workers]))
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.close()
        self._workers.clear()

    def ahead(self, parts: Iterator[Part]) -> Iterator[Part]:
        """`parts`, each with its items measured, in order. Reads as many parts ahead as there are workers;
        what reading them raises comes after the parts that were read."""
        idle = deque(self._workers)
        begun: deque[tuple[Part, _Worker | None]] = deque()
        failed: Exception | None = None
        parts = iter(parts)
        while True:
            try:
                part = next(parts, None) if failed is None else None
            except Exception as error:
                failed, part = error, None
            first: Part | None = None
            if begun and (part is None or len(begun) >= len(self._workers)):
                first, worker = begun.popleft()
                self._collect(first.items, worker)
                if worker is not None:
                    idle.append(worker)
            if part is not None:
                begun.append((part, self._start(part.items, idle)))
            if first is None and part is None:
                break
            if first is not None:
                yield first
                self._measured.clear()
        if failed is not None:
            raise failed

    def measure(self, items: Sequence[Item], fields: Collection[str] | None = None) -> Measured:
        found = self._measured.pop(_key(items), None) if items and fields is None else None
        return super().measure(items, fields) if found is None else found[1]

    def _start(self, items: Sequence[Item], idle: deque[_Worker]) -> _Worker | None:
        """Hand the items to an idle worker, if there is one that lives."""
        if not items or not idle:
            return None
        worker = idle.popleft()
        worker.send(_encode(items))
        return worker

    def _collect(self, items: Sequence[Item], worker: _Worker | None) -> None:
        answer = None if worker is None else worker.receive()
        if answer is not None:
            found = _decode_answer(answer)
            self._measured[_key(items)] = (items, Measured(items, found.columns, found.spans))

    def _reply(self, request: bytes) -> bytes:
        measured = super().measure(_decode_items(request))
        return _encode(_Answer(dict(measured.signals), dict(measured.spans)))  # type: ignore[arg-type]


def _key(items: Sequence[Item]) -> tuple[int, int, int]:
    # By identity: the decider passes the same items on in a list of its own.
    return id(items[0]), id(items[-1]), len(items)


class _Worker:
    """A forked process that answers one request at a time, so that neither side ever waits to write while
    the other does."""

    def __init__(self, reply: Any, others: Sequence[Connection]) -> None:
        context = multiprocessing.get_context("fork")
        self.here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, [*others, self.here], reply), daemon=True)
        self._process.start()
        there.close()
        self._alive = True

    def send(self, request: bytes) -> None:
        try:
            self.here.send_bytes(request)
        except OSError:
            self._alive = False

    def receive(self) -> bytes | None:
        """The answer, or `None` from a worker that died."""
        if not self._alive:
            return None
        try:
            return self.here.recv_bytes()
        except (EOFError, OSError):
            self._alive = False
            return None

    def close(self) -> None:
        self.here.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _serve(there: Connection, inherited: Sequence[Connection], reply: Any) -> None:
    # The run decides when to end; held open here, its end of a pipe would outlive it.
    for number in (SIGINT, SIGTERM):
        signal(number, SIG_IGN)
    for connection in inherited:
        connection.close()
    while True:
        try:
            there.send_bytes(reply(there.recv_bytes()))
        except (EOFError, OSError):
            return
