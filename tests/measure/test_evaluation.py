"""Evaluations: what counts as acting, slices that sum to the whole, baselines, scores, examples."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measure.samples import CALM, ENGINE, LINK, NOW, PHONE, SHOUT, evaluated, policy

from holdfast.content import Item
from holdfast.measure.evaluation import Evaluation, Evaluator
from holdfast.measure.examples import KEPT
from holdfast.measure.labels import InvalidLabels, Labels
from holdfast.measure.score import InvalidScore

TEXTS = (LINK, PHONE, SHOUT, CALM)
rows = st.lists(
    st.tuples(st.sampled_from(TEXTS), st.sampled_from(["0", "1"]), st.sampled_from(["a", "b", None])),
    min_size=1,
    max_size=30,
)


def counts(found: Evaluation, kind: str = "policy") -> tuple[int, int, int, int]:
    return next(one for one in found.predictors if one.kind == kind).confusion.counts()


@settings(max_examples=60, deadline=None)
@given(rows)
def test_acted_on_is_any_action_but_allow_or_an_escalation(rows: list) -> None:
    found = evaluated(rows)
    pairs = [(text != CALM, label == "1") for text, label, _ in rows]
    expected = tuple(
        pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))
    )
    assert counts(found) == expected
    assert (found.n, found.positives) == (len(rows), expected[0] + expected[2])
    assert counts(found, "always positive") == (found.positives, found.n - found.positives, 0, 0)
    assert counts(found, "always negative") == (0, 0, found.positives, found.n - found.positives)


def test_acts_from_counts_only_what_is_severe_enough() -> None:
    rows = [(text, "1", "a") for text in TEXTS]
    assert counts(evaluated(rows))[0] == 3
    assert counts(evaluated(rows, acts_from="limit"))[0] == 2
    assert counts(evaluated(rows, acts_from="hold"))[0] == 1  # what is escalated counts always


@settings(max_examples=60, deadline=None)
@given(rows)
def test_slices_sum_to_the_whole(rows: list) -> None:
    found = evaluated(rows)
    (sliced,) = found.by
    for place, whole in enumerate(found.predictors):
        parts = [one.predictors[place].confusion.counts() for one in sliced.slices]
        assert tuple(map(sum, zip(*parts, strict=True))) == whole.confusion.counts()
    assert sum(one.n for one in sliced.slices) == found.n
    assert all(one.small for one in sliced.slices)


@settings(max_examples=30, deadline=None)
@given(rows, st.integers(1, 9), st.integers(0, 99))
def test_neither_order_nor_chunks_change_a_figure(rows: list, size: int, seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    one, other = evaluated(rows), evaluated(shuffled, size=size)
    assert one.predictors == other.predictors
    assert {part.name: part.n for part in one.by[0].slices} == {
        part.name: part.n for part in other.by[0].slices
    }


def test_rows_whose_label_does_not_say_are_left_out_and_counted() -> None:
    found = evaluated([(LINK, "1", "a"), (LINK, "maybe", "a"), (CALM, "", "a"), (CALM, "0", "a")])
    assert (found.rows, found.n, found.left_out) == (4, 2, {"maybe": 1, "(empty)": 1})
    with pytest.raises(InvalidLabels, match="no label that is understood"):
        evaluated([(LINK, "maybe", "a")])
    with pytest.raises(InvalidLabels, match="did you mean --positive hateful"):
        evaluated([(LINK, "hateful", "a")], labels=Labels("label", ["hatefull"]))


def test_the_keyword_baseline_is_any_word_of_a_list() -> None:
    found = evaluated(
        [("free followers here", "1", "a"), ("check out my channel", "1", "a"), (CALM, "0", "a")]
    )
    hits = [
        any(value for name, value in one.signals.items() if name.startswith("lexicon."))
        for one in _decided(found)
    ]
    assert hits.count(True) == sum(counts(found, "keyword")[:2]) > 0


def _decided(found: Evaluation) -> list:
    texts = ["free followers here", "check out my channel", CALM]
    return ENGINE.decide([Item(id=str(n), text=text) for n, text in enumerate(texts)], policy(), NOW)


def test_a_threshold_makes_the_score_what_it_is_about() -> None:
    rows = [(LINK, "0", "a", 0.9), (CALM, "1", "a", "0.5"), (CALM, "1", "b", 0.2), (CALM, "0", "b", None)]
    found = evaluated(rows, threshold=0.5)
    assert (found.primary, found.threshold, found.without_score) == ("score", 0.5, 1)
    assert counts(found, "score") == (1, 1, 1, 0)
    assert [one.row for one in found.false_positives] == [1]
    assert [one.row for one in found.false_negatives] == [3]
    assert found.score is not None
    assert found.score.n == 3
    unset = evaluated(rows)
    assert unset.primary == "policy"
    assert unset.threshold == 0.2
    assert sorted(one.row for one in unset.false_negatives) == [2, 3]


@pytest.mark.parametrize(
    ("value", "said"), [("high", "text"), (float("inf"), "infinity"), ("-inf", "infinity")]
)
def test_a_score_that_is_no_number_is_refused_with_its_row(value: object, said: str) -> None:
    with pytest.raises(InvalidScore) as error:
        evaluated([(CALM, "1", "a", 0.5), (CALM, "0", "a", value)])
    assert "row 2" in str(error.value)
    assert said in str(error.value)


def test_nan_is_no_score() -> None:
    found = evaluated([(CALM, "1", "a", 0.5), (CALM, "0", "a", float("nan")), (CALM, "0", "a", "nan")])
    assert found.without_score == 2
    with pytest.raises(InvalidScore, match="no score in any labelled row"):
        evaluated([(CALM, "1", "a", float("nan"))])


def test_examples_are_bounded_and_the_same_on_every_run() -> None:
    rows = [(LINK, "0", "a")] * 60 + [(CALM, "1", "a")] * 60
    one, other = evaluated(rows, keep_texts=True), evaluated(rows, keep_texts=True, size=7)
    assert one.false_positives == other.false_positives
    assert len(one.false_positives) == len(one.false_negatives) == KEPT
    assert all(mistake.text == LINK for mistake in one.false_positives)
    assert all(mistake.text is None and mistake.marks == () for mistake in evaluated(rows).false_positives)
    assert LINK not in msgspec.json.encode(evaluated(rows)).decode()


def test_a_field_can_slice_as_well() -> None:
    from holdfast.measure.evaluation import By, Chunk

    evaluator = Evaluator(
        ENGINE,
        policy(),
        Labels("label"),
        lambda item: item.context.get("label"),
        NOW,
        by=[By("item.surface", None), By("contact.kinds", None)],
    )
    items = [
        Item(id="1", text=PHONE, surface="reply", context={"label": 1}),
        Item(id="2", text=CALM, context={"label": 0}),
    ]
    evaluator.add(Chunk(items, [1, 2], []))
    surface, kinds = evaluator.finish().by
    assert {one.name for one in surface.slices} == {"reply", "comment"}
    assert {one.name for one in kinds.slices} == {"phone", "(none)"}
