"""The classifier: how probable it is that a text attacks, threatens, advertises, or speaks against those who do.

Where the language is not covered, or there is no word, everything is unknown, never "fine".
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from holdfast.content import Item
from holdfast.schema import Field, Type, Value
from holdfast.signals.classifier_input import CONTEXT_CHARACTERS, Reading, readable
from holdfast.signals.classifier_model import InvalidModel, Model
from holdfast.signals.codepoints import VERSION as NORMALISER
from holdfast.signals.identity import MANY, ONE, Identities
from holdfast.signals.language import PREFIX, Language
from holdfast.signals.signal import Batch, Evidence

__all__ = ["Classifier", "InvalidModel"]

LANGUAGES: Final = frozenset(["en"])
"""Languages that the network was trained on."""
CACHE: Final = 50_000
"""Texts whose answer is remembered."""
CACHED_CHARACTERS: Final = 400
"""Characters of a text and its context together that are remembered; longer ones seldom come twice."""
DIGITS: Final = 4
"""Decimals of a probability."""

_CODE: Final = "1"
_DOCS: Final = {
    "hate": "How probable it is that the text attacks people for who they are.",
    "harassment": "How probable it is that the text attacks the person it is aimed at.",
    "threat": "How probable it is that the text threatens, wishes or calls for violence.",
    "self_harm_incitement": "How probable it is that the text urges somebody to hurt or kill themselves.",
    "profanity": "How probable it is that the text is vulgar, whether or not it attacks anybody.",
    "sexual": "How probable it is that the text is sexual.",
    "spam": "How probable it is that the text advertises, deceives or floods.",
    "severe": "How probable it is that the text is of the worst kind.",
    "counterspeech": "How probable it is that the text rebuts, reports, quotes to condemn or teaches.",
}
_UNCOVERED = "Unknown in a language that is not covered, and where there is no word."

Answer = tuple[tuple[float, ...], tuple[str, ...]]
"""A probability per head, and the groups that the text is about."""


class Classifier:
    """The signal `classifier`: a probability for every head of its network (`hate`, `threat`, …), and `groups`.

    It reads an item's text, in the light of the parent that it answers, or else of the caption that it stands under;
    transcripts it does not read. A long text is read in windows, of which the highest counts.
    `cache` bounds how many answers are remembered (0: none).
    """

    name = "classifier"

    def __init__(self, folder: Path, cache: int = CACHE) -> None:
        self.model = Model(folder)
        self._language = Language()
        self._cache = _Cache(cache)

    @classmethod
    def load(cls, folder: Path, cache: int = CACHE) -> Classifier:
        """The classifier over an exported folder, opened and tried. Raises `InvalidModel`."""
        classifier = cls(folder, cache)
        classifier.model.check()
        return classifier

    @cached_property
    def version(self) -> str:
        """Changes with the weights, the names of groups, the normaliser, the language signal and this code."""
        names = f"+{Identities.shipped().version}" if self.model.manifest.canonical else ""
        return f"{_CODE}.{NORMALISER}+{self.model.manifest.version}{names}+{self._language.version}"

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        heads = tuple(
            Field(
                name=head,
                type=Type.NUMBER,
                nullable=True,
                low=0,
                high=1,
                doc=f"{_DOCS.get(head, f'How probable it is that the text is {head}.')} {_UNCOVERED}",
            )
            for head in self.model.manifest.heads
        )
        groups = Field(
            name="groups",
            type=Type.TEXT_LIST,
            nullable=True,
            doc=f"The groups of people that the text is about: those it names, and those it lets one think of. {_UNCOVERED}",
        )
        return (*heads, groups)

    def measure(self, batch: Batch) -> Evidence:
        """One value per head, and `groups`; no spans."""
        answers = self._answers(batch)
        columns: dict[str, Sequence[Value]] = {
            head: [None if answer is None else answer[0][at] for answer in answers]
            for at, head in enumerate(self.model.manifest.heads)
        }
        columns["groups"] = [None if answer is None else list(answer[1]) for answer in answers]
        return Evidence(columns)

    def _answers(self, batch: Batch) -> list[Answer | None]:
        texts = batch.normalised.texts[: len(batch)]  # an item's text stands before all transcripts
        rows = self._covered(batch.items, texts)
        contexts = _contexts([batch.items[row] for row in rows])
        answers: list[Answer | None] = [None] * len(batch)
        missing: dict[tuple[str, str], list[int]] = {}
        for row, context in zip(rows, contexts, strict=True):
            key = texts[row], context
            known = self._cache.get(key)
            if known is None:
                missing.setdefault(key, []).append(row)
            else:
                answers[row] = known
        if not missing:
            return answers
        readings = self.model.reader.read([text for text, _ in missing], [context for _, context in missing])
        for (key, same), answer in zip(missing.items(), self._read(readings), strict=True):
            if answer is not None:
                self._cache.put(key, answer)
                for row in same:
                    answers[row] = answer
        return answers

    def _covered(self, items: Sequence[Item], texts: Sequence[str]) -> list[int]:
        """The rows that hold words of a language that is covered, or are too short to tell in its letters."""
        guesses = self._language.guesses(
            [_spoken(item.text, text) for item, text in zip(items, texts, strict=True)]
        )
        return [
            row
            for row, (text, (language, _)) in enumerate(zip(texts, guesses, strict=True))
            if text and (language in LANGUAGES if language is not None else _latin(text))
        ]

    def _read(self, readings: Sequence[Reading]) -> list[Answer | None]:
        windows = [window for reading in readings for window in reading.windows]
        heads, groups = self.model.manifest.heads, self.model.manifest.groups
        probabilities = self.model.probabilities(self.model.logits(windows))
        answers: list[Answer | None] = []
        at = 0
        for reading in readings:
            size = len(reading.windows)
            if not size:
                answers.append(None)
                continue
            highest = probabilities[at : at + size].max(0)
            at += size
            scores = np.round(highest[: len(heads)], DIGITS).tolist()
            named = set(reading.groups)
            about = [
                group
                for group, probability in zip(groups, highest[len(heads) :].tolist(), strict=True)
                if group in named or probability >= self.model.manifest.group_threshold
            ]
            about.extend(group for group in reading.groups if group not in groups)
            answers.append((tuple(scores), tuple(about)))
        return answers

    def __reduce__(self) -> tuple[type[Classifier], tuple[Path, int]]:
        return type(self), (self.model.folder, self._cache.size)


def _contexts(items: Sequence[Item]) -> list[str]:
    """What each item answers or stands under, in readable form, or "". Only its beginning is read."""
    written = [(item.parent or item.caption or "")[: 2 * CONTEXT_CHARACTERS] for item in items]
    some = [row for row, text in enumerate(written) if text]
    found = [""] * len(items)
    for row, text in zip(some, readable([written[row] for row in some]), strict=True):
        found[row] = text[:CONTEXT_CHARACTERS]
    return found


def _spoken(written: str, text: str) -> str:
    """What to tell the language by: the text as written, unless it names a group. A name alone can turn the guess, and
    then the same words would be read about one group and not about another."""
    found = Identities.shipped().canonical(text[:PREFIX])
    return found.text.replace(MANY, "people").replace(ONE, "person") if found.mentions else written


def _latin(text: str) -> bool:
    """Whether at least half of the letters in a readable text are Latin (one without letters is)."""
    if text.isascii():
        return True
    letters = sum(map(str.isalpha, text))
    return 2 * sum("a" <= letter <= "z" for letter in text) >= letters


class _Cache:
    """The answers to the last texts, safe to share between threads."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, str], Answer] = OrderedDict()

    def get(self, key: tuple[str, str]) -> Answer | None:
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
            return answer

    def put(self, key: tuple[str, str], answer: Answer) -> None:
        if not self.size or len(key[0]) + len(key[1]) > CACHED_CHARACTERS:
            return
        with self._lock:
            self._answers[key] = answer
            if len(self._answers) > self.size:
                self._answers.popitem(last=False)

    def __len__(self) -> int:
        return len(self._answers)
