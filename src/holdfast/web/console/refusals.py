"""What a person sees when a page cannot be shown: what happened, and a way on."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import quote

import structlog
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.response import Redirect, Response

from holdfast.web.console import render
from holdfast.web.console.catalogue import catalogue
from holdfast.web.problems import Problem
from holdfast.web.service import Service

_log = structlog.get_logger("holdfast.web")
_Request = Request[Any, Any, Any]
Handler = Callable[[_Request, Any], Response[Any]]


class Way(NamedTuple):
    """A way on: words and an address."""

    text: str
    href: str


def refusals(service: Service) -> MutableMapping[int | type[Exception], Handler]:
    """The exception handlers of the console's routes."""

    def on_problem(request: _Request, problem: Problem) -> Response[Any]:
        service.metrics.problem(problem.code)
        return page_of(request, problem)

    def on_http(request: _Request, error: HTTPException) -> Response[Any]:
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "bad-request")
        return on_problem(request, Problem(code if error.status_code < 500 else "internal"))

    def on_anything(request: _Request, error: Exception) -> Response[Any]:
        request_id = request.scope["state"].get("request_id")
        _log.error("request_failed", request=request_id, exc_info=error)
        return on_problem(request, Problem("internal"))

    return {Problem: on_problem, HTTPException: on_http, Exception: on_anything}


def page_of(request: _Request, problem: Problem) -> Response[Any]:
    """The page for a problem. Who is not signed in is led to where that is done."""
    say = catalogue().say
    if problem.code == "unauthenticated":
        return _to_sign_in(request)
    home, again = Way(say("error.home"), "/"), Way(say("error.again"), _address(request))
    request_id = None
    title = heading = say("error.heading")
    match problem.code:
        case "forbidden":
            title, heading = say("error.forbidden_title"), say("error.forbidden")
            lines, ways = [say("error.forbidden_hint")], [Way(say("sign_in.other"), "/sign-in")]
        case "foreign-origin":
            title = heading = say("error.forbidden_title")
            lines, ways = [say("error.foreign"), say("error.foreign_hint")], [home]
        case "not-found" | "method-not-allowed":
            title, heading = say("error.not_found_title"), say("error.not_found")
            lines, ways = [], [home]
        case "internal":
            lines, ways = [say("error.hint")], [again, home]
            request_id = request.scope["state"].get("request_id")
        case "overloaded" | "timed-out" | "draining" | "rate-limited" | "store-unavailable":
            heading = say("error.ledger" if problem.code == "store-unavailable" else "error.busy")
            lines, ways = [say("error.ledger_hint")] if problem.code == "store-unavailable" else [], [again]
        case _:
            lines, ways = [problem.detail], [home]
    if request.headers.get("HX-Request"):
        answer = render.part("parts/common.html", "alarm", " ".join([heading, *lines]), status=problem.status)
    else:
        answer = render.page(
            "message.html",
            problem.status,
            title=title,
            heading=heading,
            lines=lines,
            ways=ways,
            request_id=request_id,
        )
    for name, value in problem.headers:
        answer.headers[name.decode("latin-1")] = value.decode("latin-1")
    return answer


def not_found(frame: dict[str, Any], heading: str, *lines: str) -> Response[str]:
    """The page for a decision or a page that is not there."""
    say = catalogue().say
    ways = [Way(say("decision.back"), "/decisions"), Way(say("error.home"), "/")]
    return render.page(
        "message.html",
        404,
        title=say("error.not_found_title"),
        heading=heading,
        lines=lines,
        ways=ways,
        request_id=None,
        **frame,
    )


def _to_sign_in(request: _Request) -> Response[Any]:
    target = f"/sign-in?next={quote(_address(request), safe='')}"
    if request.headers.get("HX-Request"):
        return Response("", status_code=401, media_type="text/plain", headers={"HX-Redirect": target})
    return Redirect(target, status_code=303)


def _address(request: _Request) -> str:
    """The address asked for, where asking again by GET makes sense."""
    if request.method != "GET":
        return "/"
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
