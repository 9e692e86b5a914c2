"""The language signal: right or silent, the same in a batch as alone, the same as py3langid."""

from __future__ import annotations

import random
import threading

import pytest
from bench.generate import comments
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signals.sentences import ENGLISH_SLANG, SENTENCES

from holdfast.content import Item
from holdfast.schema import Type
from holdfast.signals import language_model
from holdfast.signals.language import (
    BYTES,
    CONFIDENCE,
    LETTERS,
    MARGIN,
    Guess,
    Language,
    LanguageReference,
    view,
)
from holdfast.signals.language_model import LANGUAGES, model
from holdfast.signals.signal import Batch, Signal

WRITTEN = [(code, text) for code, texts in SENTENCES.items() for text in texts]


def measured(texts: list[str], signal: LanguageReference | None = None) -> list[Guess]:
    batch = Batch([Item(id=str(row), text=text) for row, text in enumerate(texts)])
    columns = (signal or Language()).measure(batch).columns
    return list(zip(columns["language"], columns["language_confidence"], strict=True))  # type: ignore[arg-type]


def test_is_a_signal_that_declares_what_it_gives() -> None:
    signal = Language()
    assert isinstance(signal, Signal)
    assert signal.version == LanguageReference().version
    assert [(f.name, f.type, f.nullable) for f in signal.fields] == [
        ("language", Type.TEXT, True),
        ("language_confidence", Type.NUMBER, True),
    ]


def test_sentences_are_placed_or_left_unknown_never_misplaced() -> None:
    guesses = measured([text for _, text in WRITTEN])
    wrong = [
        (code, guess, text)
        for (code, text), guess in zip(WRITTEN, guesses, strict=True)
        if guess[0] not in (code, None)
    ]
    assert wrong == []
    known = sum(guess[0] is not None for guess in guesses)
    assert known >= 0.95 * len(WRITTEN)


@pytest.mark.parametrize("code", SENTENCES)
def test_every_language_is_found(code: str) -> None:
    assert code in {guess[0] for guess in measured(list(SENTENCES[code]))}


def test_short_slang_is_english_or_unknown() -> None:
    assert {guess[0] for guess in measured(list(ENGLISH_SLANG))} <= {"en", None}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "!!!???",
        "12345678901234567890",
        "😂😂😂😂😂😂😂😂😂😂😂😂",
        "@einfreundlichername @nocheiner",
        "https://www.beispiel.de/eine/sehr/lange/adresse/mit/worten",
        "#wunderschön #liebe #deutschland",
        "lol ok",
        "Slaaaaaaaaaaaay queen",
        "noooooooooooooooooooooooo",
        "asdfghjklasdfghjklasdf",
        "哈哈哈哈哈哈哈",
    ],
)
def test_nothing_is_claimed_where_nothing_can_be_told(text: str) -> None:
    assert measured([text])[0][0] is None


def test_the_confidence_is_unknown_only_where_the_text_is_too_short_or_holds_no_language() -> None:
    guesses = measured(["lol ok", "dhsjakdhsajkdhskajhdksa", "your recipe", SENTENCES["de"][0]])
    assert guesses[0] == (None, None)
    assert guesses[1] == (None, None)
    assert guesses[2][1] is None or guesses[2][1] < CONFIDENCE
    assert guesses[3][1] is not None and guesses[3][1] >= CONFIDENCE


NAMED = ("homosexuals", "mexicans", "haitians", "gays", "latinas", "jews", "muslims", "romanies", "brazilians", "germans", "catholics", "sikhs")  # fmt: skip


@pytest.mark.parametrize(
    "sentence", ["{} deserve respect", "{} are criminals", "dirty {}", "death to {}", "{} control the media", "I despise {}"]
)  # fmt: skip
def test_a_groups_name_makes_english_no_other_language(sentence: str) -> None:
    guesses = measured([sentence.format(name) for name in NAMED])
    assert {language for language, _ in guesses} <= {"en", None}
    assert guesses == [measured([sentence.format(name)])[0] for name in NAMED]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("los latinos son buenos", "es"),
        ("die roma wohnen hier", "de"),
        ("les transgenders sont beaux", "fr"),
        ("de gay mannen zijn leuk", "nl"),
        ("men jag vet inte", "sv"),
        ("men jeg vet ikke hva det er", "no"),
        ("i musulmani romani sono qui", "it"),
    ],
)
def test_a_groups_name_leaves_another_language_what_it_is(text: str, language: str) -> None:
    assert measured([text])[0][0] == language


def test_shouting_links_names_and_emoji_do_not_change_the_language() -> None:
    plain = SENTENCES["es"][2]
    dressed = f"@someuser {plain.upper()} 😂🔥 #fyp https://example.com/english-words-in-a-link"
    assert [guess[0] for guess in measured([plain, dressed])] == ["es", "es"]


def test_composed_and_decomposed_text_are_the_same() -> None:
    import unicodedata

    text = SENTENCES["vi"][0]
    composed, decomposed = measured([text, unicodedata.normalize("NFD", text)])
    assert composed[0] == decomposed[0] == "vi"


def test_a_transcript_speaks_where_the_text_does_not() -> None:
    spoken = " ".join(SENTENCES["it"])
    batch = Batch(
        [
            Item(id="a", text="lol", transcript=spoken),
            Item(id="b", text=SENTENCES["de"][0], transcript=spoken),
            Item(id="c", text="lol", transcript="ok"),
        ]
    )
    assert Language().measure(batch).columns["language"] == ["it", "de", None]


def test_an_empty_batch() -> None:
    assert measured([]) == []
    assert measured([], LanguageReference()) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_the_batch_equals_the_reference_on_generated_comments(seed: int) -> None:
    texts = comments(700, seed=seed)
    assert measured(texts) == measured(texts, LanguageReference())


def test_the_batch_equals_the_reference_on_pieces_of_sentences() -> None:
    chance = random.Random(5)
    texts = []
    for _ in range(1500):
        words = f"{chance.choice(WRITTEN)[1]} {chance.choice(WRITTEN)[1]}".split(" ")
        first = chance.randrange(len(words))
        texts.append(" ".join(words[first : first + chance.randrange(1, 9)]))
    guesses = measured(texts)
    assert guesses == measured(texts, LanguageReference())
    # The law is empty unless guesses fall on both sides of the gate, and near it.
    assert {CONFIDENCE - 0.01, CONFIDENCE} <= {c for _, c in guesses}


TEXTS = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="aeinorst äöüßéñçøåıİ", min_size=8, max_size=60),
    st.text(alphabet="абвгдежзиклмнопрст ії", min_size=8, max_size=60),
    st.lists(st.sampled_from([w for _, t in WRITTEN for w in t.split(" ")]), max_size=12).map(" ".join),
    st.sampled_from(WRITTEN).map(lambda pair: pair[1] * 4),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=24))
def test_the_batch_equals_the_reference(texts: list[str]) -> None:
    assert measured(texts) == measured(texts, LanguageReference())


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=24))
def test_a_batch_of_one_gives_what_a_batch_of_many_gives(texts: list[str]) -> None:
    assert measured(texts) == [measured([text])[0] for text in texts]


def test_blocks_do_not_show() -> None:
    texts = comments(language_model.TEXTS + 300, seed=9)
    whole = measured(texts)
    assert whole[language_model.TEXTS - 50 :] == measured(texts[language_model.TEXTS - 50 :])


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_what_is_read_is_bounded(text: str) -> None:
    assert len(view(text * 50).encode()) <= BYTES


def test_the_cap_falls_between_characters() -> None:
    assert view("я" * 400) == "я" * (BYTES // 2)
    assert view("a" + "я" * 400) == "a" + "я" * (BYTES // 2 - 1)


def test_walking_in_lanes_ends_in_the_states_of_walking_alone() -> None:
    loaded = model()
    import numpy as np

    text = " ".join(text for _, text in WRITTEN).encode()
    identifier = loaded.identifier
    state, alone = 0, []
    for byte in text:
        state = identifier.tk_nextmove[(identifier.tk_row[state] << 8) + byte]
        alone.append(state)
    assert loaded._walk(np.frombuffer(text, np.uint8)).tolist() == alone


def test_the_batch_and_the_reference_differ_by_less_than_a_tenth_of_the_margin() -> None:
    texts = [" ".join(pair) for _, pair in SENTENCES.items()] + comments(500, seed=4)
    best = model().best([view(text).encode() for text in texts if not view(text).isupper()])
    alone = [language_model.classify(view(text))[1] for text in texts if not view(text).isupper()]
    assert max(abs(a - b) for a, b in zip(best.probabilities.tolist(), alone, strict=True)) < MARGIN / 10


def test_languages_are_distinct_and_all_in_the_model() -> None:
    assert len(set(LANGUAGES)) == len(LANGUAGES)
    assert set(LANGUAGES) <= set(model().classes)
    assert LETTERS > 0


def test_the_model_is_loaded_once_whoever_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    class Counted:
        def __init__(self) -> None:
            made.append(self)

    monkeypatch.setattr(language_model, "_loaded", [])
    monkeypatch.setattr(language_model, "Model", Counted)
    seen: list[object] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        seen.append(language_model.model())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert set(map(id, seen)) == {id(made[0])}


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "@" * 100_000, "http://" * 15_000, "\u0301" * 60_000, "😂" * 60_000]
)
def test_hostile_text_is_read_like_any_other(text: str) -> None:
    assert measured([text])[0][0] is None


@pytest.mark.parametrize("signal", [Language(), LanguageReference()])
def test_what_the_platform_says_counts(signal: Signal) -> None:
    german = (
        SENTENCES["de"][0] if isinstance(SENTENCES, dict) else "Das ist ein schönes Lied, vielen Dank dafür."
    )
    items = [
        Item(id="1", text=german),
        Item(id="2", text=german, language="pt-BR"),
        Item(id="3", text="ok", language="EN"),
        Item(id="4", text="ok"),
    ]
    columns = signal.measure(Batch(items)).columns
    assert columns["language"] == ["de", "pt", "en", None]
    assert columns["language_confidence"][1:3] == [1.0, 1.0]
