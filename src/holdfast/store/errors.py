"""What a store can refuse."""

from __future__ import annotations

from holdfast.errors import HoldfastError


class StoreError(HoldfastError):
    """The database cannot be used."""

    code = "store"


class StoreUnavailable(StoreError):
    """The database cannot be reached or opened."""

    code = "store-unavailable"


class StoreTooNew(StoreError):
    """The database was written by a newer Holdfast than this one."""

    code = "store-too-new"


class StoreBusy(StoreError):
    """Another process held the database's write lock for longer than the time allowed."""

    code = "store-busy"
