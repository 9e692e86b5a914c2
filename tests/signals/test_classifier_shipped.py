"""The weights that ship: whole, small, of the heads that the package tells of, and pure. Laws that any weights keep."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
from models.heads import GROUPS, HEADS

from holdfast.content import TEXT_LIMIT, Item
from holdfast.decision import ACTIONS
from holdfast.engine import Engine
from holdfast.errors import InvalidItem
from holdfast.policy.packs import pack_source
from holdfast.policy.policy import Policy
from holdfast.schema import Value
from holdfast.signals.classifier import SHIPPED, Classifier, Stages
from holdfast.signals.classifier_model import Manifest, read_manifest
from holdfast.signals.identity import Identities
from holdfast.signals.signal import Batch

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SIZE_LIMIT = 30 * 10**6
"""Bytes of everything that ships in the folder."""

EVERYDAY = (
    "good morning from Lisbon", "the bread looks wonderful", "see you at the game on Sunday", "which camera do you use?", "first", "lol same",
    "my dog sleeps like this too", "thank you for the recipe", "this song is on repeat here", "can you do a tutorial please", "we visited the museum with my class",
    "the train was late again", "happy birthday to your mum",
)  # fmt: skip
ATTACKS = (
    "you are a disgusting piece of garbage and everybody hates you", "I will find you and I will kill you", "all of these foreigners are vermin, throw them out",
    "go and kill yourself, nobody would miss you", "shut up you stupid worthless idiot", "women are too stupid to vote",
)  # fmt: skip
ITEMS = (
    *(Item(id=f"e{n}", text=text) for n, text in enumerate(EVERYDAY)),
    *(Item(id=f"a{n}", text=text) for n, text in enumerate(ATTACKS)),
    Item(id="caption", text="they should all leave", caption="a day with my Romani grandmother"),
    Item(id="parent", text="exactly, every one of them", parent="I think that all old people are idiots"),
    Item(id="long", text="and then I said that this is not what anybody wanted to hear " * 40),
    Item(id="names", text="Jews, gay men and an old Ukrainian woman live on our street"),
    Item(id="emoji", text="🔥🔥🔥"),
    Item(id="other", text="Das ist wirklich ein sehr schöner Abend mit euch allen"),
)


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_manifest(SHIPPED)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def policy(engine: Engine) -> Policy:
    return Policy.load(pack_source("community"), engine.schema)


@pytest.fixture(scope="module")
def expected(classifier: Classifier) -> list[dict[str, Value]]:
    return answers(classifier, ITEMS)


def answers(classifier: Classifier, items: Sequence[Item]) -> list[dict[str, Value]]:
    columns = classifier.measure(Batch(items)).columns
    return [{name: column[row] for name, column in columns.items()} for row in range(len(items))]


# The folder -----------------------------------------------------------------------------------


def test_the_weights_are_small_and_nothing_else_lies_there(manifest: Manifest) -> None:
    files = {path.name: path.stat().st_size for path in SHIPPED.iterdir()}
    assert set(files) == {"manifest.json", *manifest.files}
    assert sum(files.values()) <= SIZE_LIMIT


def test_the_digests_are_those_of_the_files(manifest: Manifest) -> None:
    assert set(manifest.files) == {"model.onnx", "student.onnx", "tokenizer.json"}
    for name, digest in manifest.files.items():
        assert hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() == digest, name


def test_they_answer_what_the_recipe_trains(manifest: Manifest, classifier: Classifier) -> None:
    assert (manifest.heads, manifest.groups) == (HEADS, GROUPS)
    assert [field.name for field in classifier.fields] == [*HEADS, "groups", "classifier.stage"]
    assert set(manifest.calibration) <= {*HEADS, *GROUPS}
    # A curve that fell would turn a head round.
    assert all(curve.slope > 0 for curve in manifest.calibration.values())
    assert 0 < manifest.group_threshold < 1


def test_the_student_is_there_and_bounded(manifest: Manifest) -> None:
    assert manifest.student is not None
    # At a half or above it would let go what it thinks likely.
    assert 0 < manifest.student.certain < 0.5
    assert {"hate", "harassment", "threat", "self_harm_incitement"} <= set(manifest.student.heads) <= set(HEADS)  # fmt: skip
    assert all(curve.slope > 0 for curve in manifest.student.calibration.values())


def test_they_were_trained_on_the_names_that_ship(manifest: Manifest) -> None:
    assert manifest.canonical
    assert manifest.identities == Identities.shipped().version


def test_the_engine_takes_them_by_default(engine: Engine, manifest: Manifest) -> None:
    assert manifest.version in engine.versions["classifier"]
    assert set(HEADS) <= set(engine.schema)


# Purity ---------------------------------------------------------------------------------------


def test_an_item_scores_the_same_alone_in_company_and_in_any_order(
    classifier: Classifier, expected: list[dict[str, Value]]
) -> None:
    fresh = Classifier(stages=Stages(cache=0))
    assert [answers(fresh, [item])[0] for item in ITEMS] == expected
    order = list(range(len(ITEMS)))
    random.Random(7).shuffle(order)
    for one in (fresh, Classifier()):
        assert answers(one, [ITEMS[n] for n in order]) == [expected[n] for n in order]


def test_a_memory_changes_no_answer(classifier: Classifier, expected: list[dict[str, Value]]) -> None:
    again = [*ITEMS, *ITEMS]
    assert answers(classifier, again) == [*expected, *expected]
    assert answers(Classifier(stages=Stages(cache=2)), again) == [*expected, *expected]


def test_another_process_says_the_same(classifier: Classifier, expected: list[dict[str, Value]]) -> None:
    code = """
import json, sys
from holdfast.content import Item
from holdfast.signals.classifier import Classifier
from holdfast.signals.signal import Batch
items = [Item(**one) for one in json.load(sys.stdin)]
classifier = Classifier()
columns = classifier.measure(Batch(items)).columns
answers = [{name: column[row] for name, column in columns.items()} for row in range(len(items))]
json.dump([classifier.version, answers], sys.stdout)
"""
    told = [
        {"id": item.id, "text": item.text, "caption": item.caption, "parent": item.parent}
        for item in reversed(ITEMS)
    ]
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(told), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [classifier.version, expected[::-1]]


def test_the_encoder_says_the_same_with_and_without_the_student(expected: list[dict[str, Value]]) -> None:
    alone = answers(Classifier(stages=Stages(student=False)), ITEMS)
    students = answers(Classifier(stages=Stages(encoder=False)), ITEMS)
    stages = [entry["classifier.stage"] for entry in expected]
    assert set(stages) == {"student", "encoder", None}
    for stage, entry, encoder, student in zip(stages, expected, alone, students, strict=True):
        assert encoder["classifier.stage"] == (stage and "encoder")
        assert student["classifier.stage"] == (stage and "student")
        assert entry == (student if stage == "student" else encoder)


def test_the_student_lets_no_plain_attack_go(expected: list[dict[str, Value]]) -> None:
    attacks = expected[len(EVERYDAY) : len(EVERYDAY) + len(ATTACKS)]
    assert {entry["classifier.stage"] for entry in attacks} == {"encoder"}


def test_heads_tell_attacks_from_the_everyday(expected: list[dict[str, Value]]) -> None:
    """Weights whose heads were mixed up, or whose calibration turned round, would not."""

    def highest(head: str, entries: Sequence[dict[str, Value]]) -> float:
        return max(float(entry[head]) for entry in entries)  # type: ignore[arg-type]

    calm, attacks = expected[: len(EVERYDAY)], dict(zip(ATTACKS, expected[len(EVERYDAY) :], strict=False))
    for head, words in (
        ("harassment", "disgusting"), ("threat", "I will find you"), ("hate", "foreigners"), ("self_harm_incitement", "kill yourself"),
    ):  # fmt: skip
        attacked = [entry for text, entry in attacks.items() if words in text]
        assert highest(head, attacked) > highest(head, calm), head


def test_who_is_named_is_told(expected: list[dict[str, Value]]) -> None:
    names = expected[[item.id for item in ITEMS].index("names")]["groups"]
    assert isinstance(names, list)
    assert {"jewish", "gay", "men", "older", "ukrainian"} <= set(names)


# Bad input ------------------------------------------------------------------------------------

UNKNOWN = {
    "empty": "",
    "spaces": " \t\n\r\u2003\u00a0 ",
    "zero width": "\u200b\u200d\u2060\ufeff" * 50,
    "selectors": "\ufe0f\u200d\ufe0f",
    "controls": "\x00\x01\x02\x1b\x7f\x85",
    "signs": "!?...,;:-()[]{}" * 100,
    "hebrew": "שלום לכולם וברוכים הבאים לערוץ שלנו",
    "arabic": "مرحبا بكم جميعا في قناتنا الجديدة",
    "right to left marks": "\u202eשלום לכולם\u202c",
    "german": "Das ist wirklich ein sehr schöner Abend mit euch allen",
    "french": "Je ne sais pas pourquoi tout le monde parle de ce film",
    "russian": "Это очень хорошая песня, спасибо вам большое",
    "chinese": "今天的天气很好我们一起去公园吧",
    "hindi": "आज का दिन बहुत अच्छा है और हम सब खुश हैं",
}
READ = {
    "one letter": "a" * 20_000,
    "50 kB of words": ("you and me " * 5_000)[:50_000],
    "as long as it may be": "no " * (TEXT_LIMIT // 3),
    "no space": "stop" * 5_000,
    "only emoji": "😀🔥👩‍👩‍👧‍👦🇵🇱" * 20,
    "digits": "1234567890" * 500,
    "controls in words": "he\x00llo \x1b[31mworld\x07 again my dear friend",
    "zero width in words": "go\u200bod mor\u200dning my dear friends",
    "marks heaped up": "h" + "\u0301" * 2_000 + "ello my friend",
    "mixed scripts": "hello my friend שלום and good night to you",
    "turned round": "\u202egood morning my friend\u202c",
    "placeholders": "GROUP and GROUPS \ufdd0 \ufdd1 [MASK] [SEP] [CLS]",
    "private use": "hello \ue000\U000fffff my dear old friend",
    "markup": "<script>alert('x')</script> ${jndi:ldap://x} '; DROP TABLE items; --",
}


def decided(engine: Engine, policy: Policy, texts: Sequence[str]) -> Iterator[dict[str, Value]]:
    items = [Item(id=str(n), text=text) for n, text in enumerate(texts)]
    for decision in engine.decide(items, policy, NOW):
        assert decision.action in ACTIONS
        yield dict(decision.signals)


def test_what_cannot_be_read_is_unknown_never_fine(engine: Engine, policy: Policy) -> None:
    names = (*HEADS, "groups", "classifier.stage")
    for name, told in zip(UNKNOWN, decided(engine, policy, list(UNKNOWN.values())), strict=True):
        assert {told[field] for field in names} == {None}, name


def test_whatever_else_comes_is_answered(engine: Engine, policy: Policy) -> None:
    for name, told in zip(READ, decided(engine, policy, list(READ.values())), strict=True):
        for head in HEADS:
            value = told[head]
            assert isinstance(value, float), name
            assert 0 <= value <= 1, name
        assert told["classifier.stage"] in ("student", "encoder"), name
        assert isinstance(told["groups"], list), name


def test_bad_company_changes_nobodys_answer(engine: Engine, policy: Policy) -> None:
    texts = [*UNKNOWN.values(), *READ.values()]
    alone = next(decided(engine, policy, ["good morning my dear friends"]))
    *_, beside = decided(engine, policy, [*texts, "good morning my dear friends"])
    assert beside == alone


@pytest.mark.parametrize("field", ["text", "caption", "parent"])
def test_half_a_character_is_refused_and_not_repeated(engine: Engine, policy: Policy, field: str) -> None:
    item = Item(**{"id": "1", "text": "hello", field: "secret \ud83d words"})  # type: ignore[arg-type]
    with pytest.raises(InvalidItem, match=rf"items\[0\]\.{field}") as raised:
        engine.decide([item], policy, NOW)
    assert "secret" not in str(raised.value)


def test_huge_and_odd_contexts_are_read(engine: Engine) -> None:
    contexts = ["", "a" * 20_000, "\u200b", "\x00", "😀" * 500, "שלום" * 500, "long " * 10_000]
    items = [Item(id=f"{n}", text="they should all leave", caption=text) for n, text in enumerate(contexts)]
    items += [Item(id=f"p{n}", text="they should all leave", parent=text) for n, text in enumerate(contexts)]
    hate = engine.measure(items).signals["hate"]
    assert all(isinstance(value, float) for value in hate)
    # What holds nothing to read is as good as no context.
    (without,) = engine.measure([Item(id="1", text="they should all leave")]).signals["hate"]
    assert {hate[0], hate[2], hate[3], hate[7], hate[9], hate[10]} == {without}


def test_what_the_platform_says_the_language_is_counts(classifier: Classifier) -> None:
    """Words of a covered language are read where the platform says so, and no others, whatever they look like."""
    spanish = "que canción tan bonita, muchas gracias por compartirla"
    items = [
        Item(id="1", text=spanish),
        Item(id="2", text=spanish, language="en"),
        Item(id="3", text="what a lovely song, thank you for sharing it", language="es"),
        Item(id="4", text="what a lovely song, thank you for sharing it", language="en-GB"),
    ]
    hate = classifier.measure(Batch(items)).columns["hate"]
    assert [value is None for value in hate] == [True, False, True, False]


@pytest.mark.parametrize("text", ["", "...", "?!?", "- – —", "$$$", "\u200b", "&&"])
def test_where_nothing_is_said_nothing_is_known(classifier: Classifier, text: str) -> None:
    evidence = classifier.measure(Batch([Item(id="1", text=text), Item(id="2", text=text, language="en")]))
    assert all(values == [None, None] for values in evidence.columns.values())
