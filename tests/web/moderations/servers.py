"""Servers for the tests of this format, and how they are asked."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from litestar import Litestar
from litestar.testing import TestClient
from tests.web.conftest import make_key, policy_of

from holdfast.settings import Settings
from holdfast.web.app import create_app
from holdfast.web.moderations.categories import CATEGORIES

NOTHING = dict.fromkeys(CATEGORIES, 0.0)
PATIENCE_S = 120.0


def ask(url: str, given: Any, **more: Any) -> httpx.Response:
    """Send `given` as the input."""
    return httpx.post(f"{url}/v1/moderations", json={"input": given, **more}, timeout=PATIENCE_S)


@contextmanager
def asked(
    data: Path, serve: dict[str, Any] | None = None, **compatible: Any
) -> Iterator[TestClient[Litestar]]:
    """An application in this process with these settings, and a client of it that holds an admin's key."""
    settings = msgspec.convert({"serve": serve or {}, "compatible": compatible}, Settings)
    key = make_key(data, "admin")
    with TestClient(create_app(data, settings, policy=policy_of(), pages=None)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def results(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def image(data: bytes, kind: str = "png") -> dict[str, Any]:
    """The part that holds a picture."""
    return at(f"data:image/{kind};base64,{base64.b64encode(data).decode()}")


def at(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def is_unseen(result: dict[str, Any]) -> bool:
    """Whether a result says that nothing was looked at."""
    return (
        result["flagged"] is False
        and not any(result["categories"].values())
        and result["category_scores"] == NOTHING
        and not any(result["category_applied_input_types"].values())
    )
