"""A proof that an event is in the ledger: one JSON file that anyone can check without the database."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Any

import msgspec

from holdfast.ledger import merkle
from holdfast.ledger.encoding import decode_body, from_micros, leaf_of
from holdfast.ledger.errors import LedgerError
from holdfast.ledger.events import Event, Recorded
from holdfast.ledger.texts import commitment_of

FORMAT = "holdfast-proof-1"
PROOF_BYTES_LIMIT = 64 * 1024 * 1024
"""Bytes of a proof file that `Proof.load` reads."""


class TextOpening(msgspec.Struct, frozen=True, kw_only=True):
    """A text of the event, with the salt (hex) that proves its commitment (hex)."""

    commitment: str
    salt: str
    text: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """An event, and the path from its leaf to the root over `size` events (RFC 6962, 2.1.1).

    `at` is in microseconds since 1970 in UTC; `body` is the event's JSON exactly as stored; hashes are
    in hex. `holdfast.ledger.encoding` says how the leaf follows from seq, at, key, type and body.
    """

    seq: int
    at: int
    key: str | None
    type: str
    body: str
    leaf: str
    size: int
    root: str
    path: tuple[str, ...]
    texts: tuple[TextOpening, ...] = ()
    format: str = FORMAT

    @property
    def recorded(self) -> Recorded:
        """The event in its place."""
        return Recorded(self.seq, from_micros(self.at), self.key, decode_body(self.body))

    @property
    def event(self) -> Event:
        return self.recorded.event

    @property
    def moment(self) -> datetime:
        return from_micros(self.at)

    def faults(self, root: str | None = None) -> list[str]:
        """What is wrong with this proof; empty when it holds.

        It shows that the event is under `self.root`. Give the root that you got by another way (a
        published head, an earlier export) as `root` to know that this is the tree you mean.
        """
        found: list[str] = []
        try:
            leaf, path = bytes.fromhex(self.leaf), [bytes.fromhex(node) for node in self.path]
            own = leaf_of(self.seq, self.at, self.key, self.type, self.body.encode())
        except (ValueError, struct.error) as error:
            return [f"the proof is not well-formed: {error}"]
        if own != leaf:
            found.append("the leaf is not the hash of seq, at, key, type and body")
        led_to = merkle.root_from_inclusion(self.seq, self.size, own, path)
        if led_to is None:
            found.append(f"the path has the wrong length for event {self.seq} of {self.size}")
        elif led_to.hex() != self.root.lower():
            found.append("the path from the event does not lead to the root")
        if root is not None and root.lower() != self.root.lower():
            found.append("the root is not the one that was expected")
        for opening in self.texts:
            found.extend(self._text_faults(opening))
        return found

    def _text_faults(self, opening: TextOpening) -> list[str]:
        try:
            made = commitment_of(bytes.fromhex(opening.salt), opening.text.encode()).hex()
        except ValueError:
            return ["a text's salt is not hex"]
        if made != opening.commitment:
            return ["a text is not what its commitment was made from"]
        if f'"{opening.commitment}"' not in self.body:
            return ["a text's commitment does not stand in the event"]
        return []

    def dump(self) -> bytes:
        """The proof as a JSON file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def load(cls, data: bytes, where: str = "proof") -> Proof:
        """The proof in a JSON file. Raises `LedgerError` when it is not one."""
        try:
            if len(data) > PROOF_BYTES_LIMIT:
                raise msgspec.ValidationError("it is too large")
            proof = msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _not_a_proof(where, error) from None
        if proof.format != FORMAT:
            raise _not_a_proof(where, f"format {proof.format[:40]!r}")
        return proof


def _not_a_proof(where: str, why: Any) -> LedgerError:
    return LedgerError(
        "is not a proof that this Holdfast can read",
        where=where,
        value=str(why)[:200],
        expected=f"JSON of format {FORMAT}, as `holdfast ledger prove` writes it",
    )
