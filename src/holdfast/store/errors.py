"""What a store can refuse."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

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


_CAUSES = (
    (
        ("not a database", "malformed"),
        "it is damaged or no Holdfast database: put a backup in its place, or name another folder with --data",
    ),
    (("is full",), "make room on its disk, then do it again"),
    (("readonly", "unable to open"), "check that its folder can be written"),
)


def explained(error: DBAPIError, where: str, what: str = "the database cannot be used") -> StoreUnavailable:
    """What a driver said of the database called `where`, without a value of a row that it may quote."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        value = str(cause).strip()[:200]
    else:
        value = f"{type(cause).__name__} {getattr(cause, 'sqlstate', None) or ''}".strip()
    steps = (step for signs, step in _CAUSES if any(sign in value for sign in signs))
    return StoreUnavailable(
        what,
        where=where,
        value=value,
        next_step=next(steps, "check that the server runs, or that the folder can be written"),
    )
