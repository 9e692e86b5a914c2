import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.policy.lifecycle import SHADOW_LIMIT, Lifecycle, LifecycleError

authors = st.text(min_size=1, max_size=20)
percents = st.integers(1, 99)


def test_a_policy_walks_from_shadow_over_a_share_to_live_and_back() -> None:
    state = Lifecycle().publish("a@1").shadow("a@2")
    assert state.in_use == ("a@1", "a@2")
    state = state.roll_out("a@2", 5)
    assert (state.candidate, state.shadows) == ("a@2", ())
    state = state.publish("a@2")
    assert (state.live, state.earlier, state.candidate) == ("a@2", ("a@1",), None)
    state, to = state.roll_back()
    assert (state.live, to, state.earlier) == ("a@1", "a@1", ())


def test_rolling_back_a_trial_keeps_the_live_policy() -> None:
    state, to = Lifecycle().publish("a@1").roll_out("a@2", 50).roll_back()
    assert (state.live, state.candidate, to) == ("a@1", None, "a@1")


@given(authors, percents, percents)
def test_raising_the_share_never_moves_an_author_back(author: str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    live = Lifecycle().publish("a@1")
    if live.roll_out("a@2", low).decides(author) == "a@2":
        assert live.roll_out("a@2", high).decides(author) == "a@2"


@pytest.mark.parametrize("percent", [1, 20, 75])
def test_the_share_of_authors_is_the_one_asked_for(percent: int) -> None:
    state = Lifecycle().publish("a@1").roll_out("a@2", percent)
    moved = sum(state.decides(f"author-{n}") == "a@2" for n in range(20_000))
    assert abs(moved / 200 - percent) < 1.5


@pytest.mark.parametrize(
    "step",
    [
        lambda s: s.publish("a@1"),
        lambda s: s.roll_out("a@1", 10),
        lambda s: s.roll_out("a@2", 0),
        lambda s: s.roll_out("a@2", 100),
        lambda s: s.shadow("a@1"),
        lambda s: s.end_shadow("a@9"),
        lambda s: s.roll_back(),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(step) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(LifecycleError):
        step(Lifecycle().publish("a@1"))


def test_shadows_are_bounded() -> None:
    state = Lifecycle().publish("a@0")
    for n in range(SHADOW_LIMIT):
        state = state.shadow(f"a@{n + 1}")
    with pytest.raises(LifecycleError, match="one shadow too many"):
        state.shadow("a@99")
