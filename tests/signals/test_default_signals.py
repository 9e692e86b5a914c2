"""The signals that ship, together."""

from __future__ import annotations

from tests.signals.conformance import SignalConformance, items_of

from holdfast.content import ITEM_FIELDS
from holdfast.schema import Schema
from holdfast.signals import Signal, default_signals
from holdfast.signals.classifier import Classifier
from holdfast.signals.contact import Contact
from holdfast.signals.glossary import Glossary
from holdfast.signals.language import Language
from holdfast.signals.lexicon import Lexicon
from holdfast.signals.signal import Batch


def test_come_in_order() -> None:
    assert [signal.name for signal in default_signals()] == [
        "text",
        "lexicon",
        "glossary",
        "language",
        "contact",
        "classifier",
    ]
    assert all(isinstance(signal, Signal) for signal in default_signals())


def test_declare_fields_that_share_no_name_with_another() -> None:
    names = list(Schema(ITEM_FIELDS).with_fields(field for s in default_signals() for field in s.fields))
    assert {
        "text.length",
        "text.evasion",
        "lexicon.slur",
        "language",
        "language_confidence",
        "contact.kinds",
        "hate",
        "threat",
        "counterspeech",
        "groups",
        "classifier.stage",
    } <= set(names)


def test_a_batch_is_normalised_once() -> None:
    batch = Batch(items_of(["h4te"]))
    assert batch.normalised is batch.normalised


class TestStarterLexicon(SignalConformance):
    make = Lexicon.starter
    texts = ("you complete idiot", "check out my channel")


class TestStarterGlossary(SignalConformance):
    make = Glossary.starter
    texts = ("1488", "go back to where you came from", "a (((banker))) again")


class TestLanguage(SignalConformance):
    make = Language
    texts = (
        "Das ist ein wunderbarer Tag, um mit meinen Freunden in den Park zu gehen",
        "I have been watching these videos with my whole family since last summer",
    )


class TestContact(SignalConformance):
    make = Contact
    texts = ("write to name@example.com", "call me on +44 20 7946 0958")


class TestShippedClassifier(SignalConformance):
    make = Classifier.load
    texts = ("what a lovely soup", "I will find you and hurt you", "as a trans woman I loved this film")

    def test_declares_itself(self) -> None:
        # Its fields are named as policies speak of them: `hate`, not `classifier.hate`.
        assert isinstance(self.signal, Signal)
        assert self.signal.version == type(self).make().version != ""
        assert all(field.doc.endswith(".") for field in self.signal.fields)
