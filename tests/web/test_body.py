"""What says that a body is JSON."""

from __future__ import annotations

import pytest

from holdfast.web.body import is_json


@pytest.mark.parametrize(
    "kind",
    [
        b"application/json",
        b"Application/JSON; charset=UTF-8",
        b'application/json;charset="utf-8"',
        b"application/json ; charset = utf-8 ; ",
        b"application/json;",
        b"application/json ; ",
    ],
)
def test_json_by_its_names(kind: bytes) -> None:
    assert is_json(kind)


@pytest.mark.parametrize(
    "kind",
    [b"", b"text/plain", b"application/json; charset=latin-1", b"application/json;;", b"application/jsonx"],
)
def test_anything_else_is_not(kind: bytes) -> None:
    assert not is_json(kind)


@pytest.mark.parametrize("between", [b" ", b" ;", b"; charset = ", b"\t"])
def test_a_header_of_white_space_is_read_in_linear_time(between: bytes) -> None:
    # In quadratic time this would take the better part of an hour.
    assert not is_json(b"application/json" + b" " * 1_000_000 + between + b" " * 1_000_000 + b"x")
