from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.policy import limits
from holdfast.policy.like import Pattern, PatternError

ALPHABET = "ab%_!\n"


def naive(pattern: str, text: str, escape: str | None) -> bool:
    """By a regular expression, which may go back and so is slow on hostile texts."""
    parts = []
    characters = iter(pattern)
    for character in characters:
        if character == escape:
            parts.append(re.escape(next(characters)))
        else:
            parts.append({"%": ".*", "_": "."}.get(character, re.escape(character)))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


@settings(max_examples=200, deadline=None)
@given(st.text(ALPHABET, max_size=10), st.text(ALPHABET, max_size=12), st.sampled_from([None, "!"]))
def test_a_pattern_fits_what_a_regular_expression_says(pattern: str, text: str, escape: str | None) -> None:
    try:
        parsed = Pattern.parse(pattern, escape, any_case=False)
    except PatternError:
        assert escape is not None
        return
    assert parsed.matcher()(text) == naive(pattern, text, escape)


@settings(max_examples=200, deadline=None)
@given(st.text(ALPHABET, max_size=10), st.sampled_from([None, "!"]), st.sampled_from(["!", "\\", "~"]))
def test_a_written_pattern_is_the_same_pattern(pattern: str, escape: str | None, other: str) -> None:
    try:
        parsed = Pattern.parse(pattern, escape, any_case=False)
    except PatternError:
        return
    text, needed = parsed.written(other)
    assert Pattern.parse(text, other if needed else None, any_case=False) == parsed


def test_any_case_takes_the_pattern_in_lower_case() -> None:
    assert Pattern.parse("%ΑΣ!_", "!", any_case=True).matcher()("xxασ_")


@pytest.mark.parametrize("pattern", ["a!", "!a", "%!b"])
def test_an_escape_stands_before_something_special(pattern: str) -> None:
    with pytest.raises(PatternError, match="escape"):
        Pattern.parse(pattern, "!", any_case=False)


def test_patterns_are_bounded() -> None:
    with pytest.raises(PatternError, match="256 characters"):
        Pattern.parse("a" * (limits.PATTERN_CHARACTERS + 1), None, any_case=False)
    with pytest.raises(PatternError, match="stretch"):
        Pattern.parse("%" + "_" * (limits.WILD_STRETCH + 1) + "%", None, any_case=False)


@pytest.mark.parametrize("pattern", ["%a%a%a%a%a%a%a%a%a%a%a%ab", "%" + "a_" * 32 + "%b", "a%_a%_a%_a%_ab%"])
def test_no_text_makes_a_pattern_go_back(pattern: str) -> None:
    # By going back, each of these would take longer than anybody waits.
    assert not Pattern.parse(pattern, None, any_case=False).matcher()("a" * 20_000)
