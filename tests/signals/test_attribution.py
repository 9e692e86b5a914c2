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
from holdfast.signals.attribution import PIECES, attribute
from holdfast.signals.classifier import Classifier
from holdfast.signals.signal import Batch

_TEXTS = st.one_of(hostile, st.lists(st.sampled_from(["you", "are", "not", "the", "person", "he", "was", "hello", "jews"]), max_size=10).map(" ".join))  # fmt: skip


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    with TemporaryDirectory() as folder:
        write(Path(folder))
        yield Classifier.load(Path(folder))


def score(classifier: Classifier, text: str, head: str) -> float:
    value = classifier.measure(Batch([Item(id="1", text=text)])).columns[head][0]
    return value if isinstance(value, float) else 0.0


@given(text=_TEXTS, head=st.sampled_from(HEADS))
@settings(QUIET, max_examples=60)
def test_no_other_word_lowers_the_head_more_than_the_first(
    classifier: Classifier, text: str, head: str
) -> None:
    spans = attribute(classifier, Item(id="1", text=text), head)
    assert len({(span.start, span.end) for span in spans}) == len(spans) <= 5
    before = score(classifier, text, head)
    left = [score(classifier, text[: span.start] + text[span.end :], head) for span in spans]
    assert left == sorted(left)
    assert all(value < before for value in left)
    at, lowest = 0, before
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        lowest = min(lowest, score(classifier, text[:start] + text[at:], head))
    if spans:
        assert left[0] == lowest


def test_unknown_is_not_explained(classifier: Classifier) -> None:
    assert attribute(classifier, Item(id="1", text=""), "hate") == []
    assert attribute(classifier, Item(id="1", text="你好"), "hate") == []
    with pytest.raises(KeyError):
        attribute(classifier, Item(id="1", text="hello"), "no_such_head")


def test_long_texts_are_left_out_run_by_run(classifier: Classifier) -> None:
    text = "you are not the person he was " * 1_000
    spans = attribute(classifier, Item(id="1", text=text), HEADS[0], limit=PIECES + 1)
    assert len(spans) <= PIECES
    for span in spans:
        assert 1 <= len(text[span.start : span.end].split()) <= len(text.split()) // PIECES + 1
