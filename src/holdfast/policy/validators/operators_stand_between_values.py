"""Values are joined by operators: no two stand side by side, and no operator lacks one before it.

The parser would read some pairs of words as SQL that this language does not have (`a AT TIME ZONE b`,
`date '2024-01-01'`), so this is looked at first.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sqlglot.tokenizer_core import TokenType

from holdfast.policy.diagnostics import Finding
from holdfast.policy.grammar import Expression

_VALUES = frozenset(
    (
        TokenType.IDENTIFIER,
        TokenType.NUMBER,
        TokenType.STRING,
        TokenType.NULL,
        TokenType.TRUE,
        TokenType.FALSE,
    )
)
_ENDS = _VALUES | {TokenType.R_PAREN, TokenType.END}
_BEGINS = _VALUES | {TokenType.CASE}


def findings(expression: Expression) -> Iterator[Finding]:
    """The first value that follows another without an operator."""
    tokens = expression.tokens
    for before, token in pairwise(tokens):
        if before.token_type not in _ENDS:
            continue
        # Only a name may stand before a bracket: it is a function's.
        opens = token.token_type is TokenType.L_PAREN and before.token_type is not TokenType.IDENTIFIER
        if token.token_type in _BEGINS or opens:
            yield Finding(
                expression.region(token),
                "an operator is missing before this",
                "join conditions with AND or OR",
                None,
            )
            return
