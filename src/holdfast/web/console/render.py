"""Templates to pages: one Jinja environment, everything escaped, the catalogue at hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.response import Response
from markupsafe import Markup

from holdfast import __version__
from holdfast.content import SURFACES, TEXT_LIMIT
from holdfast.decision import ACTIONS
from holdfast.web.console.catalogue import catalogue

HERE = Path(str(resources.files(__package__)))
STATIC = HERE / "static"
VENDORED = ("vendor/htmx.js",)
"""Scripts that `make assets` puts there; without them the pages work, but do not move by themselves.

htmx and its extension are one file: loaded apart, htmx may start before the extension is there.
"""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {"Content-Security-Policy": POLICY, "Vary": "HX-Request"}


@cache
def environment(lang: str = "en") -> Environment:
    """The environment for pages in `lang`."""
    words = catalogue(lang)
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.globals.update(
        catalogue=words,
        t=words.say,
        t_html=_said_with_markup(words.say),
        t_or=words.say_or,
        number=words.number,
        percent=words.percent,
        code=lambda text: Markup("<code>{}</code>").format(text),
        asset=asset,
        vendored=tuple(script for script in VENDORED if (STATIC / script).is_file()),
        version=__version__,
        actions=ACTIONS,
        surfaces=SURFACES,
        text_limit=TEXT_LIMIT,
    )
    return env


def _said_with_markup(say: Callable[..., str]) -> Callable[..., str]:
    """`say` for places that may hold markup: what is not markup is escaped, and the result is markup."""

    def said(key: str, **places: object) -> str:
        return say(key, **{name: Markup.escape(value) for name, value in places.items()})

    return said


@cache
def asset(name: str) -> str:
    """The address of a static file, with its hash, so that it may be kept for good."""
    digest = sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def page(template: str, status: int = 200, **context: Any) -> Response[str]:
    """A whole page. `here` names the entry of the navigation that it belongs to."""
    context = {"here": "", "bare": False, "label": None, "kit": False, **context}
    body = environment().get_template(template).render(context)
    return Response(body, status_code=status, media_type="text/html", headers=_HEADERS)


def part(template: str, macro: str, *arguments: Any, status: int = 200) -> Response[str]:
    """One partial, for htmx to swap in."""
    body = fragment(template, macro, *arguments)
    return Response(body, status_code=status, media_type="text/html", headers=_HEADERS)


def fragment(template: str, macro: str, *arguments: Any) -> str:
    """The HTML of the macro `macro` in `template`."""
    module = environment().get_template(template).module
    return str(getattr(module, macro)(*arguments))
