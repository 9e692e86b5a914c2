"""From syntax to meaning: types every part of an expression, or says which part does not fit.

Runs after the validators that look names and functions up, so both are known to exist here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn

from sqlglot import exp

from holdfast.policy import limits
from holdfast.policy.diagnostics import Finding
from holdfast.policy.expression import (
    And,
    Arithmetic,
    Call,
    Case,
    Comparator,
    Compare,
    Constant,
    IsNull,
    IsTruth,
    Like,
    Negative,
    Node,
    Not,
    OneOf,
    Operator,
    Or,
    Read,
)
from holdfast.policy.functions import Function, functions_named
from holdfast.policy.grammar import Expression, Malformed
from holdfast.policy.like import Pattern, PatternError
from holdfast.policy.ranges import difference, product, quotient, remainder, result_range, total, union
from holdfast.policy.source import Region
from holdfast.policy.syntax import chain, stacked
from holdfast.policy.wording import conversion, in_words
from holdfast.schema import Field, Type

_INTEGER = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NUMERIC = (Type.INTEGER, Type.NUMBER)

_COMPARATORS: dict[type[exp.Expr], Comparator] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_OPERATORS: dict[type[exp.Expr], Operator] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}


def typed(
    tree: exp.Expr, expression: Expression, fields: Mapping[str, Field], definitions: Mapping[str, Node]
) -> Node:
    """The meaning of `tree`. Raises `Malformed` at the first part that does not fit."""
    if stacked(tree) > limits.TREE_DEPTH:
        raise Malformed(_too_deep(expression.scalar.at))
    return _Checker(expression, fields, definitions).node(tree)


def read(field: Field, at: Region) -> Read:
    """The node that reads `field`."""
    default = limits.INTEGER_MAGNITUDE if field.type is Type.INTEGER else limits.MAGNITUDE
    return Read(
        name=field.name,
        type=field.type,
        nullable=field.nullable,
        at=at,
        low=-default if field.low is None else field.low,
        high=default if field.high is None else field.high,
        integral=field.type is Type.INTEGER,
    )


class _Checker:
    def __init__(
        self, expression: Expression, fields: Mapping[str, Field], definitions: Mapping[str, Node]
    ) -> None:
        self._expression = expression
        self._fields = fields
        self._definitions = definitions

    def node(self, tree: exp.Expr) -> Node:
        """The typed form of a tree, checked for size and overflow."""
        node = self._node(tree)
        if node.depth > limits.TREE_DEPTH:
            raise Malformed(_too_deep(node.at))
        if node.size > limits.EXPRESSION_NODES:
            self._refuse(
                node.at, f"with its definitions this has more than {limits.EXPRESSION_NODES:,} parts"
            )
        if node.type in _NUMERIC and node.magnitude > limits.OVERFLOW:
            self._refuse(
                node.at,
                "this could grow beyond the largest number",
                "divide first, or declare low and high for the inputs it reads",
            )
        return node

    def _node(self, tree: exp.Expr) -> Node:
        for kinds, build in self._builders:
            if isinstance(tree, kinds):
                return build(self, tree)
        raise Malformed(Finding(self._region(tree), "this is not part of the language"))

    # Leaves ---------------------------------------------------------------------------------

    def _paren(self, tree: exp.Expr) -> Node:
        return self.node(tree.this)

    def _column(self, tree: exp.Expr) -> Node:
        name, at = tree.name, self._region(tree)
        if name in self._definitions:
            return replace(self._definitions[name], at=at)
        return read(self._fields[name], at)

    def _literal(self, tree: exp.Expr) -> Node:
        at, text = self._region(tree), str(tree.this)
        if tree.args.get("is_string"):
            return Constant(value=text, type=Type.TEXT, nullable=False, at=at)
        value: int | float
        if _INTEGER.fullmatch(text) and len(text) <= 16 and int(text) <= limits.INTEGER_MAGNITUDE:
            value, kind = int(text), Type.INTEGER
        elif _NUMBER.fullmatch(text):
            value, kind = float(text), Type.NUMBER
            if value > limits.MAGNITUDE:
                self._refuse(at, "this number is too large", f"at most {limits.MAGNITUDE:g}")
        else:
            self._refuse(at, "this is not a number", "write 0.5, 12 or 1.5e3")
        return Constant(
            value=value,
            type=kind,
            nullable=False,
            at=at,
            low=value,
            high=value,
            integral=float(value).is_integer(),
        )

    def _boolean(self, tree: exp.Expr) -> Node:
        return Constant(value=bool(tree.this), type=Type.BOOLEAN, nullable=False, at=self._region(tree))

    def _null(self, tree: exp.Expr) -> Node:
        self._refuse(
            self._region(tree),
            "NULL may stand only after IS, or as a result of CASE",
            "write x IS NULL to ask whether x is unknown",
        )

    # Logic ----------------------------------------------------------------------------------

    def _not(self, tree: exp.Expr) -> Node:
        return self._negated(self._truth(tree.this), self._region(tree))

    def _negated(self, node: Node, at: Region) -> Node:
        return Not(of=node, type=Type.BOOLEAN, nullable=node.nullable, at=at)

    def _and(self, tree: exp.Expr) -> Node:
        return self._joined(And, [self._truth(term) for term in chain(tree, exp.And)])

    def _or(self, tree: exp.Expr) -> Node:
        return self._joined(Or, [self._truth(term) for term in chain(tree, exp.Or)])

    def _joined(self, kind: type[And] | type[Or], terms: list[Node]) -> Node:
        return kind(
            terms=tuple(terms),
            type=Type.BOOLEAN,
            nullable=any(term.nullable for term in terms),
            at=_covering(terms),
        )

    def _truth(self, tree: exp.Expr) -> Node:
        node = self.node(tree)
        if node.type is not Type.BOOLEAN:
            self._refuse(
                node.at,
                f"a condition is needed here, and this is {in_words(node.type)}",
                "compare it with something, for example with > 0" if node.type in _NUMERIC else None,
            )
        return node

    # Predicates -----------------------------------------------------------------------------

    def _compare(self, tree: exp.Expr) -> Node:
        operator = _COMPARATORS[type(tree)]
        for side in (tree.this, tree.expression):
            if isinstance(side, exp.Null):
                self._refuse(
                    self._region(side),
                    f"a comparison with NULL is never true ({operator})",
                    "write IS NULL or IS NOT NULL",
                )
        return self._comparison(operator, self.node(tree.this), self.node(tree.expression))

    def _comparison(self, operator: Comparator, left: Node, right: Node) -> Node:
        at = left.at.joined(right.at)
        same = left.type is right.type or (left.type in _NUMERIC and right.type in _NUMERIC)
        if not same:
            self._refuse(
                at, f"{in_words(left.type)} is compared with {in_words(right.type)}", conversion(left, right)
            )
        if left.type is Type.TEXT_LIST:
            self._refuse(
                at, "text lists cannot be compared", "ask contains(list, text), or for the list's length"
            )
        if left.type is Type.BOOLEAN and operator not in ("=", "<>"):
            self._refuse(at, f"truth values have no order ({operator})", "use =, <>, AND or NOT")
        return Compare(
            operator=operator,
            left=left,
            right=right,
            type=Type.BOOLEAN,
            nullable=left.nullable or right.nullable,
            at=at,
        )

    def _between(self, tree: exp.Expr) -> Node:
        of = self.node(tree.this)
        low, high = self.node(tree.args["low"]), self.node(tree.args["high"])
        return self._joined(And, [self._comparison(">=", of, low), self._comparison("<=", of, high)])

    def _in(self, tree: exp.Expr) -> Node:
        if not tree.expressions:
            self._refuse(self._region(tree), "IN takes a list of values in brackets", "write x IN ('a', 'b')")
        if len(tree.expressions) > limits.LIST_VALUES:
            self._refuse(self._region(tree), f"a list has at most {limits.LIST_VALUES:,} values")
        of = self.node(tree.this)
        for value in tree.expressions:
            if isinstance(value, exp.Null):
                self._refuse(
                    self._region(value),
                    "a NULL in a list matches nothing",
                    "add OR x IS NULL to match unknown",
                )
        values = [self.node(value) for value in tree.expressions]
        equal = [self._comparison("=", of, value) for value in values]
        if not all(isinstance(value, Constant) for value in values):
            return self._joined(Or, equal)
        return OneOf(
            of=of,
            values=tuple(v.value for v in values if isinstance(v, Constant) and v.value is not None),
            type=Type.BOOLEAN,
            nullable=of.nullable,
            at=_covering(equal),
        )

    def _is(self, tree: exp.Expr) -> Node:
        right = tree.expression
        node: Node
        if isinstance(right, exp.Null):
            of = self.node(tree.this)
            node = IsNull(of=of, type=Type.BOOLEAN, nullable=False, at=of.at)
        elif isinstance(right, exp.Boolean):
            of = self._truth(tree.this)
            value = bool(right.this)
            node = IsTruth(of=of, value=value, type=Type.BOOLEAN, nullable=False, at=of.at)
        else:
            self._refuse(self._region(tree), "IS takes NULL, TRUE or FALSE", "compare values with =")
        at = node.at.joined(self._region(right))
        node = replace(node, at=at)
        return self._negated(node, at) if tree.args.get("negate") else node

    def _like(self, tree: exp.Expr) -> Node:
        escape = None
        at = self._region(tree)
        if isinstance(tree, exp.Escape):
            escape = tree.expression.this if isinstance(tree.expression, exp.Literal) else None
            if not isinstance(escape, str) or len(escape) != 1:
                self._refuse(at, "ESCAPE takes one character", r"write LIKE '50\%' ESCAPE '\'")
            tree = tree.this
            if not isinstance(tree, exp.Like | exp.ILike):
                self._refuse(at, "ESCAPE belongs to LIKE")
        of, pattern = self.node(tree.this), tree.expression
        if of.type is not Type.TEXT:
            self._refuse(of.at, f"LIKE needs a text, and this is {in_words(of.type)}")
        if not isinstance(pattern, exp.Literal) or not pattern.args.get("is_string"):
            self._refuse(
                self._region(pattern), "the pattern of LIKE is written out as a text", "write LIKE '%word%'"
            )
        any_case = isinstance(tree, exp.ILike)
        try:
            parsed = Pattern.parse(str(pattern.this), escape, any_case=any_case)
        except PatternError as error:
            self._refuse(self._region(pattern), str(error))
        if any_case:
            of = self._called(functions_named("lower")[0], [of], of.at)
        node = Like(of=of, pattern=parsed, type=Type.BOOLEAN, nullable=of.nullable, at=at)
        return self._negated(node, at) if tree.args.get("negate") else node

    # Values ---------------------------------------------------------------------------------

    def _arithmetic(self, tree: exp.Expr) -> Node:
        operator = _OPERATORS[type(tree)]
        left, right = self.node(tree.this), self.node(tree.expression)
        for side in (left, right):
            if side.type not in _NUMERIC:
                self._refuse(side.at, f"{operator} needs numbers, and this is {in_words(side.type)}")
        nullable = left.nullable or right.nullable
        if operator in ("/", "%"):
            if isinstance(right, Constant) and right.magnitude < limits.NEAR_ZERO:
                self._refuse(right.at, "a division by zero is never known")
            # Written out, a divisor is known not to be zero; nothing else is trusted to stay off it.
            nullable = nullable or not isinstance(right, Constant)
        ranges = {"+": total, "-": difference, "*": product, "/": quotient, "%": remainder}
        low, high = ranges[operator](left, right)
        return Arithmetic(
            operator=operator,
            left=left,
            right=right,
            type=Type.NUMBER,
            nullable=nullable,
            at=left.at.joined(right.at),
            low=low,
            high=high,
            integral=left.integral and right.integral and operator != "/",
        )

    def _negative(self, tree: exp.Expr) -> Node:
        of, at = self.node(tree.this), self._region(tree)
        if of.type not in _NUMERIC:
            self._refuse(of.at, f"- needs a number, and this is {in_words(of.type)}")
        low, high = -of.high, -of.low
        if isinstance(of, Constant) and isinstance(of.value, int | float):
            return replace(of, value=-of.value, at=at, low=low, high=high)
        return Negative(
            of=of,
            type=of.type,
            nullable=of.nullable,
            at=at,
            low=low,
            high=high,
            integral=of.integral,
        )

    def _case(self, tree: exp.Expr) -> Node:
        at = self._region(tree)
        subject = None if tree.this is None else self.node(tree.this)
        branches: list[tuple[Node, Node]] = []
        for branch in tree.args["ifs"]:
            if subject is None:
                condition = self._truth(branch.this)
            else:
                condition = self._comparison("=", subject, self.node(branch.this))
            branches.append((condition, self._result(branch.args["true"])))
        default = tree.args.get("default")
        otherwise = None if default is None else self._result(default)
        if not branches:
            self._refuse(at, "a CASE needs a WHEN", "write CASE WHEN … THEN … ELSE … END")
        results = [result for _, result in branches] + ([] if otherwise is None else [otherwise])
        kinds = {result.type for result in results if result.type is not None}
        if not kinds:
            self._refuse(at, "this CASE is always NULL")
        if kinds <= set(_NUMERIC):
            kind = Type.INTEGER if kinds == {Type.INTEGER} else Type.NUMBER
        elif len(kinds) == 1:
            kind = next(iter(kinds))
        else:
            self._refuse(at, f"the results of this CASE are of several types: {', '.join(sorted(kinds))}")
        known = [result for result in results if result.type is not None]
        low, high = union(known)
        return Case(
            branches=tuple(branches),
            otherwise=otherwise,
            type=kind,
            nullable=otherwise is None or any(result.nullable for result in results),
            at=at,
            low=low,
            high=high,
            integral=all(result.integral for result in known),
        )

    def _result(self, tree: exp.Expr) -> Node:
        if isinstance(tree, exp.Null):
            return Constant(value=None, type=None, nullable=True, at=self._region(tree))
        return self.node(tree)

    def _call(self, tree: exp.Expr) -> Node:
        name = tree.this if isinstance(tree.this, str) else tree.this.name
        at = self._region(tree)
        if len(tree.expressions) > limits.LIST_VALUES:
            self._refuse(at, f"a function takes at most {limits.LIST_VALUES:,} values")
        arguments = [self.node(argument) for argument in tree.expressions]
        candidates = functions_named(name)
        given = tuple(argument.type for argument in arguments)
        for function in candidates:
            if function.accepts(given):
                return self._called(function, arguments, at)
        takes = " or ".join(function.signature for function in candidates)
        was = ", ".join(str(kind) for kind in given) or "nothing"
        raise Malformed(Finding(at, f"{name.lower()} cannot take {was}", f"it is {takes}"))

    def _called(self, function: Function, arguments: list[Node], at: Region) -> Node:
        unknown = all if function.skips_null else any
        low, high = result_range(function, arguments)
        return Call(
            function=function,
            arguments=tuple(arguments),
            type=function.result,
            nullable=unknown(argument.nullable for argument in arguments),
            at=at,
            low=low,
            high=high,
            integral=function.result is Type.INTEGER or all(argument.integral for argument in arguments),
        )

    # Places ---------------------------------------------------------------------------------

    def _region(self, tree: exp.Expr) -> Region:
        spans = [
            (node.meta["start"], node.meta["end"])
            for node in tree.walk()
            if node.meta.get("start") is not None
        ]
        if not spans:
            return self._expression.scalar.at
        return self._expression.scalar.region(min(s for s, _ in spans), max(e for _, e in spans) + 1)

    def _refuse(self, at: Region, message: str, hint: str | None = None) -> NoReturn:
        raise Malformed(Finding(at, message, hint))

    _builders: tuple[
        tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], Callable[[_Checker, exp.Expr], Node]], ...
    ] = (
        (exp.Paren, _paren),
        (exp.Column, _column),
        (exp.Literal, _literal),
        (exp.Boolean, _boolean),
        (exp.Null, _null),
        (exp.Not, _not),
        (exp.And, _and),
        (exp.Or, _or),
        (exp.Escape, _like),
        (exp.Like, _like),
        (exp.ILike, _like),
        (exp.Between, _between),
        (exp.In, _in),
        (exp.Is, _is),
        (tuple(_COMPARATORS), _compare),
        (tuple(_OPERATORS), _arithmetic),
        (exp.Neg, _negative),
        (exp.Case, _case),
        (exp.Anonymous, _call),
    )


def _too_deep(at: Region) -> Finding:
    message = f"this stacks more than {limits.TREE_DEPTH} operations on one another"
    return Finding(at, message, "put a part of it under define:")


def _covering(nodes: list[Node]) -> Region:
    return Region(min(node.at.start for node in nodes), max(node.at.end for node in nodes))
