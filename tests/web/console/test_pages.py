"""The console over plain HTTP: what is at each address, who may look, what is never let through."""

from __future__ import annotations

import contextlib
import html
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.fixtures.serving import Answer, Serving, run, serving
from tests.web.console.conftest import HOSTILE, MAIL, PLAIN, RTL

PAGES = (
    "/",
    "/decisions",
    "/decisions?action=hold",
    "/suggestions",
    "/policy",
    "/keys",
    "/kit",
    "/sign-in",
    "/decisions/0",
)


def links_of(answer: Answer) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_allows_no_inline_code_and_no_other_host(server: Serving, path: str) -> None:
    answer = server.get(path)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)[^>]*>|\sstyle=|\son[a-z]+=\"", answer.text)
    assert [link for link in links_of(answer) if not link.startswith(("/", "#"))] == []


def test_every_link_leads_somewhere(server: Serving) -> None:
    seen: set[str] = set()
    waiting = ["/"]
    while waiting:
        path = waiting.pop().partition("#")[0]
        if path in seen or not path or len(seen) > 120:
            continue
        seen.add(path)
        answer = server.get(path)
        if path.startswith(("/try", "/sign-out")):
            continue
        assert answer.status == 200, path
        # The kit's decisions are made up.
        is_page = answer.headers["content-type"].startswith("text/html")
        if is_page and "/decisions/" not in path and path != "/kit":
            waiting += links_of(answer)
    assert {
        "/",
        "/decisions",
        "/suggestions",
        "/policy",
        "/keys",
        "/kit",
        "/decisions?action=hold&when=today",
    } <= seen


def test_a_count_links_to_the_list_that_it_counts(server: Serving) -> None:
    home = server.get("/").text
    for action in ("allow", "label", "limit", "hold", "remove"):
        tile = re.search(
            rf'class="count[^"]*" href="(/decisions\?action={action}&amp;when=today)".*?number">(\d+)<',
            home,
            re.DOTALL,
        )
        assert tile is not None
        listed = server.get(html.unescape(tile[1])).text.count('<li id="d-')
        assert listed == int(tile[2]), action


def test_a_rule_links_to_the_decisions_on_which_it_fired(server: Serving) -> None:
    policy = server.get("/policy").text
    fired = re.search(r'href="(/decisions\?rule=private_email&amp;when=today)">(\d+)<', policy)
    assert fired is not None
    assert server.get(html.unescape(fired[1])).text.count('<li id="d-') == int(fired[2]) >= 3
    assert "No decision matches." in server.get("/decisions?rule=no_such_rule").text


def test_hostile_text_is_escaped_wherever_it_is_shown(server: Serving) -> None:
    ref = server.ref_of("hostile")
    shown = [
        server.get("/").text,
        server.get("/decisions").text,
        server.get(f"/decisions/{ref}").text,
        server.post("/try", {"text": HOSTILE, "caption": HOSTILE, "surface": HOSTILE}).text,
        server.get("/decisions?rule=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").text,
        server.get("/decisions/%3Cscript%3Ealert(1)%3C%2Fscript%3E").text,
        server.get("/sign-in?next=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E").text,
    ]
    for page in shown:
        assert "<script>" not in page
        assert "<img" not in page
    assert html.escape("<script>document.title=") in shown[2]


def test_a_text_and_its_letters_stay_out_of_the_outline(server: Serving) -> None:
    page = server.get("/decisions?action=hold").text
    outlines = re.findall(r'data-shape="([^"]*)"', page)
    assert len(outlines) >= 3
    for outline in outlines:
        assert "example.org" not in outline
        assert outline not in (MAIL, RTL, PLAIN)


def test_a_decision_comes_with_all_that_is_known(server: Serving) -> None:
    page = server.get(f"/decisions/{server.ref_of('mail')}").text
    for told in (
        "Held",
        "Comments with an e-mail address",
        "u-1, 12 followers",
        "My song",
        "its proof of",
        "reply",
    ):
        assert told in page, told
    compact = server.get(f"/decisions/{server.ref_of('plain-0')}").text
    assert "its proof of" in compact


def test_what_is_not_there_is_told_with_a_way_on(server: Serving) -> None:
    for path in (
        "/decisions/999999",
        "/decisions/0",
        "/decisions/abc",
        "/decisions/1.5.2",
        "/decisions?before=x",
    ):
        answer = server.get(path)
        assert answer.status == 404, path
        assert 'href="/"' in answer.text
    stray = server.get("/no/such/page", Accept="text/html,*/*;q=0.8")
    assert (stray.status, "There is no page at this address." in stray.text) == (404, True)
    assert server.get("/no/such/page").headers["content-type"] == "application/problem+json"
    assert server.get("/static/../pages.py").status == 404
    assert server.get("/static/..%2fpages.py").status == 404


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"text": "  \n "}, "Write a text first."),
        ({}, "Write a text first."),
        ({"text": "a" * 65_537}, "The text has 65,537 characters. The limit is 65,536."),
    ],
)
def test_a_form_that_is_wrong_says_what_is_wrong(server: Serving, fields: dict[str, str], told: str) -> None:
    for headers in ({}, {"HX_Request": "true"}):
        answer = server.post("/try", fields, **headers)
        assert answer.status == 422
        assert told in answer.text
        assert ("<html" in answer.text) == (not headers)


def test_a_try_takes_odd_bytes_and_long_texts(server: Serving) -> None:
    assert server.post("/try", {"text": "a\r\nb \x00 \ufffe jo@example.org"}).status == 200
    assert server.post("/try", {"text": "\U0001f600" * 65_536}).status == 200
    half = server._ask(
        "POST", "/try", b"text=%ED%A0%80", {"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert half.status == 200
    assert server.post("/try", {"text": "x" * 2_000_000}).status == 413
    assert server.post("/try", {"text": "x"}, Content_Type="text/plain").status == 415
    many = "&".join(f"f{n}=1" for n in range(100)).encode()
    assert (
        server._ask("POST", "/try", many, {"Content-Type": "application/x-www-form-urlencoded"}).status == 400
    )


@pytest.mark.parametrize("path", ["/try", "/sign-in", "/sign-out"])
def test_a_form_of_another_site_does_nothing(server: Serving, path: str) -> None:
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = server.post(path, {"text": "x", "key": "x"}, **headers)
        assert answer.status == 403
        assert "set-cookie" not in answer.headers
    rebound = server.post("/try", {"text": "x"}, Host="evil.example", Sec_Fetch_Site="same-origin")
    assert rebound.status == 303
    assert rebound.headers["location"].startswith("/sign-in")


def test_static_files_are_kept_and_their_addresses_change_with_them(server: Serving) -> None:
    (sheet,) = [link for link in links_of(server.get("/")) if link.startswith("/static/console.css")]
    assert re.search(r"\?v=[0-9a-f]{12}$", sheet)
    assert "immutable" in server.get(sheet).headers["cache-control"]


def test_the_kit_is_for_developers(empty_server: Serving) -> None:
    assert empty_server.get("/kit").status == 404
    assert "/kit" not in empty_server.get("/").text


# With keys ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory, policy_file: Path) -> Iterator[Serving]:
    """A server with an API key for each purpose; the keys are in `data`, one file each."""
    data = tmp_path_factory.mktemp("keyed")
    for name, scopes in (("decide", ["decide"]), ("read", ["read"]), ("text", ["read", "text"])):
        options = [part for scope in scopes for part in ("--scope", scope)]
        made = run("key", "create", *options, "--label", f"the {name} key", "--data", str(data))
        (data / name).write_text(re.search(r"hf_[0-9a-f]{12}_[0-9a-f]{64}", made)[0])  # type: ignore[index]
    with serving(data, "--policy", str(policy_file)) as server:
        server.decide({"id": "mail", "text": MAIL}, Authorization=f"Bearer {key(server, 'decide')}")
        yield server


def key(server: Serving, name: str) -> str:
    return (server.data / name).read_text()


def sign_in(server: Serving, name: str, target: str = "/") -> Answer:
    return server.post("/sign-in", {"key": key(server, name), "next": target}, Sec_Fetch_Site="same-origin")


def test_without_a_key_every_page_leads_to_the_sign_in(keyed: Serving) -> None:
    for path in ("/", "/recent", "/pulse", "/decisions?action=hold", "/decisions/1", "/policy", "/keys"):
        answer = keyed.get(path)
        assert (answer.status, answer.headers["location"][:14]) == (303, "/sign-in?next="), path
        assert keyed.get(path, HX_Request="true").headers["hx-redirect"].startswith("/sign-in"), path
    assert MAIL not in keyed.get("/sign-in").text
    assert keyed.post("/try", {"text": "x"}).status == 303


def test_a_key_signs_in_until_it_is_revoked(keyed: Serving) -> None:
    answer = sign_in(keyed, "text", "/decisions?action=hold")
    assert (answer.status, answer.headers["location"]) == (303, "/decisions?action=hold")
    cookie = answer.headers["set-cookie"]
    for wanted in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert wanted.lower() in cookie.lower(), cookie
    visit = {"Cookie": cookie.partition(";")[0]}
    page = keyed.get("/decisions?action=hold", **visit)
    assert page.status == 200
    assert MAIL in page.text
    assert "the text key" in page.text
    assert keyed.post("/try", {"text": MAIL}, Sec_Fetch_Site="cross-site", **visit).status == 403
    out = keyed.post("/sign-out", {}, Sec_Fetch_Site="same-origin", **visit)
    assert "max-age=0" in out.headers["set-cookie"].lower()
    run("key", "revoke", key(keyed, "text").split("_")[1], "--data", str(keyed.data))
    time.sleep(0.7)  # keys are read anew after half a second
    assert keyed.get("/", **visit).status == 303


def test_a_key_shows_no_more_than_its_scopes(keyed: Serving) -> None:
    refused = sign_in(keyed, "decide")
    assert refused.status == 403
    assert "set-cookie" not in refused.headers
    assert "This key does not open the console." in refused.text
    assert sign_in(keyed, "read", "https://evil.example/").headers["location"] == "/"
    visit = {"Cookie": sign_in(keyed, "read").headers["set-cookie"].partition(";")[0]}
    for path in ("/", "/decisions", f"/decisions/{1}"):
        page = keyed.get(path, **visit)
        assert page.status in (200, 404)
        assert "jo@example.org" not in page.text
    assert "Your key may not see texts." in keyed.get("/decisions", **visit).text
    decider = {"Cookie": f"holdfast_key={key(keyed, 'decide')}"}
    forbidden = keyed.get("/", **decider)
    assert forbidden.status == 403
    assert "This key may not open the console." in forbidden.text
    assert 'href="/sign-in"' in forbidden.text


# Streams ------------------------------------------------------------------------------------


def test_streams_are_bounded_and_end_with_the_server(tmp_path: Path, policy_file: Path) -> None:
    with contextlib.ExitStack() as after, serving(tmp_path, "--policy", str(policy_file)) as server:
        address = urlsplit(server.url)

        def stream() -> tuple[socket.socket, bytes]:
            opened = socket.create_connection((address.hostname, address.port), timeout=10)
            after.enter_context(opened)
            opened.sendall(f"GET /pulse HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
            return opened, opened.recv(12)

        opened = [stream() for _ in range(70)]
        begun = [start for _, start in opened]
        assert (begun.count(b"HTTP/1.1 200"), begun.count(b"HTTP/1.1 503")) == (64, 6)
        assert server.get("/").status == 200
        for one, _ in opened[:10]:
            one.close()
        time.sleep(0.5)
        assert stream()[1] == b"HTTP/1.1 200", "a stream that was closed is still counted"
        began = time.monotonic()
    assert time.monotonic() - began < 10, "open streams kept the server from stopping"
