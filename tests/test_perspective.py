"""The attributes of Perspective's interface, from the classifier's heads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.perspective import ATTRIBUTES, score, scores, supported

HEADS = sorted({head for heads in ATTRIBUTES.values() for head in heads})
values = st.floats(0, 1) | st.none() | st.sampled_from([0, 1])
rows = st.fixed_dictionaries(dict.fromkeys(HEADS, values))


@given(rows, st.sampled_from(sorted(ATTRIBUTES)))
def test_an_attribute_is_the_highest_of_its_heads_or_unknown_with_one_of_them(signals, attribute):
    told = [signals[head] for head in ATTRIBUTES[attribute]]
    assert score(attribute, signals) == (None if None in told else max(told))


@given(st.lists(rows, max_size=5), st.sampled_from(sorted(ATTRIBUTES)))
def test_columns_are_scored_as_rows_are(table, attribute):
    columns = {head: [signals[head] for signals in table] for head in HEADS}
    assert scores(attribute, columns) == [score(attribute, signals) for signals in table]


@given(rows)
def test_nothing_is_less_toxic_than_it_is_an_attack_a_threat_or_an_insult(signals):
    toxicity = score("TOXICITY", signals)
    if toxicity is not None:
        for attribute in (
            "SEVERE_TOXICITY",
            "IDENTITY_ATTACK",
            "INSULT",
            "PROFANITY",
            "THREAT",
            "SEXUALLY_EXPLICIT",
        ):
            part = score(attribute, signals)
            assert part is not None
            assert part <= toxicity


def test_the_first_six_go_by_their_experimental_names_too():
    doubled = [name for name in ATTRIBUTES if name.endswith("_EXPERIMENTAL")]
    assert len(doubled) == 6
    assert all(ATTRIBUTES[name] == ATTRIBUTES[name.removesuffix("_EXPERIMENTAL")] for name in doubled)


def test_a_head_that_there_is_not_is_unknown():
    assert score("SPAM", {"hate": 0.5}) is None
    with pytest.raises(KeyError):
        scores("SPAM", {"hate": [0.5]})
    with pytest.raises(KeyError):
        score("FLIRTATION", {"hate": 0.5})


def test_only_what_has_all_of_its_heads_is_supported():
    assert set(supported(HEADS)) == set(ATTRIBUTES)
    assert supported(["spam", "hate"]) == ("IDENTITY_ATTACK", "SPAM", "IDENTITY_ATTACK_EXPERIMENTAL")
    assert supported([]) == ()
