"""Every bracket and every CASE is closed, and nothing is closed that was not opened."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot.tokenizer_core import Token, TokenType

from holdfast.policy.diagnostics import Finding
from holdfast.policy.grammar import Expression

_CLOSED_BY = {TokenType.L_PAREN: TokenType.R_PAREN, TokenType.CASE: TokenType.END}
_WORDS = {
    TokenType.L_PAREN: ("this bracket is not closed", "add a ) where it ends"),
    TokenType.CASE: ("this CASE has no END", "write CASE WHEN … THEN … ELSE … END"),
    TokenType.R_PAREN: ("this closes a bracket that was never opened", None),
    TokenType.END: ("this ends a CASE that was never opened", None),
}


def findings(expression: Expression) -> Iterator[Finding]:
    """The first bracket or CASE without its other half."""
    waiting: list[Token] = []
    for token in expression.tokens:
        if token.token_type in _CLOSED_BY:
            waiting.append(token)
        elif token.token_type in _CLOSED_BY.values():
            if not waiting or _CLOSED_BY[waiting[-1].token_type] is not token.token_type:
                lone = waiting[-1] if waiting else token
                yield Finding(expression.region(lone), *_WORDS[lone.token_type])
                return
            waiting.pop()
    if waiting:
        yield Finding(expression.region(waiting[-1]), *_WORDS[waiting[-1].token_type])
