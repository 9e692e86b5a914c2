"""Fetching a picture from a host that the operator allows, and from nowhere else.

Whoever asks writes the address, so that every step narrows: the URL is read by one strict pattern (no user, no
escapes in the host), the host and port must be allowed by name, the name is resolved once and the connection goes to
that very address, which must be public unless the operator allowed the address itself or `localhost`; redirects are
not followed; bytes and seconds are bounded. Plain `http.client`, in a thread.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple

from holdfast.errors import InvalidSetting

URL_LIMIT: Final = 2_048
"""Characters of an address."""

_HOST: Final = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]"
_URL: Final = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?P<path>[/?][!\"$-\[\]^-~]*)?(?:#[!-~]*)?",
    re.IGNORECASE | re.ASCII,
)
_ALLOWED: Final = re.compile(rf"(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?", re.ASCII)
_PORTS: Final = {"http": 80, "https": 443}
_TRANSLATED: Final = ip_network("64:ff9b::/96")
"""IPv6 addresses that a gateway turns into IPv4 ones, which are their ends."""
_TRANSLATED_LOCALLY: Final = ip_network("64:ff9b:1::/48")
_Address = IPv4Address | IPv6Address


class NotFetched(Exception):
    """A picture cannot be had. `why` is in words that go on after "The picture is not fetched:"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Place(NamedTuple):
    """A host as it is written in a URL, in lower case, and a port; without one, those that http and https have."""

    host: str
    port: int | None

    @property
    def name(self) -> str:
        """The host for the resolver: without the brackets of an IPv6 address."""
        return self.host.strip("[]")

    @property
    def is_meant_to_be_local(self) -> bool:
        """Whether whoever wrote it down named an address or this machine, not a name that may lead anywhere."""
        return self.host == "localhost" or _literal(self.name) is not None


def allowed_places(setting: str) -> frozenset[Place]:
    """The setting `compatible.image_hosts`: hosts, or hosts with a port, with commas between.

    Raises `InvalidSetting`.
    """
    places = set()
    for entry in filter(None, map(str.strip, setting.split(","))):
        match = _ALLOWED.fullmatch(entry.lower())
        if match is None or (match["port"] is not None and not 0 < int(match["port"]) < 65536):
            raise InvalidSetting(
                "is no host",
                where="[compatible] image_hosts",
                value=entry[:100],
                expected="hosts such as images.example.org or images.example.org:8443, with commas between",
                next_step="leave out scheme and path, and write other alphabets in their xn-- form",
            )
        places.add(Place(match["host"], None if match["port"] is None else int(match["port"])))
    return frozenset(places)


class Target(NamedTuple):
    """What to fetch: a place that is allowed, and what to ask for there."""

    place: Place
    is_encrypted: bool
    port: int
    path: str


def target_of(url: str, allowed: frozenset[Place]) -> Target:
    """Where `url` leads. Raises `NotFetched` when that is no http(s) address, or is not allowed."""
    match = _URL.fullmatch(url) if len(url) <= URL_LIMIT else None
    if match is None:
        raise NotFetched("this is no http or https address that is read here")
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = _PORTS[scheme] if match["port"] is None else int(match["port"])
    default = Place(host, None)
    if default in allowed and port == _PORTS[scheme]:
        place = default
    elif Place(host, port) in allowed:
        place = Place(host, port)
    else:
        raise NotFetched(
            "its host is not among those that the operator allows (the setting compatible.image_hosts); "
            "send the picture as a data URL"
        )
    path = match["path"] or "/"
    return Target(place, scheme == "https", port, path if path.startswith("/") else f"/{path}")


def fetch(target: Target, limit: int, within_s: float) -> bytes:
    """The bytes that the target answers with, at most `limit`, in `within_s` from the first connection attempt on
    (resolving the name takes what the system's resolver takes). Raises `NotFetched`."""
    connection = _Connection(target, _resolved(target), within_s)
    # A server that sends a byte now and then would outlast any limit on a single wait.
    watch = threading.Timer(within_s, connection.break_off)
    watch.daemon = True
    watch.start()
    try:
        data = _asked(connection, target.path, limit)
    except (OSError, http.client.HTTPException, ValueError):
        raise NotFetched(_SILENT) from None
    finally:
        watch.cancel()
        connection.finish()
    if connection.is_broken_off:
        raise NotFetched(_SILENT)
    return data


_SILENT: Final = "its host does not answer in time, or not as a web server does"


def _asked(connection: http.client.HTTPConnection, path: str, limit: int) -> bytes:
    headers = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "Holdfast"}
    connection.request("GET", path, headers=headers)
    with connection.getresponse() as answer:
        if answer.status != 200:
            moved = 300 <= answer.status < 400
            raise NotFetched("its host sends elsewhere" if moved else "its host does not have it")
        if answer.getheader("Content-Encoding", "identity").lower() != "identity":
            raise NotFetched("its host packs it, unasked")
        if answer.length is not None and answer.length > limit:
            raise NotFetched(f"it has more than {limit:,} bytes")
        data = answer.read(limit + 1)
        if len(data) > limit:
            raise NotFetched(f"it has more than {limit:,} bytes")
        if answer.length:
            raise NotFetched("its host broke off")
        return data


class _Connection(http.client.HTTPConnection):
    """A connection to one of `addresses`, which the name is not asked for again; the name stays what certificate and
    Host header are about."""

    def __init__(self, target: Target, addresses: Sequence[str], within_s: float) -> None:
        super().__init__(target.place.name, target.port, timeout=within_s)
        if target.is_encrypted:
            self.default_port = http.client.HTTPS_PORT
        self.is_broken_off = False
        self._is_encrypted = target.is_encrypted
        self._addresses = addresses
        self._until = time.monotonic() + within_s
        self._handle: socket.socket | None = None

    def connect(self) -> None:
        made = self._connected()
        # A handle of its own, since the TLS layer takes the socket over.
        self._handle = made.dup()
        if self.is_broken_off:  # before there was anything to break off
            made.close()
            raise TimeoutError
        if self._is_encrypted:
            self.sock = ssl.create_default_context().wrap_socket(made, server_hostname=self.host)
        else:
            self.sock = made

    def _connected(self) -> socket.socket:
        failed: OSError = TimeoutError()
        for address in self._addresses:
            left = self._until - time.monotonic()
            if left <= 0:
                break
            try:
                return socket.create_connection((address, self.port), left)
            except OSError as error:
                failed = error
        raise failed

    def break_off(self) -> None:
        """End every wait for the other side."""
        self.is_broken_off = True
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Close for good. (`close` alone is also called where an answer is begun that will end the connection.)"""
        self.close()
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()


def _resolved(target: Target) -> list[str]:
    """The addresses that may be spoken to."""
    try:
        found = socket.getaddrinfo(target.place.name, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotFetched("its host is not known") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not target.place.is_meant_to_be_local and not all(map(is_public, addresses)):
        # One private address among several says enough about who answers for the name.
        raise NotFetched("its host leads into a private network")
    return addresses


def is_public(address: str) -> bool:
    """Whether `address` is one on the open internet, also when an IPv6 address only wraps one of IPv4."""
    parsed = _literal(address)
    if parsed is None:
        return False
    if isinstance(parsed, IPv6Address):
        if parsed in _TRANSLATED_LOCALLY or parsed.is_site_local:
            return False
        inner: list[IPv4Address | None] = [parsed.ipv4_mapped, parsed.sixtofour]
        inner += parsed.teredo or ()
        if parsed in _TRANSLATED:
            inner.append(IPv4Address(parsed.packed[-4:]))
        wrapped = [one for one in inner if one is not None]
        if wrapped:
            return all(is_public(str(one)) for one in wrapped)
    return parsed.is_global and not (
        parsed.is_multicast
        or parsed.is_private
        or parsed.is_loopback
        or parsed.is_link_local
        or parsed.is_reserved
        or parsed.is_unspecified
    )


def _literal(text: str) -> _Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
