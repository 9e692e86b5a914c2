"""The console's door: who may look, signing in with an API key, signing out.

The rule is the API's own (`holdfast.web.access`): on a server without keys, this machine's browser comes
in; elsewhere the browser holds an API key in a cookie that scripts cannot read, that goes to no other
site, and that is looked up on every request, so that revoking the key ends the visit at once.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Redirect, Response

from holdfast.web.access import COOKIE, LOCAL, Principal, refuse_foreign_pages
from holdfast.web.console import render
from holdfast.web.console.catalogue import catalogue
from holdfast.web.console.forms import Forms
from holdfast.web.guard import PUBLIC
from holdfast.web.problems import Problem
from holdfast.web.service import Service

STAY_S = 12 * 60 * 60
"""Seconds for which a browser keeps the key."""

_Request = Request[Any, Any, Any]


class Visitor(NamedTuple):
    """Who looks at the console. `label` names the key; `None` on a server without keys."""

    label: str | None
    may_see_texts: bool


def visitor(service: Service, request: _Request) -> Visitor:
    """Who asks, from the principal that the guard let in."""
    principal: Principal = request.scope["state"]["principal"]
    if principal is LOCAL:
        return Visitor(None, may_see_texts=True)
    return Visitor(service.access.ring.label(principal.key_id), principal.allows("text"))


def sign_in_routes(service: Service) -> list[HTTPRouteHandler]:
    """`/sign-in` and `/sign-out`."""
    forms = Forms()
    say = catalogue().say

    def form(target: str, wrong: str | None = None) -> Response[str]:
        status = 200 if wrong is None else 403
        return render.page(
            "sign_in.html", status, title=say("sign_in.title"), bare=True, next=target, wrong=wrong
        )

    @get("/sign-in", opt=PUBLIC)
    async def sign_in_page(
        target: Annotated[str, QueryParameter(name="next", max_length=2_000)] = "/",
    ) -> Response[str]:
        return form(local_path(target))

    @post("/sign-in", opt=PUBLIC, status_code=303)
    async def sign_in(request: _Request) -> Response[Any]:
        refuse_foreign_pages(request.scope, request.scope["state"]["headers"])
        given = await forms.read(request)
        target, presented = local_path(given.get("next", "/")), given.get("key", "").strip()
        service.limiter.spend("sign-in", 1)
        if not await _opens(service, presented):
            return form(target, say("sign_in.wrong"))
        secure = request.url.scheme == "https"
        return Redirect(target, status_code=303, cookies=[_cookie(presented, STAY_S, secure=secure)])

    @post("/sign-out", opt=PUBLIC, status_code=303)
    async def sign_out(request: _Request) -> Response[Any]:
        refuse_foreign_pages(request.scope, request.scope["state"]["headers"])
        secure = request.url.scheme == "https"
        return Redirect("/sign-in", status_code=303, cookies=[_cookie("", 0, secure=secure)])

    return [sign_in_page, sign_in, sign_out]


async def _opens(service: Service, presented: str) -> bool:
    await service.access.fresh()
    try:
        return service.access.by_key(presented).allows("read")
    except Problem as problem:
        if problem.code == "unauthenticated":
            return False
        raise


def _cookie(value: str, max_age: int, *, secure: bool) -> Cookie:
    return Cookie(
        key=COOKIE, value=value, path="/", max_age=max_age, httponly=True, secure=secure, samesite="strict"
    )


def local_path(target: str) -> str:
    """`target` where it is a path on this server, else the first page: no redirect leads away."""
    plain = target.isprintable() and target.isascii() and "\\" not in target
    return target if plain and target.startswith("/") and not target.startswith("//") else "/"
