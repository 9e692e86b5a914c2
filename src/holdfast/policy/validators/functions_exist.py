"""Every function is one of `functions.py`."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from holdfast.policy.diagnostics import Finding, did_you_mean
from holdfast.policy.functions import FUNCTIONS, functions_named
from holdfast.policy.grammar import Expression

AGGREGATES = frozenset(("count", "sum", "avg", "min", "max", "median", "stddev", "array_agg", "string_agg"))


def findings(tree: exp.Expr, expression: Expression) -> Iterator[Finding]:
    """Every call of something else."""
    for call in tree.find_all(exp.Anonymous):
        name = call.this if isinstance(call.this, str) else call.this.name
        if functions_named(name):
            continue
        meta = call.meta or call.this.meta
        names = tuple(dict.fromkeys(function.name for function in FUNCTIONS))
        hint = did_you_mean(name, names) or f"the functions are {', '.join(names)}"
        if name.lower() in AGGREGATES:
            hint = "a rule sees one item; declare a counter under counters: to count over several"
            if name.lower() in ("min", "max"):
                hint = (
                    f"for the {'least' if name.lower() == 'min' else 'greatest'} of several values write "
                    + ("least(a, b)" if name.lower() == "min" else "greatest(a, b)")
                )
        at = expression.scalar.region(meta["start"], meta["end"] + 1)
        yield Finding(at, f"there is no function called {name[:60]}", hint)
