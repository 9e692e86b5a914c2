"""Sentences, against the default rules of Unicode as another implementation reads them, and by laws."""

from __future__ import annotations

import unicode_segmentation_rs as oracle
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.web.perspective.offsets import Utf16Offsets
from holdfast.web.perspective.sentences import LIMIT, sentences

NO_LIMIT = 2**40
KINDS = "aB1.!?…,;:-)\"'( \n\r\t\u2028\u0085中é\u0301\u200d\u00ad😀𝐀。」\u05f3ªǅა\u0660\ufe0f"
"""Characters of every class that the rules know, so that short texts meet every rule."""
few = st.text(st.sampled_from(KINDS), max_size=24)
texts = few | st.text(max_size=60)
known = few | st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=60)
"""What this Python's version of Unicode assigns: the other implementation may know a later one."""


def parts(text: str, limit: int = NO_LIMIT) -> list[str]:
    return [text[start:end] for start, end in sentences(text, limit)]


def test_what_people_write_is_parted_where_they_would() -> None:
    assert parts("Hello there. How are you?  I am fine!\n\nBye") == [
        "Hello there.",
        "How are you?",
        "I am fine!",
        "Bye",
    ]
    assert parts("I paid 3.40 in the U.S. and e.g. nothing in France (etc.) he said.") == [
        "I paid 3.40 in the U.S. and e.g. nothing in France (etc.) he said."
    ]
    assert parts("“Really…?!” She said: yes… No.") == ["“Really…?!”", "She said: yes… No."]
    assert parts("今日は。元気?はい") == ["今日は。", "元気?", "はい"]
    assert parts("😀😀. Or 😀? So") == ["😀😀.", "Or 😀?", "So"]


def test_a_text_without_a_word_has_no_empty_sentence() -> None:
    assert parts("") == []
    assert parts(" \n\t\u2028 ") == []
    assert parts("\n\nOne.\n\n\r\n  Two.\n") == ["One.", "Two."]
    assert parts("...") == ["..."]


@given(known)
@example("a\r\n\u0301b")
@example("a.\u0301 \u200dB")
@settings(max_examples=200, deadline=None)
def test_the_breaks_are_those_of_the_standard(text: str) -> None:
    expected, place = [], 0
    for sentence in oracle.unicode_sentences(text):  # tells those with a letter, a number or a mark only
        place = text.index(sentence, place)
        bare = sentence.strip()
        if any(map(str.isalnum, bare)):  # marks alone are letters to it, and none to Python
            expected.append((text.index(bare, place), bare))
        place += len(sentence)
    found = sentences(text, NO_LIMIT)
    assert [
        (start, text[start:end]) for start, end in found if any(map(str.isalnum, text[start:end]))
    ] == expected


@given(texts, st.integers(1, 8))
@settings(max_examples=200, deadline=None)
def test_sentences_stand_in_order_and_between_them_is_only_white_space(text: str, limit: int) -> None:
    found = sentences(text, limit)
    assert len(found) <= limit
    place = 0
    for start, end in found:
        assert place <= start < end <= len(text)
        assert not text[place:start].strip()
        assert text[start:end] == text[start:end].strip()
        place = end
    assert not text[place:].strip()


@given(texts)
@settings(max_examples=200, deadline=None)
def test_places_in_utf16_code_units_cut_out_the_same_sentence(text: str) -> None:
    units, encoded = Utf16Offsets(text), text.encode("utf-16-le")
    for start, end in sentences(text):
        assert encoded[2 * units[start] : 2 * units[end]].decode("utf-16-le") == text[start:end]
    assert 2 * units[len(text)] == len(encoded)


def test_the_last_sentence_takes_the_rest() -> None:
    text = "No. " * (LIMIT + 50)
    found = sentences(text)
    assert len(found) == LIMIT
    assert found[-1].end == len(text.rstrip())
    assert text[found[-1].start : found[-1].end].count("No.") == 51


def test_millions_of_characters_that_the_rules_look_ahead_over_take_no_time() -> None:
    # Quadratic time would be hours here.
    size = 300_000
    for hostile in ("a." + ")" * size, "a." + " " * size, ". 1" * (size // 3), "a." + "\u0301" * size, "." * size, ".)" * (size // 2), "a. " + "(1" * size):  # fmt: skip
        found = sentences(hostile)
        assert hostile[found[-1].end :].strip() == ""
