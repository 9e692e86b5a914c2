"""Real applications: engine, ledger and policy as shipped, over ASGI or as a server of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from holdfast.engine import Engine
from holdfast.ledger import Ledger
from holdfast.ledger.events import KeyCreated
from holdfast.policy.policy import Policy
from holdfast.settings import Settings
from holdfast.web.app import create_app
from holdfast.web.keys import Scope, new_key

POLICY = """\
policy: lengths
description: Decides by length alone, so that a test can foretell every decision.
rules:
  - name: long
    when: text.length > 40
    then: hold
    reason: too_long
    tells: Long comments wait.
  - name: longer
    when: text.length > 80
    then: remove
    reason: too_long
    tells: Very long comments go.
"""
LONG, LONGER = "x" * 41, "x" * 81


@pytest.fixture(autouse=True, scope="module")
def _quick(quick_classifier: None) -> None:
    """The interface is the same whatever the network says."""


def policy_of(source: str = POLICY) -> Policy:
    return Policy.load(source, Engine().schema)


def make_key(data: Path, *scopes: Scope, **changes: Any) -> str:
    """A key of the ledger in `data`, made as the command line makes it."""
    key = new_key()
    with Ledger.open(data=data) as ledger:
        created = KeyCreated(key_id=key.key_id, digest=key.digest, scopes=scopes, label="test", by="test")
        ledger.append([msgspec.structs.replace(created, **changes)], datetime.now(UTC))
    return key.secret


class App:
    """An application that runs, a client with an admin's key, and the folder behind them."""

    def __init__(self, data: Path, app: Litestar, client: TestClient[Litestar]) -> None:
        self.data = data
        self.app = app
        self.client = client
        self.service = app.state.service

    def decide(self, item: object, **headers: str) -> httpx.Response:
        return self.client.post(
            "/v1/decide",
            content=item if isinstance(item, bytes) else msgspec.json.encode(item),
            headers={"Content-Type": "application/json", **headers},
        )

    def key(self, *scopes: Scope, **changes: Any) -> dict[str, str]:
        """The header of a new key, known to the application at once."""
        secret = make_key(self.data, *scopes, **changes)
        self.service.access.ring.refresh()
        return {"Authorization": f"Bearer {secret}"}


@contextmanager
def running(data: Path, *, policy: Policy | None = None, **serve: Any) -> Iterator[App]:
    """The application over ASGI, with settings `serve`."""
    settings = msgspec.convert({"serve": serve}, Settings)
    admin = make_key(data, "admin")
    app = create_app(data, settings, policy=policy or policy_of(), pages=None)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {admin}"
        yield App(data, app, client)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with running(tmp_path) as started:
        yield started


class Served:
    """A server of its own: `holdfast serve` in a process."""

    def __init__(
        self, data: Path, arguments: Sequence[str] = (), environ: dict[str, str] | None = None
    ) -> None:
        self.data = data
        self.errors = data / "stderr"
        policy = data / "policy.yaml"
        if not arguments:
            policy.write_text(POLICY)
            arguments = ["--policy", str(policy)]
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from holdfast.cli import main; main()", "serve", "--data", str(data), *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "HOLDFAST_SERVE_PORT": "0", **(environ or {})},
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        found = re.search(r"http://\S+", line)
        self.url = found[0] if found else ""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def stop(self, by: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(by)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()

    def log(self) -> str:
        return self.errors.read_text()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts servers on the test's folder, and ends them with the test."""
    started: list[Served] = []

    def start(*arguments: str, **environ: str) -> Served:
        server = Served(tmp_path, arguments, environ)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop(signal.SIGKILL)


def eventually(check: Callable[[], bool], within_s: float = 10) -> None:
    """Wait until `check` holds."""
    until = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < until, "did not come about"
        time.sleep(0.02)
