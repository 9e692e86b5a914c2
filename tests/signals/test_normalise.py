"""The normaliser: both implementations to one contract, and each to the other."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signals.conformance import NormaliserConformance, hostile

from holdfast.signals import normalise_reference
from holdfast.signals.normalise import normalise


class TestNormalise(NormaliserConformance):
    normalise = staticmethod(normalise)
    long = 200_000


class TestReference(NormaliserConformance):
    normalise = staticmethod(normalise_reference.normalise)


@given(st.lists(hostile, max_size=20))
@settings(deadline=None, max_examples=200)
def test_the_fast_one_equals_the_reference(texts: list[str]) -> None:
    batch = normalise(texts)
    assert [batch[row] for row in range(len(texts))] == normalise_reference.normalise(texts)


@given(st.lists(st.text(alphabet="hmw0135 29x", max_size=30), max_size=8))
@settings(deadline=None, max_examples=200)
def test_the_fast_one_tells_hours_from_letters_as_the_reference_does(texts: list[str]) -> None:
    batch = normalise(texts)
    assert [batch[row] for row in range(len(texts))] == normalise_reference.normalise(texts)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=6))
@settings(deadline=None, max_examples=100)
def test_readable_texts_are_in_order(texts: list[str]) -> None:
    assert normalise(texts).texts == [normal.readable for normal in normalise_reference.normalise(texts)]


def test_lone_surrogates_are_borne() -> None:
    text = "a\ud800b \udfff"
    assert normalise([text])[0] == normalise_reference.normalise_text(text)


def test_evasions_sum_up_all_kinds() -> None:
    assert normalise(["plain", "h4te sooo ha\u200bte", "h a t e"]).evasions.tolist() == [0, 3, 1]


def test_two_flags_are_told_from_letters() -> None:
    normal = normalise(["🇩🇪🇫🇷", "🇩🇪🇫"])
    assert normal.texts == ["germany france", "def"]
    assert (normal[0].starts[1], normal[0].ends[1]) == (0, 2)
