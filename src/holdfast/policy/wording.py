"""How messages speak of types."""

from __future__ import annotations

from holdfast.policy.expression import Constant, Node
from holdfast.schema import Type

_NUMERIC = (Type.INTEGER, Type.NUMBER)


def in_words(kind: Type | None) -> str:
    """A type as a reader says it."""
    match kind:
        case Type.BOOLEAN:
            return "a truth value"
        case Type.INTEGER | Type.NUMBER:
            return "a number"
        case Type.TEXT:
            return "a text"
        case Type.TEXT_LIST:
            return "a list of texts"
        case _:
            return "NULL"


def conversion(left: Node, right: Node) -> str | None:
    """What to write instead of comparing these two."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Constant) and isinstance(one.value, str) and other.type in _NUMERIC:
            return "numbers are written without quotes"
        if isinstance(one, Constant) and other.type is Type.BOOLEAN:
            return "a truth value stands for itself: write x or NOT x"
        if other.type is Type.TEXT_LIST and one.type is Type.TEXT:
            return "write contains(list, text)"
    return None
