"""What the thirteen categories mean: laws that hold whatever the classifier says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import moderation

from holdfast.web.moderations.categories import CATEGORIES, PICTURED, THRESHOLD, UNSEEN, Reading, verdict
from holdfast.web.moderations.wire import result

HEADS = sorted({head for heads in CATEGORIES.values() for head in heads})
UNSCORED = [name for name, heads in CATEGORIES.items() if not heads]

probabilities = st.floats(0, 1) | st.none()
readings = st.lists(
    st.builds(
        Reading,
        st.sampled_from(["text", "image"]),
        st.fixed_dictionaries({}, optional=dict.fromkeys(HEADS, probabilities)),
    ),
    max_size=4,
)


def test_the_categories_and_their_input_types_are_those_of_openais_client() -> None:
    fields = moderation.CategoryAppliedInputTypes.model_fields
    kinds = {field.alias or name: str(field.annotation) for name, field in fields.items()}
    assert set(kinds) == set(CATEGORIES)
    assert {name for name, kind in kinds.items() if "image" in kind} == PICTURED


@given(found=readings)
@settings(deadline=None)
def test_a_result_is_consistent(found: list[Reading]) -> None:
    scores = result(found)
    assert (
        set(scores.categories)
        == set(scores.category_scores)
        == set(scores.category_applied_input_types)
        == set(CATEGORIES)
    )
    assert scores.flagged == any(scores.categories.values())
    for name in CATEGORIES:
        score, applied = scores.category_scores[name], scores.category_applied_input_types[name]
        assert 0 <= score <= 1
        assert scores.categories[name] == (score >= THRESHOLD)
        assert list(applied) == [kind for kind in ("text", "image") if kind in applied]
        if not applied:
            assert score == 0
        if name not in PICTURED:
            assert "image" not in applied


@given(found=readings, more=readings)
@settings(deadline=None)
def test_looking_at_more_finds_no_less(found: list[Reading], more: list[Reading]) -> None:
    for name in CATEGORIES:
        alone, together = verdict(name, found), verdict(name, [*found, *more])
        assert together.score >= alone.score
        assert set(together.applied) >= set(alone.applied)


@given(found=readings)
@settings(deadline=None)
def test_threatening_categories_are_never_likelier_than_what_they_are_made_of(found: list[Reading]) -> None:
    for name in ("hate", "harassment"):
        both = verdict(f"{name}/threatening", found)
        assert both.score <= min(verdict(name, found).score, verdict("violence", found).score)


@given(found=readings)
@settings(deadline=None)
def test_what_is_not_scored_is_never_looked_at(found: list[Reading]) -> None:
    for name in UNSCORED:
        assert verdict(name, found) == UNSEEN


def test_unknown_is_not_looked_at_and_zero_is() -> None:
    assert verdict("hate", [Reading("text", {"hate": None})]) == UNSEEN
    assert verdict("hate", [Reading("text", {})]) == UNSEEN
    assert verdict("hate", [Reading("text", {"hate": 0.0})]).applied == ("text",)
    assert verdict("hate/threatening", [Reading("text", {"hate": 0.9, "threat": None})]) == UNSEEN


def test_words_in_a_picture_are_told_as_the_format_can() -> None:
    words = [Reading("image", dict.fromkeys(HEADS, 0.5))]
    assert verdict("violence", words).applied == ("image",)
    assert verdict("hate", words).applied == ("text",)
    assert verdict("violence", [*words, Reading("text", dict.fromkeys(HEADS, 0.1))]).applied == (
        "text",
        "image",
    )
