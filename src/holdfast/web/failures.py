"""What goes wrong here, through no fault of the request, as the problem that its client is told."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from holdfast.ledger import LedgerError
from holdfast.store.errors import StoreError
from holdfast.web.problems import Problem, retry_after


def is_of_the_store(error: BaseException) -> bool:
    """Whether `error` says that nothing can be recorded now, whatever is asked."""
    return isinstance(error, SQLAlchemyError | StoreError | LedgerError | OSError)


def problem_of(error: BaseException) -> Problem:
    """`store-unavailable` or `internal`."""
    if is_of_the_store(error):
        return Problem("store-unavailable", headers=(retry_after(1),))
    return Problem("internal")


def draining() -> Problem:
    """The server is about to stop."""
    return Problem("draining", headers=(retry_after(5),), close=True)
