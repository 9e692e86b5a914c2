"""Examples: items that a rule's author expects a certain action for."""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from typing import Any

import msgspec

from holdfast.content import Item, validate_item
from holdfast.errors import InvalidItem
from holdfast.policy.diagnostics import Finding, did_you_mean
from holdfast.policy.document import Mapping, Node, Scalar, Sequence
from holdfast.policy.inputs import accept
from holdfast.policy.shape import NUMBER
from holdfast.policy.source import Region
from holdfast.schema import Field, Value

_TEXTS = frozenset(("id", "text", "surface", "caption", "parent", "transcript", "created_at"))
_ITEM_KEYS = (*(field.name for field in msgspec.structs.fields(Item)), "given")


@dataclass(frozen=True)
class Example:
    """An item, and values that stand in for what its signals and counters would say.

    `given` lets an example show a rule about a counter, or about words that nobody wants to write
    into a policy: `given: {strangers_10m: 25}`.
    """

    item: Item
    given: dict[str, Value]
    at: Region


def example(node: Node, fields: AbstractMapping[str, Field]) -> Example | Finding:
    """The example that a node writes, or what is wrong with it."""
    if isinstance(node, Scalar):
        data: dict[str, Any] = {"text": node.value}
        given: dict[str, Value] | Finding = {}
    elif isinstance(node, Mapping):
        for key, _ in node.entries:
            if key.value not in _ITEM_KEYS:
                hint = did_you_mean(key.value, _ITEM_KEYS) or f"the fields are {', '.join(_ITEM_KEYS)}"
                return Finding(key.at, f"an item has no field {key.value[:40]!r}", hint)
        data = {key.value: _plain(value, key.value) for key, value in node.entries if key.value != "given"}
        given = _given(node.get("given"), fields)
    else:
        return Finding(node.at, "an example is a text, or an item with its fields", "write text: …")
    if isinstance(given, Finding):
        return given
    try:
        item = validate_item(msgspec.convert({"id": "example", "text": "", **data}, Item), "example")
    except msgspec.ValidationError as error:
        return Finding(node.at, f"this is no item: {error}")
    except InvalidItem as error:
        expected = "" if error.expected is None else f"; expected {error.expected}"
        return Finding(node.at, f"{error.where} {error.what}{expected}")
    at = node.at
    if isinstance(node, Mapping) and node.entries:
        at = node.entries[0][0].at
    return Example(item, given, at)


def _given(node: Node | None, fields: AbstractMapping[str, Field]) -> dict[str, Value] | Finding:
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        return Finding(node.at, "'given' maps fields to values")
    given: dict[str, Value] = {}
    for key, value in node.entries:
        field = fields.get(key.value)
        if field is None:
            return Finding(
                key.at, f"there is no field called {key.value[:80]}", did_you_mean(key.value, fields)
            )
        try:
            given[field.name] = accept(field, _plain(value))
        except ValueError as error:
            return Finding(value.at, f"{field.name} takes {error}")
    return given


def _plain(node: Node, key: str = "") -> Any:
    """A node as plain data: unquoted true, false, null and numbers are those, except where texts go."""
    if isinstance(node, Mapping):
        return {name.value: _plain(value, name.value) for name, value in node.entries}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    if not node.plain:
        return node.value
    if node.value in ("null", "~", ""):
        return None
    if key in _TEXTS:
        return node.value
    if node.value in ("true", "false"):
        return node.value == "true"
    if NUMBER.fullmatch(node.value):
        return int(node.value) if node.value.lstrip("+-").isdigit() else float(node.value)
    return node.value
