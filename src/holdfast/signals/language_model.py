"""py3langid's model, read over a whole batch at once.

The model counts byte n-grams with an automaton and adds up one row of log-probabilities a distinct
n-gram. `LanguageIdentifier.classify` does so a byte at a time; `Model.best` does the same sums for
many texts with a few array operations, because three facts hold (`Model` checks the first two):

- the automaton's state depends on the last few bytes only (`depth`, 6 here), so that a long buffer
  may be walked in many places at once, each lane starting `depth` bytes early at the root;
- the byte 0xFF, which UTF-8 never holds, leads back to the root from everywhere, so that texts joined
  by it do not see each other;
- the table's entries are multiples of 1/512 and few, so that float32 sums of rows are exact and do
  not depend on the order.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from holdfast.errors import HoldfastError

LANGUAGES: Final = (
    "af", "am", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu",
    "fa", "fi", "fr", "ga", "gl", "gu", "ha", "he", "hi", "hr", "hu", "hy", "id", "ig", "is", "it", "ja", "ka",
    "kk", "km", "kn", "ko", "ku", "ky", "lo", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "my", "ne", "nl", "no",
    "pa", "pl", "ps", "pt", "ro", "ru", "si", "sk", "sl", "so", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl",
    "tr", "uk", "ur", "uz", "vi", "xh", "yo", "zh", "zu",
)  # fmt: skip
"""ISO 639-1 codes that are told apart. Fewer than the model knows: short comments in a common language
are else taken for a rare neighbour of it."""
NO_LANGUAGE: Final = "zxx"
"""The model's class for what no one could read ("asdfghjkl")."""

LANE = 16
"""Bytes that one lane of the walk is answerable for."""
TEXTS = 1024
"""Texts that are scored at a time: what they need stays in the processor's cache."""
SEPARATOR = b"\xff"

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]


class UnsuitableModel(HoldfastError):
    """The installed py3langid ships a model that cannot be read in a batch."""

    code = "unsuitable-model"


class Best(NamedTuple):
    """For each text the likeliest language (an index into `Model.classes`) and its probability."""

    classes: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]


class Model:
    """The model's arrays, restricted to `LANGUAGES`. About 120 MB; `model()` keeps one for the process."""

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        full = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        columns = [i for i, name in enumerate(full.nb_classes) if name in LANGUAGES or name == NO_LANGUAGE]
        self.identifier = LanguageIdentifier(
            np.ascontiguousarray(full.nb_ptc[:, columns]),
            full.nb_pc[columns],
            [full.nb_classes[i] for i in columns],
            full.tk_nextmove,
            full.tk_output,
            norm_probs=True,
            tk_row=full.tk_row,
        )
        self.classes: tuple[str, ...] = tuple(self.identifier.nb_classes)
        self._next = np.frombuffer(full.tk_nextmove, dtype=np.uint32).view(np.int32)
        self._base: Integers = np.asarray(full.tk_row).astype(np.int32) << 8
        self._feature: Integers = np.asarray(full.tk_output, dtype=np.int32)
        self._rows: Floats = self.identifier.nb_ptc.astype(np.float32)
        self._prior = np.asarray(self.identifier.nb_pc, dtype=np.float64)
        self._feature_bits = int(self._feature.max()).bit_length()
        self._doubles = [
            (self.classes.index(name), i)
            for i, name in enumerate(self.classes)
            if i != self.classes.index(name)
        ]
        if (self._next.reshape(-1, 256)[:, SEPARATOR[0]] != 0).any() or self._feature[0] >= 0:
            raise UnsuitableModel(
                "cannot read several texts at once",
                where="py3langid",
                expected="a model whose byte 0xFF leads to the root",
                next_step="install the version of py3langid that Holdfast was released with",
            )
        self.depth = self._longest()

    def best(self, texts: Sequence[bytes]) -> Best:
        """The likeliest language of each text (UTF-8, without 0xFF), as `identifier.classify` finds it.

        Probabilities agree with its within 0.00001: it rounds its sums to float32, in another order.
        """
        blocks = [self._best(texts[start : start + TEXTS]) for start in range(0, len(texts), TEXTS)]
        if not blocks:
            return Best(np.empty(0, np.int64), np.empty(0, np.float64))
        return Best(
            np.concatenate([block.classes for block in blocks]),
            np.concatenate([block.probabilities for block in blocks]),
        )

    def _best(self, texts: Sequence[bytes]) -> Best:
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        scores = self._scores(texts, lengths)
        # Longer texts give wider margins; the root brings probabilities to one scale (py3langid's choice).
        scores *= (1.0 / np.sqrt(np.maximum(lengths, 1)))[:, None]
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        for first, double in self._doubles:
            scores[:, first] += scores[:, double]
            scores[:, double] = 0.0
        classes = scores.argmax(axis=1)
        return Best(classes, scores[np.arange(len(texts)), classes])

    def _scores(self, texts: Sequence[bytes], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Log-probabilities, one row a text; zeros where a text holds no feature."""
        buffer = np.frombuffer(SEPARATOR.join(texts), np.uint8)
        features = self._feature.take(self._walk(buffer))
        owners = np.repeat(np.arange(len(texts), dtype=np.uint32), lengths + 1)[: len(buffer)]
        seen = features >= 0
        keys = (owners[seen] << np.uint32(self._feature_bits)) | features[seen].astype(np.uint32)
        keys.sort()
        fresh = np.ones(len(keys), bool)
        np.not_equal(keys[1:], keys[:-1], out=fresh[1:])
        places = np.flatnonzero(fresh)
        counts = np.diff(places, append=len(keys))
        keys = keys[places]
        owner = (keys >> np.uint32(self._feature_bits)).astype(np.int64)
        feature = (keys & np.uint32((1 << self._feature_bits) - 1)).astype(np.int64)
        each = np.bincount(owner, minlength=len(texts))
        # A count c weighs log(1 + c). Nearly all are 1, so rows are added plainly and what the others
        # weigh beyond that is added on top.
        scores: npt.NDArray[np.float64] = self._sums(feature, each) * np.log(2.0)
        often = np.flatnonzero(counts > 1)
        if len(often):
            starts = np.flatnonzero(np.diff(owner[often], prepend=-1))
            beyond = np.log1p(counts[often]) - np.log(2.0)
            scores[owner[often[starts]]] += np.add.reduceat(
                self._rows.take(feature[often], axis=0) * beyond[:, None], starts, axis=0
            )
        scores[each > 0] += self._prior
        return scores

    def _walk(self, buffer: npt.NDArray[np.uint8]) -> Integers:
        """The automaton's state after each byte."""
        lanes = -(-len(buffer) // LANE)
        padded = np.full(lanes * LANE + self.depth, SEPARATOR[0], np.uint8)
        padded[self.depth : self.depth + len(buffer)] = buffer
        windows = np.lib.stride_tricks.sliding_window_view(padded, LANE + self.depth)[::LANE]
        steps = np.ascontiguousarray(windows.T).astype(np.int32)
        states = np.empty((LANE, lanes), np.int32)
        base = np.zeros(lanes, np.int32)
        for step in range(self.depth + LANE):
            state = self._next.take(base + steps[step])
            if step >= self.depth:
                states[step - self.depth] = state
            base = self._base.take(state)
        return states.T.ravel()[: len(buffer)]

    def _sums(self, feature: npt.NDArray[np.int64], each: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The sum of each text's rows. `each`: how many of `feature`, which lies text after text, are its own."""
        sums = np.zeros((len(each), len(self.classes)), np.float32)
        starts = np.cumsum(each) - each
        order = np.argsort(-each, kind="stable")  # texts with most features first: those with a k-th one lead
        firsts = starts[order]
        most = int(each.max(initial=0))
        leading = np.searchsorted(-each[order], -np.arange(1, most + 1), side="right")
        for k, n in enumerate(leading.tolist()):
            sums[:n] += self._rows.take(feature[firsts[:n] + k], axis=0)
        result = np.empty(sums.shape, np.float64)
        result[order] = sums
        return result

    def _longest(self) -> int:
        """How many bytes lead from the root to the state farthest from it."""
        rows = self._next.reshape(-1, 256)
        known = np.zeros(len(self._base), bool)
        frontier = np.zeros(1, np.int64)
        known[0] = True
        depth = 0
        while True:
            reached = np.zeros(len(self._base), bool)
            reached[rows[np.unique(self._base[frontier] >> 8)].ravel()] = True
            frontier = np.flatnonzero(reached & ~known)
            if not len(frontier):
                return depth
            known[frontier] = True
            depth += 1


_lock = threading.Lock()
_loaded: list[Model] = []


def model() -> Model:
    """The process's model, loaded on first use (about half a second), by one thread."""
    if not _loaded:
        with _lock:
            if not _loaded:
                _loaded.append(Model())
    return _loaded[0]


def classify(text: str) -> tuple[str, float]:
    """py3langid's own verdict on one text: the reference."""
    identifier: Any = model().identifier
    language, probability = identifier.classify(text)
    return str(language), float(probability)
