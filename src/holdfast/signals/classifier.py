"""The classifier: how probable it is that a text attacks, threatens, advertises, or speaks against those who do.

Where the language is not covered, or there is no word, everything is unknown, never "fine".
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from holdfast.content import Item
from holdfast.schema import Field, Type, Value
from holdfast.signals.classifier_input import CONTEXT_CHARACTERS, Reading, readable
from holdfast.signals.classifier_model import InvalidModel, Model, Network
from holdfast.signals.codepoints import VERSION as NORMALISER
from holdfast.signals.identity import MANY, ONE, Canonical, Identities
from holdfast.signals.language import PREFIX, Language, primary
from holdfast.signals.recalibration import Recalibration
from holdfast.signals.signal import Batch, Evidence

__all__ = ["Classifier", "InvalidModel", "Stages"]

SHIPPED: Final = Path(__file__).parent / "weights"
"""The weights that come with Holdfast."""
STUDENT, ENCODER = "student", "encoder"

LANGUAGES: Final = frozenset(["en"])
"""Languages that the network was trained on."""
CACHE: Final = 50_000
"""Texts whose answer is remembered."""
CACHED_CHARACTERS: Final = 400
"""Characters of a text and its context together that are remembered; longer ones seldom come twice."""
DIGITS: Final = 4
"""Decimals of a probability."""

_SAID: Final = re.compile(r"[^\W_]")
_CODE: Final = "3"
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

Answer = tuple[tuple[float, ...], tuple[str, ...], str]
"""A probability per head, the groups that the text is about, and the stage that answered."""


class Stages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which stages answer. Without the encoder the student answers everything, faster and worse."""

    cache: int = CACHE
    student: bool = True
    encoder: bool = True


class Classifier:
    """The signal `classifier`: a probability for every head of its network (`hate`, `threat`, …), and `groups`.

    It reads an item's text, in the light of the parent that it answers, or else of the caption that it stands under;
    transcripts it does not read. A long text is read in windows, of which the highest counts.

    Stages answer in turn: a memory of the last answers (`stages.cache` bounds it, 0: none), a small student where it is
    sure that nothing would be found, then the encoder. `classifier.stage` says whose answer it is.

    A `recalibration` to a platform's own labels bends what either network says.
    """

    name = "classifier"

    def __init__(
        self,
        folder: Path = SHIPPED,
        stages: Stages | None = None,
        recalibration: Recalibration | None = None,
    ) -> None:
        self.model = Model(folder)
        self.stages = stages or Stages()
        self._student = self.model.student if self.stages.student else None
        self._encoder = self.model.encoder if self.stages.encoder else None
        if self._student is None and self._encoder is None:
            raise InvalidModel(
                "has no student, and the encoder is off: nobody is left to answer",
                where=str(folder),
                expected="the student or the encoder, or both",
                next_step="switch a stage on in the settings, [classifier]",
            )
        self.recalibration = recalibration
        if recalibration is not None:
            recalibration.check(self.answering, self.model.manifest.heads)
        self._language = Language()
        self._cache = _Cache(self.stages.cache)

    @classmethod
    def load(
        cls,
        folder: Path = SHIPPED,
        stages: Stages | None = None,
        recalibration: Recalibration | None = None,
    ) -> Classifier:
        """The classifier over an exported folder, opened and tried. Raises `InvalidModel`, and `InvalidRecalibration`
        for a recalibration that was made for another one."""
        classifier = cls(folder, stages, recalibration)
        classifier.model.check()
        return classifier

    @cached_property
    def version(self) -> str:
        """Changes with the weights, the names of groups, the normaliser, the language signal, a recalibration and
        this code."""
        names = f"+{Identities.shipped().version}" if self.model.manifest.canonical else ""
        bent = f"+c{self.recalibration.version}" if self.recalibration else ""
        return f"{_CODE}.{NORMALISER}+{self.answering}{names}+{self._language.version}{bent}"

    @property
    def answering(self) -> str:
        """The weights, and which of their stages answer: what a recalibration is fitted to."""
        asked = f"{'s' if self._student else ''}{'e' if self._encoder else ''}"
        return f"{self.model.manifest.version}.{asked}"

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
        stage = Field(
            name="classifier.stage",
            type=Type.TEXT,
            nullable=True,
            doc=f"Which network answered: `{STUDENT}`, where it was sure that nothing would be found, or `{ENCODER}`. {_UNCOVERED}",
        )
        return (*heads, groups, stage)

    def measure(self, batch: Batch) -> Evidence:
        """One value per head, and `groups`; no spans."""
        answers = self._answers(batch)
        columns: dict[str, Sequence[Value]] = {
            head: [None if answer is None else answer[0][at] for answer in answers]
            for at, head in enumerate(self.model.manifest.heads)
        }
        columns["groups"] = [None if answer is None else list(answer[1]) for answer in answers]
        columns["classifier.stage"] = [None if answer is None else answer[2] for answer in answers]
        return Evidence(columns)

    def _answers(self, batch: Batch) -> list[Answer | None]:
        answers: list[Answer | None] = [None] * len(batch)
        missing: dict[_Key, list[int]] = {}
        # Asked before anything is worked out, so by what was written and not by what it comes to.
        for row, item in enumerate(batch.items):
            key = item.text, _context(item), item.language
            known = self._cache.get(key)
            if isinstance(known, _Missing):
                missing.setdefault(key, []).append(row)
            else:
                answers[row] = known
        if not missing:
            return answers
        texts = batch.normalised.texts  # an item's text stands before all transcripts
        fresh = self._fresh(
            [batch.items[same[0]] for same in missing.values()], [texts[same[0]] for same in missing.values()]
        )
        for (key, same), answer in zip(missing.items(), fresh, strict=True):
            self._cache.put(key, answer)
            for row in same:
                answers[row] = answer
        return answers

    def _fresh(self, items: Sequence[Item], texts: Sequence[str]) -> list[Answer | None]:
        """The answers to items that are not remembered; `texts` are theirs in readable form."""
        named = [self.model.reader.named(text) for text in texts]
        rows = self._covered(items, texts, named)
        contexts = _contexts([items[row] for row in rows])
        answers: list[Answer | None] = [None] * len(items)
        readings = self.model.reader.read_named([named[row] for row in rows], contexts)
        # What reads alike is answered once: "Hello" and "hello".
        alike = dict.fromkeys(readings)
        alike.update(zip(alike, self._read(list(alike)), strict=True))
        for row, reading in zip(rows, readings, strict=True):
            answers[row] = alike[reading]
        return answers

    def _covered(self, items: Sequence[Item], texts: Sequence[str], named: Sequence[Canonical]) -> list[int]:
        """The rows that hold words of a language that is covered, or are too short to tell in its letters.

        What the platform says the language is counts, whatever it looks like.
        """
        guesses = self._language.guesses(
            [_spoken(item.text, text) for item, text in zip(items, named, strict=True)]
        )
        languages = [
            guess if item.language is None else primary(item.language)
            for item, (guess, _) in zip(items, guesses, strict=True)
        ]
        return [
            row
            for row, (text, language) in enumerate(zip(texts, languages, strict=True))
            if _SAID.search(text) and (language in LANGUAGES if language is not None else _latin(text))
        ]

    def _read(self, readings: Sequence[Reading]) -> list[Answer | None]:
        """The answer to every reading: the student's where it is sure of every window, the encoder's elsewhere."""
        answers: list[Answer | None] = [None] * len(readings)
        left = [row for row, reading in enumerate(readings) if reading.windows]
        if self._student is not None and left:
            windows = [window for row in left for window in readings[row].windows]
            logits, starts = _flat(self._student, [readings[row] for row in left])
            sure = np.logical_and.reduceat(self.model.certain(logits, windows), starts)
            if self._encoder is None:
                sure[:] = True
            highest = np.maximum.reduceat(self.model.probabilities(logits, student=True), starts)
            for at in np.flatnonzero(sure).tolist():
                answers[left[at]] = self._answer(readings[left[at]], highest[at], STUDENT)
            left = [row for row, certain in zip(left, sure.tolist(), strict=True) if not certain]
        if self._encoder is not None and left:
            logits, starts = _flat(self._encoder, [readings[row] for row in left])
            highest = np.maximum.reduceat(self.model.probabilities(logits), starts)
            for row, probabilities in zip(left, highest, strict=True):
                answers[row] = self._answer(readings[row], probabilities, ENCODER)
        return answers

    def _answer(self, reading: Reading, highest: NDArray[np.float64], stage: str) -> Answer:
        manifest = self.model.manifest
        scores = np.round(highest[: len(manifest.heads)], DIGITS)
        if self.recalibration is not None:
            # Of what would be told otherwise, since that is what it was fitted to.
            scores = np.round(self.recalibration.apply(manifest.heads, scores), DIGITS)
        named = set(reading.groups)
        about = [
            group
            for group, probability in zip(
                manifest.groups, highest[len(manifest.heads) :].tolist(), strict=True
            )
            if group in named or probability >= manifest.group_threshold
        ]
        about.extend(group for group in reading.groups if group not in manifest.groups)
        return tuple(scores.tolist()), tuple(about), stage

    def __reduce__(self) -> tuple[type[Classifier], tuple[Path, Stages, Recalibration | None]]:
        return type(self), (self.model.folder, self.stages, self.recalibration)


def _flat(network: Network, readings: Sequence[Reading]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The network's answers to all windows of the readings, and where each reading's begin."""
    sizes = np.array([len(reading.windows) for reading in readings], np.int64)
    logits = network.logits([window for reading in readings for window in reading.windows])
    return logits, np.cumsum(sizes) - sizes


def _context(item: Item) -> str:
    """What an item answers or stands under, or "". Only its beginning is read."""
    return (item.parent or item.caption or "")[: 2 * CONTEXT_CHARACTERS]


def _contexts(items: Sequence[Item]) -> list[str]:
    """What each item answers or stands under, in readable form, or ""."""
    written = [_context(item) for item in items]
    some = [row for row, text in enumerate(written) if text]
    found = [""] * len(items)
    for row, text in zip(some, readable([written[row] for row in some]), strict=True):
        found[row] = text[:CONTEXT_CHARACTERS]
    return found


def _spoken(written: str, named: Canonical) -> str:
    """What to tell the language by: the text as written, unless it names a group. A name alone can turn the guess, and
    then the same words would be read about one group and not about another."""
    if not named.mentions:
        return written
    return named.text[:PREFIX].replace(MANY, "people").replace(ONE, "person")


def _latin(text: str) -> bool:
    """Whether at least half of the letters in a readable text are Latin (one without letters is)."""
    if text.isascii():
        return True
    letters = sum(map(str.isalpha, text))
    return 2 * sum("a" <= letter <= "z" for letter in text) >= letters


class _Missing:
    """Nothing is remembered (an answer may be None: not covered)."""


_MISSING: Final = _Missing()
_Key = tuple[str, str, str | None]
"""A text, its context, and the language that the platform says."""


class _Cache:
    """The answers to the last texts, safe to share between threads."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._answers: OrderedDict[_Key, Answer | None] = OrderedDict()

    def get(self, key: _Key) -> Answer | _Missing | None:
        with self._lock:
            answer = self._answers.get(key, _MISSING)
            if not isinstance(answer, _Missing):
                self._answers.move_to_end(key)
            return answer

    def put(self, key: _Key, answer: Answer | None) -> None:
        if not self.size or len(key[0]) + len(key[1]) > CACHED_CHARACTERS:
            return
        with self._lock:
            self._answers[key] = answer
            if len(self._answers) > self.size:
                self._answers.popitem(last=False)

    def __len__(self) -> int:
        return len(self._answers)
