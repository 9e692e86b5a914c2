"""The grammar of `when`: the part of SQL that an expression over one row needs, parsed by sqlglot.

The tokenizer knows only the words and signs listed here, so everything else SQL can say (statements,
sub-queries, windows, casts, parameters, comments) is a foreign token that a validator points at
before the parser runs. A dotted name is one token, and the parser has no function of its own:
`functions.py` says which exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError, TokenError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from holdfast.policy.diagnostics import Finding
from holdfast.policy.document import Scalar
from holdfast.policy.source import Region

WORDS: dict[str, TokenType] = {
    "AND": TokenType.AND,
    "OR": TokenType.OR,
    "NOT": TokenType.NOT,
    "IS": TokenType.IS,
    "NULL": TokenType.NULL,
    "TRUE": TokenType.TRUE,
    "FALSE": TokenType.FALSE,
    "IN": TokenType.IN,
    "BETWEEN": TokenType.BETWEEN,
    "LIKE": TokenType.LIKE,
    "ILIKE": TokenType.ILIKE,
    "ESCAPE": TokenType.ESCAPE,
    "CASE": TokenType.CASE,
    "WHEN": TokenType.WHEN,
    "THEN": TokenType.THEN,
    "ELSE": TokenType.ELSE,
    "END": TokenType.END,
}
"""The words of the language, in any case; no field may be called like one."""

SIGNS: dict[str, TokenType] = {
    "=": TokenType.EQ,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "<": TokenType.LT,
    "<=": TokenType.LTE,
    ">": TokenType.GT,
    ">=": TokenType.GTE,
    "+": TokenType.PLUS,
    "-": TokenType.DASH,
    "*": TokenType.STAR,
    "/": TokenType.SLASH,
    "%": TokenType.MOD,
    "(": TokenType.L_PAREN,
    ")": TokenType.R_PAREN,
    ",": TokenType.COMMA,
}

# Signs of other languages and dialects: known so that a validator can say what to write instead.
_FOREIGN_SIGNS: dict[str, TokenType] = {
    "==": TokenType.LR_ARROW,
    "&&": TokenType.DAMP,
    "||": TokenType.DPIPE,
    "::": TokenType.DCOLON,
    ":=": TokenType.COLON_EQ,
    "->": TokenType.ARROW,
    "=>": TokenType.FARROW,
    "~~": TokenType.GLOB,
}


class _Tokenizer(Tokenizer):
    KEYWORDS: ClassVar[dict[str, TokenType]] = {**WORDS, **SIGNS, **_FOREIGN_SIGNS}
    SINGLE_TOKENS: ClassVar[dict[str, TokenType]] = {**Tokenizer.SINGLE_TOKENS, "!": TokenType.EXCLAMATION}


class _Parser(Parser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
    PRIMARY_PARSERS: ClassVar[dict[TokenType, Any]] = {
        **Parser.PRIMARY_PARSERS,
        # The base parser forgets where these three stand.
        TokenType.NULL: lambda self, token: self.expression(exp.Null(), token),
        TokenType.TRUE: lambda self, token: self.expression(exp.Boolean(this=True), token),
        TokenType.FALSE: lambda self, token: self.expression(exp.Boolean(this=False), token),
    }


class Expression(NamedTuple):
    """One expression as written: its text, where it stands, and its tokens."""

    scalar: Scalar
    tokens: tuple[Token, ...]

    @property
    def text(self) -> str:
        """The SQL as written."""
        return self.scalar.value

    def region(self, token: Token) -> Region:
        """Where a token stands in the policy's source."""
        return self.scalar.region(token.start, token.end + 1)

    def canonical(self) -> str:
        """The tokens in one spelling: what is the same but for white space and case reads the same."""
        following = (*self.tokens[1:], None)
        return " ".join(
            _spelled(token, called=after is not None and after.token_type is TokenType.L_PAREN)
            for token, after in zip(self.tokens, following, strict=True)
        )


class Malformed(Exception):
    """An expression cannot be read; carries the one finding that says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def tokenize(scalar: Scalar) -> Expression:
    """The tokens of an expression. Raises `Malformed` when a quote is not closed."""
    try:
        tokens = _Tokenizer().tokenize(scalar.value)
    except TokenError:
        start = _open_quote(scalar.value)
        hint = "close it with the same quote; a quote inside a text is doubled: 'it''s'"
        if scalar.plain:
            hint += ". In YAML ' #' begins a comment: put such an expression after |"
        raise Malformed(Finding(scalar.region(start, start + 1), "this quote is not closed", hint)) from None
    return Expression(scalar, tuple(_with_whole_names(tokens)))


def parse(expression: Expression) -> exp.Expr:
    """The syntax tree of an expression whose tokens a validator has let through."""
    parser = _Parser(error_level=ErrorLevel.IMMEDIATE)
    try:
        tree = parser.parse_into(exp.Condition, list(expression.tokens), expression.text)[0]
    except ParseError as error:
        raise Malformed(_unparsed(expression, error)) from None
    except Exception:
        # The parser is made for people's queries; on some heaps of words it stumbles instead of refusing.
        tree = None
    if tree is None or not _is_whole(tree, expression):
        raise Malformed(
            Finding(
                expression.scalar.at,
                "this is not a complete expression",
                "look for a missing AND, THEN, comma or value",
            )
        )
    return tree


def _with_whole_names(tokens: list[Token]) -> Iterator[Token]:
    """`lexicon . slur` without white space between is one name."""
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.token_type is TokenType.VAR or token.token_type in _WORD_TYPES:
            last = index
            while (
                last + 2 < len(tokens)
                and tokens[last + 1].token_type is TokenType.DOT
                and tokens[last + 1].start == tokens[last].end + 1
                and tokens[last + 2].start == tokens[last + 1].end + 1
                and (
                    tokens[last + 2].token_type is TokenType.VAR or tokens[last + 2].token_type in _WORD_TYPES
                )
            ):
                last += 2
            if last > index or token.token_type is TokenType.VAR:
                parts = tokens[index : last + 1]
                token = Token(
                    TokenType.IDENTIFIER,
                    "".join(part.text for part in parts),
                    token.line,
                    parts[-1].col,
                    token.start,
                    parts[-1].end,
                    [comment for part in parts for comment in part.comments],
                )
            index = last
        yield token
        index += 1


_WORD_TYPES = frozenset(WORDS.values())


def _spelled(token: Token, *, called: bool) -> str:
    match token.token_type:
        case TokenType.STRING:
            return "'" + token.text.replace("'", "''") + "'"
        case TokenType.IDENTIFIER:
            return token.text.lower() if called else f'"{token.text}"'
        case TokenType.NEQ:
            return "<>"
        case _:
            return token.text.upper()


def _open_quote(text: str) -> int:
    open_at, quote = -1, ""
    for index, character in enumerate(text):
        if quote:
            if character == quote:
                quote = ""
        elif character in "'\"":
            open_at, quote = index, character
    return max(open_at, 0)


def _unparsed(expression: Expression, error: ParseError) -> Finding:
    detail = error.errors[0] if error.errors else {}
    line, col = detail.get("line"), detail.get("col")
    token = next((t for t in expression.tokens if t.line == line and t.col == col), expression.tokens[-1])
    description = str(detail.get("description") or "").rstrip(".")
    hint = None
    if token is expression.tokens[-1] and token.token_type not in _ENDS:
        message = "a value is missing after this"
    elif description.startswith("Required argument"):
        message = "a value is missing beside this"
    else:
        message, hint = "this does not belong here", "look for a missing AND, OR or value before it"
    return Finding(expression.region(token), message, hint)


_ENDS = (
    *(TokenType.IDENTIFIER, TokenType.NUMBER, TokenType.STRING, TokenType.R_PAREN, TokenType.END),
    *(TokenType.NULL, TokenType.TRUE, TokenType.FALSE),
)


def _is_whole(tree: exp.Expr, expression: Expression) -> bool:
    """Whether every joining token became part of the tree: the parser lets some of them be left out."""
    expected = dict.fromkeys((TokenType.AND, TokenType.THEN, TokenType.COMMA), 0)
    for node in tree.walk():
        if isinstance(node, exp.And | exp.Between):
            expected[TokenType.AND] += 1
        elif isinstance(node, exp.If):
            expected[TokenType.THEN] += 1
        elif isinstance(node, exp.Anonymous | exp.In | exp.Tuple):
            expected[TokenType.COMMA] += max(0, len(node.expressions) - 1)
    found = dict.fromkeys(expected, 0)
    for token in expression.tokens:
        if token.token_type in found:
            found[token.token_type] += 1
    return found == expected
