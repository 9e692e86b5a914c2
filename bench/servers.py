"""Servers to drive: a real `holdfast serve` in a process of its own, and the peer, an echo on the same stack."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uvicorn
from litestar import Litestar, Request, Response, post

HOLDFAST = [sys.executable, "-c", "from holdfast.cli import main; main()"]
STOP_S = 60.0


class Served(NamedTuple):
    """Where a server answers, a key to it (scopes `decide` and `metrics`), and its process."""

    url: str
    key: str
    pid: int


@contextmanager
def holdfast(data: Path, *options: str, log: Path | None = None) -> Iterator[Served]:
    """A server on `data` that has no rate limit: its own pace is what is measured. It logs to `log`, or into `data`."""
    made = subprocess.run(
        [*HOLDFAST, "key", "create", "--scope", "decide", "--scope", "metrics", "--label", "bench", "--data", data],
        capture_output=True, check=True,
    )  # fmt: skip
    environ = {**os.environ, "HOLDFAST_SERVE_RATE_LIMIT": "1000000000", "HOLDFAST_SERVE_PORT": "0"}
    log = log or data / "log"
    with log.open("wb") as lines:
        server = subprocess.Popen(
            [*HOLDFAST, "serve", "--data", data, *options], stdout=subprocess.PIPE, stderr=lines, env=environ
        )
        with ended(server):
            assert server.stdout is not None
            url = re.search(rb"http://\S+", server.stdout.readline())
            if url is None:
                raise SystemExit(f"the server did not start: {log.read_text()[-2_000:]}")
            yield Served(url[0].decode(), made.stdout.decode().strip(), server.pid)


@contextmanager
def echo() -> Iterator[str]:
    """The peer: a bare litestar application that answers each request with its own body, under the same uvicorn."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ended(subprocess.Popen([sys.executable, __file__, str(port)])):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends `process`, and nothing else, when the block is left."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def serve_echo(port: int) -> None:
    @post("/", status_code=200)
    async def answer(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        return Response(await request.body(), media_type="application/json")

    uvicorn.run(
        Litestar([answer]), port=port, loop="uvloop", http="httptools", log_level="error", access_log=False
    )


if __name__ == "__main__":
    serve_echo(int(sys.argv[1]))
