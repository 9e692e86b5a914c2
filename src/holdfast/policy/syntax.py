"""Questions about a syntax tree, answered without recursion: a hostile one may be deep."""

from __future__ import annotations

from sqlglot import exp


def stacked(tree: exp.Expr) -> int:
    """How many operations stand on one another at most."""
    most = 0
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        most = max(most, depth)
        for part in node.iter_expressions():
            flat = isinstance(node, exp.Paren) or (
                isinstance(part, exp.Connector) and type(part) is type(node)
            )
            waiting.append((part, depth if flat else depth + 1))
    return most


def chain(tree: exp.Expr, kind: type[exp.Connector]) -> list[exp.Expr]:
    """The terms of `a AND b AND c`, which the parser nests to the left; in order."""
    terms: list[exp.Expr] = []
    waiting = [tree]
    while waiting:
        current = waiting.pop()
        if isinstance(current, kind):
            waiting.extend((current.expression, current.this))
        else:
            terms.append(current)
    return terms
