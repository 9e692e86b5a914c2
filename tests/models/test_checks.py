"""The development check's cases load, fill, and are all different; none of it needs weights."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from models import checks
from models.heads import GROUPS, HEADS

from holdfast.content import validate_item


@pytest.fixture(scope="module")
def book() -> checks.Book:
    return checks.load()


def test_every_class_has_enough_cases(book: checks.Book) -> None:
    sizes = {name: len(kind.cases) for name, kind in book.classes.items()}
    assert min(sizes.values()) >= 25, sizes
    assert sum(sizes.values()) >= 800
    assert {kind.expect for kind in book.classes.values()} == {"act", "leave"}


def test_classes_say_which_heads_attack(book: checks.Book) -> None:
    for name, kind in book.classes.items():
        assert set(kind.heads) <= set(HEADS), name
        assert bool(set(kind.heads) & set(checks.ATTACKS)) == (kind.expect == "act"), name


def test_groups_are_the_classifiers_and_have_every_name(book: checks.Book) -> None:
    assert set(book.default_groups) <= set(book.names) <= set(GROUPS)
    assert all(set(names) == {"group", "adj", "person"} for names in book.names.values())


def test_placeholders_fill(book: checks.Book) -> None:
    items = list(checks.fill(book))
    written = msgspec.json.encode(book.classes).decode()
    assert len(items) > sum(len(kind.cases) for kind in book.classes.values())
    for item in items:
        parts = " ".join(part for part in (item.text, item.caption, item.parent) if part)
        assert not re.search(r"[{}]", parts), item.id
        validate_item(item)
    # Every name is used, and filled where it stands only.
    assert {place for place in ("group", "adj", "person") if f"{{{place}}}" in written} == {
        "group",
        "adj",
        "person",
    }


def test_a_case_is_filled_once_for_each_group_it_names_and_otherwise_for_the_default_ones() -> None:
    names = {"one": {"group": "bristos"}, "two": {"group": "tarns"}}
    cases = ("all {group}", checks.Case("one", parent="the {group}", groups=("two",)), "nobody")
    book = checks.Book(names, ("one", "two"), {"kind": checks.Kind("leave", (), cases, "friend")})
    items = list(checks.fill(book))
    assert [(i.id, i.text, i.parent) for i in items] == [
        ("kind/0/one", "all bristos", None),
        ("kind/0/two", "all tarns", None),
        ("kind/1/two", "one", "the tarns"),
        ("kind/2/-", "nobody", None),
    ]
    assert all(item.author is not None and item.author.followed_by_target for item in items)


def test_no_case_is_there_twice(book: checks.Book) -> None:
    seen = Counter(
        tuple(
            re.sub(r"\W+", " ", part or "").strip().casefold() or part
            for part in (i.text, i.caption, i.parent)
        )
        for i in checks.fill(book)
    )
    assert [case for case, times in seen.items() if times > 1] == []


def test_malformed_cases_are_refused_by_place(tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text("names: {}\ndefault_groups: []\nclasses: {a: {expect: maybe, heads: [], cases: []}}\n")
    with pytest.raises(msgspec.ValidationError, match=r"maybe.*classes"):
        checks.load(path)
