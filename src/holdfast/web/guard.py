"""The guard of the framework's routes: each says what it takes to call it, or is refused to everyone."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from holdfast.web.keys import SCOPES
from holdfast.web.service import Service

PUBLIC = {"access": "public"}
"""The `opt` of a route that anyone may call."""


def needs(scope: str) -> dict[str, Any]:
    """The `opt` of a route that takes a key with `scope`."""
    assert scope in SCOPES
    return {"access": scope}


def guard_of(service: Service) -> Guard:
    """The guard for all routes of `service`. It leaves the principal in the request's state, and the
    route's cost on its key's rate limit."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        access = handler.opt["access"]
        if access == "public":
            return
        state = connection.scope["state"]
        principal = await service.access.authenticate(connection.scope, state["headers"], access)
        state["principal"] = principal
        state["key_id"] = principal.key_id
        service.limiter.spend(principal.key_id, 1)

    return guard
