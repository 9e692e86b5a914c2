"""The console's pages: what is at each address.

Every page is whole without scripts. With them, htmx asks for parts (`/try`, `/recent`) and `/pulse`
streams the live figures. `/static` holds the style sheet and the scripts.
"""

from __future__ import annotations

from typing import Annotated, Any

import structlog
from litestar import Request, Router, get, post
from litestar.params import PathParameter, QueryParameter
from litestar.response import Response
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from holdfast.content import SURFACES, TEXT_LIMIT, Item, validate_item
from holdfast.errors import InvalidItem
from holdfast.ledger import NotFound
from holdfast.web.console import kit, render
from holdfast.web.console.catalogue import catalogue
from holdfast.web.console.door import Visitor, sign_in_routes, visitor
from holdfast.web.console.forms import Forms
from holdfast.web.console.listing import Filters
from holdfast.web.console.live import pulse_route
from holdfast.web.console.refusals import not_found, refusals
from holdfast.web.console.sources import Commands, Sources, commands
from holdfast.web.console.suggestions import SuggestionSource, suggestion_commands
from holdfast.web.console.views import Trial
from holdfast.web.guard import PUBLIC, needs
from holdfast.web.service import Service

_log = structlog.get_logger("holdfast.web")

TRIALS = 8
"""Texts that are tried at a time; more are asked to wait."""
CAPTION_LIMIT = 2_000
KEEP = "public, max-age=31536000, immutable"
"""Addresses of static files carry their hash."""

_Request = Request[Any, Any, Any]
_Query = Annotated[str | None, QueryParameter(max_length=300)]
_Ref = Annotated[str, PathParameter(max_length=300)]


def console_router(service: Service) -> Router:
    """The console of `service`, as routes for the application.

    With the setting `serve.kit` there is also `/kit`, which shows every partial in each of its states.
    """
    console = Console(service)
    if not all((render.STATIC / script).is_file() for script in render.VENDORED):
        _log.warning("console_without_scripts", next="make assets")

    # Functions, not the methods themselves: the framework copies its handlers, with all they hold.
    @get("/")
    async def home(request: _Request) -> Response[str]:
        return await console.home(request)

    @get("/recent")
    async def recent(request: _Request) -> Response[str]:
        return await console.recent(request)

    @post("/try", status_code=200)
    async def trial(request: _Request) -> Response[str]:
        return await console.trial(request)

    @get("/decisions")
    async def decisions(
        request: _Request,
        action: _Query = None,
        rule: _Query = None,
        escalated: _Query = None,
        when: _Query = None,
        before: _Query = None,
    ) -> Response[str]:
        return await console.decisions(request, Filters.of(action, rule, escalated, when, before))

    @get("/decisions/{ref:str}")
    async def decision(request: _Request, ref: _Ref) -> Response[str]:
        return await console.decision(request, ref)

    @get("/suggestions")
    async def suggestions(request: _Request, before: _Query = None) -> Response[str]:
        return await console.suggestions(request, before)

    @get("/policy")
    async def policy(request: _Request) -> Response[str]:
        return await console.policy(request)

    @get("/keys")
    async def keys(request: _Request) -> Response[str]:
        return await console.keys(request)

    static = create_static_files_router(
        "/static", directories=[render.STATIC], opt=PUBLIC, include_in_schema=False, after_request=_kept
    )
    routes: list[ControllerRouterHandler] = [home, recent, trial, decisions, decision, policy, keys, static]
    routes += [suggestions, pulse_route(service, console.sources), *sign_in_routes(service)]
    if service.settings.serve.kit:
        routes.append(get("/kit", sync_to_thread=False)(kit.show))
    return Router(
        "/",
        route_handlers=routes,
        opt=needs("read"),
        include_in_schema=False,
        exception_handlers=refusals(service),
    )


def _kept(response: Response[Any]) -> Response[Any]:
    response.headers["Cache-Control"] = KEEP
    return response


class Console:
    """The pages of one server."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.words = catalogue()
        self.sources = Sources(service, self.words)
        self._suggestions = SuggestionSource(self.sources)
        self._forms = Forms()
        self._trials = 0

    async def home(self, request: _Request) -> Response[str]:
        """Is it running, what is it deciding, what needs a person; "try it"."""
        return await self._home(request, Trial())

    async def recent(self, request: _Request) -> Response[str]:
        """The latest decisions, as a part of the first page."""
        seen_by = visitor(self.service, request)
        figures = await self.sources.shown(self._commands(request))
        rows = await self.sources.recent(may_see=seen_by.may_see_texts)
        return render.part("parts/recent.html", "recent_list", rows, figures)

    async def trial(self, request: _Request) -> Response[str]:
        """Judge a text without recording it."""
        given = await self._forms.read(request)
        trial = await self._tried(given)
        status = 200 if trial.error is None else 422
        if request.headers.get("HX-Request"):
            said = self._said(trial)
            return render.part("parts/trial.html", "trial_answer", trial, said, status=status)
        return await self._home(request, trial, status)

    async def decisions(self, request: _Request, filters: Filters) -> Response[str]:
        """Decisions, newest first. The address holds the filters."""
        seen_by = visitor(self.service, request)
        try:
            listing = await self.sources.listing(filters, may_see=seen_by.may_see_texts)
        except NotFound:
            return not_found(self._frame(seen_by), self.words.say("error.not_found"))
        return self._page(
            "decisions.html", seen_by, "decisions", listing=listing, commands=self._commands(request)
        )

    async def decision(self, request: _Request, ref: str) -> Response[str]:
        """Everything about one decision, with its proof."""
        seen_by = visitor(self.service, request)
        try:
            page, proof = await self.sources.decision(ref, may_see=seen_by.may_see_texts)
        except NotFound:
            return not_found(
                self._frame(seen_by),
                self.words.say("decision.missing", ref=ref[:30]),
                self.words.say("decision.missing_hint"),
            )
        title = self.words.say("decision.title", ref=page.ref)
        return self._page("decision.html", seen_by, "decisions", title=title, decision=page, proof=proof)

    async def suggestions(self, request: _Request, before: str | None) -> Response[str]:
        """Scores that clients suggested, newest first, beside Holdfast's own."""
        seen_by = visitor(self.service, request)
        try:
            listing = await self._suggestions.listing(before, may_see=seen_by.may_see_texts)
        except NotFound:
            return not_found(self._frame(seen_by), self.words.say("error.not_found"))
        told = suggestion_commands(self.service, str(request.base_url))
        return self._page("suggestions.html", seen_by, "suggestions", listing=listing, commands=told)

    async def policy(self, request: _Request) -> Response[str]:
        """The live policy as text, with what its rules did today."""
        seen_by = visitor(self.service, request)
        policy, lifecycle = await self.sources.policy()
        return self._page("policy.html", seen_by, "policy", policy=policy, lifecycle=lifecycle)

    async def keys(self, request: _Request) -> Response[str]:
        """The keyboard's keys, for who has no scripts."""
        return self._page("keys.html", visitor(self.service, request), "keys")

    # Inside ---------------------------------------------------------------------------------

    async def _home(self, request: _Request, trial: Trial, status: int = 200) -> Response[str]:
        seen_by = visitor(self.service, request)
        figures = await self.sources.shown(self._commands(request))
        rows = await self.sources.recent(may_see=seen_by.may_see_texts)
        return self._page(
            "home.html", seen_by, "home", status=status, figures=figures, recent=rows, trial=trial
        )

    async def _tried(self, given: dict[str, str]) -> Trial:
        text = given.get("text", "").replace("\r\n", "\n")
        surface = given.get("surface", "comment")
        surface = surface if surface in SURFACES else "comment"
        caption = given.get("caption", "").strip()[:CAPTION_LIMIT]
        trial = Trial(text, surface, caption)
        if not text.strip():
            return trial._replace(error=self.words.say("try.empty"))
        if len(text) > TEXT_LIMIT:
            return trial._replace(
                text=text[:TEXT_LIMIT],
                error=self.words.say("try.too_long", found=len(text), limit=TEXT_LIMIT),
            )
        if self._trials >= TRIALS:
            return trial._replace(error=self.words.say("try.busy_error"))
        item = Item(id="try", text=text, surface=surface, caption=caption or None)
        self._trials += 1
        try:
            return trial._replace(decision=await self.sources.judge(validate_item(item)))
        except InvalidItem:
            return trial._replace(error=self.words.say("try.surrogate"))
        finally:
            self._trials -= 1

    def _said(self, trial: Trial) -> str:
        """The result in a sentence, for a screen reader."""
        if trial.decision is None:
            return ""
        action = self.words.say(f"action.{trial.decision.action}")
        return f"{action}. {trial.decision.reason}."

    def _commands(self, request: _Request) -> Commands:
        return commands(self.service, str(request.base_url))

    def _frame(self, seen_by: Visitor) -> dict[str, Any]:
        return {"label": seen_by.label, "kit": self.service.settings.serve.kit}

    def _page(
        self, template: str, seen_by: Visitor, here: str, *, title: str | None = None, **context: Any
    ) -> Response[str]:
        title = self.words.say(f"{here}.title") if title is None else title
        return render.page(template, title=title, here=here, **self._frame(seen_by), **context)
