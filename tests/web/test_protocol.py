"""The bounds on time that a connection has, with short times in place of the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from holdfast.web import protocol
from holdfast.web.protocol import BoundedProtocol

LARGE = 8 * 1024 * 1024


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers `/large` with megabytes, `/slow` after a while, and everything else at once."""
    if scope["path"] == "/slow":
        await asyncio.sleep(0.4)
    body = b"x" * (LARGE if scope["path"] == "/large" else 2)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    for start in range(0, len(body), 65_536):
        chunk = body[start : start + 65_536]
        await send({"type": "http.response.body", "body": chunk, "more_body": start + 65_536 < len(body)})


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Any, ServerState]]:
    config = uvicorn.Config(application, ws="none", log_config=None, access_log=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: BoundedProtocol(config=config, server_state=state, app_state={}, _loop=loop), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname(), state
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await server.wait_closed()
        await asyncio.sleep(0.01)


def scenario(
    monkeypatch: pytest.MonkeyPatch, run: Callable[[asyncio.StreamReader, asyncio.StreamWriter, ServerState], Awaitable[None]]
) -> None:  # fmt: skip
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)
    monkeypatch.setattr(protocol, "STALL_TIMEOUT_S", 0.2)

    async def whole() -> None:
        async with asyncio.timeout(15), listening() as (address, state):
            reader, writer = await asyncio.open_connection(*address)
            try:
                await run(reader, writer, state)
            finally:
                writer.close()

    asyncio.run(whole())


GET = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", b"G", GET[:-2] % b"x"])
def test_a_head_has_its_time(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        writer.write(sent)
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 408")
        assert b"/problems/request-timeout" in said
        assert not state.connections

    scenario(monkeypatch, run)


def test_dripping_bytes_buys_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        async def drip() -> None:
            for byte in GET % b"a-long-path-to-drip":
                writer.write(bytes([byte]))
                await asyncio.sleep(0.05)

        dripping = asyncio.ensure_future(drip())
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
        dripping.cancel()

    scenario(monkeypatch, run)


def test_the_second_head_of_a_connection_has_its_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        writer.write(GET % b"x")
        assert (await reader.readuntil(b"\r\n\r\nxx")).startswith(b"HTTP/1.1 200")
        # Idling between requests is not dawdling: another limit, a longer one, is on that.
        await asyncio.sleep(0.4)
        assert state.connections
        writer.write(GET % b"x")
        assert (await reader.readuntil(b"\r\n\r\nxx")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET /half")
        assert (await reader.read()).startswith(b"HTTP/1.1 408")

    scenario(monkeypatch, run)


def test_an_answer_that_takes_long_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        writer.write(GET % b"slow")
        assert (await reader.readuntil(b"\r\n\r\nxx")).startswith(b"HTTP/1.1 200")

    scenario(monkeypatch, run)


def test_a_client_that_reads_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        writer.write(GET % b"large")
        transport: Any = writer.transport
        transport.pause_reading()
        until = asyncio.get_running_loop().time() + 10
        while state.connections:
            assert asyncio.get_running_loop().time() < until
            await asyncio.sleep(0.02)

    async def started_first(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState
    ) -> None:
        await asyncio.sleep(0.05)
        assert state.connections
        await run(reader, writer, state)

    scenario(monkeypatch, started_first)


def test_a_client_that_reads_slowly_gets_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, state: ServerState) -> None:
        writer.write(GET % b"large")
        await reader.readuntil(b"\r\n\r\n")
        got = 0
        while got < LARGE:
            got += len(await reader.read(512 * 1024))
            await asyncio.sleep(0.01)
        assert got == LARGE

    scenario(monkeypatch, run)
