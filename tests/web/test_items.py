"""What a body may be, and what a problem says about one that is wrong: where and what, never what was sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.content import SURFACES, Item
from holdfast.web.items import decode_request
from holdfast.web.problems import FieldError, Problem

SECRET = "zebrafinch"
GOOD = {"id": "1", "text": "hello"}


def refused(body: bytes | object) -> Problem:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Problem) as caught:
        decode_request(raw)
    assert SECRET not in caught.value.body().decode()
    return caught.value


accounts = st.fixed_dictionaries(
    {"id": st.text("abc", min_size=1)},
    optional={"followers": st.integers(0, 2**53 - 1), "verified": st.booleans()},
)
items = st.fixed_dictionaries(
    {
        "id": st.text("xyz1", min_size=1, max_size=20),
        "text": st.text(st.characters(codec="utf-8"), max_size=50),
    },
    optional={
        "surface": st.sampled_from(SURFACES),
        "author": accounts,
        "target": accounts,
        "caption": st.text(st.characters(codec="utf-8"), max_size=20),
        "created_at": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
        "context": st.dictionaries(
            st.text("ab", min_size=1), st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab")
        ),
    },
)


@given(st.lists(items, min_size=1, max_size=20), st.booleans())
@settings(deadline=None)
def test_a_body_gives_its_items_in_order(batch: list[dict[str, Any]], spaced: bool) -> None:
    body = json.dumps({"items": batch}, indent=2 if spaced else None).encode()
    request = decode_request(body)
    assert not request.single
    assert [msgspec.to_builtins(item)["text"] for item in request.items] == [item["text"] for item in batch]
    assert [item.id for item in request.items] == [item["id"] for item in batch]
    one = decode_request(json.dumps(batch[0]).encode())
    assert one.single
    assert one.items == request.items[:1]


def test_limits_of_number() -> None:
    assert len(decode_request(json.dumps({"items": [GOOD] * 1_000}).encode()).items) == 1_000
    problem = refused({"items": [GOOD] * 1_001})
    assert (problem.status, problem.code) == (413, "too-many-items")
    assert problem.errors == (FieldError(where="items", expected="1 to 1,000 items"),)
    assert "1,001" in problem.detail
    assert refused({"items": []}).code == "invalid-item"
    assert refused({"items": [{}] * 1_001}).code == "too-many-items"


@pytest.mark.parametrize(
    ("body", "where", "expected"),
    [
        (b"", "byte 0", "JSON"),
        (b"{", "byte 1", "JSON"),
        (b'{"id":"1","text":"zebrafinch"', "byte 29", "JSON"),
        (b"\xef\xbb\xbf{}", "byte 0", "JSON"),
        (b'{"id":"1","text":"a","context":{"n":NaN}}', "byte 36", "finite"),
        (b'{"id":"1","text":"a","context":{"n":Infinity}}', "byte 36", "finite"),
        (b'{"id":"1","text":"\xff zebrafinch"}', "body", "UTF-8"),
        (b'{"id":"1","text":"zebrafinch \\ud83d"}', "byte 29", "surrogate"),
        (b'{"id":"1","text":"\\udc00 zebrafinch"}', "byte 18", "surrogate"),
        (b'{"id":"1","text":"\\ud83d\\ud83d\\ude00"}', "byte 18", "surrogate"),
        (b'{"id":"1","text":"a\x00zebrafinch"}', "byte 19", "JSON"),
        (b'{"id":"1","text":"a","items":' + b"[" * 200_000, "body", "deep"),
        (b'{"items":' + b"[" * 200_000, "body", "deep"),
        (b"[" * 200_000, "body", "item"),
    ],
)  # fmt: skip
def test_what_is_not_json(body: bytes, where: str, expected: str) -> None:
    problem = refused(body)
    assert problem.code in ("malformed-json", "invalid-item")
    assert problem.errors[0].where == where
    assert expected in problem.errors[0].expected


def test_an_escaped_backslash_is_no_surrogate() -> None:
    request = decode_request(rb'{"id":"1","text":"\\ud83d and \ud83d\ude00"}')
    assert request.items[0].text == "\\ud83d and \U0001f600"


@pytest.mark.parametrize(
    ("change", "where", "expected"),
    [
        ({"id": 1}, "item.id", "str"),
        ({"id": ""}, "item.id", "1 to 256"),
        ({"id": "a\u0000b"}, "item.id", "printable"),
        ({"id": SECRET * 30}, "item.id", "1 to 256"),
        ({"text": None}, "item.text", "str"),
        ({"text": SECRET * 10_000}, "item.text", "at most 65,536"),
        ({"surface": SECRET}, "item.surface", "one of comment"),
        ({"created_at": SECRET}, "item.created_at", "2026-01-31"),
        ({"created_at": "9999-12-31T23:59:59-23:00"}, "item.created_at", "year"),
        ({"author": SECRET}, "item.author", "object"),
        ({"author": {"id": "1", SECRET: 1}}, "item.author", "only the fields id, created_at"),
        ({"author": {"followers": 3}}, "item.author.id", "required"),
        ({"author": {"id": "1", "followers": -1}}, "item.author.followers", "0 to"),
        ({"target": {"id": "1", "followers": 1.5}}, "item.target.followers", "int"),
        ({SECRET: 1}, "item", "only the fields id, text"),
        ({"context": {SECRET: [1]}}, "item.context[...]", "bool"),
        ({"context": {SECRET: 2**60}}, "item.context[…]", "2^53"),
        ({"context": {SECRET: SECRET * 9_000}}, "item.context[…]", "at most"),
        ({"context": {f"{SECRET}\n": 1}}, "item.context name", "printable"),
        ({"context": {str(n): n for n in range(65)}}, "item.context", "at most 64"),
    ],
)
def test_what_is_no_item(change: dict[str, Any], where: str, expected: str) -> None:
    problem = refused({**GOOD, **change})
    assert (problem.status, problem.code) == (422, "invalid-item")
    (error,) = problem.errors
    assert error.where == where
    assert expected in error.expected
    # The same thing in a list is found at its index, beside what is right.
    (error,) = refused({"items": [GOOD, {**GOOD, **change}]}).errors
    assert error.where == where.replace("item", "items[1]", 1)


def test_every_wrong_item_is_named_and_nothing_else() -> None:
    batch: list[Any] = [dict(GOOD) for _ in range(500)]
    batch[3] = {"id": "1"}
    batch[77] = 5
    batch[499] = {**GOOD, "surface": "moon"}
    batch[400] = {**GOOD, "id": ""}
    problem = refused({"items": batch})
    assert [error.where for error in problem.errors] == [
        "items[3].text",
        "items[77]",
        "items[400].id",
        "items[499].surface",
    ]
    assert problem.detail.startswith("4 things are wrong")


def test_a_long_list_of_errors_is_cut_and_counted() -> None:
    problem = refused({"items": [{"id": "1"}] * 1_000})
    assert len(problem.errors) == 100
    assert problem.detail.startswith("1,000 things")
    assert "first 100" in problem.detail


@pytest.mark.parametrize(
    ("body", "where"),
    [([], "body"), (5, "body"), ("x", "body"), (None, "body"), ({"items": 5}, "items"), ({"items": [GOOD], SECRET: 1}, "body"), ({SECRET: 1, "items": [GOOD]}, "body"), ({}, "item.id")],
)  # fmt: skip
def test_what_is_no_request(body: object, where: str) -> None:
    problem = refused(body)
    assert problem.code == "invalid-item"
    assert problem.errors[0].where == where


def test_a_huge_list_of_nothing_is_refused_without_being_taken_apart() -> None:
    problem = refused(b'{"items":[' + b"1," * 1_000_000 + b"1]}")
    assert [error.where for error in problem.errors] == ["body.items[0]"]


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_items_or_a_problem(body: bytes) -> None:
    try:
        assert decode_request(body).items
    except Problem as problem:
        assert problem.code in ("malformed-json", "invalid-item")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["items", "id", "text"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "text", "items", "author", "context"]) | st.text(), inner, max_size=5
        )
    ),
    max_leaves=20,
)


@given(json_values)
@settings(deadline=None)
def test_any_json_is_items_or_a_problem(value: object) -> None:
    try:
        request = decode_request(json.dumps(value).encode())
    except Problem as problem:
        assert problem.code in ("malformed-json", "invalid-item")
    else:
        assert all(isinstance(item, Item) for item in request.items)
