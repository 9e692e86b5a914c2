"""Running the application with uvicorn: the socket, the bounds, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from litestar import Litestar

from holdfast.errors import HoldfastError
from holdfast.web.edge import Edge
from holdfast.web.logs import handle_loop_errors
from holdfast.web.protocol import BoundedProtocol
from holdfast.web.service import Service

KEEP_ALIVE_S = 75
"""Seconds that a connection may idle; above the 60 s after which common balancers drop theirs, so that
the balancer closes first and no request meets a closed door."""
BACKLOG = 1024
LINGER_S = 1.0
"""Seconds in which clients with open connections learn, from their next answer, that the server stops."""
SPARE_FILES = 100


class CannotListen(HoldfastError):
    """The address cannot be listened on."""

    code = "cannot-listen"


class Server(uvicorn.Server):
    """uvicorn's server, stopped in the order that loses nothing.

    The first SIGTERM or SIGINT drains: no new connections, readiness ends, every answer says
    `Connection: close`, requests in flight are answered, counters are kept. The second quits at once.
    """

    def __init__(self, app: Litestar, drain_s: float, on_start: Callable[[], None]) -> None:
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        handle_loop_errors(asyncio.get_running_loop())
        await super().startup(sockets)
        if self.started:
            # What was loaded stays for good: the collector need not walk it again and again, which with
            # the signals' tables would stop the server for tens of milliseconds each time.
            gc.collect()
            gc.freeze()
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
        if self.should_exit:
            # Nothing acknowledged is lost: an answer is sent only after its transaction.
            os._exit(128 + sig)
        self.should_exit = True


def serve(app: Litestar, listener: socket.socket, *, drain_s: float, on_start: Callable[[], None]) -> None:
    """Run `app` on `listener` until a signal ends it. `on_start` is called once it answers.

    Raises what kept the application from starting, a `HoldfastError` where it is foreseen.
    """
    # What uvicorn has to say is said by the application, or is what a hostile client made it say.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    try:
        Server(app, drain_s, on_start).run(sockets=[listener])
    except SystemExit:
        if app.state.failure is not None:
            raise app.state.failure from None
        raise


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to `host` and `port` (0: any that is free). Raises `CannotListen`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotListen("is no address of this machine", where="--host", value=host[:100]) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotListen(
            "cannot be listened on",
            where=f"{host}:{port}",
            value=error.strerror,
            next_step="choose another with --port, or 0 for any that is free",
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL under which a program on this machine reaches `listener`."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        host = "127.0.0.1" if listener.family is socket.AF_INET else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _connection_limit() -> int:
    """As many connections as there are file descriptors for, less some for the database."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            wanted = hard if hard != resource.RLIM_INFINITY else 65_536
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, 65_536), hard))
            soft = min(wanted, 65_536)
    return max(64, soft - SPARE_FILES)
