"""The application: routes, guards and lifecycle, as an ASGI application that any server can run.

    app = create_app(Path("holdfast-data"), load_settings(Path("holdfast-data")))

`holdfast serve` runs it with uvicorn (`holdfast.web.server`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import structlog
from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from sqlalchemy.exc import DBAPIError

from holdfast.policy.policy import Policy
from holdfast.settings import Settings
from holdfast.store.errors import StoreError
from holdfast.web.console.pages import console_router
from holdfast.web.console.refusals import page_of
from holdfast.web.decide import decide_handler
from holdfast.web.edge import Edge
from holdfast.web.guard import PUBLIC, guard_of
from holdfast.web.health import health_router
from holdfast.web.logs import describe
from holdfast.web.moderations.handler import moderations_handler
from holdfast.web.moderations.images import Pictures
from holdfast.web.openapi import openapi_config
from holdfast.web.perspective.routes import perspective_routes
from holdfast.web.problems import FieldError, Problem, retry_after
from holdfast.web.reading import reading_router
from holdfast.web.service import Service
from holdfast.web.workplace import PolicyText, Workplace

_log = structlog.get_logger("holdfast.web")


def create_app(
    data: Path,
    settings: Settings,
    *,
    policy: Policy | PolicyText | None = None,
    bound_to_loopback: bool = True,
    place: Workplace | None = None,
    pages: Callable[[Service], Router] | None = console_router,
) -> Litestar:
    """The application on the data folder `data`.

    `policy` decides instead of the ledger's live one. `bound_to_loopback` says where the server will
    listen: elsewhere the application does not start without an API key. `place` is that of one worker of
    several. `pages` makes the pages for
    people. `app.state.service` is the `Service` behind the routes, `app.state.edge` the outermost layer.
    """
    service = Service(data, settings, policy=policy, bound_to_loopback=bound_to_loopback, place=place)
    pictures = Pictures(settings)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        try:
            await service.open()
        except Exception as error:
            # uvicorn would say nothing and exit.
            app.state.failure = error
            raise
        try:
            yield
        finally:
            await service.close()
            await pictures.close()

    guarded = Router(
        "/",
        # On every route but the raw ones, which ask for themselves: a route that says nothing is shut.
        guards=[guard_of(service)],
        route_handlers=[
            reading_router(service),
            health_router(service),
            _style,
            *(() if pages is None else [pages(service)]),
        ],
    )
    app = Litestar(
        route_handlers=[
            decide_handler(service),
            moderations_handler(service, pictures),
            *perspective_routes(service),
            guarded,
        ],
        lifespan=[lifespan],
        openapi_config=openapi_config(),
        exception_handlers={
            Problem: _problem_response,
            ValidationException: _invalid_parameter,
            HTTPException: _http_error,
            Exception: _internal,
        },
        state=State({"service": service, "failure": None}),
        # The framework's own logging would write messages that may quote a value.
        logging_config=None,
        debug=False,
    )
    edge = Edge(app.asgi_handler, service.metrics)
    app.asgi_handler = edge
    app.state.edge = edge
    return app


@get("/schema/page.css", opt=PUBLIC, include_in_schema=False, media_type="text/css", sync_to_thread=False)
def _style() -> bytes:
    return resources.files("holdfast.web").joinpath("templates", "page.css").read_bytes()


def _respond(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    request.app.state.service.metrics.problem(problem.code)
    body = problem.body()
    headers = {name.decode(): value.decode() for name, value in problem.all_headers(body)}
    media_type = headers.pop("content-type")
    return Response(body, status_code=problem.status, media_type=media_type, headers=headers)


def _problem_response(request: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    return _respond(request, problem)


def _invalid_parameter(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    extra = error.extra if isinstance(error.extra, list) else []
    errors = [
        FieldError(where=str(entry.get("key", "request")), expected="a value as the OpenAPI document says")
        for entry in extra
        if isinstance(entry, dict)
    ]
    return _respond(request, Problem("invalid-parameter", errors=errors))


def _http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if isinstance(error, NotFoundException):
        if b"text/html" in request.scope["state"]["headers"].get(b"accept", b""):
            request.app.state.service.metrics.problem("not-found")
            return page_of(request, Problem("not-found"))
        return _respond(request, Problem("not-found"))
    if isinstance(error, MethodNotAllowedException):
        allow = (error.headers or {}).get("Allow", "")
        return _respond(request, Problem("method-not-allowed", headers=((b"allow", allow.encode()),)))
    if error.status_code >= 500:
        return _internal(request, error)
    return _respond(request, Problem("bad-request", "The request is not one that this server understands."))


def _internal(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    _log.error("request_failed", request=request.scope["state"].get("request_id"), **describe(error))
    if isinstance(error, (StoreError, DBAPIError)):
        return _respond(request, Problem("store-unavailable", headers=(retry_after(1),)))
    return _respond(request, Problem("internal"))
