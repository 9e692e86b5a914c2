"""The evaluation runs whole over exported weights, twice alike, and fills the card; a tiny network stands for the real one."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from models import checks, cutoffs, development
from models.answers import Answerer, keyword_hits
from models.evaluate import CARD, SECTIONS, main
from models.rows import Row
from models.rows import write as write_rows
from models.tables import put
from tests.models import tiny
from tests.models.test_fairness import write as write_set

from holdfast.content import Item
from holdfast.signals.classifier import Classifier, Stages
from holdfast.signals.signal import Batch

WORDS = ("bread", "soup", "trains", "rivers", "music", "winter")


def rows() -> list[Row]:
    made = [
        Row(
            text=f"we talk about {word} and {number}",
            labels={"hate": float(number % 2), "harassment": 0.0},
            groups={"muslim": 1.0} if number % 3 == 0 else {},
            source=source,
            split="dev",
        )
        for number, word in enumerate(WORDS * 5)
        for source in ("dynahate", "goemotions_reddit")
    ]
    made += [
        Row(
            text=f"my {group} friend likes {word}",
            context="a video about food" if word == "soup" else None,
            labels={"hate": 0.0, "threat": 0.0, "harassment": 0.0},
            source="composed",
            split="dev",
            pattern=f"likes_{word}",
            functionality="everyday_plain",
        )
        for word in WORDS
        for group in ("muslim", "jewish", "gay")
    ]
    return [*made, Row(text="not for this", labels={"hate": 1.0}, source="dynahate", split="train")]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    tiny.write(folder, certain=0.5)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    write_rows(rows(), path)
    return path


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    base = [{"id": f"x-{n}", "text": f"greet {term} people {n // 4}", "label": str(n // 4 % 2), "lang": "en"} for n, term in enumerate(["muslim", "jewish", "deaf", "old"] * 4)]  # fmt: skip
    folder = tmp_path / "shared"
    write_set(folder, "madlibs_77k", "dev.csv", base)
    write_set(folder, "wiki_identity_fuzz", "dev.csv", base)
    write_set(folder, "redditbias", "dev.csv", [row | {"group": "jews"} for row in base])
    write_set(
        folder,
        "toxigen_human",
        "train.csv",
        [row | {"toxicity_human": "2.0", "target": "women"} for row in base],
    )
    write_set(folder, "tweeteval_emotion", "dev.csv", base)
    kinds = ["hatespeech", "offensive", "normal", "normal"] * 4
    write_set(
        folder,
        "hatexplain",
        "dev.csv",
        [row | {"label3": kind} for row, kind in zip(base, kinds, strict=True)],
    )
    attributes = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT", "SEXUALLY_EXPLICIT", "SPAM")  # fmt: skip
    write_set(
        folder,
        "perspective_wiki_scores",
        "dev.csv",
        [row | {name: str(n / 20) for name in attributes} for n, row in enumerate(base)],
    )
    return folder


@pytest.fixture
def few_cases(monkeypatch: pytest.MonkeyPatch) -> checks.Book:
    """The case book, cut down to what takes a second."""
    whole = checks.load()
    kept = {
        name: msgspec.structs.replace(whole.classes[name], cases=whole.classes[name].cases[:5])
        for name in ("everyday_comments", "positive_identity_statements", "second_person_threats")
    }
    book = msgspec.structs.replace(whole, classes=kept)
    monkeypatch.setattr(checks, "load", lambda: book)
    return book


def test_it_runs_whole_and_twice_alike(
    weights: Path, data: Path, shared: Path, tmp_path: Path, few_cases: checks.Book
) -> None:
    card = tmp_path / "card.md"
    card.write_text(
        "# Card\n\n"
        + "\n".join(f"<!-- table: {name} -->\n<!-- end -->" for name in ("about", *SECTIONS))
        + "\n\nThe end.\n",
        encoding="utf-8",
    )
    given = ["--weights", str(weights), "--data", str(data), "--shared", str(shared), "--card", str(card)]
    assert main([*given, "--out", str(tmp_path / "one")]) == 0
    assert main([*given, "--out", str(tmp_path / "two"), "--workers", "2"]) == 0
    one, two = ((tmp_path / name / "evaluation.json").read_bytes() for name in ("one", "two"))
    assert one == two
    found = json.loads(one)
    sections = found["sections"]
    assert set(sections) == set(SECTIONS)
    assert all(sections[name] for name in SECTIONS)
    # Six own sentences, each of three groups: to the network six.
    assert found["about"]["own_sentences"] == len(WORDS)
    assert found["about"]["dev_rows"] == 2 * 5 * len(WORDS) + len(WORDS)
    filled = card.read_text(encoding="utf-8")
    assert "(not measured" not in filled
    assert filled.startswith("# Card\n") and filled.endswith("\nThe end.\n")
    assert (tmp_path / "one" / "tables.md").read_text(encoding="utf-8").count("<!-- end -->") == 15
    bars = {record["what"]: record for record in sections["bars"]}
    assert bars["HateXplain dev, AUC, hate speech against normal"]["n"] == 12
    assert bars["weights, MB"]["met"] is True
    assert bars["own sentences with the group swapped, one decision"]["met"] is True
    assert sum("largest gap between groups" in what for what in bars) == 8
    by_case = {record["class"]: record for record in sections["checks"]}
    kinds = [by_case[name] for name in few_cases.classes]
    assert [kind["cases"] for kind in kinds] == [5, 5, 5]
    assert sum(kind["n"] for kind in kinds) == by_case["all"]["n"] == len(list(checks.fill(few_cases)))
    assert kinds[0]["policy"]["low"] <= kinds[0]["policy"]["value"] <= kinds[0]["policy"]["high"]
    swapped = sections["templates"][0]
    assert (swapped["set"], swapped["n"]) == ("own sentences", len(WORDS) - 1)  # one stands under a caption
    assert swapped["one_decision"]["value"] == 1


def test_without_the_corpora_it_measures_what_it_can(
    weights: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOLDFAST_SHARED", raising=False)
    given = ["--weights", str(weights), "--data", str(data), "--out", str(tmp_path), "--rows", "25"]
    assert main([*given, "--no-policy"]) == 0
    sections = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))["sections"]
    assert not sections["fairness"] and not sections["migration"]
    assert sections["classes"][-1]["policy"] is None
    assert not sections["checks"]
    assert sections["heads"][0]["source"] == "all corpora"


def test_what_is_missing_is_named(
    weights: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--data", str(data), "--out", str(tmp_path / "out"), "--no-policy", "--rows", "5"]
    assert main([*given, "--weights", str(tmp_path)]) == 2
    assert "manifest.json" in capsys.readouterr().err
    assert main([*given, "--weights", str(weights), "--shared", str(tmp_path)]) == 2
    assert "hatexplain" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_encoder_alone_is_the_encoder(weights: Path) -> None:
    texts = [f"we talk about {word}" for word in WORDS]
    found = Answerer(weights).ask("texts", texts)
    items = [Item(id=str(row), text=text) for row, text in enumerate(texts)]
    for stages, answers in ((Stages(cache=0), found.probabilities), (Stages(student=False), found.encoder)):
        columns = Classifier(weights, stages).measure(Batch(items)).columns
        assert np.array_equal(answers[:, 0], np.array(columns["hate"], float))
    assert set(found.stages) <= {"student", "encoder"}


def test_a_bounded_share_of_every_source(data: Path) -> None:
    dev = development.load(data, 12, 0)
    assert {source: len(dev.rows_of(source)) for source in set(dev.sources.tolist())} == {
        "dynahate": 12,
        "goemotions_reddit": 12,
        "composed": len(WORDS),
    }
    assert "not for this" not in dev.texts
    assert development.load(data, 12, 0).texts == dev.texts
    assert development.load(data, 12, 1).texts != dev.texts


def test_a_word_list_knows_some_heads() -> None:
    hits = keyword_hits(["soup", "kys"])
    assert set(hits) <= set(cutoffs.load().act)
    assert "counterspeech" not in hits
    assert not any(found[0] for found in hits.values())
    assert hits["self_harm_incitement"][1]


def test_the_shipped_card_has_a_place_for_every_table() -> None:
    card = CARD.read_text(encoding="utf-8")
    assert put(card, dict.fromkeys(("about", "data", *SECTIONS), "\n")) != card
