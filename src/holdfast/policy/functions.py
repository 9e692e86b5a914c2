"""The functions that rules may call. Each is a typed declaration; the reference is made from them.

A function is called with no NULL among its arguments (a NULL makes the result NULL), unless it is
declared `skips_null`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlglot import exp

from holdfast.policy.letters import lower, upper
from holdfast.schema import Type, Value

Render: TypeAlias = Callable[..., exp.Expr]

_BLANKS = " \t\n\r\f\v"


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function for one list of argument types; several may share a name.

    `execute` is the live form; `duckdb` and `spark` build the same as SQL from the arguments' SQL.
    With `repeats`, the last argument may be given any number of times. `integral` says that whole
    numbers give a whole number.
    """

    name: str
    arguments: tuple[Type, ...]
    result: Type
    doc: str
    execute: Callable[..., Value]
    duckdb: Render
    spark: Render
    repeats: bool = False
    skips_null: bool = False
    examples: tuple[str, ...] = field(default=())

    @property
    def signature(self) -> str:
        """How it is called, in the types' names."""
        return f"{self.name}({', '.join(self.arguments)}{', …' if self.repeats else ''})"

    def accepts(self, given: tuple[Type | None, ...]) -> bool:
        """Whether arguments of these types may be given (`None`: a bare NULL, which has no type)."""
        if self.repeats:
            if len(given) < len(self.arguments):
                return False
            wanted = (*self.arguments, *[self.arguments[-1]] * (len(given) - len(self.arguments)))
        else:
            wanted = self.arguments
        return len(given) == len(wanted) and all(map(_fits, given, wanted))


def _fits(given: Type | None, wanted: Type) -> bool:
    return given is None or given is wanted or (given is Type.INTEGER and wanted is Type.NUMBER)


def _call(name: str) -> Render:
    return lambda *arguments: exp.Anonymous(this=name, expressions=list(arguments))


def _list_contains(texts: exp.Expr, text: exp.Expr) -> exp.Expr:
    # DuckDB's alone is not enough: 2.0.1 says FALSE, not NULL, where the text is NULL and the list is empty.
    unknown = exp.or_(
        exp.Is(this=texts.copy(), expression=exp.Null()), exp.Is(this=text.copy(), expression=exp.Null())
    )
    return exp.Case().when(unknown, exp.Null()).else_(_call("LIST_CONTAINS")(texts, text))


def _least(*values: Any) -> Value:
    return min((value for value in values if value is not None), default=None)


def _greatest(*values: Any) -> Value:
    return max((value for value in values if value is not None), default=None)


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


def _trim(text: str) -> str:
    return text.strip(_BLANKS)


def _spark_lower(text: exp.Expr) -> exp.Expr:
    # Spark's lower() grows the dotted I and looks at what follows a sigma; see `letters.py`.
    return _call("LOWER")(_call("TRANSLATE")(text, exp.Literal.string("İΣ"), exp.Literal.string("iσ")))


_BLANKS_SQL = exp.Literal.string(_BLANKS)


def _overloads(types: tuple[Type, ...], **declared: Any) -> tuple[Function, ...]:
    return tuple(Function(arguments=(kind,), result=kind, **declared) for kind in types)


_NUMERIC = (Type.INTEGER, Type.NUMBER)

FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="lower",
        arguments=(Type.TEXT,),
        result=Type.TEXT,
        doc="The text in lower case, letter by letter (Unicode's simple mapping).",
        execute=lower,
        duckdb=_call("LOWER"),
        spark=_spark_lower,
        examples=("lower(item.text) = 'first'",),
    ),
    Function(
        name="upper",
        arguments=(Type.TEXT,),
        result=Type.TEXT,
        doc="The text in upper case, letter by letter (Unicode's simple mapping).",
        execute=upper,
        duckdb=_call("UPPER"),
        spark=_call("UPPER"),
        examples=("item.text = upper(item.text)",),
    ),
    Function(
        name="trim",
        arguments=(Type.TEXT,),
        result=Type.TEXT,
        doc="The text without spaces, tabs and line breaks at its ends.",
        execute=_trim,
        duckdb=lambda text: _call("TRIM")(text, _BLANKS_SQL.copy()),
        spark=lambda text: exp.Trim(this=text, expression=_BLANKS_SQL.copy(), position="BOTH"),
        examples=("trim(item.text) = ''",),
    ),
    Function(
        name="length",
        arguments=(Type.TEXT,),
        result=Type.INTEGER,
        doc="How many characters (code points) the text has.",
        execute=len,
        duckdb=_call("LENGTH"),
        spark=_call("CHAR_LENGTH"),
        examples=("length(item.text) > 2000",),
    ),
    Function(
        name="length",
        arguments=(Type.TEXT_LIST,),
        result=Type.INTEGER,
        doc="How many texts the list holds.",
        execute=len,
        duckdb=_call("LEN"),
        spark=_call("SIZE"),
        examples=("length(contact.kinds) >= 2",),
    ),
    Function(
        name="contains",
        arguments=(Type.TEXT, Type.TEXT),
        result=Type.BOOLEAN,
        doc="Whether the first text holds the second, letter for letter.",
        execute=operator.contains,
        duckdb=_call("CONTAINS"),
        spark=_call("CONTAINS"),
        examples=("contains(lower(item.text), 'giveaway')",),
    ),
    Function(
        name="contains",
        arguments=(Type.TEXT_LIST, Type.TEXT),
        result=Type.BOOLEAN,
        doc="Whether the text is one of the list's.",
        execute=operator.contains,
        duckdb=_list_contains,
        spark=_call("ARRAY_CONTAINS"),
        examples=("contains(contact.kinds, 'phone')",),
    ),
    Function(
        name="starts_with",
        arguments=(Type.TEXT, Type.TEXT),
        result=Type.BOOLEAN,
        doc="Whether the first text begins with the second.",
        execute=str.startswith,
        duckdb=_call("STARTS_WITH"),
        spark=_call("STARTSWITH"),
        examples=("starts_with(item.text, '@')",),
    ),
    Function(
        name="ends_with",
        arguments=(Type.TEXT, Type.TEXT),
        result=Type.BOOLEAN,
        doc="Whether the first text ends with the second.",
        execute=str.endswith,
        duckdb=_call("ENDS_WITH"),
        spark=_call("ENDSWITH"),
        examples=("ends_with(item.text, '?')",),
    ),
    *_overloads(
        _NUMERIC,
        name="abs",
        doc="The number without its sign.",
        execute=abs,
        duckdb=_call("ABS"),
        spark=_call("ABS"),
        examples=("abs(author.followers - target.followers) < 10",),
    ),
    *_overloads(
        _NUMERIC,
        name="least",
        doc="The smallest of the known numbers; NULL when none is known.",
        execute=_least,
        duckdb=_call("LEAST"),
        spark=_call("LEAST"),
        repeats=True,
        skips_null=True,
        examples=("least(author.followers, 1000) < 10",),
    ),
    *_overloads(
        _NUMERIC,
        name="greatest",
        doc="The largest of the known numbers; NULL when none is known.",
        execute=_greatest,
        duckdb=_call("GREATEST"),
        spark=_call("GREATEST"),
        repeats=True,
        skips_null=True,
        examples=("greatest(lexicon.insult, lexicon.profanity) >= 3",),
    ),
    *_overloads(
        tuple(Type),
        name="coalesce",
        doc="The first value that is known; NULL when none is.",
        execute=_coalesce,
        duckdb=_call("COALESCE"),
        spark=_call("COALESCE"),
        repeats=True,
        skips_null=True,
        examples=("coalesce(author.age_days, 0) < 7",),
    ),
)


def functions_named(name: str) -> tuple[Function, ...]:
    """The functions of that name, in any case."""
    return tuple(function for function in FUNCTIONS if function.name == name.lower())
