"""Real applications that speak Perspective's format, and a way to ask them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar.testing import TestClient
from tests.web.conftest import App, make_key, policy_of

from holdfast.settings import Settings
from holdfast.web.app import create_app

ANALYZE = "/v1alpha1/comments:analyze"
HELLO = {"comment": {"text": "Hello you people"}, "requestedAttributes": {"TOXICITY": {}}}


class Perspective(App):
    """An application, asked as Perspective's clients ask."""

    def analyze(self, request: object, *, query: str = "", **headers: str) -> httpx.Response:
        return self.client.post(
            ANALYZE + query,
            content=request if isinstance(request, bytes) else msgspec.json.encode(request),
            headers={"Content-Type": "application/json", **headers},
        )

    def scores(self, text: str, *attributes: str, **more: Any) -> dict[str, Any]:
        """The answer to a text; at least that to TOXICITY."""
        wanted = {name: {} for name in attributes or ("TOXICITY",)}
        answer = self.analyze({"comment": {"text": text}, "requestedAttributes": wanted, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def running(
    data: Path,
    *,
    compatible: Mapping[str, Any] | None = None,
    ledger: Mapping[str, Any] | None = None,
    **serve: Any,
) -> Iterator[Perspective]:
    """The application over ASGI, with settings, and an admin's key in the client where the ledger is the folder's."""
    sections = {"serve": serve, "compatible": dict(compatible or {}), "ledger": dict(ledger or {})}
    settings = msgspec.convert(sections, Settings)
    key = {} if ledger else {"Authorization": f"Bearer {make_key(data, 'admin')}"}
    app = create_app(data, settings, policy=policy_of(), pages=None)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.headers.update(key)
        yield Perspective(data, app, client)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Perspective]:
    """One application for the tests that leave nothing behind that would bother another."""
    with running(tmp_path_factory.mktemp("shared")) as started:
        yield started
