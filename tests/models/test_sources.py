"""Every corpus' YAML is typed and names only what exists; a map says what it knows and nothing else."""

from pathlib import Path

import msgspec
import pytest
from models import sources
from models.rows import Row


def _source(**fields: object) -> sources.Source:
    base = {"name": "made_up", "licence": "CC0", "use": "train", "reason": "a test"}
    return msgspec.convert(base | fields, sources.Source, strict=False)


def test_every_yaml_is_typed_and_gives_its_licence_and_reason() -> None:
    loaded = sources.load()
    assert len(loaded) >= 25
    for source in loaded:
        assert source.licence
        assert len(source.reason) > 20
        if source.use in ("train", "dev"):
            assert source.splits
            assert source.labels or source.always
        if source.use == "dev":
            assert "train" not in source.splits
        assert 0 < source.weight <= 2


def test_an_unknown_head_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "made_up.yaml").write_text(
        "name: made_up\nlicence: CC0\nuse: train\nreason: a test\nalways: {toxic: 1}\n", encoding="utf-8"
    )
    with pytest.raises(sources.InvalidRecipe, match="unknown head"):
        sources.load(tmp_path)


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    (tmp_path / "made_up.yaml").write_text(
        "name: made_up\nlicence: CC0\nuse: train\nreason: a test\nwieght: 1\n", encoding="utf-8"
    )
    with pytest.raises(sources.InvalidRecipe, match="wieght"):
        sources.load(tmp_path)


def test_a_word_without_a_meaning_leaves_its_head_unknown() -> None:
    source = _source(labels=[{"column": "label", "values": {"hateful": {"hate": 1}, "fine": {"hate": 0}}}])
    hateful = sources.row_of(source, {"text": "abc", "label": "hateful"}, "train")
    assert hateful is not None
    assert hateful.labels == {"hate": 1.0}
    assert sources.row_of(source, {"text": "abc", "label": "offensive"}, "train") is None


def test_votes_become_their_share() -> None:
    source = _source(
        labels=[
            {
                "column": "votes",
                "separator": "|",
                "combine": "mean",
                "values": {"h": {"hate": 1}, "o": {"hate": 0}},
            }
        ]
    )
    row = sources.row_of(source, {"text": "abc", "votes": "h|o|o|h"}, "train")
    assert row is not None
    assert row.labels == {"hate": 0.5}


def test_numbers_are_laid_onto_0_to_1_and_an_empty_cell_is_unknown() -> None:
    source = _source(
        labels=[
            {"column": "score", "head": "hate", "scale": [1, 5]},
            {"column": "n", "head": "threat", "over": "of"},
        ]
    )
    row = sources.row_of(source, {"text": "abc", "score": "4", "n": "1", "of": "4"}, "train")
    assert row is not None
    assert row.labels == {"hate": 0.75, "threat": 0.25}
    row = sources.row_of(source, {"text": "abc", "score": "4", "n": "", "of": ""}, "train")
    assert row is not None
    assert row.labels == {"hate": 0.75}


def test_a_condition_restricts_a_map() -> None:
    source = _source(
        labels=[{"column": "label", "when": {"found_by": ["a"]}, "values": {"1": {"hate": 0.6}}}],
        always={"spam": 0},
    )
    row = sources.row_of(source, {"text": "abc", "label": "1", "found_by": "b"}, "train")
    assert row is not None
    assert row.labels == {"spam": 0.0}


def test_groups_are_known_only_where_a_word_is_known() -> None:
    source = _source(
        always={"hate": 0},
        groups=[{"column": "target", "separator": ",", "values": {"w": {"women": 1}, "m": {"men": 1}}}],
    )
    assert [
        row.groups
        for target in ("w, m", "x", "")
        if (row := sources.row_of(source, {"text": "abc", "target": target}, "train")) is not None
    ] == [{"women": 1.0, "men": 1.0}, None, None]


def test_filters_drop_other_languages_lengths_and_words() -> None:
    source = _source(
        always={"hate": 0}, filters={"max_characters": 10, "drop_if_contains": {"emotions": ["anger"]}}
    )
    record = {"text": "abc", "lang": "en", "emotions": "joy"}
    assert sources.row_of(source, record, "train") is not None
    for change in ({"lang": "fr"}, {"text": "a" * 11}, {"emotions": "joy|anger"}, {"text": " "}):
        assert sources.row_of(source, record | change, "train") is None


def test_cleaning_undoes_what_collecting_did() -> None:
    assert sources.clean("RT @someone: a &amp;amp; b[linebreak]c https://x.example/1") == "a & b c http"
    assert sources.clean("hello <user> and [USER]") == "hello @user and @user"
    assert sources.clean("mail me@example.org") == "mail me@example.org"


def test_a_share_of_a_file_becomes_dev_always_the_same() -> None:
    source = _source(always={"hate": 0}, dev_share=0.25)
    rows = [sources.row_of(source, {"text": f"number {i} of many"}, "train") for i in range(400)]
    dev = [row.text for row in rows if row is not None and row.split == "dev"]
    assert 60 < len(dev) < 140
    again = [sources.row_of(source, {"text": f"Number {i} of MANY!"}, "train") for i in range(400)]
    assert [row.text.lower().strip("!") for row in again if row is not None and row.split == "dev"] == dev


def _row(text: str, split: str, context: str | None = None) -> Row:
    return Row(text=text, context=context, labels={"hate": 0.0}, source="made_up", split=split)  # type: ignore[arg-type]


def test_a_dev_text_never_stands_in_train() -> None:
    rows = [
        _row("One two three.", "train"),
        _row("one, two, three", "dev", context="a caption"),
        _row("four five six", "train"),
        _row("Four, five six!", "train"),
        _row("four five six", "train", context="a caption"),
    ]
    kept, fell = sources.without_duplicates(rows)
    assert fell == 2
    assert [(row.text, row.split) for row in kept] == [
        ("one, two, three", "dev"),
        ("four five six", "train"),
        ("four five six", "train"),
    ]


def test_a_missing_corpus_says_what_to_do(tmp_path: Path) -> None:
    source = _source(always={"hate": 0}, splits={"train": "train.csv"})
    with pytest.raises(sources.InvalidRecipe, match="--shared"):
        list(sources.read(source, tmp_path))


def test_an_emoji_tells_texts_apart() -> None:
    assert sources.key("look at all these 🐀", None) != sources.key("look at all these 🌹", None)
    assert sources.key("Look at all these!", None) == sources.key("look, at all these", None)
