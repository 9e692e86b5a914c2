"""The declaration of a counter, as in

    strangers_10m: count distinct author.id where not author.followed_by_target per target over 10 minutes

An item counts where the condition is TRUE (not where it is NULL) and, for `distinct`, where the
field is known. The counter's value for an item is how many have counted under the same key within
the window that ends with this item, the item itself included. Where a key is NULL the value is
NULL. `per author` and `per target` mean their ids; without `per` there is one count over all items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from sqlglot.tokenizer_core import Token, TokenType

from holdfast.policy import limits, sql
from holdfast.policy.diagnostics import Finding, did_you_mean
from holdfast.policy.expression import Node, reads
from holdfast.policy.grammar import Expression, Malformed
from holdfast.policy.source import Region
from holdfast.schema import Field, Type

_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_SHORT = {"author": "author.id", "target": "target.id"}
_FORM = "write: count [distinct FIELD] [where CONDITION] [per FIELD, …] over N minutes"


@dataclass(frozen=True, kw_only=True)
class Counter:
    """A checked declaration. `of` is the field whose distinct values count, `None` to count items.

    `seconds` is the window's length, `text` the declaration in one spelling.
    """

    name: str
    text: str
    of: str | None
    where: Node | None
    per: tuple[str, ...]
    seconds: int
    nullable: bool

    @property
    def meaning(self) -> str:
        """What is counted, with definitions put in: counters of one meaning count the same."""
        where = "" if self.where is None else f" where {sql.render(self.where, 'duckdb')}"
        of = "" if self.of is None else f" distinct {self.of}"
        return f"count{of}{where} per {', '.join(self.per)} over {self.seconds}"

    @cached_property
    def mark(self) -> str:
        """A short name of the meaning, by which events say what an item counted for."""
        return blake2b(self.meaning.encode(), digest_size=6, person=b"counter").hexdigest()

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields that say where an item counts, and as what."""
        return tuple(dict.fromkeys((*self.per, *(() if self.of is None else (self.of,)))))

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields that it reads."""
        condition = () if self.where is None else reads(self.where)
        return tuple(dict.fromkeys((*self.keys, *condition)))

    @property
    def field(self) -> Field:
        """The field that rules read."""
        return Field(name=self.name, type=Type.INTEGER, doc=self.text, nullable=self.nullable, low=0)


@dataclass(frozen=True, kw_only=True)
class CounterParts:
    """A declaration taken apart, its condition not yet typed."""

    of: Token | None
    where: Expression | None
    per: tuple[Token, ...]
    seconds: int
    text: str


def take_apart(expression: Expression) -> CounterParts:
    """The parts of a declaration. Raises `Malformed`."""
    tokens = expression.tokens
    if not tokens or not _is(tokens[0], "count"):
        at = expression.region(tokens[0]) if tokens else expression.scalar.at
        raise Malformed(Finding(at, "a counter begins with count", _FORM))
    over = _last(tokens, "over", len(tokens))
    if over is None:
        raise Malformed(
            Finding(expression.scalar.at, "a counter ends with its window: over 10 minutes", _FORM)
        )
    seconds = _window(expression, over)
    per = _last(tokens, "per", over)
    head_end = over if per is None else per
    keys = () if per is None else _keys(expression, per, over)
    rest = tokens[1:head_end]
    of = None
    if rest and _is(rest[0], "distinct"):
        if len(rest) < 2 or rest[1].token_type is not TokenType.IDENTIFIER or _is(rest[1], "where"):
            raise Malformed(Finding(expression.region(rest[0]), "count distinct takes a field", _FORM))
        of, rest = rest[1], rest[2:]
    where = None
    if rest:
        if not _is(rest[0], "where") or len(rest) == 1:
            message = "a condition is missing here" if _is(rest[0], "where") else "this does not belong here"
            raise Malformed(Finding(expression.region(rest[0]), message, _FORM))
        where = Expression(expression.scalar, rest[1:])
    words = ["count"]
    words += [] if of is None else ["distinct", of.text]
    words += [] if where is None else ["where", where.canonical().replace('"', "")]
    words += [] if not keys else ["per", ", ".join(key.text for key in keys)]
    window = expression.tokens[over + 1 :]
    words += ["over", *(token.text.lower() for token in window)]
    return CounterParts(of=of, where=where, per=keys, seconds=seconds, text=" ".join(words))


def resolve(token: Token, expression: Expression, fields: Mapping[str, Field], *, key: bool) -> Field:
    """The field that a key or a `distinct` names. Raises `Malformed`."""
    name = _SHORT.get(token.text, token.text) if key else token.text
    at = expression.region(token)
    if name not in fields:
        raise Malformed(Finding(at, f"there is no field called {name[:80]}", did_you_mean(name, fields)))
    if fields[name].type is Type.TEXT_LIST:
        raise Malformed(Finding(at, f"{name} is a list of texts and cannot be counted by"))
    return fields[name]


def _window(expression: Expression, over: int) -> int:
    tokens = expression.tokens[over + 1 :]
    at = _covering(expression, tokens) if tokens else expression.region(expression.tokens[over])
    if len(tokens) != 2 or tokens[0].token_type is not TokenType.NUMBER or not tokens[0].text.isdigit():
        raise Malformed(Finding(at, "a window is a whole number and a unit", "write: over 10 minutes"))
    unit = tokens[1].text.lower()
    if unit.removesuffix("s") not in _UNITS:
        hint = did_you_mean(unit, [f"{name}s" for name in _UNITS]) or "seconds, minutes, hours or days"
        raise Malformed(Finding(expression.region(tokens[1]), f"there is no unit {unit[:40]!r}", hint))
    seconds = int(tokens[0].text[:12]) * _UNITS[unit.removesuffix("s")]
    if not 1 <= seconds <= limits.WINDOW_SECONDS:
        days = limits.WINDOW_SECONDS // 86_400
        raise Malformed(Finding(at, "a window is too short or too long", f"from 1 second to {days} days"))
    return seconds


def _keys(expression: Expression, per: int, over: int) -> tuple[Token, ...]:
    tokens = expression.tokens[per + 1 : over]
    keys, commas = tokens[::2], tokens[1::2]
    if (
        len(tokens) % 2 == 0
        or any(key.token_type is not TokenType.IDENTIFIER for key in keys)
        or any(comma.token_type is not TokenType.COMMA for comma in commas)
    ):
        at = _covering(expression, tokens) if tokens else expression.region(expression.tokens[per])
        raise Malformed(Finding(at, "per takes fields with commas between them", "write: per author, target"))
    if len(keys) > 4:
        raise Malformed(Finding(expression.region(keys[4]), "a counter has at most 4 keys"))
    return keys


def _is(token: Token, word: str) -> bool:
    return token.token_type is TokenType.IDENTIFIER and token.text.lower() == word


def _last(tokens: tuple[Token, ...], word: str, stop: int) -> int | None:
    return next((index for index in range(stop - 1, 0, -1) if _is(tokens[index], word)), None)


def _covering(expression: Expression, tokens: tuple[Token, ...]) -> Region:
    return expression.region(tokens[0]).joined(expression.region(tokens[-1]))
