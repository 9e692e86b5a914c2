"""Brackets, CASEs and NOTs nest only so deep; this is looked at before the parser runs."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot.tokenizer_core import TokenType

from holdfast.policy import limits
from holdfast.policy.diagnostics import Finding
from holdfast.policy.grammar import Expression

_OPENS = (TokenType.L_PAREN, TokenType.CASE)
_CLOSES = (TokenType.R_PAREN, TokenType.END)
_SEPARATES = (TokenType.AND, TokenType.OR, TokenType.COMMA, TokenType.WHEN, TokenType.THEN, TokenType.ELSE)
_PREFIXES = (TokenType.NOT, TokenType.DASH, TokenType.PLUS)
_ENDS_A_VALUE = (TokenType.IDENTIFIER, TokenType.NUMBER, TokenType.STRING, *_CLOSES)


def findings(expression: Expression) -> Iterator[Finding]:
    """The place where an expression nests too deep; its brackets are known to be closed."""
    prefixes = [0]  # NOTs and signs that wait for their value, at every open level
    before = None
    for token in expression.tokens:
        kind = token.token_type
        if kind in _OPENS:
            prefixes.append(0)
        elif kind in _CLOSES:
            prefixes.pop()
        elif kind in _SEPARATES:
            prefixes[-1] = 0
        elif kind in _PREFIXES and before not in _ENDS_A_VALUE:
            prefixes[-1] += 1
        if len(prefixes) - 1 + sum(prefixes) > limits.EXPRESSION_DEPTH:
            yield Finding(
                expression.region(token),
                f"this nests more than {limits.EXPRESSION_DEPTH} levels deep",
                "put a part of it under define:",
            )
            return
        before = kind
