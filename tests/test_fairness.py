"""The same words, the same decision: nothing that Holdfast decides may depend on who is named.

Sentences in which one group's name can stand for another's are filled with every name of every group that
`identities.yaml` knows, in many spellings, and must be decided alike: one action, the same rules, the same scores. The
law holds by construction, so it holds for any weights. What is meant to differ, and why, stands at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from itertools import cycle, islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from holdfast.content import Account, Item
from holdfast.engine import Engine, Measured
from holdfast.policy.counters import Counters
from holdfast.policy.packs import PACKS, pack_source
from holdfast.policy.policy import Policy
from holdfast.signals.identity import Identities
from holdfast.signals.signal import Signal

NOW = datetime(2026, 1, 2, tzinfo=UTC)
AUTHOR, TARGET = Account(id="a", followed_by_target=False), Account(id="t")
DIFFER = frozenset((
    # Who was named, and how long and loud their name is.
    "groups", "glossary.targets", "text.length", "text.letters", "text.capitals",
    # A guess that weighs every word as it was written. Nothing that decides here reads it.
    "language", "language_confidence",
))  # fmt: skip

# {many} people ("Jews", "old people"), {one} a person ("an Arab"), {adj} before people ("Romani"), {others} and
# {another} a second group.
SENTENCES = (
    # kind
    "{many} deserve respect", "my neighbours are {many} and they brought us soup", "so proud of all {many} today", "I love how {many} sing",
    "happy to see more {many} on this app", "{one} taught me to swim", "my {adj} neighbours cook the best dinner", "every {adj} family on our street came",
    "as {one}, I loved this film", "as one of the {many} here I feel at home", "{many} and soup, name a better duo",
    # neutral, questions
    "my neighbours are {many}", "I never met {many} before this video", "are {many} welcome here?", "what do you people think about {many}?",
    "why do {many} celebrate in spring?", "have you ever met {one}?", "my teacher wrote a book about {many}", "I know {one} who sings",
    # negated, reported, rebutted
    "{many} are not stupid", "I do not hate {many}", "nobody should hurt {many}", "{many} are never a problem", "stop spreading lies about {many}",
    "it is wrong to say that {many} are criminals", "someone told me that {many} do not belong here and I was shocked",
    # exclusion
    "{many} do not belong here", "no {many} in our country", "send {many} back where they came from", "keep {many} out of our schools",
    "{many} should not be allowed to vote", "we do not serve {many}", "the {adj} families should leave our street",
    # contempt
    "I despise {many}", "{many} are idiots", "{many} are such idiots, every one of them", "I can't stand {many}", "{many} are animals", "{many} ruin everything",
    "{many} are trash", "what a stupid {adj} family", "I would never date {one}", "you are just {one}", "dirty {many}", "{many} control the media",
    # threats
    "I will find you and I will kill you, {many}", "kill all {many}", "{many} should be shot", "somebody should burn down the houses of {many}",
    "watch your back, {one} lives next door", "death to {many}", "{many} will not replace us", "{many} deserve to die", "let the {many} die",
    # possessives, emoji, signs, spam
    "{many}' music is the best", "{many}'s rights are human rights", "the {adj} community's kitchen is open", "🧡 {many} 🧡", "{many} 😂😂😂", "{many} 🤮🤮",
    "{many}!!!", '"{many}" he said', "{many}", "#{many}", "({many})", "damn, {many} again", "{many} should check out my channel", "@you are {one}, right?",
    # two groups
    "{many} and {others} can be friends", "{many} hate {others}", "I prefer {many} to {others}", "is {one} better than {another}?",
    # long ones
    "When I was young my grandmother lived next to {many}, and every Sunday the whole street would eat together, tell stories, sing a bit too loud, and "
    "nobody thought about who was who until the day when somebody from the town hall came and asked for names",
    "and then they said on the news that {many} are to blame for the rents, the traffic, the weather, the price of bread and whatever else came to their "
    "minds that evening, which is what happens when nobody checks a single thing before it is read out to millions",
)  # fmt: skip


def _spoken() -> dict[str, dict[str, tuple[str, ...]]]:
    """Every group's names as they fit into the sentences."""
    source = resources.files("holdfast.signals") / "identities.yaml"
    kinds = YAML(typ="safe", pure=True).load(source.read_text("utf-8"))["groups"]
    spoken = {}
    for group, terms in kinds.items():
        adjectives = [*terms.get("adjective", ()), *terms.get("of_people", ()), *terms.get("of_anybody", ())]
        persons = [*terms.get("singular", ()), *terms.get("determined", ())]
        persons += [f"{adjective} person" for adjective in adjectives]
        spoken[group] = {
            "many": (*terms.get("plural", ()), *(f"{adjective} people" for adjective in adjectives)),
            "one": tuple(("an " if person[0] in "aeiou" else "a ") + person for person in persons),
            "adj": tuple(adjectives),
        }
    return spoken


SPOKEN = _spoken()
GROUPS = tuple(SPOKEN)


def filled(sentence: str, style: Callable[[str], str] = str, first_only: bool = False) -> list[str]:
    """The sentence with every name of every group (or every group's first), beside every other group in turn."""
    texts = []
    others = cycle([*GROUPS[7:], *GROUPS[:7]])
    for names, other in zip(SPOKEN.values(), others, strict=False):
        used = [kind for kind in ("many", "one", "adj") if f"{{{kind}}}" in sentence]
        for n in range(1 if first_only else max(len(names[kind]) for kind in used)):
            chosen = {kind: style(names[kind][n % len(names[kind])]) for kind in names}
            second = SPOKEN[other]
            chosen["others"], chosen["another"] = (
                style(second[kind][n % len(second[kind])]) for kind in ("many", "one")
            )
            texts.append(sentence.format(**chosen))
    return texts


class _Remembered:
    """A network's answers by window. They depend on nothing else, as `test_classifier.py` holds: so this changes no
    score, and a sentence about all groups costs what it costs about one."""

    def __init__(self, network: Any) -> None:
        self._outputs, self._ask, self._known = network.outputs, network.logits, {}
        network.logits = self

    def __call__(self, windows: Sequence[Any]) -> Any:
        new = [window for window in dict.fromkeys(windows) if window not in self._known]
        self._known.update(zip(new, self._ask(new), strict=True))
        answers = [self._known[window] for window in windows]
        return np.array(answers, np.float32).reshape(len(windows), self._outputs)


def remembering(signals: Sequence[Signal]) -> None:
    for signal in signals:
        for network in (getattr(signal, "_student", None), getattr(signal, "_encoder", None)):
            if network is not None:
                _Remembered(network)


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = Engine()
    remembering(engine.signals)
    return engine


@pytest.fixture(scope="module", params=PACKS)
def policy(engine: Engine, request: pytest.FixtureRequest) -> Policy:
    return Policy.load(pack_source(request.param), engine.schema)


def answers(engine: Engine, policy: Policy, texts: Sequence[str], **more: Any) -> Iterator[dict[str, object]]:
    """What is decided about each text by itself: counters must not carry who was named from one to the next."""
    items = [
        Item(id=str(n), text=text, author=AUTHOR, target=TARGET, created_at=NOW, **more)
        for n, text in enumerate(texts)
    ]
    measured = engine.measure(items)
    for row, item in enumerate(items):
        columns = {name: column[row : row + 1] for name, column in measured.signals.items()}
        (decision,) = engine.judge(Measured([item], columns, {}), policy, Counters(policy.counters), NOW)
        told: dict[str, object] = {name: v for name, v in decision.signals.items() if name not in DIFFER}
        told["decision"] = (decision.action, decision.escalate)
        told["rules"] = [rule.name for rule in decision.rules]
        told["unknown"] = [unknown.name for unknown in decision.unknown]
        yield told


def different(texts: Sequence[str], told: Iterator[Mapping[str, object]]) -> list[object]:
    """The texts that are answered otherwise than the first, and in what."""
    first = next(told)
    return [
        (text, {name: (value, first[name]) for name, value in answer.items() if value != first[name]})
        for text, answer in zip(islice(texts, 1, None), told, strict=True)
        if answer != first
    ]


def test_sentences_and_groups_are_many() -> None:
    assert len(SENTENCES) >= 40
    assert Identities.shipped().groups == GROUPS
    assert len(filled("{many}")) > 100


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_name_of_every_group_gets_one_decision(engine: Engine, policy: Policy, sentence: str) -> None:
    texts = filled(sentence)
    assert different(texts, answers(engine, policy, texts)) == []


def letters_apart(name: str) -> str:
    """ "j e w s", "b l a c k people": the first word that is long enough, letter by letter."""
    words = name.split(" ")
    at = next(n for n, word in enumerate(words) if len(word) >= 3)
    return " ".join([*words[:at], " ".join(words[at]), *words[at + 1 :]])


def with_a_digit(name: str) -> str:
    """ "j3ws": a digit for one letter inside."""
    for at in range(1, len(name) - 1):
        if name[at] in "oieast" and name[at - 1].isalpha() and name[at + 1].isalpha():
            return name[:at] + "013457"["oieast".index(name[at])] + name[at + 1 :]
    return name[:-1] + "\u200b" + name[-1]


STYLES: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "capitalised": (str.title, str),
    "shouted": (str.upper, str.upper),
    "shouted names": (str.upper, str),
    "spelled": (letters_apart, str),
    "leet": (with_a_digit, str),
    "full width": (lambda name: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in name), str),
    "drawn out": (str, lambda text: f"{text} sooooo yes"),
}


@pytest.mark.parametrize("style", STYLES)
def test_disguises_and_capitals_change_nothing(engine: Engine, policy: Policy, style: str) -> None:
    name, whole = STYLES[style]
    for sentence in SENTENCES[::3]:
        if style == "spelled" and ("{one}" in sentence or "#" in sentence):
            continue  # "a" before the letters of a name becomes one of them
        texts = [whole(text) for text in filled(sentence, name, first_only=True)]
        assert different(texts, answers(engine, policy, texts)) == [], style


CONTEXTS = (
    {"caption": "my bread of the week"},
    {"parent": "I think that nobody should say this"},
    {"caption": "news of the day", "transcript": "and here is what they said"},
    {"surface": "message"},
)


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: "+".join(context))
def test_under_the_same_caption_the_same_decision(engine: Engine, policy: Policy, context: dict[str, str]) -> None:  # fmt: skip
    for sentence in SENTENCES[1::4]:
        texts = filled(sentence, first_only=True)
        assert different(texts, answers(engine, policy, texts, **context)) == []


def test_two_groups_swapped_both_ways(engine: Engine, policy: Policy) -> None:
    pairs = list(pairwise(GROUPS))
    for words in ("{} hate {}", "{} are better than {}", "kill {} and leave {}", "{} and {} eat together"):
        names = [(SPOKEN[one]["many"][0], SPOKEN[other]["many"][0]) for one, other in pairs]
        texts = [words.format(*pair[::way]) for pair in names for way in (1, -1)]
        assert different(texts, answers(engine, policy, texts)) == []


_openings = st.sampled_from(["", "honestly, ", "I think that ", "yesterday I read that ", "why do you say that ", "lol ", "my friend thinks that ", "it is a lie that ", "@you "])  # fmt: skip
_verbs = st.sampled_from(
    ["are", "should be", "will always be", "have never been", "must not be", "were once"]
)
_ends = st.sampled_from(["welcome", "kind", "idiots", "criminals", "my family", "shot", "sent away", "the problem", "funny", "trash", "in charge", "a lovely crowd", "rats"])  # fmt: skip
_tails = st.sampled_from(["", ".", "!", "?", " 😂", " 🧡🧡", " and I mean it", ", my grandmother said", " #truth", " https://example.com/a", ", and so are {others}"])  # fmt: skip
_subjects = st.sampled_from(["{many}", "all {many}", "the {many}", "these {adj} people", "{adj} families", "{many} like {one}"])  # fmt: skip
_styles = st.sampled_from([str, str.title, str.upper, with_a_digit])
_chosen = st.lists(st.sampled_from(GROUPS), min_size=2, max_size=5, unique=True)


@given(_openings, _subjects, _verbs, _ends, _tails, _styles, _chosen, st.data())
@settings(max_examples=120, deadline=None)
def test_whatever_is_said_is_decided_alike(
    engine: Engine, policy: Policy, opening: str, subject: str, verb: str, end: str, tail: str, style: Callable[[str], str],
    groups: list[str], data: st.DataObject,
) -> None:  # fmt: skip
    sentence = f"{opening}{subject} {verb} {end}{tail}"
    texts = []
    for group in groups:
        other = data.draw(st.sampled_from([name for name in GROUPS if name != group]))
        names = {kind: style(data.draw(st.sampled_from(terms))) for kind, terms in SPOKEN[group].items()}
        texts.append(sentence.format(**names, others=style(SPOKEN[other]["many"][0])))
    assert different(texts, answers(engine, policy, texts)) == []


def test_naming_a_group_is_no_evidence(engine: Engine) -> None:
    names = [name for kinds in SPOKEN.values() for terms in kinds.values() for name in terms]
    measured = engine.measure([Item(id=name, text=name) for name in names])
    for column, values in measured.signals.items():
        if column.startswith(("lexicon.", "contact.", "glossary", "text.evasion")):
            assert not any(values), column


@pytest.mark.parametrize("slogan", ["{} ruin everything", "no innocent {}", "{} are vermin", "typical {} behaviour"])  # fmt: skip
def test_slogans_weigh_the_same_under_the_video_of_whom_they_target(engine: Engine, slogan: str) -> None:
    names = [kinds["many"][0] for kinds in SPOKEN.values()]
    items = [
        Item(id=name, text=slogan.format(name), caption=f"today we cook with {name} of our street")
        for name in names
    ]
    measured = engine.measure(items).signals
    for column in ("glossary", "glossary.certain", "glossary.possible", "glossary.aimed"):
        assert len({str(value) for value in measured[column]}) == 1, column
    assert measured["glossary.aimed"][0] == 1


# Meant to differ ------------------------------------------------------------------------------
#
# - Slurs, and references to what was done to one group (`test_glossary_lists.py` names the entries): nobody else's
#   name can stand in them.
# - "black", "old", "straight" and other adjectives with another sense, where no word for people stands by: "the black
#   bakery" names nobody. So do idioms: "old friends" are no old people.
# - A caption or parent that names a group: it is read as written, since it gives coded talk its meaning.


@pytest.mark.parametrize(
    ("text", "named"), [("the black bakery", []), ("my old friends", []), ("the Jewish bakery", ["jewish"])]
)
def test_other_senses_name_nobody(text: str, named: list[str]) -> None:
    assert list(Identities.shipped().canonical(text.lower()).groups) == named
