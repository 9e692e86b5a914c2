"""The server as a process: what it says, what it bounds, how it stops, and that it loses nothing when killed."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.ledger import Ledger
from holdfast.web import protocol

from .conftest import LONG, Served, eventually, make_key

Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all that do it no harm: small bodies, little patience."""
    limits = {"HOLDFAST_SERVE_BODY_LIMIT": "100000", "HOLDFAST_SERVE_TIMEOUT_S": "0.5"}
    server = Served(tmp_path_factory.mktemp("shared"), (), limits)
    yield server
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    assert server.stop() == 0
    assert "Traceback" not in server.log()
    assert '"level":"error"' not in server.log()


@contextlib.contextmanager
def talking(server: Served, sent: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(sent)
        yield connection


def everything(connection: socket.socket) -> bytes:
    """What the server says until it closes."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65_536):
            said += chunk
    return said


def post(body: bytes, *headers: str) -> bytes:
    lines = [
        "POST /v1/decide HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_a_newcomers_first_minutes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_CLASSIFIER_WEIGHTS")  # as it is shipped
    server = serve()
    assert server.url.startswith("http://127.0.0.1:")
    eventually(lambda: "holdfast key create" in server.log())
    curl = next(line for line in server.log().splitlines() if line.strip().startswith("curl"))
    assert f"{server.url}/v1/decide" in curl
    body = curl.rpartition("-d ")[2].strip("'")
    answered = httpx.post(
        f"{server.url}/v1/decide", content=body, headers={"Content-Type": "application/json"}
    )
    assert answered.json()["action"] == "allow"
    assert "server" not in answered.headers
    # The first key closes the door, without a restart.
    secret = make_key(server.data, "decide")
    eventually(lambda: httpx.get(f"{server.url}/v1/signals").status_code == 401)
    again = httpx.post(
        f"{server.url}/v1/decide",
        content=body,
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {secret}"},
    )
    assert again.status_code == 200
    assert server.stop() == 0
    assert "Traceback" not in server.log()


def test_what_keeps_it_from_starting_is_said_in_words(serve: Serve, tmp_path: Path) -> None:
    for arguments, words in [
        (["--host", "0.0.0.0"], "holdfast key create"),
        (["--host", "no.such.host.invalid"], "no address of this machine"),
    ]:
        failed = serve(*arguments)
        assert failed.process.wait(30) == 2
        assert words in failed.log()
        assert "Traceback" not in failed.log()
        failed.errors.unlink()
    lock = failed.data / "serve.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    failed = serve("--port", "0")
    assert failed.process.wait(30) == 2
    assert "name another folder with --data" in failed.log()
    lock.rmdir()
    first = serve()
    second = serve("--port", "0")
    assert second.process.wait(30) == 2
    assert "another server uses this data folder" in second.log()
    taken = serve("--port", str(first.port))
    assert taken.process.wait(30) == 2
    assert "cannot be listened on" in taken.log()


# Hostile clients ----------------------------------------------------------------------------


def test_heads_are_bounded(shared: Served) -> None:
    for request, status in [
        (b"GET /" + b"x" * (protocol.URL_LIMIT + 1) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * protocol.HEAD_LIMIT + b"\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(protocol.HEADERS_LIMIT + 1)) + b"\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /v1/decide HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ]:  # fmt: skip
        with talking(shared, request) as connection:
            said = everything(connection)
        head, _, body = said.partition(b"\r\n\r\n")
        assert head.split(b" ")[1] == str(status).encode(), said[:200]
        assert b"connection: close" in head
        assert json.loads(body)["status"] == status


def test_an_upgrade_is_answered_as_a_plain_request(shared: Served) -> None:
    request = (
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with talking(shared, request) as connection:
        said = connection.recv(65_536)
    assert said.startswith(b"HTTP/1.1 200")


def test_clients_that_dawdle_are_let_go(shared: Served) -> None:
    body = b'{"id":"1","text":"x"}'
    with talking(shared, post(body)[:-5]) as connection:
        said = everything(connection)
    assert said.startswith(b"HTTP/1.1 408")
    assert b"/problems/request-timeout" in said


def test_a_body_that_is_too_large_is_answered_and_not_kept(shared: Served) -> None:
    big = b"x" * 3_000_000
    answered = httpx.post(
        f"{shared.url}/v1/decide", content=big, headers={"Content-Type": "application/json"}
    )
    assert answered.status_code == 413
    assert answered.json()["type"] == "/problems/body-too-large"
    assert answered.headers["connection"] == "close"
    chunked = httpx.post(
        f"{shared.url}/v1/decide", content=iter([big, big]), headers={"Content-Type": "application/json"}
    )
    assert chunked.status_code == 413
    # Asked first, a client need not send it at all.
    with talking(
        shared, post(b"", "Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: 9999999")
    ) as c:
        assert c.recv(100).startswith(b"HTTP/1.1")


def test_pipelined_requests_are_answered_in_order(shared: Served) -> None:
    bodies = [json.dumps({"id": str(n), "text": "x"}).encode() for n in range(5)]
    requests = b"".join(map(post, bodies[:-1])) + post(bodies[-1], "Connection: close")
    with talking(shared, requests) as connection:
        said = everything(connection)
    assert said.count(b"HTTP/1.1 200") == 5
    assert [said.index(b'"id":"%d"' % n) for n in range(5)] == sorted(
        said.index(b'"id":"%d"' % n) for n in range(5)
    )


# Stopping -----------------------------------------------------------------------------------


class Load:
    """Clients that decide as fast as they can and remember every acknowledgement."""

    def __init__(self, server: Served, clients: int = 6) -> None:
        self.port = server.port
        self.acknowledged: list[tuple[str, str]] = []
        self.broken: list[str] = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self, client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            self._decide(client, connection)

    def _decide(self, client: int, connection: http.client.HTTPConnection) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            batch = client % 2 == 0
            ids = [f"{client}-{number}-{n}" for n in range(5 if batch else 1)]
            items = [{"id": i, "text": LONG if number % 3 else "short"} for i in ids]
            headers = {"Content-Type": "application/json"}
            if number % 4 == 0:
                headers["Idempotency-Key"] = f"{client}-{number}"
            try:
                connection.request(
                    "POST", "/v1/decide", json.dumps({"items": items} if batch else items[0]), headers
                )
                response = connection.getresponse()
                answer: Any = json.loads(response.read())
            except ConnectionRefusedError:
                return  # the server takes no more connections: nothing was accepted
            except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
                self.broken.append(repr(error))
                return
            if response.status == 200:
                decisions = answer["decisions"] if batch else [answer]
                self.acknowledged.extend((d["ref"], d["id"]) for d in decisions)
            elif response.status != 503:
                self.broken.append(f"{response.status} {answer}")
                return
            if response.getheader("Connection") == "close":
                connection.close()  # the next request opens it again

    def wait(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()


def recorded(data: Path, acknowledged: list[tuple[str, str]]) -> None:
    """Every acknowledged decision is in the ledger, once, and the ledger is whole."""
    with Ledger.open(data=data) as ledger:
        assert ledger.verify() == []
        for ref, item_id in acknowledged:
            assert ledger.decision(ref).item.id == item_id
            assert [entry.ref for entry in ledger.decisions_of(item_id)] == [ref]
    assert len({ref for ref, _ in acknowledged}) == len(acknowledged)


@pytest.mark.parametrize("trial", range(2))
def test_killed_under_load_it_loses_nothing_that_it_acknowledged(serve: Serve, trial: int) -> None:
    server = serve()
    load = Load(server)
    eventually(lambda: len(load.acknowledged) > 50)
    time.sleep(random.Random(trial).uniform(0.05, 0.5))
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(10)
    load.wait()
    recorded(server.data, load.acknowledged)
    # It starts again on what is there, and goes on.
    before, server = load.acknowledged, serve()
    load = Load(server, clients=2)
    eventually(lambda: len(load.acknowledged) > 10)
    load.wait()
    assert server.stop() == 0
    assert load.broken == []
    with Ledger.open(data=server.data) as ledger:
        assert ledger.verify() == []
        assert all(ledger.decision(ref).item.id == item_id for ref, item_id in before + load.acknowledged)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_answers_what_it_took(serve: Serve, by: int) -> None:
    server = serve()
    load = Load(server)
    eventually(lambda: len(load.acknowledged) > 100)
    assert server.stop(by) == 0
    load.wait()
    assert load.broken == []
    recorded(server.data, load.acknowledged)
    assert (server.data / "counters.snapshot").stat().st_mode & 0o077 == 0
    assert "Traceback" not in server.log()


def test_a_second_signal_quits_at_once(serve: Serve) -> None:
    server = serve(HOLDFAST_SERVE_TIMEOUT_S="30")
    with talking(server, post(b"{}")[:-1]):  # a request that never ends
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(5) == 128 + signal.SIGTERM


def test_what_people_wrote_is_in_no_log_of_the_server(serve: Serve) -> None:
    server = serve()
    word = "zebrafinch"
    for body in (
        {"id": word, "text": word, "author": {"id": word}},
        {"id": word, "text": word, word: word},
        {"id": word, "text": word, "surface": word},
        word,
    ):
        httpx.post(f"{server.url}/v1/decide", json=body)
    httpx.get(f"{server.url}/{word}?{word}={word}", headers={"User-Agent": word, "Referer": word})
    with talking(server, word.encode() + b"\r\n\r\n") as connection:
        everything(connection)
    assert server.stop() == 0
    log = server.log()
    assert log.count('"event":"request"') == 5
    assert word not in log
