"""Cells: times, truth values, numbers, context; what each may look like and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.bulk.cells import Builder, moment
from holdfast.bulk.columns import resolve
from holdfast.errors import InvalidItem
from holdfast.schema import Field, Type

after_1973 = st.datetimes(datetime(1973, 4, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=200, deadline=None)
@given(after_1973)
def test_one_time_in_many_forms(when: datetime) -> None:
    when = when.replace(microsecond=when.microsecond // 1000 * 1000)
    east = when.astimezone(timezone(timedelta(hours=9)))
    seconds = int(when.timestamp())
    milliseconds = seconds * 1000 + when.microsecond // 1000
    forms = [
        when.isoformat(),
        east.isoformat(),
        f" {when.isoformat()} ",
        when,
        milliseconds,
        str(milliseconds),
    ]
    assert {moment(form) for form in forms} == {when}
    assert moment(seconds) == moment(str(seconds)) == when.replace(microsecond=0)
    assert moment(when.replace(tzinfo=None).isoformat()) == when


def test_dates() -> None:
    new_year = datetime(2024, 1, 1, tzinfo=UTC)
    assert [moment(form) for form in ("2024-01-01", "20240101", date(2024, 1, 1))] == [new_year] * 3


@pytest.mark.parametrize(
    "form", ["", "soon", "2024", 2024, 45_000, True, -1, 1e300, "1" * 400, [], "2024-13-01", 10**15]
)
def test_what_is_no_time(form: object) -> None:
    with pytest.raises((ValueError, OverflowError)):
        moment(form)


def build(**cells: object) -> object:
    inputs = [Field(name="room", type=Type.INTEGER, doc=""), Field(name="open", type=Type.BOOLEAN, doc="")]
    uses = resolve(list(cells), {}, [field.name for field in inputs])
    return Builder(uses, "comment", inputs).build(list(cells.values()), 7)


def test_context_is_typed_as_the_policy_declares() -> None:
    item = build(text="a", room="3", open="yes", **{"context.other": "3", "context.none": ""})
    assert item.context == {"room": 3, "open": True, "other": "3"}  # type: ignore[attr-defined]
    item = build(text="a", context='{"room": "4", "x": null}')
    assert item.context == {"room": 4, "x": None}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cells", "field", "reason"),
    [
        ({"room": "three"}, "room", "is not an integer"),
        ({"context": "{"}, "context", "is not an object"),
        ({"author": "a", "author_created_at": "soon"}, "author_created_at", "is not a time"),
        ({"author_id": "", "author.followers": "3"}, "author_id", "has no id"),
        ({"author": "a", "author.verified": "perhaps"}, "author.verified", "is neither true nor false"),
        ({"author": "a", "author_followers": "-3"}, "author_followers", "is out of range"),
        ({"author": "a\n"}, "author", "holds a control character"),
        ({"id": "x" * 300}, "id", "has the wrong length"),
        ({"id": 1.5}, "id", "is not an id"),
        ({"caption": "x" * 70_000}, "caption", "is too long"),
        ({"surface": "Comment "}, "surface", "is not a surface"),
    ],
)
def test_a_refusal_names_the_column(cells: dict[str, object], field: str, reason: str) -> None:
    with pytest.raises(InvalidItem) as refused:
        build(text="a", **cells)
    assert (refused.value.where, refused.value.what) == (field, reason)
    assert "x" * 50 not in str(refused.value)
