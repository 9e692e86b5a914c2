"""The words that drove a head lie in the text, and leaving the first out lowers it the most."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.heads import HEADS
from tests.models.tiny import write
from tests.signals.conformance import QUIET, hostile

from holdfast.content import Item
from holdfast.signals.attribution import (
    MOST,
    PIECES,
    Driver,
    Occlusion,
    attribute,
    classifier_of,
    heads_of,
    spans,
)
from holdfast.signals.classifier import Classifier
from holdfast.signals.signal import Batch
from holdfast.signals.text import Text

_TEXTS = st.one_of(hostile, st.lists(st.sampled_from(["you", "are", "not", "the", "person", "he", "was", "hello", "jews"]), max_size=10).map(" ".join))  # fmt: skip


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    with TemporaryDirectory() as folder:
        write(Path(folder))
        yield Classifier.load(Path(folder))


def score(classifier: Classifier, text: str, head: str) -> float | None:
    value = classifier.measure(Batch([Item(id="1", text=text)])).columns[head][0]
    assert value is None or isinstance(value, float)
    return value


@given(text=_TEXTS, head=st.sampled_from(HEADS))
@settings(QUIET, max_examples=60)
def test_no_other_word_lowers_the_head_more_than_the_first(
    classifier: Classifier, text: str, head: str
) -> None:
    found = attribute(classifier, Item(id="1", text=text, transcript="he was"), [head])[head]
    assert len({(driver.start, driver.end) for driver in found}) == len(found) <= MOST
    before = score(classifier, text, head) or 0.0
    for driver in found:
        assert driver.without == score(classifier, text[: driver.start] + text[driver.end :], head)
    left = [driver.without or 0.0 for driver in found]
    assert left == sorted(left)
    assert all(value < before for value in left)
    at, lowest = 0, before
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        lowest = min(lowest, score(classifier, text[:start] + text[at:], head) or 0.0)
    if found:
        assert left[0] == lowest


@given(text=_TEXTS, size=st.integers(1, 7))
@settings(QUIET, max_examples=30)
def test_how_the_measuring_is_cut_makes_no_difference(classifier: Classifier, text: str, size: int) -> None:
    item = Item(id="1", text=text, caption="hello you")
    occlusion = Occlusion(item)
    parts = [occlusion.items[at : at + size] for at in range(0, len(occlusion.items), size)]
    columns = [classifier.measure(Batch(part)).columns for part in parts]
    for head in HEADS:
        whole = [value for column in columns for value in column[head]]
        assert occlusion.drivers(whole) == attribute(classifier, item, HEADS)[head]


def test_of_two_reasons_each_is_named_though_neither_is_needed() -> None:
    occlusion = Occlusion(Item(id="1", text="one soup two"))
    found = occlusion.drivers([0.99, 0.97, 0.99, 0.96])
    assert found == [Driver(9, 12, 0.96), Driver(0, 3, 0.97)]


def test_what_hangs_on_its_only_word_says_so() -> None:
    assert Occlusion(Item(id="1", text=" soup ")).drivers([0.3, None]) == [Driver(1, 5, None)]


def test_unknown_is_not_explained(classifier: Classifier) -> None:
    for text in ("", "你好"):
        assert attribute(classifier, Item(id="1", text=text), ["hate"]) == {"hate": []}
    with pytest.raises(KeyError):
        attribute(classifier, Item(id="1", text="hello"), ["no_such_head"])


def test_long_texts_are_left_out_run_by_run(classifier: Classifier) -> None:
    text = "you are not the person he was " * 1_000
    found = attribute(classifier, Item(id="1", text=text), [HEADS[0]], limit=PIECES + 1)[HEADS[0]]
    assert len(Occlusion(Item(id="1", text=text)).items) == PIECES + 1
    for driver in found:
        assert 1 <= len(text[driver.start : driver.end].split()) <= len(text.split()) // PIECES + 1


def test_drivers_are_places_as_other_signals_give_them(classifier: Classifier) -> None:
    (span, other) = spans({"hate": [Driver(1, 3, 0.2)], "threat": [Driver(0, 1, None)]})
    assert (span.signal, span.start, span.end, span.label, span.field) == ("classifier", 1, 3, "hate", "text")
    assert other.label == "threat"
    assert classifier_of([Text(), classifier]) is classifier
    assert classifier_of([Text()]) is None
    assert heads_of(classifier) == HEADS
