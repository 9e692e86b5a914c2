"""The socket that a server listens on."""

from __future__ import annotations

import socket

from holdfast.errors import HoldfastError


class CannotListen(HoldfastError):
    """The address cannot be listened on."""

    code = "cannot-listen"


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to `host` and `port` (0: any that is free). Raises `CannotListen`."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotListen("is no address of this machine", where="--host", value=host[:100]) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotListen(
            "cannot be listened on",
            where=f"{host}:{port}",
            value=error.strerror,
            next_step="choose another with --port, or 0 for any that is free",
        ) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL under which a program on this machine reaches `listener`."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104
        host = "127.0.0.1" if listener.family is socket.AF_INET else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
