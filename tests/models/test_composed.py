"""The laws of the composed rows: typed, balanced over groups, filled, seeded, and held out by pattern."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from models import composed
from models.heads import GROUPS, HEADS
from models.rows import Row
from models.sources import InvalidRecipe, key
from ruamel.yaml import YAML

_LEXICON = Path(composed.__file__).parent.parent / "src/holdfast/signals/lexicons/slur.yaml"


@pytest.fixture(scope="module")
def book() -> composed.Book:
    return composed.load()


@pytest.fixture(scope="module")
def rows(book: composed.Book) -> list[Row]:
    """A few rows of every pattern: all of them would take half a minute."""
    few = [
        msgspec.structs.replace(
            pattern, rows_per_group=min(pattern.rows_per_group, 2), rows=min(pattern.rows, 12)
        )
        for pattern in book.patterns
    ]
    return list(composed.generate(msgspec.structs.replace(book, patterns=few)))


def test_there_is_enough_of_everything(book: composed.Book, rows: list[Row]) -> None:
    assert len(book.patterns) >= 250
    assert len({(row.text, row.context) for row in rows}) >= 25_000
    for head in HEADS:
        for split in ("train", "dev"):
            of_split = [row for row in rows if row.split == split and head in row.labels]
            assert any(row.labels[head] >= 0.5 for row in of_split), (head, split)
            assert any(row.labels[head] < 0.5 for row in of_split), (head, split)


def test_every_pattern_gives_rows_and_knows_its_heads(book: composed.Book, rows: list[Row]) -> None:
    assert {row.pattern for row in rows} == {pattern.name for pattern in book.patterns}
    unknown = {pattern.name: set(pattern.unknown) for pattern in book.patterns}
    for row in rows:
        # profanity is read off the text itself, so it may be known where the pattern leaves it open
        assert set(HEADS) - set(row.labels) <= unknown[str(row.pattern)]


def test_every_group_has_every_field(book: composed.Book) -> None:
    assert set(book.groups) == set(GROUPS)
    lent = {"slur", "slurs", "own_word", "own_words"}  # from the lexicons, which have none for some groups
    fields = [{field for field in table if field not in lent} for table in book.groups.values()]
    assert all(of_one == fields[0] for of_one in fields)


def test_a_group_s_name_carries_no_signal(book: composed.Book, rows: list[Row]) -> None:
    paired = {pattern.name for pattern in book.patterns if "{group2}" in pattern.texts}
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        if row.groups and row.pattern not in paired:
            for group in row.groups:
                counts.setdefault(str(row.pattern), Counter())[group] += 1
    for pattern in book.patterns:
        if pattern.name in counts:
            assert set(counts[pattern.name]) == set(pattern.covers), pattern.name
            assert len(set(counts[pattern.name].values())) == 1, pattern.name
    everywhere = [pattern for pattern in book.patterns if pattern.groups == "all"]
    assert len(everywhere) >= 100


def test_phrasings_are_shared_between_groups(book: composed.Book, rows: list[Row]) -> None:
    """Not only as many, but the same words: with the names taken out, groups meet in one sentence."""
    names = sorted({name for table in book.groups.values() for name in table["group"]}, key=len, reverse=True)
    taken_out = re.compile("|".join(map(re.escape, names)), re.IGNORECASE)
    groups: dict[str, set[str]] = {}
    for row in rows:
        if row.pattern == "hate_plain" and row.groups:
            groups.setdefault(taken_out.sub("_", row.text).lower(), set()).update(row.groups)
    assert max(len(of_one) for of_one in groups.values()) >= 4


def test_hate_of_groups_has_innocent_twins(book: composed.Book) -> None:
    labels = {pattern.name: pattern.labels for pattern in book.patterns}
    of_functionality: dict[str, list[str]] = {}
    for pattern in book.patterns:
        of_functionality.setdefault(pattern.functionality, []).append(pattern.name)
    for pattern in book.patterns:
        worst = max(
            (pattern.labels.get(head, 0.0) for head in HEADS if head not in ("counterspeech", "profanity")),
            default=0,
        )
        if worst < 0.5:
            continue
        twins = [name for twin in pattern.twins for name in of_functionality.get(twin, [twin])]
        assert any(
            max(labels[name].values(), default=0) < 0.5 or "counterspeech" in labels[name] for name in twins
        ), pattern.name


def test_no_slot_and_no_bracket_stays_open(rows: list[Row]) -> None:
    for row in rows:
        for text in (row.text, row.context or ""):
            assert not set("{}[]|~") & set(text), row.pattern
        assert row.text.strip()


def test_patterns_are_held_out_whole(book: composed.Book, rows: list[Row]) -> None:
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(str(row.pattern), set()).add(row.split)
    assert all(len(of_one) == 1 for of_one in splits.values())
    held = composed.dev_patterns(book.patterns)
    assert 0.10 <= len(held) / len(book.patterns) <= 0.30
    sizes = Counter(pattern.functionality for pattern in book.patterns)
    for functionality, size in sizes.items():
        if size >= 3:
            assert any(p.name in held for p in book.patterns if p.functionality == functionality), (
                functionality
            )


def test_no_held_out_text_is_trained_on(rows: list[Row]) -> None:
    held = {key(row.text, row.context) for row in rows if row.split == "dev"}
    trained = {key(row.text, row.context) for row in rows if row.split == "train"}
    # Casing and punctuation do not tell texts apart here; a tail or a typo might bring two of them together by chance.
    assert len(held & trained) <= 0.0005 * len(held)


def test_the_same_seed_gives_the_same_rows(book: composed.Book, rows: list[Row]) -> None:
    few = composed.Book(
        patterns=[
            pattern for pattern in book.patterns if pattern.functionality in ("memory", "banter", "slur_use")
        ],
        slots=book.slots,
        groups=book.groups,
    )
    first = list(composed.generate(few, seed=3))
    assert first == list(composed.generate(few, seed=3))
    assert [row.text for row in first] != [row.text for row in composed.generate(few, seed=4)]


def test_no_slur_is_typed_in_a_template() -> None:
    terms = {
        str(entry["term"]).lower() if isinstance(entry, dict) else str(entry).lower()
        for entry in YAML(typ="safe", pure=True).load(_LEXICON.read_text(encoding="utf-8"))["terms"]
    }
    for path in composed.FOLDER.glob("*.yaml"):
        words = re.findall(r"\w+", path.read_text(encoding="utf-8").lower())
        runs = {" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words))}
        assert not {term for term in terms if term in runs or f"{term}s" in runs}, path.name


def test_slurs_come_from_the_lexicon_of_the_group_meant(rows: list[Row], book: composed.Book) -> None:
    some = [row for row in rows if row.pattern == "slur_question" and row.groups]
    assert some
    for row in some:
        (group,) = row.groups or {}
        known = book.groups[group]["slur"]
        # typos and drawn-out letters are the style's; most texts bear the term itself
        assert known
    hits = sum(
        any(term.lower() in row.text.lower() for term in book.groups[next(iter(row.groups or {}))]["slur"])
        for row in some
    )
    assert hits > 0.75 * len(some)


def test_a_slot_that_nothing_fills_is_refused(book: composed.Book) -> None:
    bad = composed.Pattern(name="bad", functionality="bad", texts="about {grop}", groups="all")
    with pytest.raises(InvalidRecipe, match="nothing to fill it"):
        composed._check(composed.Book(patterns=[bad], slots=book.slots, groups=book.groups))


def test_a_twin_that_is_not_there_is_refused(book: composed.Book) -> None:
    bad = composed.Pattern(
        name="bad", functionality="bad", texts="about {group}", groups="all", twins=["gone"]
    )
    with pytest.raises(InvalidRecipe, match="twin"):
        composed._check(composed.Book(patterns=[bad], slots=book.slots, groups=book.groups))
