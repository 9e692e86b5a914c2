"""Appending once: what the ledger keeps of an append that came with a key.

A key stays for ever, in its event and here, so that no retry however late appends twice; only the bytes
of the response can be let go.
"""

from __future__ import annotations

from hashlib import sha256
from struct import pack
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from holdfast.ledger.errors import IdempotencyConflict, InvalidKey
from holdfast.store.schema import responses

KEY_LIMIT = 256
"""Characters of a key."""
PURGE_PAGE = 500


class Appended(msgspec.Struct, frozen=True):
    """What an append did: the place of its first event, and how many there were.

    `replayed` says that the key was seen before: nothing was appended, and the rest is the first
    append's. `response` is its response, or `None` when it had none or it was purged.
    """

    first: int
    count: int
    replayed: bool = False
    response: bytes | None = None


def check_key(key: str) -> str:
    """`key`, or `InvalidKey`."""
    if not 1 <= len(key) <= KEY_LIMIT or not key.isprintable():
        raise InvalidKey(
            "has the wrong length or holds control characters",
            where="idempotency key",
            value=f"{len(key)} characters",
            expected=f"1 to {KEY_LIMIT} printable characters",
        )
    return key


def seal(key: str, first: int, count: int, fingerprint: bytes, body: bytes | None, at: int) -> bytes:
    """The checksum of a row of `responses`, which no tree covers."""
    name = key.encode()
    head = pack(">IqqqII", len(name), first, count, at, len(fingerprint), 0 if body is None else 1)
    return sha256(head + name + fingerprint + (body or b"")).digest()


def row_of(
    key: str, first: int, count: int, fingerprint: bytes, body: bytes | None, at: int
) -> tuple[Any, ...]:
    return key, first, count, fingerprint, body, at, seal(key, first, count, fingerprint, body, at)


def find(connection: Connection, key: str, fingerprint: bytes) -> Appended | None:
    """The append that had `key`. Raises `IdempotencyConflict` when it was of another request."""
    row = connection.execute(
        select(responses.c.first, responses.c.count, responses.c.fingerprint, responses.c.body).where(
            responses.c.key == key
        )
    ).first()
    if row is None:
        return None
    if bytes(row.fingerprint) != fingerprint:
        raise IdempotencyConflict(
            "this key came before, with another request",
            where="idempotency key",
            next_step="send a new key with a new request, or the same request with this key",
        )
    first, count, _, body = row
    return Appended(first, count, True, None if body is None else bytes(body))


def purge(connection: Connection, before: int) -> int:
    """Let go of the responses that were given before the time `before`. Returns how many."""
    purged = 0
    while True:
        page = connection.execute(
            select(
                responses.c.key, responses.c.first, responses.c.count, responses.c.fingerprint, responses.c.at
            )
            .where(responses.c.at < before, responses.c.body.is_not(None))
            .limit(PURGE_PAGE)
        ).all()
        for key, first, count, fingerprint, at in page:
            connection.execute(
                update(responses)
                .where(responses.c.key == key)
                .values(body=None, digest=seal(key, first, count, fingerprint, None, at))
            )
        purged += len(page)
        if len(page) < PURGE_PAGE:
            return purged
