"""Who may do what: API keys with scopes, and the one exception for a newcomer's first minutes.

A server on which no key was ever made, bound to loopback, answers programs on its own machine without
a key, so that the first `curl` works. The request has to come from a loopback peer, name a loopback
host (a web page cannot reach it by DNS rebinding then), carry no header of a proxy, and not come from a
page of another site. The first key that is made closes this door for good.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple

import structlog
from litestar.types import Scope as HttpScope

from holdfast.web.keys import KeyRing, Scope
from holdfast.web.problems import Problem, retry_after

COOKIE = "holdfast_key"
"""The cookie in which the console keeps the key of whoever signed in."""

_LOOPBACK_HOST = re.compile(rb"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_PROXY_HEADERS = (
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"via",
)
_CHALLENGE = (b"www-authenticate", b'Bearer realm="holdfast"')
_COOKIE_VALUE = re.compile(rb"(?:^|;\s*)" + COOKIE.encode() + rb"=([^;\s]*)")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_log = structlog.get_logger("holdfast.web")


class Principal(NamedTuple):
    """Who asks: a key, or `local` for the exception above."""

    key_id: str
    scopes: frozenset[str]

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes


LOCAL = Principal("local", frozenset({"admin"}))


class Access:
    """Decides who a request comes from. `bound_to_loopback` says where the server listens."""

    def __init__(self, ring: KeyRing, *, bound_to_loopback: bool) -> None:
        self.ring = ring
        self._bound_to_loopback = bound_to_loopback
        self._refreshing: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether requests on this machine pass without a key."""
        return self._bound_to_loopback and self.ring.is_empty

    async def authenticate(
        self,
        scope: HttpScope,
        headers: Mapping[bytes, bytes],
        needs: Scope,
        presented: str | None = None,
    ) -> Principal:
        """The principal behind a request that has the scope `needs`. `presented` is a key that came where only
        this route looks for one.

        Raises the problems `unauthenticated`, `forbidden`, `foreign-origin`, and `store-unavailable`
        when the keys cannot be read: a revoked key must not live on because the ledger is away.
        """
        await self.fresh()
        if presented is None:
            presented = self._presented(scope, headers)
        if presented is None:
            principal = self._local(scope, headers)
        else:
            principal = self.by_key(presented)
        if not principal.allows(needs):
            raise Problem("forbidden", f"This needs a key with the scope: {needs}.")
        return principal

    async def fresh(self) -> None:
        """Make sure that the keys are fresh before `by_key` is used."""
        if not self.ring.is_fresh:
            await self._refresh()

    def by_key(self, presented: str) -> Principal:
        """The principal of the key with the text `presented`, or the problem `unauthenticated`."""
        key = self.ring.find(presented, datetime.now(UTC))
        if key is None:
            raise Problem(
                "unauthenticated",
                "This API key is not known, or was revoked, or has ended.",
                headers=(_CHALLENGE,),
            )
        return Principal(key.key_id, key.scopes)

    def _presented(self, scope: HttpScope, headers: Mapping[bytes, bytes]) -> str | None:
        authorization = headers.get(b"authorization")
        if authorization is not None:
            scheme, _, credentials = authorization.partition(b" ")
            if scheme.lower() != b"bearer":
                raise Problem("unauthenticated", "Send the key as a bearer token.", headers=(_CHALLENGE,))
            return credentials.strip().decode("latin-1")
        key = headers.get(b"x-api-key")
        if key is not None:
            return key.decode("latin-1")
        cookie = headers.get(b"cookie")
        if cookie is not None and (match := _COOKIE_VALUE.search(cookie)) is not None:
            # A cookie is sent by the browser whoever wrote the page, so the page has to be ours.
            refuse_foreign_pages(scope, headers)
            return match[1].decode("latin-1")
        return None

    def _local(self, scope: HttpScope, headers: Mapping[bytes, bytes]) -> Principal:
        if not self.is_open:
            raise Problem("unauthenticated", headers=(_CHALLENGE,))
        client = scope.get("client")
        if client is None or not _is_loopback(client[0]):
            raise Problem("unauthenticated", headers=(_CHALLENGE,))
        # HTTP/1.0 is what a proxy speaks that was not told to say for whom it asks.
        if scope.get("http_version") == "1.0" or any(name in headers for name in _PROXY_HEADERS):
            raise Problem("unauthenticated", "Behind a proxy an API key is needed.", headers=(_CHALLENGE,))
        if _LOOPBACK_HOST.fullmatch(headers.get(b"host", b"")) is None:
            raise Problem(
                "unauthenticated", "Without a key only a loopback host is answered.", headers=(_CHALLENGE,)
            )
        refuse_foreign_pages(scope, headers)
        return LOCAL

    async def _refresh(self) -> None:
        if self._refreshing is None:
            self._refreshing = asyncio.ensure_future(asyncio.to_thread(self.ring.refresh))
            self._refreshing.add_done_callback(self._refreshed)
        try:
            # Shielded: a client that goes away must not take the others' refresh with it.
            await asyncio.shield(self._refreshing)
        except Exception as error:
            raise Problem("store-unavailable", headers=(retry_after(1),)) from error

    def _refreshed(self, future: asyncio.Future[None]) -> None:
        self._refreshing = None
        if not future.cancelled() and (error := future.exception()) is not None:
            _log.error("keys_unreadable", error=type(error).__name__)


def refuse_foreign_pages(scope: HttpScope, headers: Mapping[bytes, bytes]) -> None:
    """Raise `foreign-origin` for what a browser sends on behalf of another site's page."""
    safe = scope["method"] in _SAFE_METHODS  # type: ignore[typeddict-item]
    site = headers.get(b"sec-fetch-site")
    if site is not None and site not in (b"same-origin", b"none"):
        # Following a link from elsewhere is fine: the page that it leads to cannot be read from there.
        if not (safe and headers.get(b"sec-fetch-mode") == b"navigate"):
            raise Problem("foreign-origin")
    elif site is None and not safe:
        origin = headers.get(b"origin")
        if origin is not None and origin.partition(b"://")[2] != headers.get(b"host"):
            raise Problem("foreign-origin")


@lru_cache(maxsize=1024)
def _is_loopback(address: str) -> bool:
    try:
        parsed: Any = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def binds_loopback(host: str) -> bool:
    """Whether a server that listens on `host` can be reached from its own machine only."""
    return host.lower() == "localhost" or _is_loopback(host.strip("[]"))
