"""Who may do what, and the newcomer's door: open to programs on this machine until the first key is made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from holdfast.ledger import Ledger
from holdfast.ledger.events import KeyRevoked
from holdfast.settings import Settings
from holdfast.web.access import LOCAL, Access, Principal, binds_loopback
from holdfast.web.app import create_app
from holdfast.web.folder_lock import AlreadyServing
from holdfast.web.keys import SCOPES, ApiKey, KeyRing, Scope, new_key
from holdfast.web.problems import Problem
from holdfast.web.service import NoKeys, Service

from .conftest import App, make_key, policy_of, running

ROUTES: list[tuple[Scope, str, str]] = [
    ("decide", "POST", "/v1/decide"),
    ("read", "GET", "/v1/decisions"),
    ("read", "GET", "/v1/decisions/0"),
    ("read", "GET", "/v1/policies"),
    ("read", "GET", "/v1/policies/none"),
    ("read", "GET", "/v1/signals"),
    ("metrics", "GET", "/metrics"),
]
PUBLIC = ["/healthz", "/readyz", "/schema", "/schema/openapi.json", "/schema/page.css", "/problems/not-found"]


@pytest.mark.parametrize(("scope", "method", "path"), ROUTES)
def test_each_route_takes_its_scope_and_no_other(app: App, scope: Scope, method: str, path: str) -> None:
    def status(headers: Mapping[str, str]) -> int:
        content = b'{"id":"1","text":"x"}' if method == "POST" else None
        kind = {"Content-Type": "application/json"} if method == "POST" else {}
        return app.client.request(method, path, content=content, headers={**kind, **headers}).status_code

    for one in SCOPES:
        allowed = status(app.key(one)) in (200, 404)
        assert allowed == (one in (scope, "admin")), one
    assert status({"Authorization": ""}) == 401
    assert status({"Authorization": "Bearer hf_000000000000_" + "0" * 64}) == 401


@pytest.mark.parametrize("path", PUBLIC)
def test_some_routes_are_for_everyone(app: App, path: str) -> None:
    assert app.client.get(path, headers={"Authorization": "Bearer nonsense"}).status_code == 200


def test_every_route_says_who_may_call_it(tmp_path: Path) -> None:
    app = create_app(tmp_path, Settings(), policy=policy_of())
    for route in app.routes:
        handlers = (
            [handler for handler, _ in route.route_handler_map.values()]
            if hasattr(route, "route_handler_map")
            else [route.route_handler]  # type: ignore[union-attr]
        )
        for handler in handlers:
            if "OPTIONS" not in getattr(handler, "http_methods", ()):
                access = handler.opt.get("access")
                assert access in ("public", *SCOPES), (route.path, handler)
                assert access == "public" or handler.resolve_guards(), (route.path, handler)


def test_keys_are_taken_from_either_header(app: App) -> None:
    bearer = app.key("read")["Authorization"]
    del app.client.headers["Authorization"]
    assert app.client.get("/v1/signals", headers={"Authorization": bearer}).status_code == 200
    assert (
        app.client.get(
            "/v1/signals", headers={"authorization": bearer.replace("Bearer", "bearer")}
        ).status_code
        == 200
    )
    assert (
        app.client.get("/v1/signals", headers={"X-API-Key": bearer.removeprefix("Bearer ")}).status_code
        == 200
    )
    refused = app.client.get("/v1/signals", headers={"Authorization": "Basic aGk6aGk="})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_key_in_a_cookie_is_for_our_own_pages_only(app: App) -> None:
    secret = app.key("admin")["Authorization"].removeprefix("Bearer ")
    del app.client.headers["Authorization"]
    cookie = {"Cookie": f"other=1; holdfast_key={secret}"}

    def decide(**headers: str) -> int:
        return app.decide({"id": "1", "text": "x"}, **cookie, **headers).status_code

    host = app.client.base_url.host
    assert app.client.get("/v1/signals", headers=cookie).status_code == 200
    assert decide(Origin=f"http://{host}") == 200
    assert decide(**{"Sec-Fetch-Site": "same-origin"}) == 200
    assert decide(Origin="https://elsewhere.example") == 403
    assert decide(Origin="null") == 403
    assert decide(**{"Sec-Fetch-Site": "cross-site"}) == 403
    assert decide(**{"Sec-Fetch-Site": "same-site", "Origin": f"http://{host}"}) == 403


def test_a_key_that_has_ended_opens_nothing(app: App) -> None:
    ended = app.key("read", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    lasting = app.key("read", expires_at=datetime.now(UTC) + timedelta(hours=1))
    assert app.client.get("/v1/signals", headers=ended).status_code == 401
    assert app.client.get("/v1/signals", headers=lasting).status_code == 200


def test_a_key_revoked_by_another_process_stops_working_within_a_second(app: App) -> None:
    headers = app.key("read")
    key_id = headers["Authorization"].split("_")[1]
    assert app.client.get("/v1/signals", headers=headers).status_code == 200
    with Ledger.open(data=app.data) as ledger:
        ledger.append([KeyRevoked(key_id=key_id, by="test")], datetime.now(UTC))
    time.sleep(0.6)
    assert app.client.get("/v1/signals", headers=headers).status_code == 401


def test_keys_that_cannot_be_read_open_nothing(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.web.keys.MAX_AGE_S", 0)
    database = app.service.ledger.database
    monkeypatch.setattr(database, "reading", _unreadable)
    assert app.client.get("/v1/signals").status_code == 503
    monkeypatch.undo()
    assert app.client.get("/v1/signals").status_code == 200


def _unreadable() -> Any:
    raise OSError("gone")


# The newcomer's door ------------------------------------------------------------------------


def asked(
    access: Access, *, client: str = "127.0.0.1", method: str = "POST", http: str = "1.1", **headers: str
) -> Principal | str:
    """Who the request comes from, or the code of the problem."""
    encoded = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    scope: Any = {"type": "http", "client": (client, 50_000), "method": method, "http_version": http}

    async def ask() -> Principal | str:
        try:
            return await access.authenticate(scope, {b"host": b"127.0.0.1:8080", **encoded}, "decide")
        except Problem as problem:
            return problem.code

    return asyncio.run(ask())


def access_with(*keys: ApiKey, loopback: bool = True) -> Access:
    return Access(KeyRing(lambda: keys), bound_to_loopback=loopback)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:80", "[::1]:8080"])
def test_without_keys_this_machine_is_let_in(client: str, host: str) -> None:
    assert asked(access_with(), client=client, host=host) == LOCAL


@pytest.mark.parametrize(
    "change",
    [
        {"client": "192.168.1.5"},
        {"client": "testclient"},
        {"host": "evil.example"},
        {"host": "localhost.evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "127.0.0.1:80@evil.example"},
        {"host": ""},
        {"forwarded": "for=1.2.3.4"},
        {"x_forwarded_for": "1.2.3.4"},
        {"x_forwarded_host": "a.example"},
        {"x_real_ip": "1.2.3.4"},
        {"via": "1.1 proxy"},
        {"http": "1.0"},  # what a proxy speaks that adds no header
    ],
)
def test_what_may_come_from_elsewhere_needs_a_key(change: dict[str, str]) -> None:
    assert asked(access_with(), **change) == "unauthenticated"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "method": "GET", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
    ],
)
def test_pages_of_other_sites_do_not_get_in(change: dict[str, str]) -> None:
    assert asked(access_with(), **change) == "foreign-origin"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "http://127.0.0.1:8080"},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none", "method": "GET"},
        {"sec_fetch_site": "cross-site", "method": "GET", "sec_fetch_mode": "navigate"},
    ],
)
def test_our_own_pages_and_links_to_them_do(change: dict[str, str]) -> None:
    assert asked(access_with(), **change) == LOCAL  # type: ignore[arg-type]


def test_the_first_key_closes_the_door_even_when_it_is_revoked() -> None:
    made = new_key()
    key = ApiKey(
        key_id=made.key_id,
        digest=made.digest,
        scopes=frozenset({"decide"}),
        label="x",
        created_by="x",
        created_at=datetime.now(UTC),
    )
    assert asked(access_with(key)) == "unauthenticated"
    assert asked(access_with(msgspec.structs.replace(key, revoked_at=datetime.now(UTC)))) == "unauthenticated"
    assert asked(access_with(key), authorization=f"Bearer {made.secret}") == Principal(key.key_id, key.scopes)


def test_on_other_addresses_the_door_never_opens() -> None:
    assert asked(access_with(loopback=False)) == "unauthenticated"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True), ("127.9.9.9", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "")],
)
def test_which_addresses_are_loopback(host: str, loopback: bool) -> None:
    assert binds_loopback(host) == loopback


def test_a_server_for_the_network_does_not_start_without_a_key(tmp_path: Path) -> None:
    def closed_app() -> Litestar:
        return create_app(tmp_path, Settings(), policy=policy_of(), bound_to_loopback=False, pages=None)

    keyless = closed_app()
    with pytest.raises(ExceptionGroup), TestClient(keyless):
        pass
    assert isinstance(keyless.state.failure, NoKeys)
    assert "holdfast key create" in str(keyless.state.failure.next_step)
    make_key(tmp_path, "decide")
    with TestClient(closed_app()) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1/signals").status_code == 401


def test_one_folder_has_one_server(tmp_path: Path) -> None:
    with running(tmp_path):
        second = Service(tmp_path, Settings(), policy=policy_of())
        with pytest.raises(AlreadyServing):
            asyncio.run(second.open())
    with running(tmp_path):
        pass
