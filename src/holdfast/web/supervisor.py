"""`holdfast serve --workers N`: a process that keeps N workers serving one address and one ledger.

The supervisor binds the socket and takes the data folder's lock; the workers, started as programs of their own,
inherit both, so that a connection that waits is lost with no worker and the folder is free only when the last of
them is gone. It answers nothing itself. The first worker starts alone: it makes the tables and is the one that
says what is wrong. One that ends is started again, later and later if it keeps ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec
import structlog
from prometheus_client.multiprocess import mark_process_dead

from holdfast.errors import HoldfastError
from holdfast.settings import Settings
from holdfast.store.errors import StoreUnavailable
from holdfast.web.workplace import (
    FOLDER,
    GRACE_S,
    METRICS,
    SUPERVISOR,
    PolicyText,
    Report,
    Task,
    Workplace,
    decode_report,
    encode,
    pid_file,
)

STEADY_S = 60.0
"""A worker that has answered for so long is not held against the next."""
FIRST_PAUSE_S = 0.5
LINE_LIMIT = 1024 * 1024
"""Bytes of a worker's report."""
LONGEST_PAUSE_S = 30.0
ATTEMPTS = 8
"""Times in a row that a worker may end soon while no other answers, before the server gives up."""

_log = structlog.get_logger("holdfast.web")


class WorkersEnd(HoldfastError):
    """The workers do not stay alive."""

    code = "workers-end"


class Supervisor:
    """Keeps `workers` workers serving `listener` until a signal comes.

    `lock` is the data folder's. `on_start` is called once the first worker answers, with whether it answers
    programs without a key.
    """

    def __init__(
        self,
        data: Path,
        settings: Settings,
        listener: socket.socket,
        lock: IO[bytes],
        *,
        workers: int,
        policy: PolicyText | None,
        bound_to_loopback: bool,
        on_start: Callable[[bool], None],
    ) -> None:
        self.data = data
        self.settings = settings
        self.workers = workers
        self._listener = listener
        self._lock = lock
        self._policy = policy
        self._bound_to_loopback = bound_to_loopback
        self._on_start = on_start
        self._folder = (data / FOLDER).absolute()
        self._started_at = datetime.now(UTC)
        self._running: dict[int, Process] = {}
        self._ready: set[int] = set()
        self._stopping = asyncio.Event()
        self._failure: HoldfastError | None = None
        self._killed = False

    def run(self) -> int:
        """Serve; the exit code. Raises what kept the first worker from starting."""
        self._make_folder()
        try:
            return asyncio.run(self._run())
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _make_folder(self) -> None:
        try:
            # One that was killed may have left its own.
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(mode=0o700)
            (self._folder / METRICS).mkdir(mode=0o700)
            pid_file(self._folder, SUPERVISOR).write_text(str(os.getpid()))
        except OSError as error:
            raise StoreUnavailable(
                "the data folder cannot be written", where=str(self._folder), value=error.strerror
            ) from None

    async def _run(self) -> int:
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, self._asked_to_stop, sig)
        first_answers = asyncio.Event()
        keeping = [self._kept(0, first_answers)]
        await _first_of(first_answers, self._stopping)
        if not self._stopping.is_set():
            keeping += [self._kept(number, asyncio.Event()) for number in range(1, self.workers)]
            await self._stopping.wait()
        # Nobody may wait at a door behind which nobody comes any more.
        self._listener.close()
        for process in self._running.values():
            _send(process, signal.SIGTERM)
        _, late = await asyncio.wait(keeping, timeout=self.settings.serve.drain_s + GRACE_S)
        if late:
            _log.error("workers_killed", workers=sorted(self._running))
            self._kill()
            await asyncio.wait(late)
        for task in keeping:
            task.result()
        if self._failure is not None:
            raise self._failure
        return 1 if self._killed else 0

    def _asked_to_stop(self, sig: int) -> None:
        if self._stopping.is_set():
            # Nothing acknowledged is lost: an answer is sent only after its transaction.
            self._kill()
            shutil.rmtree(self._folder, ignore_errors=True)
            os._exit(128 + sig)
        self._stopping.set()

    def _kill(self) -> None:
        self._killed = True
        for process in self._running.values():
            _send(process, signal.SIGKILL)

    def _give_up(self, failure: HoldfastError) -> None:
        self._failure = self._failure or failure
        self._stopping.set()

    # One worker -----------------------------------------------------------------------------

    def _kept(self, number: int, answers: asyncio.Event) -> asyncio.Task[None]:
        task = asyncio.create_task(self._keep(number, answers))
        # If what keeps the workers fails, the server must not live on without them.
        task.add_done_callback(lambda _: self._stopping.set())
        return task

    async def _keep(self, number: int, answers: asyncio.Event) -> None:
        """Have worker `number` run until the server stops. `answers` is set once it does for the first time."""
        attempts = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            failure, code = await self._life(number, answers)
            answered = number in self._ready
            self._forget(number)
            if self._stopping.is_set():
                return
            if not answers.is_set() and number == 0:
                self._give_up(failure or _ended(code))
                return
            if code == 0 and answered:
                # Somebody asked it to stop, and has got a fresh one.
                _log.info("worker_replaced", worker=number)
                continue
            attempts = 1 if time.monotonic() - began >= STEADY_S else attempts + 1
            if attempts >= ATTEMPTS and not self._ready:
                self._give_up(failure or _ended(code))
                return
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempts - 1))
            _log.error(
                "worker_ended",
                worker=number,
                code=code,
                what=None if failure is None else failure.what,
                starts_again_in_s=pause,
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _life(self, number: int, answers: asyncio.Event) -> tuple[HoldfastError | None, int]:
        """Start a worker and see it through to its end: why it ended, where it is known, and its exit code."""
        try:
            process = await self._start(number)
        except OSError as error:
            # Memory, processes or files are short, which may pass, while other workers answer.
            failure = WorkersEnd("a worker cannot be started", where="holdfast serve", value=error.strerror)
            return failure, os.EX_OSERR
        return await self._attend(number, process, answers), await process.wait()

    async def _start(self, number: int) -> Process:
        task = Task(
            place=Workplace(number=number, folder=self._folder, started_at=self._started_at),
            data=self.data.absolute(),
            settings=self.settings,
            policy=self._policy,
            bound_to_loopback=self._bound_to_loopback,
            listener=self._listener.fileno(),
            lock=self._lock.fileno(),
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # Not a `holdfast` that happens to lie where the server was started.
            "-P",
            "-m",
            "holdfast.web.worker",
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=(task.listener, task.lock),
            limit=LINE_LIMIT,
            # Ctrl-C at a terminal is for the supervisor, which asks its workers once.
            process_group=0,
        )
        self._running[number] = process
        with contextlib.suppress(OSError):  # a full disk: it only goes without figures of its own
            pid_file(self._folder, number).write_text(str(process.pid))
        assert process.stdin is not None
        # It stays open: when it ends, the worker does.
        process.stdin.write(encode(task))
        if self._stopping.is_set():
            _send(process, signal.SIGTERM)
        return process

    async def _attend(self, number: int, process: Process, answers: asyncio.Event) -> HoldfastError | None:
        """Listen to a worker until it ends; why it did, where it said so."""
        assert process.stdout is not None
        failure: HoldfastError | None = None
        while line := await process.stdout.readline():
            try:
                report = decode_report(line)
            except msgspec.DecodeError:
                continue
            if not report.ready:
                failure = _told(report)
                continue
            self._ready.add(number)
            _log.info("worker_ready", worker=number, pid=process.pid)
            if number == 0 and not answers.is_set():
                self._on_start(report.open)
            answers.set()
        return failure

    def _forget(self, number: int) -> None:
        self._running.pop(number, None)
        self._ready.discard(number)
        with contextlib.suppress(OSError):
            pid_file(self._folder, number).unlink(missing_ok=True)
        # Its gauges; what it counted stays counted.
        mark_process_dead(number, str(self._folder / METRICS))  # type: ignore[no-untyped-call]


def _send(process: Process, sig: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(sig)


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def _told(report: Report) -> HoldfastError:
    error = HoldfastError(
        report.what,
        where=report.where,
        value=report.value,
        expected=report.expected,
        next_step=report.next_step,
    )
    error.code = report.code
    return error


def _ended(code: int) -> WorkersEnd:
    return WorkersEnd(
        "a worker ended and will not stay alive",
        where="holdfast serve",
        value=f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}",
        next_step="read what it said above; with --workers 1 it says it by itself",
    )
