"""Conformance suites: give an implementation and examples, get tests.

`NormaliserConformance` states what a text normaliser promises, `LexiconConformance` what a search for terms
does, `SignalConformance` what every signal does. A subclass names what it tests and adds examples.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.content import TEXT_LIMIT, TRANSCRIPT_LIMIT, Item
from holdfast.schema import Field, Type
from holdfast.signals.lexicon_reference import Match
from holdfast.signals.normalise_reference import DISGUISES, NormalisedText
from holdfast.signals.signal import Batch, Evidence, Signal
from holdfast.signals.terms import Term

# One law, several implementations: that is what a suite as a base class is for.
QUIET = settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.differing_executors])

_LURES = (
    "aabcehhotuiIxyz013457269@$!€|.  -_*h1m2'" "аеорсухБбжАВ" "αβοΩω" "ǝɥʇɐɯ¡∀" "\u200b\u0301\ufe0f\u00ad\u200d"
    "👍🏽🇮🇱🇭é한가हिﷺ½𝓪ⓐ\0\n\t①აᎪꓮёйİﬃ\u094d\u093c\u3099か\u0345٣ᴀ\u115f"
)  # fmt: skip

hostile = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=st.sampled_from(_LURES), max_size=40),
    st.text(alphabet=st.sampled_from("hateyou 1347.-$@!"), max_size=40),
    st.lists(
        st.sampled_from(["h4te", "h a t e", "noʎ ǝʇɐɥ", "cоol", "sооо", "🇮🇱🇵🇸", "b@d", "a$$", "Привeт", "ha\u200bte", "10am"]),
        max_size=6,
    ).map(" ".join),
)  # fmt: skip
"""Any text, and texts made of what the normaliser looks at."""


class NormaliserConformance:
    """What turns texts into normal form, by whatever means."""

    long: ClassVar[int] = 20_000
    """Characters of a long text."""
    normalise: ClassVar[Callable[[Sequence[str]], Sequence[NormalisedText]]]

    examples: ClassVar[tuple[tuple[str, str, dict[str, int]], ...]] = (
        ("I like this", "i like this", {}),
        ("", "", {}),
        ("  a \t\n b ", "a b", {}),
        ("Straße", "strasse", {}),
        ("ÀÉÎõü çñ Łódź Ørsted Œuvre İzmir", "aeiou cn lodz orsted oeuvre izmir", {}),
        ("“quoted” – isn’t it…", '"quoted" - isn\'t it..', {}),
        ("Ｈｅｌｌｏ ﬁne", "hello fine", {}),
        # Disguises, one by one.
        ("𝓗𝓮𝓵𝓵𝓸 ⓗⓔⓨ ʜᴇʏ 🅗🅔🅨", "hello hey hey hey", {"look_alike": 4}),
        ("ha\u200bte ha\u00adte", "hate hate", {"invisible": 2}),
        ("I h4te this b00k", "i hate this book", {"leet": 2}),
        ("1d10t h3ll0 5tupid", "idiot hello stupid", {"leet": 5}),
        ("$tupid a$$ b@d sh!p fe11ow", "stupid ass bad ship fellow", {"leet": 5}),
        ("h a t e", "hate", {"spaced": 1}),
        ("h.a.t.e h-a-t-e", "hate hate", {"spaced": 2}),
        ("h a t e  y o u", "hate you", {"spaced": 2}),
        ("soooo good!!!!", "soo good!!", {"repeated": 1}),
        ("so noʎ ǝʇɐɥ", "so hate you", {"upside_down": 1}),
        ("pаypal", "paypal", {"look_alike": 1}),  # the first "а" is Cyrillic
        ("сооре", "coope", {"look_alike": 1}),  # all Cyrillic letters, in a text that is not
        ("Приветик, мир", "приветик, мир", {}),
        ("oтлuчнo", "отлично", {"look_alike": 3}),  # a Russian word with Latin letters in it
        # Nothing hidden here.
        ("10am 5k 2nd covid19 2020 5years 1h45min gr8 mp3 $5 US$20", "10am 5k 2nd covid19 2020 5years 1h45min gr8 mp3 $5 us$20", {}),
        ("name@mail.com @user wow! 3-2", "name@mail.com @user wow! 3-2", {}),
        ("а это оса", "а это оса", {}),
        ("1000000 www", "1000000 ww", {"repeated": 1}),
        ("ɔdɔ wo", "odo wo", {}),  # Akan
        # Other scripts keep what makes their words.
        ("हिन्दी में", "हिन्दी में", {}),
        ("한국어", "한국어", {}),
        ("ガール", "ガール", {}),
        ("שָׁלוֹם", "שלום", {}),
        ("السَّلَامُ", "السلام", {}),
        # Emoji and flags by name.
        ("nice👍🏽", "nice thumbs up", {}),
        ("I ❤️ 🇮🇱 🇵🇸", "i red heart israel palestinian territories", {}),
        ("🇭🇦🇹🇪", "hate", {}),
    )  # fmt: skip

    def one(self, text: str) -> NormalisedText:
        return type(self).normalise([text])[0]

    @pytest.mark.parametrize(("text", "readable", "disguises"), examples)
    def test_reads(self, text: str, readable: str, disguises: dict[str, int]) -> None:
        normal = self.one(text)
        assert normal.readable == readable
        assert {kind: n for kind, n in normal.disguises.items() if n} == disguises

    def test_counts_every_kind(self) -> None:
        assert tuple(self.one("x").disguises) == DISGUISES

    @given(hostile)
    @QUIET
    def test_every_place_leads_back(self, text: str) -> None:
        normal = self.one(text)
        assert len(normal.collapsed) == len(normal.runs) == len(normal.starts) == len(normal.ends)
        assert all(run >= 1 for run in normal.runs)
        assert all(
            0 <= start < end <= len(text) for start, end in zip(normal.starts, normal.ends, strict=True)
        )
        if not normal.disguises["upside_down"]:
            assert normal.starts == sorted(normal.starts)
            assert normal.ends == sorted(normal.ends)

    @given(hostile)
    @QUIET
    def test_no_two_neighbours_are_equal_and_nothing_is_invisible(self, text: str) -> None:
        collapsed = self.one(text).collapsed
        assert all(a != b for a, b in pairwise(collapsed))
        assert not {"\n", "\t", "\0", "\u200b", "\u00ad", "\u0301"}.intersection(collapsed)
        assert not any(c.isupper() and c.isascii() for c in collapsed)

    @given(hostile)
    @QUIET
    def test_composed_and_decomposed_text_are_alike(self, text: str) -> None:
        forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}
        assert len({self.one(form).readable for form in forms}) == 1

    @given(st.lists(hostile, max_size=12))
    @QUIET
    def test_the_batch_does_not_matter(self, texts: list[str]) -> None:
        batch = type(self).normalise(texts)
        assert len(batch) == len(texts)
        assert [batch[row] for row in range(len(texts))] == [self.one(text) for text in texts]

    @given(st.text(alphabet=st.sampled_from("abc xyz éß Ж中ह"), max_size=40))
    @QUIET
    def test_plain_text_is_normal_after_once(self, text: str) -> None:
        # Disguises may hide another one ("h 4 t e"), and joined letters may make a new word; plain text cannot.
        once = self.one(text)
        if not any(once.disguises.values()):
            assert self.one(once.readable).readable == once.readable

    @pytest.mark.parametrize(
        "unit",
        ["a", " ", "h a t e ", "4a", "$", "a@", "ǝɥ", "é", "\u0301", "👍", "аa", "🇮", "\u094d\u093c", "a.b"],
    )
    def test_bears_long_texts(self, unit: str) -> None:
        # Where time grew with the square of the length, this would run into the suite's time-out.
        normal = self.one(unit * (self.long // len(unit)))
        assert len(normal.runs) == len(normal.collapsed)


class LexiconConformance:
    """What finds terms in texts, by whatever means."""

    find: ClassVar[Callable[[Sequence[Term], Sequence[str]], list[list[Match]]]]

    def found(self, text: str, *terms: str | Term) -> list[str]:
        listed = [t if isinstance(t, Term) else Term(term=t, category="test", language="en") for t in terms]
        (matches,) = type(self).find(listed, [text])
        return [text[match.start : match.end] for match in matches]

    @pytest.mark.parametrize(
        ("text", "spans"),
        [
            ("a bristo here", ["bristo"]),
            ("Bristo! BRISTO? (bristo)", ["Bristo", "BRISTO", "bristo"]),
            ("bristoooo and brrrrristo", ["bristoooo", "brrrrristo"]),
            ("bristoo brristo", []),  # a doubled letter makes another word
            ("bristol abristo bristos", []),
            ("bristo99 99bristo", ["bristo", "bristo"]),
            ("br1sto bri$to bгisto", ["br1sto", "bri$to", "bгisto"]),
            ("brist0 brist00", ["brist0"]),
            ("b r i s t o / b.r.i.s.t.o", ["b r i s t o", "b.r.i.s.t.o"]),
            ("bri\u200bsto 𝓫𝓻𝓲𝓼𝓽𝓸 brísto", ["bri\u200bsto", "𝓫𝓻𝓲𝓼𝓽𝓸", "brísto"]),
            ("oʇsᴉɹq ɐ ʇɐɥʍ", ["oʇsᴉɹq"]),
            ("", []),
        ],
    )
    def test_a_word_in_disguise(self, text: str, spans: list[str]) -> None:
        assert self.found(text, "bristo") == spans

    def test_a_doubled_letter_in_the_term_must_be_there(self) -> None:
        assert self.found("balo ballo balllo baloooo balloooo", "ballo") == ["ballo", "balllo", "balloooo"]

    def test_a_phrase_bridges_any_space_but_no_two_texts(self) -> None:
        term = Term(term="big bristo", category="test", language="en")
        texts = ["a big  \t bristo", "a big", "bristo", "big", "bristo"]
        assert [len(found) for found in type(self).find([term], texts)] == [1, 0, 0, 0, 0]

    def test_a_longer_match_of_the_same_category_counts_once(self) -> None:
        assert self.found("you big bristo you", "bristo", "big bristo") == ["big bristo"]

    def test_categories_are_counted_apart(self) -> None:
        other = Term(term="big bristo", category="other", language="en")
        assert self.found("big bristo", "bristo", other) == ["big bristo", "bristo"]

    def test_part_of_a_word_where_the_term_allows_it(self) -> None:
        term = Term(term="bristo", category="test", language="en", whole_word=False)
        assert self.found("unbristolike", term) == ["bristo"]

    def test_endings_are_forms_of_the_term(self) -> None:
        term = Term(term="bristo", category="test", language="en", endings=("s", "nian"))
        assert self.found("bristo bristos bristonian bristonians", term) == [
            "bristo",
            "bristos",
            "bristonian",
        ]

    def test_a_number_must_end(self) -> None:
        assert self.found("314 3144 a314 314th 3,314", "314") == ["314", "314"]
        assert self.found("31415", "314") == []

    def test_a_term_of_look_alikes_is_found_in_its_own_script_and_out_of_it(self) -> None:
        assert self.found("какая оса!", "оса") == ["оса"]
        assert self.found("оса", "оса") == ["оса"]

    @given(st.lists(hostile, max_size=8))
    @QUIET
    def test_spans_lie_in_their_text_and_the_batch_does_not_matter(self, texts: list[str]) -> None:
        terms = [
            Term(term=t, category=c, language="en")
            for t, c in (("hate", "a"), ("you", "b"), ("hate you", "a"), ("оса", "b"))
        ]
        found = type(self).find(terms, texts)
        assert [type(self).find(terms, [text])[0] for text in texts] == found
        for text, matches in zip(texts, found, strict=True):
            assert all(0 <= match.start < match.end <= len(text) for match in matches)


_HOSTILE_ITEMS: tuple[str, ...] = (
    "", " ", "\0", "\n\n", "a", "👍" * 500, "🇮" * 501, "\u0301" * 300, "e" + "\u0301" * 300, "\u200b" * 300, "\u200d\ufe0f",
    "مرحبا بالعالم 123", "שלום עולם", "\u202eevil\u202c", "a" * 20_000, "4" * 20_000, "@" * 20_000, "a." * 10_000, "1 " * 10_000,
    "+1-" * 6_000, "a@" * 10_000, "$a" * 10_000, "http://" * 3_000, "www." * 5_000, "(" * 20_000, "ǝɥʇ " * 5_000, "\ufffd", "\U0010ffff",
    "NaN", "null", "x" * TEXT_LIMIT,
)  # fmt: skip


class SignalConformance:
    """What every signal promises: `make` gives one, `texts` are examples that it should find something in."""

    texts: ClassVar[tuple[str, ...]]

    make: ClassVar[Callable[[], Signal]]

    @cached_property
    def signal(self) -> Signal:
        return type(self).make()

    def measure(self, items: Sequence[Item]) -> Evidence:
        evidence = self.signal.measure(Batch(items))
        assert list(evidence.columns) == [field.name for field in self.signal.fields]
        for field in self.signal.fields:
            column = evidence.columns[field.name]
            assert len(column) == len(items)
            for value in column:
                assert _fits(value, field), (field.name, value)
        for row, spans in evidence.spans.items():
            assert 0 <= row < len(items)
            for span in spans:
                text = items[row].text if span.field == "text" else items[row].transcript
                assert text is not None
                assert 0 <= span.start < span.end <= len(text)
                assert span.label
        return evidence

    def test_declares_itself(self) -> None:
        assert isinstance(self.signal, Signal)
        assert self.signal.name.isidentifier()
        assert self.signal.version == type(self).make().version != ""
        assert all(field.doc.endswith(".") for field in self.signal.fields)
        assert all(field.name.split(".")[0].startswith(self.signal.name) for field in self.signal.fields)

    def test_nothing_in_nothing_out(self) -> None:
        assert self.measure([]).spans == {}

    def test_finds_something(self) -> None:
        evidence = self.measure(items_of(self.texts))
        for row, text in enumerate(self.texts):
            assert any(evidence.columns[field.name][row] for field in self.signal.fields), text

    def test_bears_hostile_texts_alone_and_together(self) -> None:
        together = self.measure(items_of(_HOSTILE_ITEMS))
        for row, text in enumerate(_HOSTILE_ITEMS):
            _same(self.measure(items_of([text])), 0, together, row)

    def test_bears_a_day_of_speech(self) -> None:
        speech = ("and then i said to her this is how you fold the dough " * 20_000)[:TRANSCRIPT_LIMIT]
        self.measure([Item(id="1", text="", transcript=speech), Item(id="2", text="hi", transcript="")])

    @given(st.data())
    @settings(QUIET, max_examples=60)
    def test_the_batch_does_not_matter(self, data: st.DataObject) -> None:
        texts = data.draw(st.lists(st.one_of(hostile, st.sampled_from(self.texts)), min_size=1, max_size=12))
        transcripts = data.draw(
            st.lists(
                st.one_of(st.none(), st.sampled_from(self.texts)), min_size=len(texts), max_size=len(texts)
            )
        )
        items = [
            Item(id=str(n), text=text, transcript=transcript)
            for n, (text, transcript) in enumerate(zip(texts, transcripts, strict=True))
        ]
        together = self.measure(items)
        for row, item in enumerate(items):
            _same(self.measure([item]), 0, together, row)


def items_of(texts: Sequence[str]) -> list[Item]:
    return [Item(id=str(number), text=text) for number, text in enumerate(texts)]


def _same(one: Evidence, row: int, other: Evidence, other_row: int) -> None:
    assert {name: column[row] for name, column in one.columns.items()} == {
        name: column[other_row] for name, column in other.columns.items()
    }
    assert list(one.spans.get(row, ())) == list(other.spans.get(other_row, ()))


_PYTHON_TYPES: dict[Type, tuple[type, ...]] = {
    Type.BOOLEAN: (bool,), Type.INTEGER: (int,), Type.NUMBER: (int, float), Type.TEXT: (str,), Type.TEXT_LIST: (list,)
}  # fmt: skip


def _fits(value: object, field: Field) -> bool:
    if value is None:
        return field.nullable
    if type(value) not in _PYTHON_TYPES[field.type]:
        return False
    if isinstance(value, list):
        return all(type(entry) is str for entry in value)
    if isinstance(value, int | float):
        return (field.low is None or value >= field.low) and (field.high is None or value <= field.high)
    return True
