"""The guard of the framework's routes: each says what it takes to call it, or is refused to everyone."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from holdfast.web.keys import SCOPES, Scope
from holdfast.web.service import Service

PUBLIC = {"access": "public"}
"""The `opt` of a route that anyone may call."""


OWN = {"access": "public"}
"""The `opt` of a raw route, which is outside the guard and asks for the key itself: the framework copies
the handler for every call of a guard, which costs as much as the rest of the way there."""


def needs(scope: Scope) -> dict[str, Any]:
    """The `opt` of a route that takes a key with `scope`."""
    return {"access": scope}


def guard_of(service: Service) -> Guard:
    """The guard for all routes of `service`. It lets a client in that may call the route, leaves the
    principal in the request's state, and counts the request on its key's rate limit."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        access = handler.opt.get("access")
        if access == "public" or (access is None and connection.scope.get("method") == "OPTIONS"):
            # The framework answers OPTIONS by itself, with the methods that there are.
            return
        if access not in SCOPES:
            raise RuntimeError(f"the route {handler.name} does not say who may call it")
        state = connection.scope["state"]
        principal = await service.access.authenticate(connection.scope, state["headers"], access)
        state["principal"] = principal
        state["key_id"] = principal.key_id
        service.limiter.spend(principal.key_id, 1)

    return guard
