"""The lexicon: both implementations to one contract, each to the other, and the starter lists."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signals.conformance import LexiconConformance, SignalConformance, hostile, items_of

from holdfast.content import Item
from holdfast.decision import Span
from holdfast.signals import lexicon_reference
from holdfast.signals.lexicon import SPANS_LIMIT, Lexicon
from holdfast.signals.lexicon_reference import Match
from holdfast.signals.normalise import normalise
from holdfast.signals.signal import Batch, Signal
from holdfast.signals.terms import Term, forms


def find(terms: Sequence[Term], texts: Sequence[str]) -> list[list[Match]]:
    found = Lexicon(terms).find(normalise(texts))
    return [found.get(row, []) for row in range(len(texts))]


class TestLexicon(LexiconConformance):
    find = staticmethod(find)


class TestReference(LexiconConformance):
    find = staticmethod(lexicon_reference.find)


def term(text: str, category: str = "insult", **more: object) -> Term:
    return Term(term=text, category=category, language="en", **more)  # type: ignore[arg-type]


class TestSignal(SignalConformance):
    texts = ("you bristo", "a b.r.i.s.t.o and a wally", "br1sto, go away")

    @staticmethod
    def make() -> Signal:
        return Lexicon([term("bristo", target="made up"), term("wally"), term("go away", "threat_phrase")])


words = st.sampled_from(
    [
        "bristo",
        "brisstto",
        "ballo",
        "b.a.l.l.o",
        "oса",
        "жук",
        "14/88",
        "((bristo))",
        "傻瓜",
        "ты",
        "go away",
        "h4te",
        "ß",
    ]
)


@given(
    st.lists(
        st.tuples(words, st.booleans(), st.sampled_from([(), ("s",), ("oo", "4")])), max_size=6, unique=True
    ),
    st.lists(
        st.one_of(
            hostile, st.lists(words, max_size=5).map(" ".join), st.lists(words, max_size=4).map("".join)
        ),
        max_size=8,
    ),
)
@settings(deadline=None, max_examples=200)
def test_the_fast_one_equals_the_reference(
    listed: list[tuple[str, bool, tuple[str, ...]]], texts: list[str]
) -> None:
    terms = [
        term(text, "ab"[n % 2], whole_word=whole, endings=endings)
        for n, (text, whole, endings) in enumerate(listed)
    ]
    assert find(terms, texts) == lexicon_reference.find(terms, texts)


def test_counts_by_category_and_shows_where() -> None:
    lexicon = Lexicon([term("bristo", target="made up"), term("wally"), term("go away", "threat_phrase")])
    items = [
        Item(id="1", text="nothing"),
        Item(id="2", text="you br1sto, go  away!", transcript="a wally speaks"),
    ]
    evidence = lexicon.measure(Batch(items))
    assert evidence.columns == {"lexicon.insult": [0, 2], "lexicon.threat_phrase": [0, 1]}
    assert evidence.spans == {
        1: [
            Span(signal="lexicon", start=4, end=10, label="insult: made up"),
            Span(signal="lexicon", start=12, end=20, label="threat_phrase"),
            Span(signal="lexicon", start=2, end=7, label="insult", field="transcript"),
        ]
    }


def test_counts_all_but_shows_a_bounded_number() -> None:
    evidence = Lexicon([term("bristo")]).measure(Batch(items_of(["bristo " * 1_000])))
    assert evidence.columns["lexicon.insult"] == [1_000]
    assert len(evidence.spans[0]) == SPANS_LIMIT


def test_an_empty_lexicon_finds_nothing() -> None:
    assert Lexicon([]).measure(Batch(items_of(["bristo"]))).columns == {}


def test_the_version_follows_the_lists_not_their_layout() -> None:
    terms = [term("bristo", where="a.yaml:3"), term("wally")]
    version = Lexicon(terms).version
    assert Lexicon([terms[1], term("bristo", where="b.yaml:9")]).version == version
    assert Lexicon([term("bristo"), term("wally", target="made up")]).version != version


class TestStarter:
    """The lists that ship."""

    def test_every_term_is_found_in_a_sentence_and_in_capitals(self) -> None:
        lexicon = Lexicon.starter()
        listed = [(number, form) for number, entry in enumerate(lexicon.terms) for form in forms(entry)]
        texts = [f"well, {form}!" for _, form in listed] + [form.upper() for _, form in listed]
        found = lexicon.find(normalise(texts))
        for row, (number, form) in enumerate(listed + listed):
            categories = {lexicon.terms[match.term].category for match in found.get(row, [])}
            assert lexicon.terms[number].category in categories, form

    @pytest.mark.parametrize(
        "text",
        [
            "I am gay and proud", "my neighbours are muslim and they brought us soup", "she is jewish", "black lives matter",
            "as a trans woman I loved this", "he uses a wheelchair", "queer joy", "the roma community", "lesbian wedding, so lovely",
            "the dyke held back the sea in Zeeland", "a chink in the armour", "spick and span kitchen", "niggardly budget", "the slope is steep",
            "Scunthorpe, Penistone and Sussex", "classic assassin's class", "snigger", "raccoon in the garden", "cocoon", "paddy fields at dawn",
            "he killed it on stage", "this beat is killing me", "I will find you a better recipe", "it's to die for", "suicide prevention line: call them",
            "check out the new library", "born in 1988", "my number is 88", "we won 14-8", "gyp rock in the wall", "hello from Nigeria and Niger",
            "nip it in the bud", "the tranny shop fixed my gearbox transmission",
        ],
    )  # fmt: skip
    def test_identities_and_everyday_words_are_no_slurs(self, text: str) -> None:
        lexicon = Lexicon.starter()
        matches = lexicon.find(normalise([text])).get(0, [])
        hits = [(lexicon.terms[m.term].category, text[m.start : m.end]) for m in matches]
        ambiguous = {
            "dyke",
            "chink",
            "tranny",
        }  # slurs that are also other words: evidence, for a policy to weigh
        assert [
            hit
            for hit in hits
            if hit[0] in ("slur", "hate_symbol", "threat_phrase", "self_harm_phrase")
            and hit[1] not in ambiguous
        ] == []

    def test_slurs_name_whom_they_target(self) -> None:
        slurs = [entry for entry in Lexicon.starter().terms if entry.category == "slur"]
        assert len(slurs) >= 100
        assert [entry.where for entry in slurs if not entry.target] == []

    def test_is_read_once(self) -> None:
        assert Lexicon.starter() is Lexicon.starter()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("you are a b r i s t o", ["b r i s t o"]),
        ("i b.r.i.s.t.o", ["b.r.i.s.t.o"]),
        ("B R I S T O", ["B R I S T O"]),
        ("abristo", []),
        ("t b r i s t o", []),
        ("s a b r i s t o", []),
    ],
)
def test_a_word_of_one_letter_does_not_hide_the_spaced_out_one_after_it(text: str, found: list[str]) -> None:
    for find_in in (find, lexicon_reference.find):
        (matches,) = find_in([term("bristo")], [text])
        assert [text[match.start : match.end] for match in matches] == found
