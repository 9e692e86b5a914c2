"""The ledger: the append-only record of everything Holdfast decided, that anyone can check."""

from holdfast.ledger.decisions import DecisionEntry, DecisionFound
from holdfast.ledger.errors import (
    AlreadyErased,
    IdempotencyConflict,
    InvalidKey,
    LedgerDamaged,
    LedgerError,
    NotFound,
)
from holdfast.ledger.events import Event, ItemRecord, Recorded, texts_of
from holdfast.ledger.idempotency import Appended
from holdfast.ledger.ledger import Ledger
from holdfast.ledger.proof import Proof
from holdfast.ledger.tree import TreeHead
from holdfast.ledger.writer import Writer

__all__ = [
    "AlreadyErased",
    "Appended",
    "DecisionEntry",
    "DecisionFound",
    "Event",
    "IdempotencyConflict",
    "InvalidKey",
    "ItemRecord",
    "Ledger",
    "LedgerDamaged",
    "LedgerError",
    "NotFound",
    "Proof",
    "Recorded",
    "TreeHead",
    "Writer",
    "texts_of",
]
