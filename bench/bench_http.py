"""HTTP under load: single items and batches, p50 and p99, with the load client on the same machine.

A real `holdfast serve` on a fresh folder: default policy, API key, every decision recorded before it is
answered. The client is wrk where it is installed, else one written with asyncio (which costs far more of
the machine). Peer: a bare litestar application that answers each request with its own body, under the
same uvicorn, driven by the same client in the same run.

    python bench/bench_http.py [SECONDS]
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvicorn
from generate import items
from litestar import Litestar, Request, Response, post
from table import Table

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1][0].isdigit() else 6.0
POOL = 40_000
"""Items that are sent, over and over: more than a run of single requests needs."""
LUA = """\
local bodies = {%s}
local next_body = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
request = function()
  next_body = next_body %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[next_body])
end
done = function(summary, latency)
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status + summary.errors.connect
    + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


class Result(NamedTuple):
    """What a client saw: seconds, and milliseconds for the percentiles."""

    requests: int
    seconds: float
    p50: float
    p99: float
    errors: int


def main() -> None:
    everything = [msgspec.json.encode(item) for item in items(POOL, seed=1)]
    table = Table(
        f"HTTP, client on the same machine ({'wrk' if shutil.which('wrk') else 'asyncio client'})",
        ("what", "connections", "requests/s", "items/s", "p50 ms", "p99 ms", "errors"),
    )
    with tempfile.TemporaryDirectory() as folder:
        with holdfast(Path(folder)) as (url, key):
            for name, size, connections in (
                ("single", 1, 32), ("single", 1, 64), ("batch of 100", 100, 4), ("batch of 1,000", 1_000, 4),
            ):  # fmt: skip
                row(
                    table,
                    name,
                    size,
                    connections,
                    drive(f"{url}/v1/decide", bodies(everything, size), connections, key),
                )
        with echo() as url:
            for name, size, connections in (
                ("peer: echo, single", 1, 64),
                ("peer: echo, batch of 100", 100, 4),
            ):
                row(table, name, size, connections, drive(url, bodies(everything, size), connections, ""))
    table.print()


def row(table: Table, name: str, size: int, connections: int, result: Result) -> None:
    rate = result.requests / result.seconds
    table.add(
        name,
        str(connections),
        f"{rate:,.0f}",
        f"{rate * size:,.0f}",
        f"{result.p50:.1f}",
        f"{result.p99:.1f}",
        str(result.errors),
    )


def bodies(everything: Sequence[bytes], size: int) -> list[bytes]:
    if size == 1:
        return list(everything)
    chunks = (everything[start : start + size] for start in range(0, len(everything), size))
    return [b'{"items":[' + b",".join(chunk) + b"]}" for chunk in chunks]


# Servers ------------------------------------------------------------------------------------


@contextmanager
def holdfast(data: Path) -> Iterator[tuple[str, str]]:
    """A server on `data`, and a key to it."""
    command = [sys.executable, "-c", "from holdfast.cli import main; main()"]
    made = subprocess.run(
        [*command, "key", "create", "--scope", "decide", "--label", "bench", "--data", str(data)],
        capture_output=True, check=True,
    )  # fmt: skip
    environ = {**os.environ, "HOLDFAST_SERVE_RATE_LIMIT": "1000000000", "HOLDFAST_SERVE_PORT": "0"}
    with (data / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "serve", "--data", str(data)], stdout=subprocess.PIPE, stderr=log, env=environ
        )
        with ended(server):
            assert server.stdout is not None
            url = re.search(rb"http://\S+", server.stdout.readline())
            assert url is not None, (data / "log").read_text()
            yield url[0].decode(), made.stdout.decode().strip()


@contextmanager
def echo() -> Iterator[str]:
    """The peer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ended(subprocess.Popen([sys.executable, __file__, "--echo", str(port)])):
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
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.stdout is not None:
            process.stdout.close()


def serve_echo(port: int) -> None:
    @post("/", status_code=200)
    async def answer(request: Request) -> Response[bytes]:  # type: ignore[type-arg]
        return Response(await request.body(), media_type="application/json")

    uvicorn.run(
        Litestar([answer]), port=port, loop="uvloop", http="httptools", log_level="error", access_log=False
    )


# Clients ------------------------------------------------------------------------------------


def drive(url: str, sent: Sequence[bytes], connections: int, key: str) -> Result:
    if shutil.which("wrk"):
        return drive_wrk(url, sent, connections, key)
    return asyncio.run(drive_asyncio(url, sent, connections, key))


def drive_wrk(url: str, sent: Sequence[bytes], connections: int, key: str) -> Result:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        # A JSON string in ASCII is a Lua string too, but for \u and \/, which it does not hold here.
        script.write(LUA % (",\n".join(f"[==[{body.decode()}]==]" for body in sent), key))
        script.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{SECONDS:.0f}s",
            "--timeout",
            "20s",
            "-s",
            script.name,
            url,
        ]
        output = subprocess.run(
            command, capture_output=True, check=True, timeout=SECONDS + 60
        ).stdout.decode()
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    assert found is not None, output
    requests, micros, p50, p99, errors = map(int, found.groups())
    return Result(requests, micros / 1e6, p50 / 1e3, p99 / 1e3, errors)


async def drive_asyncio(url: str, sent: Sequence[bytes], connections: int, key: str) -> Result:
    host, port, path = re.match(r"http://([^:/]+):(\d+)(/.*)", url).groups()  # type: ignore[union-attr]
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAuthorization: Bearer {key}\r\n"
    next_body = itertools.cycle(sent)
    took: list[float] = []
    errors = 0
    started = time.perf_counter()

    async def client() -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection(host, int(port))
        while (sent_at := time.perf_counter()) < started + SECONDS:
            body = next(next_body)
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
            await reader.readexactly(int(length[1]))  # type: ignore[index]
            errors += not answer.startswith(b"HTTP/1.1 200")
            took.append(time.perf_counter() - sent_at)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    took.sort()
    seconds = time.perf_counter() - started
    return Result(len(took), seconds, took[len(took) // 2] * 1e3, took[len(took) * 99 // 100] * 1e3, errors)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--echo"]:
        serve_echo(int(sys.argv[2]))
    else:
        main()
