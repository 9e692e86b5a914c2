"""The door: who is let in with what, what browsers are told, and what else of a request does not matter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.serving import Answer, Serving, serving
from tests.web.conftest import make_key

from .conftest import ANALYZE, HELLO, Perspective, running

BODY = json.dumps(HELLO).encode()
BAD = "hf_" + "0" * 12 + "_" + "0" * 64


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A real server on which no key was ever made."""
    # Patient, since the machine may be busy.
    with serving(tmp_path_factory.mktemp("open"), HOLDFAST_COMPATIBLE_QUEUE_S="20") as server:
        yield server


def post(server: Serving, path: str = ANALYZE, body: bytes = BODY, **headers: str) -> Answer:
    return server._ask("POST", path, body, {"Content_Type": "application/json", **headers})


@pytest.fixture
def key(shared: Perspective) -> Iterator[str]:
    """A key with the scope `decide`; the client has no other meanwhile."""
    given = shared.key("decide")["Authorization"].removeprefix("Bearer ")
    admin = shared.client.headers.pop("authorization")
    yield given
    shared.client.headers["authorization"] = admin


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?key={key}", {}),
        ("?alt=json&key={key}&prettyPrint=false", {}),
        ("", {"Authorization": "Bearer {key}"}),
        ("", {"X-Goog-Api-Key": "{key}"}),
        ("", {"X-API-Key": "{key}"}),
        ("?key={key}", {"Authorization": f"Bearer {BAD}"}),
        ("?key=", {"X-Goog-Api-Key": "{key}"}),
    ],
)
def test_a_key_is_taken_wherever_clients_put_it(
    shared: Perspective, key: str, query: str, headers: dict[str, str]
) -> None:
    given = {name: value.format(key=key) for name, value in headers.items()}
    assert shared.analyze(HELLO).status_code == 403
    assert shared.analyze(HELLO, query=query.format(key=key), **given).status_code == 200


@pytest.mark.parametrize(
    "query", [f"?key={BAD}", "?key=AIzaSyNotOneOfOurs", f"?key={BAD}&key=x", "?key=%00%ff"]
)
def test_another_key_is_not_taken_even_where_a_good_one_follows(
    shared: Perspective, key: str, query: str
) -> None:
    answer = shared.analyze(HELLO, query=query, Authorization=f"Bearer {key}")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_a_key_that_was_revoked_is_not_taken(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    with running(tmp_path) as app:
        secret = make_key(tmp_path, "decide", expires_at=datetime(2020, 1, 1, tzinfo=UTC))
        app.service.access.ring.refresh()
        assert app.analyze(HELLO, query=f"?key={secret}").status_code == 400


def test_every_parameter_that_googles_clients_send_is_taken(shared: Perspective) -> None:
    query = (
        "?alt=json&fields=attributeScores&prettyPrint=false&quotaUser=q&access_token=a&oauth_token=o&callback=c"
        "&$.xgafv=2&uploadType=media&upload_protocol=raw&of=nobody"
    )
    assert shared.analyze(HELLO, query=query).json() == shared.analyze(HELLO).json()


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json;charset=utf-8",
        "application/json; charset=UTF-8",
        "APPLICATION/JSON",
        "application/json; odata=verbose",
        "application/vnd.api+json",
        "text/plain;charset=UTF-8",
    ],
)
def test_bodies_are_read_by_whatever_name_clients_give_json(shared: Perspective, kind: str) -> None:
    assert shared.analyze(HELLO, **{"Content-Type": kind}).status_code == 200


def test_a_body_without_a_type_is_read(shared: Perspective) -> None:
    request = shared.client.build_request("POST", ANALYZE, content=BODY)
    request.headers.pop("content-type", None)
    assert shared.client.send(request).status_code == 200


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", "x"]
)
def test_other_bodies_are_not(shared: Perspective, kind: str) -> None:
    assert shared.analyze(HELLO, **{"Content-Type": kind}).status_code == 400


# Browsers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "methods"), [(ANALYZE, "POST, OPTIONS"), ("/$discovery/rest", "GET, HEAD, OPTIONS")]
)
def test_browsers_may_ask_from_any_page(open_server: Serving, path: str, methods: str) -> None:
    answer = open_server._ask(
        "OPTIONS",
        path,
        None,
        {
            "Origin": "https://forum.example",
            "Access_Control_Request_Method": "POST",
            "Access_Control_Request_Headers": "authorization,content-type,x-goog-api-key",
            "Sec_Fetch_Site": "cross-site",
            "Sec_Fetch_Mode": "cors",
        },
    )
    assert answer.status == 204
    assert answer.text == ""
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == methods
    assert "access-control-allow-credentials" not in answer.headers
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "content-type", "x-goog-api-key", "*"} <= set(allowed)


def test_a_page_elsewhere_does_not_get_in_without_a_key(open_server: Serving) -> None:
    assert post(open_server).status == 200
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example"},
        {"Content_Type": "text/plain", "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
    ):
        answer = post(open_server, **headers)
        assert answer.status == 403
        assert answer.json()["error"]["status"] == "PERMISSION_DENIED"
        assert answer.headers["access-control-allow-origin"] == "*"


def test_the_door_without_a_key_is_that_of_decide(open_server: Serving) -> None:
    for headers in ({"Host": "rebound.example"}, {"X_Forwarded_For": "10.0.0.1"}):
        assert post(open_server, **headers).status == 403
    assert post(open_server, f"{ANALYZE}?key={BAD}").status == 400
    assert post(open_server, f"{ANALYZE}?key=").status == 200


# Over the wire ------------------------------------------------------------------------------


def test_an_escaped_path_is_the_same(open_server: Serving) -> None:
    assert post(open_server, ANALYZE.replace(":", "%3A")).status == 200
    assert open_server.get("/%24discovery/rest?version=v1alpha1").status == 200


def test_metrics_and_logs_name_the_routes_and_never_the_key(serve: Any) -> None:
    server = serve()
    secret = make_key(server.data, "metrics", "decide")
    asking = Serving(server.url, server.data)
    path = f"{ANALYZE}?key={secret}"
    text = json.dumps({**HELLO, "comment": {"text": "Quendle you people"}}).encode()
    statuses = [post(asking, path, text).status for _ in range(30)]
    assert statuses[-1] == 200
    asking.get("/$discovery/rest")
    metrics = asking.get("/metrics", Authorization=f"Bearer {secret}").text
    for route, method in ((ANALYZE, "POST"), ("/$discovery/rest", "GET")):
        assert f'holdfast_requests_total{{method="{method}",route="{route}",status="200"}}' in metrics
    server.stop()
    log = server.log()
    assert f"route={ANALYZE}" in log or f'"route":"{ANALYZE}"' in log.replace(": ", ":")
    assert "Quendle" not in log
    assert secret not in log
    assert secret.rpartition("_")[2] not in log


def test_each_of_many_at_once_gets_its_own_answer(open_server: Serving) -> None:
    def ask(number: int) -> tuple[Any, Any]:
        text = f"you are person {number}. " + "We are not people. " * (number % 4)
        request = {
            **HELLO,
            "comment": {"text": text},
            "clientToken": str(number),
            "spanAnnotations": number % 3 == 0,
        }
        request |= {"doNotStore": number % 2 == 0, "languages": ["en"]}
        answer = post(open_server, body=json.dumps(request).encode())
        assert answer.status == 200, answer.text
        assert answer.json()["clientToken"] == str(number)
        return number, answer.json()

    with ThreadPoolExecutor(12) as pool:
        together = dict(pool.map(ask, range(60)))
    for number in range(0, 60, 7):
        assert ask(number) == (number, together[number])


def test_a_connection_is_kept_through_answers_and_refusals(open_server: Serving) -> None:
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(open_server.url).netloc, timeout=20)
    try:
        for body, status in ((BODY, 200), (b"{}", 400), (b"no", 400), (BODY, 200)):
            connection.request("POST", ANALYZE, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
            kept = connection.sock
        assert kept is not None
    finally:
        connection.close()
