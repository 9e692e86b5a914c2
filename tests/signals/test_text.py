"""How a text is written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signals.conformance import SignalConformance, items_of

from holdfast.content import Item
from holdfast.signals.signal import Batch
from holdfast.signals.text import LINK, Text


def measured(text: str) -> dict[str, object]:
    columns = Text().measure(Batch(items_of([text]))).columns
    return {name.removeprefix("text."): column[0] for name, column in columns.items()}


class TestSignal(SignalConformance):
    texts = ("Hello", "👍", "see https://example.com")

    make = Text


@pytest.mark.parametrize(
    ("text", "emoji"),
    [("👍", 1), ("👍🏽👍", 2), ("👨‍👩‍👧", 1), ("❤️", 1), ("❤", 0), ("🇮🇱🇵🇸", 2), ("🇮🇱🇵", 1), ("1️⃣ 2", 1), ("©™ 1#", 0), ("a😂b😂c", 2), ("🏽", 0), ("", 0)],
)  # fmt: skip
def test_counts_emoji(text: str, emoji: int) -> None:
    assert measured(text)["emoji"] == emoji


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://example.com/a?b=c and http://x.org", 2), ("www.example.com", 1), ("bit.ly/abc", 1), ("example.com", 1), ("my.shop.example.co.uk!", 1),
        ("EXAMPLE.COM", 1), ("me@example.com", 0), ("end.Next sentence", 0), ("hello.there general", 0), ("3.14 and v2.0", 0), ("e.g. this i.e. that", 0),
        ("wow...ok", 0), ("(example.com)", 1), ("schön example.com", 1), ("", 0),
    ],
)  # fmt: skip
def test_counts_links(text: str, links: int) -> None:
    assert measured(text)["links"] == links


def test_measures_letters_capitals_and_length() -> None:
    assert measured("HELLO wOrld, 你好 ß 12") == {
        "length": 20, "letters": 13, "evasion": 0, "emoji": 0, "links": 0, "capitals": 6 / 11
    }  # fmt: skip
    assert measured("你好")["capitals"] == 0.0


def test_disguises_of_the_transcript_do_not_count() -> None:
    items = [Item(id="1", text="plain", transcript="h4te"), Item(id="2", text="h4te")]
    assert Text().measure(Batch(items)).columns["text.evasion"] == [0, 1]


@given(st.text(st.characters(exclude_categories=["Cn", "Cs"]), max_size=40))
@settings(deadline=None, max_examples=200)
def test_letters_and_capitals_are_as_python_counts_them(text: str) -> None:
    found = measured(text)
    assert found["length"] == len(text)
    assert found["letters"] == sum(c.isalpha() for c in text)


@pytest.mark.parametrize("unit", ["a.", "a", "a-", "www.", "http://", ".a", "a.com", "@a.co"])
def test_links_take_linear_time(unit: str) -> None:
    assert sum(1 for _ in LINK.finditer(unit * (100_000 // len(unit)))) >= 0


@given(st.lists(st.sampled_from(["www.a.com", "x", "b.org/p", " "]), max_size=8))
@settings(deadline=None, max_examples=50)
def test_links_stand_apart(parts: list[str]) -> None:
    assert measured(" ".join(parts))["links"] == sum("." in part for part in parts)
