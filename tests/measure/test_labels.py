"""Labels: what is positive, what negative, and what is left out without a word too much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.measure.labels import VALUES_TOLD_APART, InvalidLabels, Labels


@pytest.mark.parametrize("value", ["1", " 1 ", 1, 1.0, True, "TRUE", "yes", "Y"])
def test_positive(value: object) -> None:
    assert Labels("label").read(value) is True  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["0", 0, 0.0, False, "False", "no", "N"])
def test_negative(value: object) -> None:
    assert Labels("label").read(value) is False  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, "", "  ", "2", "maybe", 0.5])
def test_unknown(value: object) -> None:
    labels = Labels("label")
    assert labels.read(value) is None  # type: ignore[arg-type]
    assert sum(labels.left_out.values()) == 1


def test_named_values() -> None:
    labels = Labels("label", ["Hate", "threat"])
    assert [labels.read(word) for word in ("hate", "THREAT", "normal", "")] == [True, True, False, None]
    strict = Labels("label", ["hate"], ["normal"])
    assert [strict.read(word) for word in ("hate", "normal", "offensive")] == [True, False, None]
    assert strict.values == {"offensive": 1}


def test_what_cannot_be_meant() -> None:
    with pytest.raises(InvalidLabels, match="needs --positive"):
        Labels("label", (), ["normal"])
    with pytest.raises(InvalidLabels, match="--negative names, too"):
        Labels("label", ["a"], ["A"])


@given(st.lists(st.text(max_size=40), max_size=80))
def test_values_are_counted_in_bounds_and_many_are_not_repeated(values: list[str]) -> None:
    labels = Labels("label", ["wanted"], ["unwanted"])
    read = [labels.read(value) for value in values]
    assert sum(labels.values.values()) == read.count(None)
    assert len(labels.left_out) <= VALUES_TOLD_APART + 1


def test_texts_in_the_label_column_are_not_repeated() -> None:
    labels = Labels("label")
    for number in range(30):
        labels.read(f"secret {number}")
    labels.read("a sentence that somebody wrote, with a secret")
    assert "secret" not in str(labels.refuse("in.csv", 31))
    assert "secret" not in str(labels.values)


def test_errors_say_what_to_do() -> None:
    labels = Labels("verdict")
    labels.read("hateful")
    assert "--positive hateful" in str(labels.refuse("in.csv", 1))
    assert "holds no rows" in str(labels.refuse("in.csv", 0))
    named = Labels("verdict", ["hatful"])
    named.read("hateful")
    assert "did you mean --positive hateful?" in str(named.refuse_unseen("in.csv"))
