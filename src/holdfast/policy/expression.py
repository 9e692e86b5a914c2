"""Typed expressions: what a `when` means, after every check and before it is compiled or rendered.

Python and every SQL dialect are made from this tree, so that one text means one thing everywhere:

- Logic is SQL's: TRUE, FALSE and NULL (*unknown*).
- Arithmetic is on doubles. `/` never rounds; division and `%` by zero are NULL (a divisor nearer to
  zero than 1e-100 counts as zero); `%` has the sign of its left side. Results cannot overflow: an
  expression that could is refused.
- Texts compare by code point. An INTEGER compared with a NUMBER is compared as a double.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from holdfast.policy.functions import Function
from holdfast.policy.like import Pattern
from holdfast.policy.source import Region
from holdfast.schema import Type

Comparator = Literal["=", "<>", "<", "<=", ">", ">="]
Operator = Literal["+", "-", "*", "/", "%"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """An expression. `type` is `None` only for a bare NULL. `at` is where it is written.

    `low` and `high` bound a number; `integral` says that it is whole. `size` counts the nodes below
    and including this one, as if nothing were shared, and `depth` the longest way down.
    """

    type: Type | None
    nullable: bool
    at: Region = field(compare=False)
    low: float = field(default=float("-inf"), compare=False)
    high: float = field(default=float("inf"), compare=False)
    integral: bool = field(default=False, compare=False)
    size: int = field(init=False, compare=False)
    depth: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        parts = self.parts()
        object.__setattr__(self, "size", 1 + self.extra_size() + sum(part.size for part in parts))
        object.__setattr__(self, "depth", 1 + max((part.depth for part in parts), default=0))

    @property
    def magnitude(self) -> float:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))

    def parts(self) -> tuple[Node, ...]:
        """The expressions that it is made of."""
        return ()

    def extra_size(self) -> int:
        """What it holds beside its parts."""
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant(Node):
    """A value written out; `None` is NULL."""

    value: bool | int | float | str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Read(Node):
    """The value of a field."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Not(Node):
    """The opposite; NULL stays NULL."""

    of: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)


@dataclass(frozen=True, kw_only=True, slots=True)
class And(Node):
    """FALSE if any is FALSE, else NULL if any is NULL, else TRUE."""

    terms: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Or(Node):
    """TRUE if any is TRUE, else NULL if any is NULL, else FALSE."""

    terms: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Compare(Node):
    """A comparison of two values of one type (or of two numeric ones)."""

    operator: Comparator
    left: Node
    right: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, kw_only=True, slots=True)
class OneOf(Node):
    """Whether a value is among constants."""

    of: Node
    values: tuple[bool | int | float | str, ...]

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)

    def extra_size(self) -> int:
        return len(self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class IsNull(Node):
    """Whether a value is NULL; never NULL itself."""

    of: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)


@dataclass(frozen=True, kw_only=True, slots=True)
class IsTruth(Node):
    """Whether a truth value is exactly TRUE (or FALSE); never NULL itself."""

    of: Node
    value: bool

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Like(Node):
    """Whether a text fits a pattern."""

    of: Node
    pattern: Pattern

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arithmetic(Node):
    """A result of two numbers."""

    operator: Operator
    left: Node
    right: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, kw_only=True, slots=True)
class Negative(Node):
    """A number with its sign turned."""

    of: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case(Node):
    """The value of the first branch whose condition is TRUE, else `otherwise`, else NULL."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None

    def parts(self) -> tuple[Node, ...]:
        pairs = tuple(part for branch in self.branches for part in branch)
        return pairs if self.otherwise is None else (*pairs, self.otherwise)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Node):
    """A function's result."""

    function: Function
    arguments: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.arguments


def walk(node: Node) -> Iterator[Node]:
    """Every distinct node object below and including `node`, in the order written."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting.extend(reversed(current.parts()))


def reads(node: Node) -> tuple[str, ...]:
    """The fields that it reads, in the order written."""
    return tuple(dict.fromkeys(part.name for part in walk(node) if isinstance(part, Read)))
