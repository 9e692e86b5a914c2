"""What people wrote: stored once, referred to by commitment, and erasable.

The *commitment* to a text is SHA-256(02 || salt || text in UTF-8) with 16 random bytes of salt; events
hold it in hex. Who has salt and text can prove that an event speaks of that text. Once both are erased
nobody can, not even by guessing: a salted hash of 128 random bits tells nothing.

The *address* of a text, by which the store finds that it has the text already, is a keyed BLAKE2b hash
under the store's own secret. It goes with the text, so the same words posted again are committed anew.

An erased row keeps its size: zeros stand where content and salt were, and `erased` holds the event that
erased it. SQLite writes such a row over the old one. A row that shrank could make it move rows between
pages, and a page that rows moved out of may keep copies of them in unused space, where a later erasure
would miss them: `secure_delete` does not reach there. The index of addresses cannot avoid that; of about
one erased text in a thousand the address is left somewhere until `Database.compact`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b, sha256
from os import urandom
from threading import Lock
from typing import NamedTuple

from sqlalchemy import Connection, select

from holdfast.ledger.errors import LedgerDamaged
from holdfast.ledger.paging import lookup
from holdfast.store.database import Database
from holdfast.store.schema import secrets

SALT_SIZE = 16
NEVER = bytes(8)
"""In `erased`: not erased. Otherwise the place of the event that did, in 8 bytes, big-endian. (Event 0 cannot
erase a text: some event has to have referred to it before.)"""
ADDRESS_SIZE = 16
PLAIN, DEFLATED = 0, 1
DEFLATE_FROM = 512
"""Bytes under which a text is stored as it is: deflating shorter ones costs more than it saves."""
TEXT_BYTES_LIMIT = 16 * 1024 * 1024
"""Bytes that a stored text may unfold to; a bound on what a forged row can cost."""
REMEMBERED = 65_536
"""Addresses remembered in memory (about 10 MB), so that a repeated text costs no look-up."""


def commitment_of(salt: bytes, content: bytes) -> bytes:
    """The commitment to a text whose UTF-8 is `content`."""
    return sha256(b"\x02" + salt + content).digest()


def address_of(secret: bytes, content: bytes) -> bytes:
    return blake2b(content, key=secret, digest_size=ADDRESS_SIZE).digest()


def fold(content: bytes) -> tuple[int, bytes]:
    """`content` as stored: (coding, bytes). Deflated when that spares at least an eighth."""
    if len(content) >= DEFLATE_FROM:
        deflated = zlib.compress(content, 6)
        if len(deflated) + 4 <= len(content) * 7 // 8:
            # Deflate leaves bits unused; with its own checksum no stored bit can change unseen.
            return DEFLATED, deflated + zlib.crc32(deflated).to_bytes(4, "big")
    return PLAIN, content


def unfold(coding: int, stored: bytes) -> bytes:
    """The inverse of `fold`. Raises `ValueError` for what `fold` cannot have made."""
    if coding == PLAIN:
        return stored
    if coding != DEFLATED or len(stored) < 4:
        raise ValueError("unknown coding")
    deflated = stored[:-4]
    if zlib.crc32(deflated).to_bytes(4, "big") != stored[-4:]:
        raise ValueError("wrong checksum")
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(deflated, TEXT_BYTES_LIMIT)
    except zlib.error:
        raise ValueError("cannot be inflated") from None
    if not inflater.eof or inflater.unused_data:
        raise ValueError("cannot be inflated")
    return content


class NewText(NamedTuple):
    """A text that is about to be stored."""

    commitment: bytes
    address: bytes
    salt: bytes
    coding: int
    content: bytes


class Committed(NamedTuple):
    """What `Texts.commit` found: commitments by text, texts still to be stored by commitment, and
    commitments that were stored before by address."""

    commitments: dict[str, str]
    fresh: dict[str, NewText]
    found: dict[bytes, str]


class Opening(NamedTuple):
    """A text with what proves its commitment."""

    salt: bytes
    text: str


class Texts:
    """The texts of one database. Safe to share between threads that take turns in writing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as connection:
            row = connection.execute(select(secrets.c.secret, secrets.c.digest)).first()
        if row is None or sha256(row.secret).digest() != row.digest:
            raise LedgerDamaged(
                "the store's secret is missing or altered",
                where="secrets, row 1",
                next_step="restore this row from a backup: new texts cannot be stored without it",
            )
        self._secret: bytes = row.secret
        # Two generations: what was used lately is in `_young`, and `_old` is dropped as a whole.
        self._young: dict[bytes, str] = {}
        self._old: dict[bytes, str] = {}
        self._erasures = -1
        self._lock = Lock()

    def commit(self, connection: Connection, wanted: Iterable[str], erasures: int) -> Committed:
        """Commitments (hex) for `wanted`, and those of them that are not stored yet.

        `erasures` is the tree row's count in the same transaction: when it has moved, some process
        erased a text, and what is remembered here could bring its commitment back.
        """
        with self._lock:
            if erasures != self._erasures:
                self._young.clear()
                self._old.clear()
                self._erasures = erasures
        secret, young, old = self._secret, self._young, self._old
        commitments: dict[str, str] = {}
        missing: dict[bytes, tuple[str, bytes]] = {}
        for text in dict.fromkeys(wanted):
            content = text.encode()
            address = blake2b(content, key=secret, digest_size=ADDRESS_SIZE).digest()
            known = young.get(address) or old.get(address)
            if known is None:
                missing[address] = (text, content)
            else:
                young[address] = commitments[text] = known
        if not missing:
            return Committed(commitments, {}, {})
        stored = lookup(connection, "address, commitment", "texts", "address", list(missing))
        found = {bytes(address): bytes(commitment).hex() for address, commitment in stored}
        for address, name in found.items():
            text, _ = missing.pop(address)
            commitments[text] = name
        fresh: dict[str, NewText] = {}
        salts = urandom(SALT_SIZE * len(missing))
        for start, (address, (text, content)) in zip(
            range(0, len(salts), SALT_SIZE), missing.items(), strict=True
        ):
            salt = salts[start : start + SALT_SIZE]
            commitment = sha256(b"\x02" + salt + content).digest()
            commitments[text] = name = commitment.hex()
            fresh[name] = NewText(commitment, address, salt, *fold(content))
        return Committed(commitments, fresh, found)

    def remember(self, stored: Mapping[bytes, str], erasures: int) -> None:
        """Note commitments by address, once the transaction in which there were `erasures` is through.

        Not before: a transaction that is undone leaves nothing that an event may refer to.
        """
        with self._lock:
            if erasures != self._erasures:
                return  # a text was erased meanwhile; it might be one of these
            self._young.update(stored)
            if len(self._young) > REMEMBERED:
                self._old, self._young = self._young, {}

    def open(self, connection: Connection, commitments: Sequence[str]) -> dict[str, Opening]:
        """The texts behind `commitments` (hex), with their salts. Erased and unknown ones are left out.

        Raises `LedgerDamaged` for a stored text that is not what was committed to.
        """
        openings: dict[str, Opening] = {}
        wanted = [bytes.fromhex(name) for name in dict.fromkeys(commitments)]
        columns = "commitment, erased, salt, coding, content"
        for commitment, erased, salt, coding, content in lookup(
            connection, columns, "texts", "commitment", wanted
        ):
            if erased != NEVER:
                continue
            name = bytes(commitment).hex()
            try:
                plain = unfold(coding, bytes(content))
            except ValueError:
                plain = None
            if plain is None or commitment_of(bytes(salt), plain) != bytes(commitment):
                raise LedgerDamaged(
                    "a stored text is not what was committed to",
                    where=f"texts, commitment {name}",
                    next_step="run `holdfast ledger verify`",
                )
            openings[name] = Opening(bytes(salt), plain.decode())
        return openings


def erased_row(commitment: bytes, seq: int, size: int) -> dict[str, object]:
    """The cells of a text that event `seq` erased and whose content took `size` bytes. The address is one
    that no text has and that tells nothing."""
    return {
        "erased": seq.to_bytes(8, "big"),
        "address": commitment[:ADDRESS_SIZE],
        "salt": bytes(SALT_SIZE),
        "coding": PLAIN,
        "content": bytes(size),
    }


def new_rows(fresh: Mapping[str, NewText], firsts: Mapping[str, int]) -> list[tuple[object, ...]]:
    """Rows of `texts` for the new texts that an event refers to, with the first such event's place."""
    rows: list[tuple[object, ...]] = []
    for name, first in firsts.items():
        new = fresh[name]
        rows.append((new.commitment, first, NEVER, new.address, new.salt, new.coding, new.content))
    return rows
