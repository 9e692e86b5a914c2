"""Every name is a field, a definition, an input or a counter."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from sqlglot import exp

from holdfast.policy.diagnostics import Finding, did_you_mean
from holdfast.policy.grammar import Expression


def findings(tree: exp.Expr, expression: Expression, names: Collection[str]) -> Iterator[Finding]:
    """Every name that is none of `names`, up to 20 of them."""
    unknown = (column for column in tree.find_all(exp.Column) if column.name not in names)
    for column in islice(unknown, 20):
        name = column.name
        start, end = column.this.meta["start"], column.this.meta["end"]
        hint = did_you_mean(name, names)
        if expression.text[start] == '"':
            hint = f"a text stands in single quotes: '{name[:40]}'"
        yield Finding(expression.scalar.region(start, end + 1), f"there is no field called {name[:80]}", hint)
