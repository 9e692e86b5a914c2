"""Fields, policies and random expressions that the policy tests share."""

from __future__ import annotations

import textwrap
from typing import Any

from hypothesis import strategies as st

from holdfast.policy.policy import Policy
from holdfast.schema import Field, Schema, Type, Value


def field(name: str, kind: Type, **declared: Any) -> Field:
    return Field(name=name, type=kind, doc=f"{name} of a test", **declared)


SCHEMA = Schema(
    [
        field("item.text", Type.TEXT),
        field("item.surface", Type.TEXT),
        field("author.id", Type.TEXT, nullable=True),
        field("author.age_days", Type.NUMBER, nullable=True),
        field("author.followers", Type.INTEGER, nullable=True, low=0),
        field("author.verified", Type.BOOLEAN, nullable=True),
        field("author.followed_by_target", Type.BOOLEAN, nullable=True),
        field("target.id", Type.TEXT, nullable=True),
        field("lexicon.threat_phrase", Type.INTEGER, low=0),
        field("lexicon.insult", Type.INTEGER, low=0),
        field("lexicon.spam_phrase", Type.INTEGER, low=0),
        field("text.links", Type.INTEGER, low=0),
        field("text.capitals", Type.NUMBER, low=0, high=1),
        field("text.shouted", Type.BOOLEAN),
        field("language", Type.TEXT, nullable=True),
        field("contact.kinds", Type.TEXT_LIST),
    ]
)


def a_rule(when: str, **keys: str) -> str:
    """One rule as YAML, in a list's indentation."""
    declared = {"name": "a_rule", "then": "hold", "reason": "test", "tells": "It was tested.", **keys}
    lines = [
        f"when: |\n{textwrap.indent(when, '    ')}",
        *(f"{key}: {value}" for key, value in declared.items()),
    ]
    return textwrap.indent("\n".join(lines), "    ").replace("    ", "  - ", 1)


def a_policy(*whens: str, head: str = "", **keys: str) -> str:
    """A policy of rules `rule_0`, `rule_1`, … with these conditions."""
    rules = [a_rule(when, **{"name": f"rule_{n}", **keys}) for n, when in enumerate(whens)]
    return f"policy: test\n{head}rules:\n" + "\n".join(rules) + "\n"


def load(*whens: str, head: str = "", **keys: str) -> Policy:
    return Policy.load(a_policy(*whens, head=head, **keys), SCHEMA)


# Random rows and expressions ------------------------------------------------------------------

_TEXTS = st.one_of(
    st.sampled_from(["", "a", "b", "ab", "aab", "Ab", "ß", "ΑΣ", "İ", "a%b", "a_b", "a!b", "a\\b", "'", "\n", " a\t", "en", "de", "😀", "￿", "𐀀"]),
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
    st.text(alphabet="ab%_!\\ Ab", max_size=8),
)  # fmt: skip
_INTEGERS = st.one_of(st.integers(-3, 5), st.integers(-(2**53) + 1, 2**53 - 1))
_NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 0.5, 1.0, -1.5, 2.0, 1e-101, 1e-300, -1e-100, 1e100]),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.floats(-1e100, 1e100, allow_nan=False),
)

EXPRESSION_SCHEMA = Schema(
    [
        field("b", Type.BOOLEAN),
        field("b.maybe", Type.BOOLEAN, nullable=True),
        field("c.maybe", Type.BOOLEAN, nullable=True),
        field("i", Type.INTEGER),
        field("i.maybe", Type.INTEGER, nullable=True),
        field("i.small", Type.INTEGER, nullable=True, low=-3, high=5),
        field("n", Type.NUMBER),
        field("n.maybe", Type.NUMBER, nullable=True),
        field("t", Type.TEXT),
        field("t.maybe", Type.TEXT, nullable=True),
        field("l", Type.TEXT_LIST),
        field("l.maybe", Type.TEXT_LIST, nullable=True),
    ]
)
_VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.BOOLEAN: st.booleans(),
    Type.INTEGER: _INTEGERS,
    Type.NUMBER: _NUMBERS,
    Type.TEXT: _TEXTS,
    Type.TEXT_LIST: st.lists(_TEXTS, max_size=3),
}


def _value(declared: Field) -> st.SearchStrategy[Value]:
    values = st.integers(-3, 5) if declared.low is not None else _VALUES[declared.type]
    return st.one_of(st.none(), values) if declared.nullable else values


ROWS = st.lists(
    st.tuples(*[_value(declared) for declared in EXPRESSION_SCHEMA.values()]), min_size=1, max_size=12
)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _visible(text: str) -> str:
    return "".join(c for c in text if c.isprintable())


@st.composite
def expressions(draw: st.DrawFn, kind: Type = Type.BOOLEAN, depth: int = 4) -> str:
    """SQL of the given type."""
    forms = _LEAVES[kind] if depth <= 0 else _LEAVES[kind] + _FORMS[kind]
    form = draw(st.sampled_from(forms))

    def part(of: Type) -> str:
        return draw(expressions(of, depth - 1))

    return str(form(draw, part))


def _reads(*names: str) -> list[Any]:
    return [lambda draw, part, name=name: name for name in names]


def _between(draw: Any, part: Any) -> str:
    kind = draw(st.sampled_from([Type.INTEGER, Type.NUMBER, Type.TEXT]))
    return f"({part(kind)} {draw(st.sampled_from(['', 'NOT ']))}BETWEEN {part(kind)} AND {part(kind)})"


def _one_of(draw: Any, part: Any) -> str:
    negated = draw(st.sampled_from(["", "NOT "]))
    if draw(st.booleans()):
        values = [_literal(_visible(text)) for text in draw(st.lists(_TEXTS, min_size=1, max_size=4))]
        return f"({part(Type.TEXT)} {negated}IN ({', '.join(values)}))"
    values = [draw(st.sampled_from(["1", "0", "-2", "0.5", "1e3"])) for _ in range(draw(st.integers(1, 4)))]
    values += [part(Type.INTEGER)] if draw(st.booleans()) else []
    return f"({part(draw(st.sampled_from([Type.INTEGER, Type.NUMBER])))} {negated}IN ({', '.join(values)}))"


def _like(draw: Any, part: Any) -> str:
    word = draw(st.sampled_from(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"]))
    pattern = _visible(draw(st.one_of(_TEXTS, st.text(alphabet="ab%_A", max_size=6))))
    escape = draw(st.sampled_from(["", "!", "\\"]))
    if escape:
        pattern = pattern.replace(escape, escape * 2) + draw(
            st.sampled_from(["", f"{escape}%", f"{escape}_b"])
        )
    return f"({part(Type.TEXT)} {word} {_literal(pattern)}{f' ESCAPE {_literal(escape)}' if escape else ''})"


def _compare(draw: Any, part: Any) -> str:
    left, right = draw(
        st.sampled_from(
            [
                (Type.INTEGER, Type.INTEGER),
                (Type.INTEGER, Type.NUMBER),
                (Type.NUMBER, Type.INTEGER),
                (Type.NUMBER, Type.NUMBER),
                (Type.TEXT, Type.TEXT),
            ]
        )
    )
    return f"({part(left)} {draw(st.sampled_from(['=', '<>', '<', '<=', '>', '>=', '!=']))} {part(right)})"


def _case(kind: Type) -> Any:
    def form(draw: Any, part: Any) -> str:
        otherwise = draw(st.sampled_from(["", " ELSE NULL", f" ELSE {part(kind)}"]))
        if draw(st.booleans()):
            return f"CASE WHEN {part(Type.BOOLEAN)} THEN {part(kind)} WHEN {part(Type.BOOLEAN)} THEN {part(kind)}{otherwise} END"
        return f"CASE {part(Type.TEXT)} WHEN {part(Type.TEXT)} THEN {part(kind)}{otherwise} END"

    return form


def _coalesce(kind: Type) -> Any:
    return lambda draw, part: f"coalesce({', '.join(part(kind) for _ in range(draw(st.integers(1, 3))))})"


def _calls(name: str, *kinds: Type) -> Any:
    return lambda draw, part: f"{name}({', '.join(part(kind) for kind in kinds)})"


def _is(draw: Any, part: Any) -> str:
    if draw(st.booleans()):
        of, what = part(Type.BOOLEAN), draw(st.sampled_from(["TRUE", "FALSE", "NULL"]))
    else:
        of, what = part(draw(st.sampled_from(list(Type)))), "NULL"
    return f"({of} IS {draw(st.sampled_from(['', 'NOT ']))}{what})"


def _arithmetic(draw: Any, part: Any) -> str:
    kinds = st.sampled_from([Type.INTEGER, Type.NUMBER])
    sign = draw(st.sampled_from(["+", "-", "*", "/", "/", "%", "%"]))
    return f"({part(draw(kinds))} {sign} {part(draw(kinds))})"


def _extreme(kind: Type) -> Any:
    def form(draw: Any, part: Any) -> str:
        parts = [part(kind) for _ in range(draw(st.integers(1, 3)))]
        return f"{draw(st.sampled_from(['least', 'greatest']))}({', '.join(parts)})"

    return form


_LEAVES: dict[Type, list[Any]] = {
    Type.BOOLEAN: _reads("b", "b.maybe", "c.maybe", "b.maybe", "TRUE", "FALSE"),
    Type.INTEGER: [*_reads("i", "i.maybe", "i.small"), lambda draw, part: str(draw(st.integers(-3, 5)))],
    Type.NUMBER: [
        *_reads("n", "n.maybe"),
        lambda draw, part: draw(st.sampled_from(["0.5", "2.0", "-1.5", "1e3"])),
    ],
    Type.TEXT: [*_reads("t", "t.maybe"), lambda draw, part: _literal(_visible(draw(_TEXTS)))],
    Type.TEXT_LIST: _reads("l", "l.maybe"),
}
_FORMS: dict[Type, list[Any]] = {
    Type.BOOLEAN: [
        lambda draw, part: f"({part(Type.BOOLEAN)} AND {part(Type.BOOLEAN)})",
        lambda draw, part: f"({part(Type.BOOLEAN)} AND {part(Type.BOOLEAN)} AND {part(Type.BOOLEAN)})",
        lambda draw, part: f"({part(Type.BOOLEAN)} OR {part(Type.BOOLEAN)})",
        lambda draw, part: f"({part(Type.BOOLEAN)} OR {part(Type.BOOLEAN)} OR {part(Type.BOOLEAN)})",
        lambda draw, part: f"(NOT {part(Type.BOOLEAN)})",
        lambda draw, part: f"({part(Type.BOOLEAN)} {draw(st.sampled_from(['=', '<>']))} {part(Type.BOOLEAN)})",
        _compare, _compare, _between, _one_of, _like, _like, _is, _case(Type.BOOLEAN), _coalesce(Type.BOOLEAN),
        _calls("contains", Type.TEXT, Type.TEXT), _calls("contains", Type.TEXT_LIST, Type.TEXT),
        _calls("starts_with", Type.TEXT, Type.TEXT), _calls("ends_with", Type.TEXT, Type.TEXT),
    ],
    Type.INTEGER: [
        _calls("length", Type.TEXT), _calls("length", Type.TEXT_LIST), _calls("abs", Type.INTEGER),
        _case(Type.INTEGER), _coalesce(Type.INTEGER), _extreme(Type.INTEGER), _calls("-", Type.INTEGER),
    ],
    Type.NUMBER: [
        _arithmetic, _arithmetic, _arithmetic, _calls("abs", Type.NUMBER), _case(Type.NUMBER),
        _coalesce(Type.NUMBER), _extreme(Type.NUMBER), _calls("-", Type.NUMBER),
    ],
    Type.TEXT: [
        _calls("lower", Type.TEXT), _calls("upper", Type.TEXT), _calls("trim", Type.TEXT),
        _case(Type.TEXT), _coalesce(Type.TEXT),
    ],
    Type.TEXT_LIST: [_case(Type.TEXT_LIST), _coalesce(Type.TEXT_LIST)],
}  # fmt: skip
