from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from tests.policy.samples import SCHEMA, load
from tests.policy.test_policy import verdict

from holdfast.policy.functions import FUNCTIONS, Function
from holdfast.policy.letters import lower, upper
from holdfast.policy.policy import Policy
from holdfast.schema import Field, Schema, Type

WIDER = SCHEMA.with_fields(
    [
        Field(name="target.followers", type=Type.INTEGER, doc="", nullable=True, low=0),
        Field(name="lexicon.profanity", type=Type.INTEGER, doc="", low=0),
    ]
)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.signature)
def test_every_function_is_documented_by_an_example_that_loads(function: Function) -> None:
    assert function.doc.endswith(".")
    assert function.examples
    for text in function.examples:
        assert f"{function.name}(" in text
        policy = Policy.load(f"policy: x\nrules:\n  - {{name: r, when: \"{text}\", then: hold, reason: r, tells: t}}\n", Schema(WIDER.values()))  # fmt: skip
        assert policy.warnings == ()


def test_letters_change_case_as_duckdb_changes_them() -> None:
    letters = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    table = pa.table({"letter": letters})
    with duckdb.connect() as connection:
        connection.register("letters", table)
        rows = connection.sql("SELECT letter, lower(letter), upper(letter) FROM letters").fetchall()
    assert [row for row in rows if (lower(row[0]), upper(row[0])) != row[1:]] == []


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("ΟΔΟΣ", "οδοσ", "ΟΔΟΣ"),
        ("straße", "straße", "STRAẞE"),
        ("İi", "ii", "İI"),
        ("ŉ", "ŉ", "ŉ"),
        ("", "", ""),
    ],
)
def test_case_is_changed_letter_by_letter(text: str, low: str, high: str) -> None:
    assert (lower(text), upper(text)) == (low, high)


@pytest.mark.parametrize(
    ("when", "row", "action"),
    [
        ("trim(item.text) = 'a'", {"item__text": " \t\r\n\f\va \n"}, "hold"),
        ("trim(item.text) = 'a'", {"item__text": "\u00a0a"}, "allow"),
        ("length(item.text) = 1", {"item__text": "😀"}, "hold"),
        ("length(contact.kinds) = 2", {"contact__kinds": ["a", "b"]}, "hold"),
        ("contains(contact.kinds, 'phone')", {"contact__kinds": ["phones"]}, "allow"),
        ("contains(item.text, 'phone')", {"item__text": "phones"}, "hold"),
        ("least(author.followers, 5) = 5", {"author__followers": None}, "hold"),
        ("greatest(author.followers, 5) = 7", {"author__followers": 7}, "hold"),
        ("coalesce(author.age_days, 0) < 7", {"author__age_days": None}, "hold"),
        ("coalesce(author.age_days, 0) < 7", {"author__age_days": 7.0}, "allow"),
        ("coalesce(language, item.text, 'x') = 'x'", {"language": None, "item__text": "y"}, "allow"),
        ("ABS(-3) = 3", {}, "hold"),
        ("item.text ILIKE '%SALE_'", {"item__text": "big Sale!"}, "hold"),
        ("-7 % 2 = -1 AND 7 % -2 = 1", {}, "hold"),
        ("7 / 2 = 3.5", {}, "hold"),
        ("lexicon.insult * 9007199254740992 + 1 = 18014398509481984", {"lexicon__insult": 2}, "hold"),
        ("language IS NULL OR language IN ('en')", {"language": None}, "hold"),
        ("(author.verified OR text.shouted) IS NOT TRUE", {"author__verified": None, "text__shouted": False}, "hold"),
        ("item.text < 'b' AND item.text > '\U00010000'", {"item__text": "\uffff"}, "allow"),
        ("item.text BETWEEN 'a' AND 'b'", {"item__text": "aa"}, "hold"),
        ("CASE language WHEN 'en' THEN 1 WHEN 'de' THEN 2 ELSE 3 END = 3", {"language": None}, "hold"),
    ],
)  # fmt: skip
def test_what_functions_and_operators_mean(when: str, row: dict[str, object], action: str) -> None:
    assert verdict(load(when), **row).action == action  # type: ignore[arg-type]
