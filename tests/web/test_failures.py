"""What goes wrong here, as clients are told of it."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import SQLAlchemyError

from holdfast.ledger import LedgerDamaged
from holdfast.store.errors import StoreUnavailable
from holdfast.web.failures import problem_of


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SQLAlchemyError("x"), "store-unavailable"),
        (StoreUnavailable("x"), "store-unavailable"),
        (LedgerDamaged("x"), "store-unavailable"),
        (OSError(28, "x"), "store-unavailable"),
        (KeyError("x"), "internal"),
        (RuntimeError("x"), "internal"),
    ],
)
def test_whether_to_try_again_depends_on_what_failed(error: Exception, code: str) -> None:
    problem = problem_of(error)
    assert problem.code == code
    assert (b"retry-after" in dict(problem.headers)) == (code == "store-unavailable")
