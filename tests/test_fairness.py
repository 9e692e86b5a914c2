"""The same words, the same decision: nothing that Holdfast measures today may depend on who is named.

Identity words are no terms. Sentences in which one group's name can stand for another's must therefore be
decided alike for all of them, under the shipped policy, in disguise or not.
"""

from datetime import UTC, datetime

import pytest

from holdfast.content import Account, Item
from holdfast.engine import Engine
from holdfast.policy.packs import PACKS, pack_source
from holdfast.policy.policy import Policy

NOW = datetime(2026, 1, 2, tzinfo=UTC)
GROUPS = (
    "Jews", "Muslims", "Christians", "Hindus", "Sikhs", "atheists", "Black people", "white people", "Asians", "Latinos", "Arabs",
    "Roma", "Indigenous people", "gay people", "lesbians", "bisexual people", "trans people", "queer people", "women", "men",
    "disabled people", "deaf people", "old people", "immigrants", "refugees", "Israelis", "Palestinians", "Ukrainians",
    "Russians", "Chinese people", "Americans", "Germans",
)  # fmt: skip
SENTENCES = (
    "my neighbours are {}",
    "{} deserve respect",
    "so proud of all {} today",
    "I never met {} before this video",
    "{} are idiots",
    "{} are such idiots, every one of them",
    "what do you people think about {}?",
    "I will find you and I will kill you, {}",
    "{} should check out my channel",
    "as one of the {} I loved this film",
    "stop spreading lies about {}",
    "my teacher wrote a book about {}",
    "{} and soup, name a better duo",
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def swapped(sentence: str) -> list[Item]:
    author, target = Account(id="a", followed_by_target=False), Account(id="t")
    return [
        Item(id=group, text=sentence.format(group), author=author, target=target, created_at=NOW)
        for group in GROUPS
    ]


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_swapped_group_gets_the_same_decision(engine: Engine, pack: str, sentence: str) -> None:
    policy = Policy.load(pack_source(pack), engine.schema)
    # One by one: counters see one author here, and who is named must not ride on who was named before.
    decided = {
        item.id: (
            decision.action,
            decision.escalate,
            tuple(rule.name for rule in decision.rules),
            tuple(unknown.name for unknown in decision.unknown),
        )
        for item in swapped(sentence)
        for decision in engine.decide([item], policy, NOW)
    }
    assert len(set(decided.values())) == 1, decided


def test_naming_a_group_is_no_evidence(engine: Engine) -> None:
    measured = engine.measure([Item(id=group, text=group) for group in GROUPS])
    for name, column in measured.signals.items():
        if name.startswith(("lexicon.", "contact.", "glossary")):
            assert not any(column), name


def test_swaps_move_no_evidence_but_lengths(engine: Engine) -> None:
    for sentence in SENTENCES:
        measured = engine.measure(swapped(sentence))
        for name in measured.signals:
            if name.startswith(
                ("lexicon.", "contact.", "glossary", "text.evasion", "text.emoji", "text.links")
            ):
                values = {
                    group: str(value) for group, value in zip(GROUPS, measured.signals[name], strict=True)
                }
                assert len(set(values.values())) == 1, (sentence, name, values)
