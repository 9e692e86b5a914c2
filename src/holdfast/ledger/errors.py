"""What the ledger can refuse."""

from __future__ import annotations

from holdfast.errors import HoldfastError


class LedgerError(HoldfastError):
    """The ledger cannot do what was asked."""

    code = "ledger"


class LedgerDamaged(LedgerError):
    """What is stored is not what was written."""

    code = "ledger-damaged"


class IdempotencyConflict(LedgerError):
    """An idempotency key came a second time with another request."""

    code = "idempotency-conflict"


class InvalidKey(LedgerError):
    """An idempotency key breaks its bounds."""

    code = "invalid-idempotency-key"


class NotFound(LedgerError):
    """Nothing in the ledger has that reference."""

    code = "not-found"


class AlreadyErased(LedgerError):
    """The text was erased before."""

    code = "already-erased"
