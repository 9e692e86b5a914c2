"""The language of an item's text, or unknown: most comments are too short to tell, and that is said."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from importlib.metadata import version as installed_version
from typing import Final

import numpy as np
import numpy.typing as npt

from holdfast.schema import Field, Type, Value
from holdfast.signals.identity import MANY, ONE, Identities
from holdfast.signals.language_model import NO_LANGUAGE, classify, model
from holdfast.signals.normalise import normalise
from holdfast.signals.signal import Batch, Evidence

LETTERS = 10
"""Letters that a text must have. A Han, kana or Hangul letter counts for three, as it says about as much; letters
drawn out to three or more count for nothing ("slaaaaay" would be Somali)."""
CONFIDENCE = 0.6
"""Probability that the best language must have. Measured on short comments in 27 languages and English
slang (tests/signals/sentences.py): nothing wrong above it, and 0.5 lets the first neighbours through."""
PREFIX = 1024
"""Characters that are looked at."""
BYTES = 256
"""Bytes of UTF-8, after links, names, tags and emoji are taken out, that are read: more changes nothing."""
MARGIN = 0.0001
"""How near a rounding boundary the batch's probability is asked again of the reference, from which it differs by
less than a tenth of this: so both give the same, whatever the batch."""
FEW = 6
"""Texts below which asking one by one is quicker."""

_ADDRESSED: Final = re.compile(r"(?:https?://|www\.|[@#])\S+")
_PICTURES: Final = re.compile(
    "[\u2190-\u2bff\u3030\u303d\u3297\u3299\ufe0f\u200d\u20e3\U0001f000-\U0001faff\U000e0020-\U000e007f]+"
)
_WEIGHTED: Final = 0x32400
"""No letters stand above this code point."""

_FIELDS: Final = (
    Field(
        name="language",
        type=Type.TEXT,
        nullable=True,
        doc="The language of the text, ISO 639-1: what the platform says, else a guess (from the transcript where the "
        "text does not tell), unknown when too short or unsure.",
    ),
    Field(
        name="language_confidence",
        type=Type.NUMBER,
        nullable=True,
        low=0,
        high=1,
        doc="How probable the likeliest language is (1 where the platform says it); unknown when the text is too short or holds no language.",
    ),
)

Guess = tuple[str | None, float | None]
UNKNOWN: Guess = (None, None)


class LanguageReference:
    """The signal, one text at a time through py3langid: slow, plain, and what `Language` must equal."""

    name = "language"
    fields = _FIELDS

    @property
    def version(self) -> str:
        return f"2+py3langid-{installed_version('py3langid')}+{Identities.shipped().version}"

    def measure(self, batch: Batch) -> Evidence:
        """`language` and `language_confidence` of every item; no spans."""
        guesses: list[Guess] = [UNKNOWN] * len(batch)
        segments = batch.segments
        for segment, guess in zip(segments, self._unswayed([s.text for s in segments]), strict=True):
            # A row's text comes before its transcript, which speaks only where the text did not.
            if guesses[segment.row][0] is None and guess[1] is not None:
                guesses[segment.row] = guess
        for row, item in enumerate(batch.items):
            if item.language is not None:
                guesses[row] = (primary(item.language), 1.0)
        columns: dict[str, Sequence[Value]] = {
            "language": [language for language, _ in guesses],
            "language_confidence": [confidence for _, confidence in guesses],
        }
        return Evidence(columns)

    def _unswayed(self, texts: Sequence[str]) -> list[Guess]:
        """Language and confidence of each text, in which no group's name makes English another language: "homosexuals
        deserve respect" would be Catalan."""
        guesses = self.guesses(texts)
        rows = [
            row
            for row, (language, _) in enumerate(guesses)
            if language not in (None, "en") and texts[row].isascii()
        ]
        if not rows:
            return guesses
        names = Identities.shipped()
        found = [names.canonical(text) for text in normalise([view(texts[row]) for row in rows]).texts]
        swayed = [(row, text.text) for row, text in zip(rows, found, strict=True) if text.mentions]
        # Without the name a text in that language still is.
        rest = self.guesses([" ".join(text.replace(MANY, "").replace(ONE, "").split()) for _, text in swayed])
        spoken = self.guesses([text.replace(MANY, "people").replace(ONE, "person") for _, text in swayed])
        for (row, _), without, guess in zip(swayed, rest, spoken, strict=True):
            if without[0] != guesses[row][0]:
                guesses[row] = guess
        return guesses

    def guesses(self, texts: Sequence[str]) -> list[Guess]:
        """Language and confidence of each text, by all its words."""
        views = [view(text) for text in texts]
        return [
            _judged(*classify(seen)) if enough else UNKNOWN
            for seen, enough in zip(views, _letters(views) >= LETTERS, strict=True)
        ]


class Language(LanguageReference):
    """The signal over a whole batch at once; gives what the reference gives, several times as fast."""

    def guesses(self, texts: Sequence[str]) -> list[Guess]:
        views = list(map(view, texts))
        guesses = [UNKNOWN] * len(views)
        rows = np.flatnonzero(_letters(views) >= LETTERS).tolist()
        if len(rows) < FEW:
            for row in rows:
                guesses[row] = _judged(*classify(views[row]))
            return guesses
        best = model().best([_encoded(views[row]) for row in rows])
        names = model().classes
        hundredths = best.probabilities * 100
        doubtful = np.abs(hundredths - np.floor(hundredths) - 0.5) < MARGIN * 100
        for row, index, confidence, again in zip(
            rows, best.classes.tolist(), best.probabilities.tolist(), doubtful.tolist(), strict=True
        ):
            guesses[row] = _judged(*(classify(views[row]) if again else (names[index], confidence)))
        return guesses


def primary(tag: str) -> str:
    """The language of a BCP 47 tag, without script, region and variants."""
    return tag.partition("-")[0].lower()


def view(text: str) -> str:
    """What of `text` is in a language: its beginning, without links, @names, #tags and emoji."""
    if len(text) > PREFIX:
        text = text[:PREFIX]
    if "@" in text or "#" in text or "://" in text or "www." in text:
        text = _ADDRESSED.sub(" ", text)
    if text.isascii():
        return text[:BYTES]
    text = _PICTURES.sub(" ", text)
    return text.encode(errors="ignore")[:BYTES].decode(errors="ignore")


def _judged(language: str, confidence: float) -> Guess:
    confidence = round(confidence, 2)
    if confidence < CONFIDENCE:
        return None, confidence
    return UNKNOWN if language == NO_LANGUAGE else (language, confidence)


def _encoded(text: str) -> bytes:
    """The bytes that py3langid reads of `text` (its `_encode`)."""
    if text.isupper():
        text = text.lower()
    return text.encode() if text.isascii() else unicodedata.normalize("NFC", text).encode()


def _letters(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """How many letters each text has, see `LETTERS`."""
    codes = np.frombuffer("\n".join([*texts, ""]).encode("utf-32-le"), np.uint32)
    weights = _weights().take(codes, mode="clip")
    same = codes[1:] == codes[:-1]
    drawn = np.flatnonzero(same[1:] & same[:-1])  # each starts three equal characters
    for ahead in range(3):
        weights[drawn + ahead] = 0
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    return np.diff(np.cumsum(weights, dtype=np.int64)[ends - 1], prepend=0)


_lock = threading.Lock()
_tables: list[npt.NDArray[np.uint8]] = []


def _weights() -> npt.NDArray[np.uint8]:
    """What each code point adds to a text's letters; the last entry stands for all beyond it."""
    if not _tables:
        with _lock:
            if not _tables:
                table = np.fromiter((chr(code).isalpha() for code in range(_WEIGHTED)), np.uint8, _WEIGHTED)
                for first, last in (
                    (0x3040, 0x30FF),
                    (0x3400, 0x9FFF),
                    (0xAC00, 0xD7A3),
                    (0x20000, _WEIGHTED),
                ):
                    table[first : last + 1] *= 3
                table[-1] = 0
                _tables.append(table)
    return _tables[0]
