"""Typed expressions as Python source: the live form of a policy.

The source is made from typed nodes only. Names in it are made up here, and constants other than
small numbers are bound as names, so that no text of a policy becomes code.

An expression's value is `True`, `False` or `None` (NULL) as SQL says. Where a part cannot be NULL
it becomes plain Python; `known` are the fields that a surrounding test has found not to be NULL.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from holdfast.policy import limits
from holdfast.policy.expression import (
    And,
    Arithmetic,
    Call,
    Case,
    Compare,
    Constant,
    IsNull,
    IsTruth,
    Like,
    Negative,
    Node,
    Not,
    OneOf,
    Or,
    Read,
)

_COMPARES = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


class Code(NamedTuple):
    """A Python expression, and whether it can be `None`."""

    text: str
    nullable: bool


class Scope:
    """The names of one generated function: a variable for every field, and bound constants."""

    def __init__(self, fields: Iterable[str]) -> None:
        self.variables = {name: f"v{index}" for index, name in enumerate(fields)}
        self.bound: dict[str, Any] = {
            "div": _divide,
            "mod": _modulo,
            "all3": _all3,
            "any3": _any3,
        }
        self._names: dict[tuple[type, Any], str] = {}
        self._temporaries = 0

    def bind(self, value: Any, key: Any = None) -> str:
        """A name for a constant; the same constant (by `key`) keeps its name."""
        identity = (type(value), value if key is None else key)
        name = self._names.get(identity)
        if name is None:
            name = self._names[identity] = f"k{len(self._names)}"
            self.bound[name] = value
        return name

    def temporary(self) -> str:
        """A fresh variable."""
        self._temporaries += 1
        return f"t{self._temporaries}"

    def code(self, node: Node, known: frozenset[str] = frozenset()) -> Code:
        """Python that computes `node`."""
        match node:
            case Constant():
                return self._constant(node.value)
            case Read():
                return Code(self.variables[node.name], node.nullable and node.name not in known)
            case Not():
                return self._strict([node.of], known, lambda of: f"(not {of})")
            case And() | Or():
                return self._connective(node, known)
            case Compare():
                sign = _COMPARES[node.operator]
                return self._strict([node.left, node.right], known, lambda a, b: f"({a} {sign} {b})")
            case OneOf():
                if len(node.values) == 1:
                    only = self._constant(node.values[0]).text
                    return self._strict([node.of], known, lambda of: f"({of} == {only})")
                values = self.bind(frozenset(node.values))
                return self._strict([node.of], known, lambda of: f"({of} in {values})")
            case IsNull():
                of = self.code(node.of, known)
                return Code(f"({of.text} is None)" if of.nullable else "False", nullable=False)
            case IsTruth():
                of = self.code(node.of, known)
                return Code(f"({of.text} is {node.value})", nullable=False)
            case Like():
                return self._like(node, known)
            case Arithmetic():
                return self._arithmetic(node, known)
            case Negative():
                return self._strict([node.of], known, lambda of: f"(-{of})")
            case Case():
                return self._case(node, known)
            case Call():
                return self._call(node, known)
            case _:
                raise AssertionError(type(node))

    def _constant(self, value: Any) -> Code:
        match value:
            case None | bool():
                return Code(repr(value), value is None)
            case int() | float() if math.isfinite(value):
                return Code(f"({value!r})" if value < 0 else repr(value), nullable=False)
            case _:
                return Code(self.bind(value), nullable=False)

    def _strict(self, parts: Sequence[Node], known: frozenset[str], build: Callable[..., str]) -> Code:
        """`build` on the parts' values, or `None` when one of them is."""
        codes = [self.code(part, known) for part in parts]
        tests: list[str] = []
        values: list[str] = []
        for code in codes:
            if not code.nullable:
                values.append(code.text)
            elif code.text.isidentifier():
                tests.append(f"{code.text} is None")
                values.append(code.text)
            else:
                name = self.temporary()
                tests.append(f"({name} := {code.text}) is None")
                values.append(name)
        result = build(*values)
        return Code(f"(None if {' or '.join(tests)} else {result})" if tests else result, bool(tests))

    def _connective(self, node: And | Or, known: frozenset[str]) -> Code:
        word, combine = ("and", "all3") if isinstance(node, And) else ("or", "any3")
        codes = [self.code(term, known) for term in node.terms]
        # The parts that cannot be NULL go first: they are cheap, and one of them often settles it.
        plain = [code.text for code in codes if not code.nullable]
        unsure = [code.text for code in codes if code.nullable]
        if unsure:
            plain.append(unsure[0] if len(unsure) == 1 else f"{combine}(({', '.join(unsure)}))")
        return Code(f"({f' {word} '.join(plain)})", bool(unsure))

    def _like(self, node: Like, known: frozenset[str]) -> Code:
        matches = self.bind(node.pattern.matcher(), key=node.pattern)
        return self._strict([node.of], known, lambda of: f"{matches}({of})")

    def _arithmetic(self, node: Arithmetic, known: frozenset[str]) -> Code:
        if node.operator in ("/", "%"):
            if isinstance(node.right, Constant) and node.operator == "/":
                return self._strict([node.left, node.right], known, lambda a, b: f"({a} / {b})")
            function = "div" if node.operator == "/" else "mod"
            code = self._strict([node.left, node.right], known, lambda a, b: f"{function}({a}, {b})")
            return Code(code.text, code.nullable or not isinstance(node.right, Constant))
        # Whole numbers stay exact in Python; beyond 2^53 doubles do not, and doubles are the meaning.
        exact = node.magnitude <= limits.INTEGER_MAGNITUDE
        left = "{}" if exact else "({} * 1.0)"
        return self._strict(
            [node.left, node.right], known, lambda a, b: f"({left.format(a)} {node.operator} {b})"
        )

    def _case(self, node: Case, known: frozenset[str]) -> Code:
        text = "None"
        nullable = True
        if node.otherwise is not None:
            text, nullable = self.code(node.otherwise, known)
        for condition, value in reversed(node.branches):
            result = self.code(value, known)
            nullable = nullable or result.nullable
            text = f"({result.text} if {self.code(condition, known).text} else {text})"
        return Code(text, nullable)

    def _call(self, node: Call, known: frozenset[str]) -> Code:
        function = node.function
        name = self.bind(function.execute)
        if not function.skips_null:
            return self._strict(node.arguments, known, lambda *values: f"{name}({', '.join(values)})")
        codes = [self.code(argument, known) for argument in node.arguments]
        nullable = all(code.nullable for code in codes)
        if function.name == "coalesce" and len(codes) == 2 and codes[0].nullable:
            first, second = codes
            variable = first.text if first.text.isidentifier() else self.temporary()
            test = variable if variable == first.text else f"({variable} := {first.text})"
            return Code(f"({second.text} if {test} is None else {variable})", nullable)
        return Code(f"{name}({', '.join(code.text for code in codes)})", nullable)


def define(name: str, source: str, bound: dict[str, Any]) -> Callable[..., Any]:
    """The function `name` that generated `source` defines, with `bound` as its globals."""
    namespace = {**bound, "__builtins__": {}}
    exec(compile(source, f"<{name}>", "exec"), namespace)  # noqa: S102 - made from typed nodes only
    function: Callable[..., Any] = namespace[name]
    return function


def _divide(left: float, right: float) -> float | None:
    return None if -limits.NEAR_ZERO < right < limits.NEAR_ZERO else left / right


def _modulo(left: float, right: float) -> float | None:
    return None if -limits.NEAR_ZERO < right < limits.NEAR_ZERO else math.fmod(left, right)


def _all3(terms: tuple[bool | None, ...]) -> bool | None:
    return False if False in terms else None if None in terms else True


def _any3(terms: tuple[bool | None, ...]) -> bool | None:
    return True if True in terms else None if None in terms else False
