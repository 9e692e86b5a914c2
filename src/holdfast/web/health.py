"""For those who watch over the server: is it alive, is it ready, what has it counted."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import Response, Router, get
from litestar.params import FromPath

from holdfast.web import examples
from holdfast.web.guard import PUBLIC, needs
from holdfast.web.metrics import CONTENT_TYPE
from holdfast.web.problems import KINDS, Problem, retry_after
from holdfast.web.service import Service


class Health(msgspec.Struct, frozen=True):
    """The process runs its event loop."""

    status: Literal["alive"] = "alive"


class Readiness(msgspec.Struct, frozen=True):
    """The engine is warm, the tables are up to date, the ledger can be written."""

    status: Literal["ready"] = "ready"


def health_router(service: Service) -> Router:
    """`/healthz`, `/readyz`, `/metrics`, and what the types of problems mean."""

    @get(
        "/healthz",
        operation_id="getHealth",
        summary="Is the process alive?",
        tags=["operation"],
        opt=PUBLIC,
        responses=examples.ok(Health, ()),
        sync_to_thread=False,
    )
    def healthz() -> Health:
        return Health()

    @get(
        "/readyz",
        operation_id="getReadiness",
        summary="Should it get work now?",
        description="503 while the server starts or stops, or when the ledger cannot be written.",
        tags=["operation"],
        opt=PUBLIC,
        responses=examples.ok(Readiness, ("not-ready",)),
    )
    async def readyz() -> Readiness:
        why = await service.not_ready()
        if why is not None:
            raise Problem("not-ready", f"Not ready: {why}.", headers=(retry_after(1),))
        return Readiness()

    @get(
        "/metrics",
        operation_id="getMetrics",
        summary="Prometheus metrics",
        tags=["operation"],
        opt=needs("metrics"),
        responses=examples.ok(str, media_type="text/plain"),
        sync_to_thread=True,
    )
    def metrics() -> Response[bytes]:
        return Response(service.metrics.render(), media_type=CONTENT_TYPE)

    @get("/problems/{code:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
    def problem(code: FromPath[str]) -> dict[str, Any]:
        if code not in KINDS:
            raise Problem("not-found")
        kind = KINDS[code]
        return {
            "type": f"/problems/{code}",
            "title": kind.title,
            "status": kind.status,
            "what_to_do": kind.doc,
        }

    return Router("/", route_handlers=[healthz, readyz, metrics, problem])
