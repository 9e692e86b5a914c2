"""Figures of the scorecard, beside baselines, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from models import cutoffs, scorecard
from models.answers import Answers
from models.development import Development
from models.heads import GROUPS, HEADS

HATE = HEADS.index("hate")
N = 40


@pytest.fixture(scope="module")
def dev() -> Development:
    """Twenty hateful and twenty other rows of a corpus, twenty rows of another that knows only innocents, and twenty own ones."""
    labels = np.full((N + 40, len(HEADS)), np.nan)
    labels[:N, HATE] = [1, 0] * 20
    labels[N:, HATE] = 0
    labels[N:, HEADS.index("threat")] = 0
    groups = np.full((N + 40, len(GROUPS)), np.nan)
    groups[:N] = 0
    groups[:20, GROUPS.index("muslim")] = 1
    return Development(
        ["x"] * (N + 40),
        [None] * (N + 40),
        np.array(["one"] * N + ["goemotions_reddit"] * 20 + ["composed"] * 20),
        np.array([""] * (N + 20) + ["p"] * 20),
        np.array([""] * (N + 20) + ["everyday_plain"] * 20),
        labels,
        groups,
    )


@pytest.fixture(scope="module")
def answers(dev: Development) -> Answers:
    """Three in four of the hateful are found; two benign texts are taken for hate, one only by the student; one is unknown."""
    said = np.zeros((len(dev), len(HEADS)))
    said[:N, HATE] = [0.9, 0.1] * 20
    said[0:10:2, HATE] = 0.2
    said[N : N + 2, HATE] = 0.8
    alone = said.copy()
    alone[N, HATE] = 0.1
    said[N + 3] = np.nan
    stages: list[str | None] = ["encoder"] * N + ["student"] * 3 + [None] + ["encoder"] * 36
    about = [frozenset({"muslim"}) if row < 10 else frozenset[str]() for row in range(len(dev))]
    return Answers(said, alone, about, stages)


def test_a_head_is_told_where_both_kinds_are_known(dev: Development, answers: Answers) -> None:
    found = scorecard.by_head(dev, answers, cutoffs.load())
    assert [(record["head"], record["source"], record["n"]) for record in found] == [
        ("hate", "all corpora", 60),
        ("hate", "one", 40),
    ]
    one = found[1]
    assert one["recall"].value == pytest.approx(0.75)
    assert one["precision"].value == 1
    assert one["accuracy"].value == pytest.approx(35 / 40)
    assert one["auc"].value == 1
    assert one["accuracy"].low < 35 / 40 < one["accuracy"].high
    assert 0 < one["ece"].value < 0.5


def test_baselines_stand_beside(dev: Development, answers: Answers) -> None:
    keywords = {"hate": np.array([row < 4 for row in range(len(dev))])}
    found = scorecard.baselines(dev, answers, cutoffs.load(), keywords)[1]
    assert found["always_yes_accuracy"].value == 0.5
    assert found["always_no_macro_f1"].value == pytest.approx((0 + 2 / 3) / 2)
    assert found["keyword_accuracy"].value == pytest.approx(20 / 40)
    assert found["classifier_accuracy"].value == pytest.approx(35 / 40)
    without = scorecard.baselines(dev, answers, cutoffs.load(), {})[1]
    assert without["keyword_macro_f1"].value is None


def test_groups_are_compared_where_a_corpus_names_them(dev: Development, answers: Answers) -> None:
    (found,) = scorecard.by_group(dev, answers)
    assert (found["group"], found["about"], found["n"]) == ("muslim", 20, 40)
    assert (found["precision"].value, found["recall"].value) == (1, 0.5)


def test_the_student_s_cost_is_told_by_source(dev: Development, answers: Answers) -> None:
    found = {record["source"]: record for record in scorecard.by_stage(dev, answers, cutoffs.load())}
    pool = found["goemotions_reddit"]
    assert pool["student"].value == pytest.approx(3 / 20)
    assert pool["unknown"].value == pytest.approx(1 / 20)
    assert pool["accuracy"].value == pytest.approx(18 / 20)
    assert pool["encoder_alone"].value == pytest.approx(19 / 20)
    assert pool["difference"].value == pytest.approx(-1 / 20)
    assert found["one"]["difference"].value == 0
    assert found["all"]["n"] == found["own sentences"]["n"] + found["all corpora"]["n"] == len(dev)


def test_false_alarms_on_a_benign_pool(dev: Development, answers: Answers) -> None:
    pools = dict(scorecard.benign_rows(dev))
    (everyday,) = (rows for name, rows in pools.items() if name.startswith("own everyday"))
    (reddit,) = (rows for name, rows in pools.items() if name.startswith("goemotions"))
    assert len(everyday) == 20
    found = scorecard.false_alarms("pool", answers.take(reddit), cutoffs.load())
    assert (found["n"], found["acted_on"].value, found["encoder_alone"].value) == (20, 0.1, 0.05)
    assert found["hate"].value == 0.1
    assert found["threat"].value == 0


def test_a_higher_cut_off_acts_on_less(dev: Development, answers: Answers) -> None:
    found = scorecard.by_cutoff(dev, answers, cutoffs.load())
    told = {record["cutoff"]: record for record in found}
    assert told["0.5"]["false_alarms"].value == 0.1
    assert told["0.9"]["false_alarms"].value == 0
    assert told["0.5"]["left_up"].value == 1
    assert told["0.5"]["acted_on"].value is None  # no own sentence here asks for it
    alarms = [record["false_alarms"].value for record in found]
    assert alarms == sorted(alarms, reverse=True)
