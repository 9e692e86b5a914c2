"""Running the application with uvicorn: its bounds, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from litestar import Litestar

from holdfast.web.edge import Edge
from holdfast.web.logs import handle_loop_errors
from holdfast.web.protocol import BoundedProtocol
from holdfast.web.service import Service
from holdfast.web.workplace import GRACE_S

KEEP_ALIVE_S = 75
"""Seconds that a connection may idle; above the 60 s after which common balancers drop theirs, so that
the balancer closes first and no request meets a closed door."""
BACKLOG = 1024
LINGER_S = 1.0
"""Seconds in which clients with open connections learn, from their next answer, that the server stops."""
SPARE_FILES = 100
TURN_S = 0.001
"""Seconds for which one thread computes before another may. With Python's 5 ms the event loop waits for the deciding
thread whenever something arrives, and the deciding thread for the loop whenever it comes back from the database."""


class Server(uvicorn.Server):
    """uvicorn's server, stopped in the order that loses nothing.

    The first SIGTERM or SIGINT drains: no new connections, readiness ends, every answer says
    `Connection: close`, requests in flight are answered, counters are kept. The second quits at once, but not
    under a supervisor: there it can be the same wish twice, and who wants more kills.
    """

    def __init__(
        self, app: Litestar, drain_s: float, on_start: Callable[[], None], *, supervised: bool = False
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=BoundedProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                # The application looks at the peer and at proxies' headers itself.
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=max(1, round(drain_s)),
                limit_concurrency=_connection_limit(),
            )
        )
        self._service: Service = app.state.service
        self._edge: Edge = app.state.edge
        self._on_start = on_start
        self._supervised = supervised

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        handle_loop_errors(asyncio.get_running_loop())
        await super().startup(sockets)
        if self.started:
            # What was loaded stays for good: the collector need not walk it again and again, which with
            # the signals' tables would stop the server for tens of milliseconds each time.
            gc.collect()
            gc.freeze()
            sys.setswitchinterval(TURN_S)
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.drain()
        self._edge.draining = True
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + LINGER_S
        while self.server_state.connections and loop.time() < until and not self.force_exit:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that was answered by draining is not raised again: exit code 0."""
        before = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.should_exit and not self._supervised:
            # Nothing acknowledged is lost: an answer is sent only after its transaction.
            os._exit(128 + sig)
        self.should_exit = True


def serve(
    app: Litestar,
    listener: socket.socket,
    *,
    drain_s: float,
    on_start: Callable[[], None],
    lifeline: int | None = None,
) -> None:
    """Run `app` on `listener` until a signal ends it. `on_start` is called once it answers.

    `lifeline` is a file descriptor whose other end a supervisor holds: when that is gone, the server stops.

    Raises what kept the application from starting, a `HoldfastError` where it is foreseen.
    """
    # What uvicorn has to say is said by the application, or is what a hostile client made it say.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    try:
        server = Server(app, drain_s, on_start, supervised=lifeline is not None)
        if lifeline is not None:
            threading.Thread(target=_hold_on, args=(server, lifeline, drain_s), daemon=True).start()
        server.run(sockets=[listener])
    except SystemExit:
        if app.state.failure is not None:
            raise app.state.failure from None
        raise


def _hold_on(server: Server, lifeline: int, drain_s: float) -> None:
    """Stop `server` when whoever holds the other end of `lifeline` lets go."""
    while os.read(lifeline, 1024):
        pass
    server.should_exit = True
    # Nobody is left who would end a server that hangs.
    time.sleep(drain_s + GRACE_S)
    os._exit(1)


def _connection_limit() -> int:
    """As many connections as there are file descriptors for, less some for the database."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            wanted = hard if hard != resource.RLIM_INFINITY else 65_536
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, 65_536), hard))
            soft = min(wanted, 65_536)
    return max(64, soft - SPARE_FILES)
