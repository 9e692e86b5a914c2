"""Every functionality has a class, every class something to hold, and intervals take patterns for what they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import composed, cutoffs, functionalities
from models.answers import Answers
from models.development import Development
from models.functionalities import class_of, clustered
from models.heads import GROUPS, HEADS
from models.sources import InvalidRecipe


@pytest.fixture(scope="module")
def names() -> set[str]:
    return {pattern.functionality for pattern in composed.load().patterns}


def test_every_name_in_a_class_is_a_functionality(names: set[str]) -> None:
    for one in functionalities.load():
        for pattern in one.functionalities:
            alone = functionalities.Class(name="x", wanted="left up", functionalities=[pattern])
            assert any(alone.holds(name) for name in names), f"{one.name}: {pattern}"


def test_every_functionality_has_a_class(names: set[str]) -> None:
    classes = functionalities.load()
    assert len({one.name for one in classes}) == len(classes)
    for name in names:
        assert class_of(name, "acted on", classes).wanted == "acted on"
        assert class_of(name, "left up", classes).wanted == "left up"
    with pytest.raises(InvalidRecipe, match="no class takes it"):
        class_of("rebuttal", "acted on", classes[:1])


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), min_size=1, max_size=30))
def test_the_interval_holds_the_share(rows: list[tuple[bool, str]]) -> None:
    right, patterns = np.array([r for r, _ in rows]), np.array([p for _, p in rows])
    figure = clustered(right, patterns, np.random.default_rng(1))
    assert figure.value == pytest.approx(right.mean())
    assert figure.low is not None and figure.high is not None
    assert 0 <= figure.low <= figure.value <= figure.high <= 1
    again = clustered(right, patterns, np.random.default_rng(1))
    assert (again.low, again.high) == (figure.low, figure.high)


def test_sentences_of_few_patterns_tell_less() -> None:
    right = np.array([True] * 90 + [False] * 30)
    few, many = (np.array([str(row // size) for row in range(120)]) for size in (30, 1))
    widths = []
    for patterns in (few, many):
        figure = clustered(right, patterns, np.random.default_rng(1))
        assert figure.low is not None and figure.high is not None
        widths.append(figure.high - figure.low)
    assert widths[0] > 2 * widths[1]


def test_flawless_is_not_certain() -> None:
    figure = clustered(np.ones(20, np.bool_), np.array(list("ab") * 10), np.random.default_rng(1))
    assert figure.value == 1
    assert figure.low is not None and figure.low < 1
    assert clustered(np.zeros(0, np.bool_), np.zeros(0, np.str_), np.random.default_rng(1)).value is None


def test_right_is_what_the_sentence_asks_for() -> None:
    hate, threat, spam = (HEADS.index(head) for head in ("hate", "threat", "spam"))
    labels = np.zeros((5, len(HEADS)))
    labels[:2, hate] = 1
    labels[4] = np.nan  # of this one nothing is known
    said = np.zeros((5, len(HEADS)))
    said[0, threat] = 0.9  # acted on for another reason: acted on
    said[3, spam] = 0.9  # innocent, and acted on
    alone = np.zeros((5, len(HEADS)))
    dev = Development(
        ["x"] * 5,
        [None] * 5,
        np.array(["composed"] * 5),
        np.array(["p", "p", "q", "q", "q"]),
        np.array(["rebuttal"] * 5),
        labels,
        np.full((5, len(GROUPS)), np.nan),
    )
    answers = Answers(said, alone, [frozenset()] * 5, [None] * 5)
    policy = np.array([True, True, True, False, False])
    judged = functionalities.judge(dev, answers, cutoffs.load(), policy)
    assert judged.rows.tolist() == [0, 1, 2, 3]
    assert judged.right.tolist() == [True, False, True, False]
    assert judged.right_alone.tolist() == [False, False, True, True]
    assert judged.right_policy is not None
    assert judged.right_policy.tolist() == [True, True, False, True]
    classes = functionalities.load()
    up, acted = (
        next(r for r in functionalities.by_functionality(dev, judged, classes) if r["wanted"] == wanted)
        for wanted in ("left up", "acted on")
    )
    assert (up["class"], up["n"], up["patterns"], up["right"].value, up["low"]) == (
        "counterspeech and quotes",
        2,
        1,
        0.5,
        True,
    )
    assert (acted["class"], acted["policy"].value) == ("other hate", 1.0)
    by_class = functionalities.by_class(dev, judged, classes, np.random.default_rng(0))
    told = {record["class"]: record for record in by_class}
    assert sum(told[one.name]["n"] for one in classes) == told["all"]["n"] == 4
    assert told["all"]["right"].value == 0.5
    assert told["counterspeech and quotes"]["met"] is False
    assert told["coded talk"]["met"] is None
