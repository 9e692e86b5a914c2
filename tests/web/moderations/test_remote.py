"""Fetching pictures: from hosts that are allowed, from the addresses that were checked, bounded, and from nowhere else."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.web.conftest import Served
from tests.web.moderations.pictures_host import Host
from tests.web.moderations.servers import ask, at

from holdfast.errors import InvalidSetting
from holdfast.web.moderations.remote import (
    URL_LIMIT,
    NotFetched,
    Place,
    Target,
    allowed_places,
    fetch,
    is_public,
    target_of,
)

ALLOWED = allowed_places("images.example.org, cdn.example.org:8443, 192.0.2.7, [2001:db8::7]:81")
LIMIT = 10_000
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)


def why(target: Target, limit: int = LIMIT, within_s: float = 20) -> str:
    with pytest.raises(NotFetched) as error:
        fetch(target, limit, within_s)
    return error.value.why


def target(host: Host, url: str) -> Target:
    return target_of(url, allowed_places(host.place))


# Which addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://images.example.org/a/b.png?c=d&e=%20", "images.example.org", 443, "/a/b.png?c=d&e=%20"),
        ("http://images.example.org", "images.example.org", 80, "/"),
        ("HTTPS://Images.Example.ORG:443?x", "images.example.org", 443, "/?x"),
        ("https://cdn.example.org:8443/@~[]", "cdn.example.org", 8443, "/@~[]"),
        ("http://192.0.2.7/#@images.example.org", "192.0.2.7", 80, "/"),
        ("http://[2001:DB8::7]:81/", "[2001:db8::7]", 81, "/"),
    ],
)
def test_what_is_allowed_leads_where_it_says(url: str, host: str, port: int, path: str) -> None:
    found = target_of(url, ALLOWED)
    assert (found.place.host, found.port, found.path) == (host, port, path)
    assert found.is_encrypted == url.lower().startswith("https")


ELSEWHERE = [
    # other hosts, however like
    "https://example.org/", "https://evil.example/", "https://images.example.org.evil.example/",
    "https://evil-images.example.org/", "https://images.example.org./", "https://xn--mages-q4a.example.org/",
    "https://ımages.example.org/", "https://images。example。org/", "https://images.example.org%2eevil.example/",
    # the host is elsewhere than it seems
    "https://images.example.org@evil.example/", "https://user:secret@images.example.org/", "https://@images.example.org/",
    "https://evil.example#@images.example.org/", "https://evil.example\\@images.example.org/",
    "https://images.example.org\\@evil.example/", "https:\\\\images.example.org/", "https:/images.example.org/",
    "https:images.example.org", "//images.example.org/", "/images.example.org", "images.example.org",
    "https://images.example.org:80@evil.example/", "https://evil.example/https://images.example.org/",
    # other ports
    "https://images.example.org:80/", "http://images.example.org:443/", "https://images.example.org:22/",
    "https://images.example.org:/", "https://images.example.org:0/", "https://images.example.org:99999/",
    "https://images.example.org:+443/", "https://images.example.org:４４３/", "https://cdn.example.org/",
    # other schemes
    "file:///etc/passwd", "ftp://images.example.org/", "gopher://images.example.org/", "jar:https://images.example.org/",
    "javascript:alert(1)", "blob:https://images.example.org/", "unix:/run/x.sock",
    # this machine and its neighbours, in all spellings
    "http://localhost/", "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
    "http://0177.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0/", "http://0.0.0.0/",
    "http://169.254.169.254/latest/meta-data/", "http://metadata.google.internal/", "http://10.0.0.1/",
    "http://192.0.2.7./", "http://192.0.2.07/", "http://3221225991/", "http://[2001:db8:0:0::7]:81/", "http://[::ffff:192.0.2.7]/",
    # what would split a request, or a parser
    "https://images.example.org/\r\nHost: evil.example", "https://images.example.org/ HTTP/1.1", "https://images.example.org/\t",
    "https://images.example.org\n/", " https://images.example.org/", "https://images.example.org/\x00",
    "https://images.example.org/é", "https://images.example.org/a\\b", "https://", "http://", "https:///x", "",
]  # fmt: skip


@pytest.mark.parametrize("url", ELSEWHERE)
def test_nothing_else_is_allowed(url: str) -> None:
    with pytest.raises(NotFetched):
        target_of(url, ALLOWED)


def test_an_attempt_is_refused_over_http_without_a_word_of_it(served: Served) -> None:
    for url in ELSEWHERE:
        refused = ask(served.url, [at(url)])
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_image_url"), url
        assert "evil" not in refused.text


def test_an_address_is_bounded() -> None:
    url = "https://images.example.org/"
    target_of(url.ljust(URL_LIMIT, "x"), ALLOWED)
    with pytest.raises(NotFetched):
        target_of(url.ljust(URL_LIMIT + 1, "x"), ALLOWED)


@given(
    url=st.text(max_size=60)
    | st.from_regex(r"https?://[a-z0-9.@:\\/#?\[\]-]{0,40}", fullmatch=True)
    | st.lists(st.sampled_from(["images.example.org", "http://", "https://", "@", ":", "/", "\\", "#", "?", "evil.example", ".", "443", "%00"])).map("".join)
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_what_passes_leads_to_an_allowed_host_for_every_reader(url: str) -> None:
    from urllib.parse import urlsplit

    try:
        found = target_of(url, ALLOWED)
    except NotFetched:
        return
    assert {Place(found.place.host, None), Place(found.place.host, found.port)} & ALLOWED
    read = urlsplit(url)
    assert read.hostname == found.place.name
    assert read.username is None
    assert (read.port or {"http": 80, "https": 443}[read.scheme]) == found.port


def test_hosts_that_are_none_are_refused_at_the_start(tmp_path: Path) -> None:
    assert allowed_places("") == allowed_places(" , ") == frozenset()
    assert allowed_places("A.example, b.example:81") == {Place("a.example", None), Place("b.example", 81)}
    for setting in (
        "https://a.example",
        "a.example/",
        "*.example",
        "a b",
        "u@a.example",
        "a.example:0",
        "é.example",
        "a.example:x",
    ):
        with pytest.raises(InvalidSetting) as error:
            allowed_places(setting)
        assert "image_hosts" in str(error.value)
    done = subprocess.run(
        [sys.executable, "-c", "from holdfast.cli import main; main()", "serve", "--data", str(tmp_path), "--port", "0"],
        env={"HOLDFAST_COMPATIBLE_IMAGE_HOSTS": "https://a.example", "PATH": "/usr/bin"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "[compatible] image_hosts: is no host" in done.stderr
    assert "Traceback" not in done.stderr


# Which machines -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254",
     "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
     "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
     "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::", "localhost", ""],
)  # fmt: skip
def test_private_addresses_in_any_wrapping(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_what_wraps_an_address_is_as_public_as_it(address: Any) -> None:
    inside = is_public(str(address))
    number = int(address)
    assert is_public(f"::ffff:{address}") == inside
    assert is_public(str(ip_address((0x64FF9B << 96) + number))) == inside
    assert is_public(str(ip_address((0x2002 << 112) + (number << 80)))) == inside


class Resolver:
    """Stands for the world's name servers, which a test must not ask; everything behind it is real."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(host)
        family = socket.AF_INET6 if ":" in self.addresses[0] else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::1"], ["10.0.0.1"], ["::ffff:127.0.0.1"]]
)
def test_a_name_that_leads_inside_is_not_followed(
    pictures_host: Host, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    url = pictures_host.gives("/inside", PICTURE).replace("127.0.0.1", "rebound.example")
    place = f"rebound.example:{pictures_host.port}"
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(*addresses))
    assert why(target_of(url, allowed_places(place))) == "its host leads into a private network"
    assert "/inside" not in [path for path, _ in pictures_host.asked]


def test_a_name_is_resolved_once_and_its_address_is_the_one_that_is_spoken_to(
    pictures_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Names in `localhost` may lead inside, so that a real connection can be looked at.
    url = pictures_host.gives("/once", PICTURE).replace("127.0.0.1", "localhost")
    found = target_of(url, allowed_places(f"localhost:{pictures_host.port}"))
    resolver, real, dialled = Resolver("127.0.0.1"), socket.create_connection, []
    monkeypatch.setattr(socket, "getaddrinfo", resolver)

    def dial(address: tuple[str, int], *rest: Any, **more: Any) -> socket.socket:
        dialled.append(address)
        monkeypatch.undo()
        return real(address, *rest, **more)

    monkeypatch.setattr(socket, "create_connection", dial)
    assert fetch(found, LIMIT, 20) == PICTURE
    assert resolver.asked == ["localhost"]
    assert dialled == [("127.0.0.1", pictures_host.port)]
    assert pictures_host.asked[-1][1]["Host"] == f"localhost:{pictures_host.port}"


def test_a_name_that_there_is_not(pictures_host: Host) -> None:
    url = "http://no-such-host.invalid/"
    assert why(target_of(url, allowed_places("no-such-host.invalid"))) == "its host is not known"


# What comes back ----------------------------------------------------------------------------


def test_what_a_host_gives_is_given(pictures_host: Host) -> None:
    assert fetch(target(pictures_host, pictures_host.gives("/p", PICTURE)), LIMIT, 20) == PICTURE
    assert fetch(target(pictures_host, pictures_host.gives("/q", b"x" * LIMIT)), LIMIT, 20) == b"x" * LIMIT
    without_length = pictures_host.gives("/r", PICTURE, Content_Length="")
    assert fetch(target(pictures_host, without_length), LIMIT, 20) == PICTURE


def test_redirects_are_not_followed(pictures_host: Host) -> None:
    aim = pictures_host.gives("/aim", PICTURE)
    for status in (301, 302, 303, 307, 308):
        url = pictures_host.gives("/moved", b"", status, Location=aim)
        assert why(target(pictures_host, url)) == "its host sends elsewhere"
    assert "/aim" not in [path for path, _ in pictures_host.asked]


@pytest.mark.parametrize("status", [204, 206, 400, 401, 404, 500, 503])
def test_only_a_plain_success_counts(pictures_host: Host, status: int) -> None:
    url = pictures_host.gives("/status", b"" if status == 204 else PICTURE, status)
    assert why(target(pictures_host, url)) == "its host does not have it"


def test_bytes_are_bounded_said_or_unsaid(pictures_host: Host) -> None:
    more = b"x" * (LIMIT + 1)
    for url in (
        pictures_host.gives("/large", more),
        pictures_host.gives("/endless", more * 100, Content_Length=""),
        pictures_host.gives("/claims", b"", Content_Length=str(10**15)),
    ):
        assert why(target(pictures_host, url)) == "it has more than 10,000 bytes"


def test_what_is_packed_or_cut_off_is_refused(pictures_host: Host) -> None:
    packed = pictures_host.gives("/packed", PICTURE, Content_Encoding="gzip")
    assert why(target(pictures_host, packed)) == "its host packs it, unasked"
    cut = pictures_host.gives("/cut", PICTURE, Content_Length=str(len(PICTURE) + 1))
    assert why(target(pictures_host, cut)) == "its host broke off"


SILENT = "its host does not answer in time, or not as a web server does"


@pytest.mark.parametrize("place", ["head", "body"])
def test_a_byte_now_and_then_does_not_win_time(pictures_host: Host, place: str) -> None:
    over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        head = b"HTTP/1.0 200 OK\r\n\r\n" if place == "body" else b"HTTP/1.0 200 OK\r\nX: "
        try:
            request.wfile.write(head)
            while not over.wait(0.05):
                request.wfile.write(b"x")
                request.wfile.flush()
        except OSError:
            pass

    started = time.monotonic()
    try:
        assert why(target(pictures_host, pictures_host.does("/drip", drip)), within_s=0.5) == SILENT
    finally:
        over.set()
    # Not a measurement: the host would go on for ever.
    assert time.monotonic() - started < 30


def test_what_is_no_web_server(pictures_host: Host) -> None:
    def nonsense(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"220 mail.example ESMTP\r\n")

    def headers_without_end(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000)

    for answer in (nonsense, headers_without_end, lambda request: None):
        assert why(target(pictures_host, pictures_host.does("/odd", answer))) == SILENT
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert why(target_of(f"http://127.0.0.1:{port}/", allowed_places(f"127.0.0.1:{port}"))) == SILENT


def test_a_host_that_cannot_prove_its_name_is_not_believed(pictures_host: Host) -> None:
    url = pictures_host.gives("/plain", PICTURE).replace("http:", "https:")
    assert why(target(pictures_host, url)) == SILENT
