"""The range that a result can have, from the ranges of what it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.policy import limits
from holdfast.policy.expression import Node
from holdfast.policy.functions import Function

Range = tuple[float, float]


def total(left: Node, right: Node) -> Range:
    """Of left + right."""
    return left.low + right.low, left.high + right.high


def difference(left: Node, right: Node) -> Range:
    """Of left - right."""
    return left.low - right.high, left.high - right.low


def product(left: Node, right: Node) -> Range:
    """Of left * right."""
    corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    return min(corners), max(corners)


def quotient(left: Node, right: Node) -> Range:
    """Of left / right, where a divisor near zero makes the result NULL."""
    if right.low > 0 or right.high < 0:
        nearest = min(abs(right.low), abs(right.high))
    else:
        nearest = 1.0 if right.integral else 0.0
    reach = left.magnitude / max(nearest, limits.NEAR_ZERO)
    return -reach, reach


def remainder(left: Node, right: Node) -> Range:
    """Of left % right, which has the sign of left."""
    reach = min(left.magnitude, right.magnitude)
    return (0.0 if left.low >= 0 else -reach), (0.0 if left.high <= 0 else reach)


def union(nodes: Sequence[Node]) -> Range:
    """Of one of them."""
    return min(node.low for node in nodes), max(node.high for node in nodes)


def result_range(function: Function, arguments: Sequence[Node]) -> Range:
    """Of a function's result; only numeric results have a range that is used."""
    match function.name:
        case "length":
            return 0.0, limits.INTEGER_MAGNITUDE
        case "abs":
            (of,) = arguments
            low = 0.0 if of.low <= 0 <= of.high else min(abs(of.low), abs(of.high))
            return low, of.magnitude
        case _:
            return union(arguments)
