"""How an event becomes bytes, and those bytes a leaf of the tree.

An outsider who wants to recompute a leaf needs this page only. The encoding of an event is

    seq     8 bytes   its place, counted from 0, unsigned, big-endian
    at      8 bytes   microseconds since 1970-01-01T00:00:00Z, signed, big-endian
    key     4 bytes   length of the idempotency key in bytes, big-endian; FF FF FF FF when it has none
            n bytes   the key in UTF-8
    type    4 bytes   length, then the type in UTF-8
    body    4 bytes   length, then the JSON of the event exactly as stored and exported

and its leaf hash is SHA-256(00 || encoding), as RFC 6962 (2.1) says.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import Struct

import msgspec

from holdfast.ledger.events import Event

NO_KEY = 0xFFFFFFFF

_HEAD = Struct(">BQqI").pack
_LENGTH = Struct(">I").pack
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

encode_body = msgspec.json.Encoder().encode
decode_body = msgspec.json.Decoder(Event).decode


def leaf_of(seq: int, at: int, key: str | None, kind: str, body: bytes) -> bytes:
    """The leaf hash of an event from its stored columns. `at` is in microseconds."""
    kind_bytes = kind.encode()
    if key is None:
        head = _HEAD(0, seq, at, NO_KEY)
    else:
        key_bytes = key.encode()
        head = _HEAD(0, seq, at, len(key_bytes)) + key_bytes
    return sha256(b"".join((head, _LENGTH(len(kind_bytes)), kind_bytes, _LENGTH(len(body)), body))).digest()


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly. Raises `ValueError` for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone; say datetime.now(UTC)")
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
