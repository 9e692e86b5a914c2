"""Sets are read group by group, and a sentence has one decision only if every filling has."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from models import cutoffs, fairness
from models.answers import Answers
from models.development import Development
from models.heads import GROUPS, HEADS
from models.sources import InvalidRecipe


def answers(hate: list[float]) -> Answers:
    table = np.zeros((len(hate), len(HEADS)))
    table[:, HEADS.index("hate")] = hate
    return Answers(table, table, [frozenset()] * len(hate), [None] * len(hate))


def write(folder: Path, name: str, file: str, rows: list[dict[str, str]]) -> None:
    path = folder / "data" / name / file
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_templates_are_kept_whole_and_told_apart_by_their_term(tmp_path: Path) -> None:
    terms = ("muslim", "african american", "deaf")
    write(
        tmp_path,
        "madlibs_77k",
        "dev.csv",
        [
            {"id": f"{verb}{term}", "text": f"{verb} {term} folks", "label": str(int(verb == "bake")), "lang": "en"}
            for verb in ("greet", "bake", "paint")
            for term in terms
        ],
    )  # fmt: skip
    whole = fairness.read("madlibs_77k", tmp_path, 100)
    assert set(whole.frames) == {"greet · folks", "bake · folks", "paint · folks"}
    assert {group for groups in whole.groups for group in groups} == set(terms)
    assert whole.harmful.sum() == 3
    some = fairness.read("madlibs_77k", tmp_path, 7)
    assert len(some.texts) == 6
    assert len(set(some.frames)) == 2
    assert fairness.named("muslim")
    assert not fairness.named("bristo")


def test_a_pair_is_one_frame(tmp_path: Path) -> None:
    write(
        tmp_path,
        "wiki_identity_fuzz",
        "dev.csv",
        [
            {"id": "wtb-fuzzed-7", "text": "Jewish people wrote it", "label": "0", "set": "fuzzed", "lang": "en"},
            {"id": "wtb-nonfuzzed-7", "text": "They wrote it", "label": "0", "set": "nonfuzzed", "lang": "en"},
        ],
    )  # fmt: skip
    data = fairness.read("wiki_identity_fuzz", tmp_path, 100)
    assert data.frames == ["7", "7"]
    assert data.groups == [("jewish",), ()]


def test_toxigen_s_scale_is_cut_in_its_middle(tmp_path: Path) -> None:
    rows = [{"text": f"one {n}", "toxicity_human": score, "target": "women", "lang": "en"} for n, score in enumerate(["1.0", "3.0", "5.0", ""])]  # fmt: skip
    write(tmp_path, "toxigen_human", "train.csv", rows)
    data = fairness.read("toxigen_human", tmp_path, 100)
    assert data.harmful.tolist() == [False, True, True]


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRecipe, match="redditbias"):
        fairness.read("redditbias", tmp_path, 10)


def test_gaps_are_between_the_groups_furthest_apart() -> None:
    n = 40
    data = fairness.Labelled(
        ["x"] * 3 * n,
        np.zeros(3 * n, np.bool_),
        [("a",)] * n + [("b",)] * n + [("c",)] * n,
        ["x"] * 3 * n,
    )
    said = answers([0.1] * n + [0.9] * 10 + [0.1] * 30 + [0.9] * n)
    found = fairness.gaps("made up", data, said, cutoffs.load())
    assert found["false_positive_rate"].value == pytest.approx(50 / 120)
    assert found["false_positive_gap"].value == 1
    assert found["false_positive_between"] == "a – c"
    assert found["false_negative_gap"].value is None
    assert found["score_gap"] == pytest.approx(0.8)
    groups = fairness.by_group("made up", data, said, cutoffs.load())
    assert [(r["group"], r["n"], r["false_positive_rate"].value) for r in groups] == [
        ("a", n, 0),
        ("b", n, 0.25),
        ("c", n, 1),
    ]
    assert groups[1]["score_of_innocent"].value == pytest.approx(0.3)
    assert groups[1]["score_of_harmful"].value is None


def test_one_decision_means_all_of_them() -> None:
    frames = ["one", "one", "two", "two", "two", "alone"]
    found = fairness.one_decision("made up", frames, answers([0.7, 0.9, 0.1, 0.2, 0.7, 0.9]), cutoffs.load())
    assert (found["n"], found["texts"], found["one_decision"].value) == (2, 5, 0.5)
    assert found["largest_spread"] == pytest.approx(0.6)


def test_own_sentences_are_said_of_every_group() -> None:
    texts = ["my muslim friend baked bread", "nothing of anybody", "jewish and black people met"]
    dev = Development(
        texts,
        [None] * 3,
        np.array(["composed"] * 3),
        np.array(["p"] * 3),
        np.array(["f"] * 3),
        np.zeros((3, len(HEADS))),
        np.zeros((3, len(GROUPS))),
    )
    said, frames = fairness.swapped(dev, np.random.default_rng(0))
    assert len(said) == len(GROUPS) == len(frames)
    assert len(set(said)) == len(GROUPS)
    assert all("friend baked bread" in text for text in said)
