"""A `when` is one SQL expression: no statement, sub-query, cast, parameter or comment."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot.tokenizer_core import Token, TokenType

from holdfast.policy.diagnostics import Finding
from holdfast.policy.grammar import SIGNS, WORDS, Expression

_ALLOWED = frozenset((*WORDS.values(), *SIGNS.values())) | {
    TokenType.IDENTIFIER,
    TokenType.NUMBER,
    TokenType.STRING,
}

_INSTEAD = {
    "==": "write =",
    "&&": "write AND",
    "||": "write OR; texts cannot be joined",
    "!": "write NOT",
    "::": "values keep their type; there are no casts",
    ";": "a rule is one expression; remove the ;",
    ".": "a dotted name has no spaces, and numbers begin with a digit: 0.5",
    "[": "a list of values stands in round brackets: IN ('a', 'b')",
}

STATEMENTS = frozenset(
    (
        *("SELECT", "INSERT", "UPDATE", "DELETE", "DROP", "CREATE", "ALTER", "TRUNCATE", "MERGE", "GRANT"),
        *("REVOKE", "WITH", "UNION", "EXISTS", "FROM", "JOIN", "VALUES", "ATTACH", "COPY", "PRAGMA", "CALL"),
    )
)
_OTHERS = {
    "CAST": "values keep their type; there are no casts",
    "OVER": "there are no window functions; declare a counter under counters:",
    "DISTINCT": "compare with =, and ask IS NULL for what is unknown",
    "XOR": "write a <> b for truth values",
    "RLIKE": "write LIKE '%word%'",
    "REGEXP": "write LIKE '%word%'",
    "SIMILAR": "write LIKE '%word%'",
}


def findings(expression: Expression) -> Iterator[Finding]:
    """The first thing that is not part of an expression."""
    if not expression.tokens:
        yield Finding(
            expression.scalar.at,
            "an expression is missing here",
            "write for example lexicon.threat_phrase > 0",
        )
        return
    for index, token in enumerate(expression.tokens):
        if token.comments:
            hint = "comments are written with # on a line of their own, outside the expression"
            yield Finding(expression.region(token), "SQL comments are not read here", hint)
            return
        after = expression.tokens[index + 1] if index + 1 < len(expression.tokens) else None
        finding = _foreign(expression, token, after)
        if finding is not None:
            yield finding
            return


def _foreign(expression: Expression, token: Token, after: Token | None) -> Finding | None:
    at = expression.region(token)
    if token.token_type not in _ALLOWED:
        shown = expression.text[token.start : token.end + 1]
        return Finding(at, f"{shown[:20]} is not part of the language", _INSTEAD.get(shown))
    if token.token_type is TokenType.IDENTIFIER:
        word = token.text.upper()
        # A name such as `values` may well be a field's; it is SQL where another value follows it.
        leads = after is not None and after.token_type not in _JOINING
        if word in STATEMENTS and leads:
            return Finding(
                at,
                f"a rule is one condition, and {word} begins something else",
                "remove everything but the condition",
            )
        if word in _OTHERS and (leads or (after is not None and after.token_type is TokenType.L_PAREN)):
            return Finding(at, f"{word} is not part of the language", _OTHERS[word])
    return None


_JOINING = frozenset((*WORDS.values(), *SIGNS.values())) - {
    TokenType.L_PAREN,
    TokenType.STAR,
    TokenType.CASE,
}
