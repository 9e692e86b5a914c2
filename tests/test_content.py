from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.content import (
    CONTEXT_LIMIT,
    ID_LIMIT,
    ITEM_FIELDS,
    TEXT_LIMIT,
    Account,
    Item,
    item_column,
    validate_item,
)
from holdfast.errors import InvalidItem

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def item(**fields: object) -> Item:
    return Item(**{"id": "1", "text": "soup tonight", **fields})  # type: ignore[arg-type]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_that_utf8_can_hold_is_valid(text: str) -> None:
    assert validate_item(item(text=text)).text == text


@given(st.text(st.characters(categories=["Cs"]), min_size=1, max_size=3), st.text("ab", max_size=5))
def test_half_a_surrogate_pair_is_refused_and_located(half: str, before: str) -> None:
    with pytest.raises(InvalidItem) as caught:
        validate_item(item(text=before + half), "items[7]")
    assert caught.value.where == "items[7].text"
    assert f"at character {len(before)}" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"id": ""}, "item.id"),
        ({"id": "x" * (ID_LIMIT + 1)}, "item.id"),
        ({"id": "a\0b"}, "item.id"),
        ({"text": "x" * (TEXT_LIMIT + 1)}, "item.text"),
        ({"caption": "x" * (TEXT_LIMIT + 1)}, "item.caption"),
        ({"author": Account(id="")}, "item.author.id"),
        ({"author": Account(id="a", followers=-1)}, "item.author.followers"),
        ({"target": Account(id="a\n")}, "item.target.id"),
        ({"context": {"karma": float("nan")}}, "item.context.karma"),
        ({"context": {"karma": 2**60}}, "item.context.karma"),
        ({"id": 7}, "item.id"),
        ({"text": b"soup"}, "item.text"),
        ({"surface": "tv"}, "item.surface"),
        ({"author": "ana"}, "item.author"),
        ({"author": Account(id="a", followers="many")}, "item.author.followers"),  # type: ignore[arg-type]
        ({"author": Account(id="a", verified="yes")}, "item.author.verified"),  # type: ignore[arg-type]
        ({"created_at": "2026-01-01"}, "item.created_at"),
        ({"context": [1]}, "item.context"),
        ({"context": {"karma": [1]}}, "item.context.karma"),
        ({"context": {str(n): 1 for n in range(CONTEXT_LIMIT + 1)}}, "item.context"),
    ],
)
def test_what_breaks_the_contract_is_named(fields: dict[str, object], where: str) -> None:
    with pytest.raises(InvalidItem) as caught:
        validate_item(item(**fields))
    assert caught.value.where == where
    assert caught.value.expected


def test_errors_never_carry_the_text() -> None:
    with pytest.raises(InvalidItem) as caught:
        validate_item(item(text="secret" * TEXT_LIMIT))
    assert "secret" not in str(caught.value)


def test_times_become_utc() -> None:
    naive = datetime(2026, 1, 1, 12)  # noqa: DTZ001
    elsewhere = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert validate_item(item(created_at=naive)).created_at == naive.replace(tzinfo=UTC)
    checked = validate_item(item(created_at=elsewhere, author=Account(id="a", created_at=naive)))
    assert checked.created_at is not None
    assert checked.created_at.utcoffset() == timedelta(0)
    assert checked.created_at == elsewhere
    assert checked.author is not None
    assert checked.author.created_at is not None
    assert checked.author.created_at.tzinfo is UTC


def test_a_valid_item_is_handed_through_untouched() -> None:
    valid = item(author=Account(id="a"), created_at=NOW)
    assert validate_item(valid) is valid


@pytest.mark.parametrize("field", ITEM_FIELDS, ids=lambda f: f.name)
def test_every_declared_field_can_be_read_and_only_nullable_ones_are_unknown(field) -> None:  # type: ignore[no-untyped-def]
    column = item_column(field.name, [item()], NOW)
    assert column is not None
    if not field.nullable:
        assert column[0] is not None


def test_an_age_is_measured_at_the_item_not_at_the_clock() -> None:
    old = item(
        author=Account(id="a", created_at=NOW - timedelta(days=10)), created_at=NOW - timedelta(days=3)
    )
    new = item(author=Account(id="a", created_at=NOW - timedelta(days=10)))
    assert item_column("author.age_days", [old, new, item()], NOW) == [7.0, 10.0, None]


def test_unknown_fields_and_wrong_types_do_not_pass_the_decoder() -> None:
    decode = msgspec.json.Decoder(Item).decode
    for body in (
        b'{"id":"1","text":"a","txet":"b"}',
        b'{"id":1,"text":"a"}',
        b'{"id":"1","text":"a","surface":"tv"}',
    ):
        with pytest.raises(msgspec.ValidationError):
            decode(body)


@pytest.mark.parametrize("tag", ["en", "pt-BR", "zh-Hant-TW", "fil"])
def test_a_language_tag_is_taken(tag: str) -> None:
    assert validate_item(Item(id="1", text="", language=tag)).language == tag


@pytest.mark.parametrize("tag", ["", "e", "english", "en_GB", "en-", "de\n", "ен", "en" + "-a" * 9])
def test_what_is_no_language_tag_is_refused_by_name(tag: str) -> None:
    with pytest.raises(InvalidItem) as refusal:
        validate_item(Item(id="1", text="", language=tag))
    assert refusal.value.where == "item.language"
