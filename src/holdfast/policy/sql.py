"""Typed expressions as DuckDB and Spark SQL, through sqlglot.

Every field is one quoted column, dots and all: `"author.age_days"`. The SQL means what
`expression.py` says, which is why arithmetic casts to double and division looks at its divisor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from sqlglot import exp

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
from holdfast.schema import Type

Dialect = Literal["duckdb", "spark"]

_COMPARES = {"=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
_ARITHMETIC = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
_NUMERIC = (Type.INTEGER, Type.NUMBER)
_ESCAPE = "!"


def select(columns: Iterable[tuple[str, Node]], dialect: Dialect, table: str = "items") -> str:
    """`SELECT` of each expression under its name, over a table with one column per field."""
    projections = [
        exp.alias_(expression(node, dialect), name, quoted=True, copy=False) for name, node in columns
    ]
    query = exp.Select(expressions=projections).from_(exp.to_identifier(table, quoted=True), copy=False)
    return query.sql(dialect=dialect, pretty=True)


def render(node: Node, dialect: Dialect) -> str:
    """One expression as SQL."""
    return expression(node, dialect).sql(dialect=dialect)


def expression(node: Node, dialect: Dialect) -> exp.Expr:
    """The syntax tree of one expression in sqlglot's terms."""
    match node:
        case Constant():
            return _constant(node.value)
        case Read():
            return exp.Column(this=exp.to_identifier(node.name, quoted=True))
        case Not():
            return exp.Not(this=_bracketed(node.of, dialect))
        case And() | Or():
            kind = exp.And if isinstance(node, And) else exp.Or
            joined = _bracketed(node.terms[0], dialect)
            for term in node.terms[1:]:
                joined = kind(this=joined, expression=_bracketed(term, dialect))
            return joined
        case Compare():
            mixed = node.left.type is not node.right.type
            left, right = (
                _double(side, dialect) if mixed else _bracketed(side, dialect)
                for side in (node.left, node.right)
            )
            return _COMPARES[node.operator](this=left, expression=right)
        case OneOf():
            mixed = node.of.type is Type.INTEGER and any(isinstance(value, float) for value in node.values)
            of = _double(node.of, dialect) if mixed else _bracketed(node.of, dialect)
            return exp.In(this=of, expressions=[_constant(value) for value in node.values])
        case IsNull():
            return exp.Is(this=_bracketed(node.of, dialect), expression=exp.Null())
        case IsTruth():
            return exp.Is(this=_bracketed(node.of, dialect), expression=exp.Boolean(this=node.value))
        case Like():
            return _like(node, dialect)
        case Arithmetic():
            return _arithmetic(node, dialect)
        case Negative():
            return exp.Neg(
                this=_double(node.of, dialect) if node.type is Type.NUMBER else _bracketed(node.of, dialect)
            )
        case Case():
            return _case(node, dialect)
        case Call():
            return _call(node, dialect)
        case _:
            raise AssertionError(type(node))


def _constant(value: bool | int | float | str | None) -> exp.Expr:
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case str():
            return exp.Literal.string(value)
        case int():
            literal = exp.Literal.number(str(abs(value)))
            return literal if value >= 0 else exp.Paren(this=exp.Neg(this=literal))
        case _:
            # An exponent makes the literal a double in every dialect; without one it is a decimal.
            digits = repr(abs(value))
            literal = exp.Literal.number(digits if "e" in digits else digits + "e0")
            return literal if value >= 0 else exp.Paren(this=exp.Neg(this=literal))


def _bracketed(node: Node, dialect: Dialect) -> exp.Expr:
    tree = expression(node, dialect)
    return tree if isinstance(node, Constant | Read | Call | Case) else exp.Paren(this=tree)


def _double(node: Node, dialect: Dialect) -> exp.Expr:
    if isinstance(node, Constant) and isinstance(node.value, int | float):
        return _constant(float(node.value))
    tree = expression(node, dialect)
    if isinstance(node, Arithmetic):
        return exp.Paren(this=tree)
    return exp.Cast(this=tree, to=exp.DataType.build("double"))


def _arithmetic(node: Arithmetic, dialect: Dialect) -> exp.Expr:
    left, right = _double(node.left, dialect), _double(node.right, dialect)
    if node.operator not in ("/", "%"):
        return _ARITHMETIC[node.operator](this=left, expression=right)
    if not isinstance(node.right, Constant):
        if node.right.integral:
            right = exp.Nullif(this=right, expression=_constant(0.0))
        else:
            far = exp.GTE(this=exp.Abs(this=right), expression=_constant(limits.NEAR_ZERO))
            right = exp.Case(ifs=[exp.If(this=far, true=right.copy())])
    if node.operator == "/":
        # Both sides are doubles already: tell the generator to leave the division alone.
        return exp.Div(this=left, expression=right, typed=False, safe=False)
    return exp.Mod(this=left, expression=right)


def _like(node: Like, dialect: Dialect) -> exp.Expr:
    text, escaped = node.pattern.written(_ESCAPE)
    like = exp.Like(this=_bracketed(node.of, dialect), expression=exp.Literal.string(text))
    # Spark escapes with a backslash unless another character is declared.
    if not escaped and not (dialect == "spark" and "\\" in text):
        return like
    return exp.Escape(this=like, expression=exp.Literal.string(_ESCAPE))


def _case(node: Case, dialect: Dialect) -> exp.Expr:
    def result(of: Node) -> exp.Expr:
        return (
            _double(of, dialect)
            if node.type is Type.NUMBER and of.type is not None
            else expression(of, dialect)
        )

    branches = [
        exp.If(this=expression(condition, dialect), true=result(value)) for condition, value in node.branches
    ]
    return exp.Case(ifs=branches, default=None if node.otherwise is None else result(node.otherwise))


def _call(node: Call, dialect: Dialect) -> exp.Expr:
    wants_double = node.function.arguments[0] is Type.NUMBER
    arguments = [
        _double(argument, dialect)
        if wants_double and argument.type in _NUMERIC
        else expression(argument, dialect)
        for argument in node.arguments
    ]
    build = node.function.duckdb if dialect == "duckdb" else node.function.spark
    return build(*arguments)
