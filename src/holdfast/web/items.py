"""From the body of `POST /v1/decide` to items: decoded once, strictly, and refused as a whole.

The body is one item, or `{"items": [...]}` with 1 to 1,000 of them. When any item is wrong nothing of the
request is decided, and the problem names every place that is (up to its limit): half a batch decided
would leave the client to work out which half. What the client sent is never quoted, not even a field's
name, since people put what they wrote anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from holdfast.content import BATCH_LIMIT, SURFACES, Account, Item, validate_item
from holdfast.errors import InvalidItem
from holdfast.web.problems import ERROR_LIMIT, FieldError, Problem


class Request(NamedTuple):
    """The items of one request; `single` when its body was an item and not a list of them."""

    items: Sequence[Item]
    single: bool


class Items(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request for several decisions: 1 to 1,000 items, answered in their order."""

    items: list[Item]


class _RawItems(msgspec.Struct, forbid_unknown_fields=True):
    items: list[msgspec.Raw]


class _HasItems(msgspec.Struct):
    items: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_decode_item = msgspec.json.Decoder(Item).decode
_decode_items = msgspec.json.Decoder(Items).decode
_decode_raw_items = msgspec.json.Decoder(_RawItems).decode
_decode_probe = msgspec.json.Decoder(_HasItems).decode

EXAMINED_COMMAS = 100_000
"""Commas up to which a wrong body is taken apart to name all that is wrong; a body of millions of tiny
entries would cost more memory than the answer is worth."""

_BATCH_HEAD = re.compile(rb'\s*\{\s*"items"\s*:')
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_BYTE = re.compile(r"\(byte (\d+)\)")
_GOT = re.compile(r"Expected `([^`]*)`")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_ITEM_NAMES = ", ".join(field.encode_name for field in msgspec.structs.fields(Item))
_ACCOUNT_NAMES = ", ".join(field.encode_name for field in msgspec.structs.fields(Account))
_CONTEXT = re.compile(r"(\.context)\.(.*)", re.DOTALL)


def decode_request(body: bytes) -> Request:
    """The items in `body`. Raises the problems `malformed-json`, `invalid-item` and `too-many-items`."""
    try:
        if _BATCH_HEAD.match(body) is not None:
            items, single = _decode_items(body).items, False
        else:
            items, single = [_decode_item(body)], True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decode_slowly(body, error)
    if not single and not 1 <= len(items) <= BATCH_LIMIT:
        raise wrong_number(len(items))
    try:
        if single:
            items[0] = validate_item(items[0])
        else:
            for index, item in enumerate(items):
                items[index] = validate_item(item)
    except InvalidItem:
        raise invalid(_faults(items, single)) from None
    return Request(items, single)


def wrong_number(count: int) -> Problem:
    errors = [FieldError(where="items", expected=f"1 to {BATCH_LIMIT:,} items")]
    if count == 0:
        return Problem("invalid-item", "The list of items is empty.", errors=errors)
    return Problem(
        "too-many-items", f"The request holds {count:,} items; {BATCH_LIMIT:,} is the limit.", errors=errors
    )


def _decode_slowly(body: bytes, error: Exception) -> Request:
    """Find out all that is wrong with a body that the quick path could not take."""
    if not isinstance(error, msgspec.ValidationError):
        raise malformed(body, error)
    try:
        probe = _decode_probe(body)
    except msgspec.ValidationError:
        raise invalid([FieldError(where="body", expected='an item, or {"items": [...]}')]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as deeper:
        raise malformed(body, deeper) from None
    if probe.items is msgspec.UNSET:
        raise invalid([_fault(str(error), "item")])
    if body.count(b",") > EXAMINED_COMMAS:
        raise invalid([_fault(str(error), "body")])
    try:
        raws = _decode_raw_items(body).items
    except msgspec.ValidationError as outer:
        unknown = "unknown field" in str(outer)
        expected = "the single field: items" if unknown else "a list of items"
        raise invalid([FieldError(where="body" if unknown else "items", expected=expected)]) from None
    if not 1 <= len(raws) <= BATCH_LIMIT:
        raise wrong_number(len(raws))
    decoded: list[Item | FieldError] = []
    for index, raw in enumerate(raws):
        try:
            decoded.append(_decode_item(raw))
        except msgspec.ValidationError as wrong:
            decoded.append(_fault(str(wrong), where_of(index)))
    faults = _faults(decoded, single=False)
    if faults:
        raise invalid(faults)
    # Only the order of the keys kept the quick path from taking it.
    return Request([validate_item(item) for item in decoded if isinstance(item, Item)], False)


def _faults(items: Sequence[Item | FieldError], single: bool) -> list[FieldError]:
    faults = []
    for index, item in enumerate(items):
        if isinstance(item, FieldError):
            faults.append(item)
            continue
        try:
            validate_item(item, where_of(index, single))
        except InvalidItem as error:
            faults.append(fault_of(error))
    return faults


def fault_of(error: InvalidItem) -> FieldError:
    """What of `error` may be sent back: the place without names that the client made up."""
    where = _CONTEXT.sub(r"\1[…]", error.where or "item")
    return FieldError(where=where, expected=error.expected or error.what)


def invalid(faults: Sequence[FieldError]) -> Problem:
    """The problem that lists `faults`."""
    count = "One thing is" if len(faults) == 1 else f"{len(faults):,} things are"
    listed = f" The first {ERROR_LIMIT} are listed." if len(faults) > ERROR_LIMIT else ""
    return Problem(
        "invalid-item", f"{count} wrong with the request; nothing of it was decided.{listed}", errors=faults
    )


def malformed(body: bytes, error: Exception) -> Problem:
    """Say where JSON breaks, in words that do not depend on what it says: what decoding `body` failed with."""
    if isinstance(error, UnicodeDecodeError) or not _is_utf8(body):
        return Problem("malformed-json", errors=[FieldError(where="body", expected="text in UTF-8")])
    if isinstance(error, RecursionError):
        return Problem(
            "malformed-json", errors=[FieldError(where="body", expected="JSON that is not nested deeply")]
        )
    lone = _lone_surrogate(body)
    if lone is not None:
        expected = "both halves of a surrogate pair (or U+FFFD in place of the lone one)"
        return Problem("malformed-json", errors=[FieldError(where=f"byte {lone}", expected=expected)])
    place = _BYTE.search(str(error))
    where = f"byte {place[1]}" if place is not None else f"byte {len(body)}"
    return Problem(
        "malformed-json", errors=[FieldError(where=where, expected="JSON (RFC 8259); numbers are finite")]
    )


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lone_surrogate(body: bytes) -> int | None:
    """The place of the first `\\ud8xx` escape without its other half."""
    high_ends: int | None = None
    high_starts = 0
    for escape in _ESCAPE.finditer(body):
        code = 0 if escape[1] is None else int(escape[1], 16)
        if high_ends is not None:
            if 0xDC00 <= code <= 0xDFFF and escape.start() == high_ends:
                high_ends = None
                continue
            return high_starts
        if 0xDC00 <= code <= 0xDFFF:
            return escape.start()
        if 0xD800 <= code <= 0xDBFF:
            high_starts, high_ends = escape.span()
    return high_starts if high_ends is not None else None


def _fault(message: str, where: str) -> FieldError:
    """msgspec's message without the parts of it that the client wrote."""
    match = _PLACE.fullmatch(message)
    what, path = (match["what"], match["path"] or "") if match is not None else (message, "")
    if missing := _MISSING.match(what):
        return FieldError(where=f"{where}{path}.{missing[1]}", expected="this field is required")
    return FieldError(where=where + path, expected=_expected(what, path))


def _expected(what: str, path: str) -> str:
    if got := _GOT.match(what):
        return got[1]
    if what.startswith("Object contains unknown field"):
        is_account = path.endswith((".author", ".target"))
        return f"only the fields {_ACCOUNT_NAMES if is_account else _ITEM_NAMES}"
    if what.startswith("Invalid enum value"):
        return f"one of {', '.join(SURFACES)}"
    if what.startswith("Invalid RFC3339"):
        return "a time such as 2026-01-31T18:30:00Z"
    if what.startswith("Number out of range"):
        return "a finite number"
    return "a valid value"


def where_of(index: int, single: bool = False) -> str:
    """How a problem names an item of the request."""
    return "item" if single else f"items[{index}]"
