"""Load for an HTTP server: keep-alive clients, closed or open loop, in a process of their own.

Closed loop: so many connections, each sends its next request when it has its answer, or its refusal, at once whatever
`Retry-After` says. Open loop: requests come by a Poisson process however slow the answers are, as a platform's users
do; a latency counts from the moment for which the request was scheduled, so that what waits for a slow server, or for
a late client, is waiting time too ("coordinated omission" is what hides it).

    with Client(Target(url, key), bodies) as client:
        print(client.run(Closed(connections=100, seconds=5)))
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any, NamedTuple, Self

import uvloop

GIVE_UP_S = 30.0
"""Seconds after which a request without an answer is an error."""
TICK_S = 0.001
"""How finely an open loop keeps to its schedule."""
CONNECTIONS = 2_000
"""Connections that an open loop uses at most; what finds none free waits for one, and the wait counts."""
OK = 200
REFUSED = frozenset({429, 503})
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_AGAIN = re.compile(rb"\r\nretry-after: *[1-9]\d*\r\n", re.IGNORECASE)


class Target(NamedTuple):
    """What is driven: a URL that takes POST with JSON, and the bearer key to it."""

    url: str
    key: str = ""


class Closed(NamedTuple):
    """So many connections, each with one request at a time."""

    connections: int
    seconds: float


class Open(NamedTuple):
    """So many requests a second. With `every_s` a result is yielded every so many seconds."""

    rate: float
    seconds: float
    every_s: float = 0.0


class Result(NamedTuple):
    """What the clients saw. Latencies are in seconds, sorted."""

    seconds: float
    answered: Sequence[float]
    refused: Sequence[float]
    """429 and 503."""
    without_retry_after: int
    """Refusals that did not say when to come back."""
    errors: dict[str, int]
    """All else, by what it was: a status, or how the connection failed."""

    @property
    def sent(self) -> int:
        return len(self.answered) + len(self.refused) + sum(self.errors.values())

    @property
    def rate(self) -> float:
        """Requests answered with success a second."""
        return len(self.answered) / self.seconds

    @property
    def share_refused(self) -> float:
        return len(self.refused) / max(1, self.sent)

    def percentile(self, share: float) -> float:
        """Of the answered, in milliseconds; NaN where there are none."""
        if not self.answered:
            return float("nan")
        return self.answered[min(len(self.answered) - 1, int(len(self.answered) * share))] * 1e3

    def within(self, seconds: float) -> float:
        """The share of all requests that were answered, with success, within so many seconds."""
        return sum(took <= seconds for took in self.answered) / max(1, self.sent)


class Client:
    """A process that sends `bodies` to a target, over and over in this order, as it is told."""

    def __init__(self, target: Target, bodies: Sequence[bytes]) -> None:
        context = get_context("spawn")
        self._pipe, self._theirs = context.Pipe()
        self._process = context.Process(target=_process, args=(self._theirs, target, bodies), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()  # so that its end is noticed here
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()

    def run(self, plan: Closed | Open) -> Result:
        """What came of `plan`, all in one."""
        return merged(list(self.results(plan)))

    def results(self, plan: Closed | Open) -> Iterator[Result]:
        """What came of `plan`: one result, or one for each `every_s` as time goes on."""
        self._pipe.send(plan)
        while True:
            result = self._pipe.recv()
            if isinstance(result, Exception):
                raise result
            if result is None:
                return
            yield result


def merged(results: Sequence[Result]) -> Result:
    """The results of times one after the other, as one."""
    errors: Counter[str] = Counter()
    for result in results:
        errors.update(result.errors)
    return Result(
        sum(result.seconds for result in results),
        sorted(took for result in results for took in result.answered),
        sorted(took for result in results for took in result.refused),
        sum(result.without_retry_after for result in results),
        dict(errors),
    )


# In the process -----------------------------------------------------------------------------


def _process(pipe: Connection, target: Target, bodies: Sequence[bytes]) -> None:
    gc.freeze()  # the bodies stay; walking them again and again would be taken for the server's slowness

    async def run() -> None:
        load = _Load(target, itertools.cycle(bodies))
        while True:
            try:
                plan = await asyncio.to_thread(pipe.recv)
            except EOFError:
                return
            try:
                await (load.closed(plan) if isinstance(plan, Closed) else load.open(plan, pipe.send))
            except Exception as error:
                pipe.send(error)
                continue
            pipe.send(load.take())
            pipe.send(None)

    uvloop.run(run())


class _Load:
    """What is sent, over which connections, and what came back since it was last taken."""

    def __init__(self, target: Target, bodies: Iterator[bytes]) -> None:
        host, port, path = re.fullmatch(r"http://([^:/]+):(\d+)(/.*)", target.url).groups()  # type: ignore[union-attr]
        key = f"Authorization: Bearer {target.key}\r\n" if target.key else ""
        self.host, self.port = host, int(port)
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n{key}"
            "Content-Length: "
        ).encode()
        self._bodies = bodies
        self._forget()

    def _forget(self) -> None:
        self._since = 0.0
        self._answered: list[float] = []
        self._refused: list[float] = []
        self._without = 0
        self._errors: Counter[str] = Counter()

    def begin(self) -> None:
        self._forget()
        self._since = perf_counter()

    def take(self) -> Result:
        now = perf_counter()
        self._answered.sort()
        self._refused.sort()
        result = Result(now - self._since, self._answered, self._refused, self._without, dict(self._errors))
        self._forget()
        self._since = now
        return result

    def request(self) -> bytes:
        body = next(self._bodies)
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    def note(self, status: int, head: bytes, took: float) -> None:
        if status == OK:
            self._answered.append(took)
        elif status in REFUSED:
            self._refused.append(took)
            self._without += _AGAIN.search(head) is None
        else:
            self.failed(str(status))

    def failed(self, why: str) -> None:
        self._errors[why] += 1

    # Closed loop ----------------------------------------------------------------------------

    async def closed(self, plan: Closed) -> None:
        until = float("inf")
        running = plan.connections
        over = asyncio.Event()

        def on(connection: _Connection) -> None:
            nonlocal running
            if perf_counter() < until and connection.is_open:
                connection.send(self.request(), perf_counter())
                return
            connection.close()
            running -= 1
            if running == 0:
                over.set()

        connections = [await self._connect(on) for _ in range(plan.connections)]
        self.begin()
        until = perf_counter() + plan.seconds
        for connection in connections:
            on(connection)
        try:
            async with asyncio.timeout(plan.seconds + GIVE_UP_S):
                await over.wait()
        except TimeoutError:
            for connection in connections:
                connection.close("no answer")

    # Open loop ------------------------------------------------------------------------------

    async def open(self, plan: Open, send: Callable[[Result], None]) -> None:
        loop = asyncio.get_running_loop()
        chance = random.Random(1)
        idle: deque[_Connection] = deque()
        waiting: deque[float] = deque()
        everyone: set[_Connection] = set()
        opening = 0
        at_work = 0

        def on(connection: _Connection) -> None:
            nonlocal at_work
            at_work -= 1
            if not connection.is_open:
                everyone.discard(connection)
            elif waiting:
                at_work += 1
                connection.send(self.request(), waiting.popleft())
            else:
                idle.append(connection)

        async def one_more() -> None:
            nonlocal opening, at_work
            try:
                connection = await self._connect(on)
            except OSError as error:
                self.failed(type(error).__name__)
                if waiting:
                    waiting.popleft()
            else:
                everyone.add(connection)
                at_work += 1
                on(connection)
            finally:
                opening -= 1

        for _ in range(100):
            connection = await self._connect(on)
            everyone.add(connection)
            idle.append(connection)
        self.begin()
        started = perf_counter()
        next_at, take_at, look_at = started, started + plan.every_s, started + 1.0
        tasks: set[asyncio.Task[None]] = set()
        while next_at < started + plan.seconds:
            now = perf_counter()
            if plan.every_s and now >= take_at and take_at < started + plan.seconds - plan.every_s / 2:
                take_at += plan.every_s
                send(self.take())
            while next_at <= now:
                while idle and not idle[0].is_open:
                    everyone.discard(idle.popleft())
                if idle:
                    at_work += 1
                    # The one that rested longest, or the server would end those that never get a turn.
                    idle.popleft().send(self.request(), next_at)
                else:
                    waiting.append(next_at)
                    if len(everyone) + opening < CONNECTIONS and opening < len(waiting):
                        opening += 1
                        task = loop.create_task(one_more())
                        tasks.add(task)
                        task.add_done_callback(tasks.discard)
                next_at += chance.expovariate(plan.rate)
            if now >= look_at:
                look_at = now + 1.0
                for late in [one for one in everyone if now - one.since > GIVE_UP_S]:
                    late.close("no answer")
            # The loop's timers count whole milliseconds; waiting for less would be spinning.
            await asyncio.sleep(max(TICK_S, min(next_at, now + 0.05) - perf_counter()))
        give_up = perf_counter() + GIVE_UP_S
        while (at_work or waiting or opening) and perf_counter() < give_up:
            await asyncio.sleep(0.005)
        for _ in waiting:
            self.failed("never sent")
        for connection in list(everyone):
            connection.close("no answer")

    async def _connect(self, on: Callable[[_Connection], None]) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self, on), self.host, self.port)
        return connection


class _Connection(asyncio.Protocol):
    """One connection, with one request at a time. `on` is called when it has its answer or is lost."""

    def __init__(self, load: _Load, on: Callable[[_Connection], None]) -> None:
        self._load = load
        self._on = on
        self._buffer = b""
        self._due: float | None = None
        self._transport: Any = None
        self.since = float("inf")
        """When the request that is at work was sent; infinite where none is."""
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.is_open = True

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was to be sent at `due`."""
        self._due, self.since = due, perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = buffer[: end + 2]
        length = _LENGTH.search(head)
        if length is None or len(buffer) < end + 4 + int(length[1]):
            return
        self._buffer = b""
        assert self._due is not None
        self._load.note(int(head[9:12]), head, perf_counter() - self._due)
        self._due, self.since = None, float("inf")
        if b"\r\nconnection: close\r\n" in head.lower():
            self.is_open = False
            self._transport.close()
        self._on(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost("connection lost" if exc is None else type(exc).__name__)

    def close(self, why: str = "closed") -> None:
        """Close; a request that is at work failed by `why`."""
        self._transport.close()
        self._lost(why)

    def _lost(self, why: str) -> None:
        self.is_open = False
        if self._due is not None:
            self._due, self.since = None, float("inf")
            self._load.failed(why)
            self._on(self)
