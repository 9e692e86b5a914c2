"""What the exported classifier answers to texts, with all stages and with the encoder alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from holdfast.content import TEXT_LIMIT, Item
from holdfast.signals.classifier import Classifier, Stages
from holdfast.signals.lexicon import Lexicon
from holdfast.signals.signal import Batch
from models.heads import HEADS

CHUNK = 500
"""Texts that are measured together."""
STUDENT = "student"
KEYWORDS = {
    "hate": ("slur", "hate_symbol"),
    "harassment": ("insult",),
    "threat": ("threat_phrase",),
    "self_harm_incitement": ("self_harm_phrase",),
    "profanity": ("profanity",),
    "spam": ("spam_phrase",),
    "severe": ("slur", "threat_phrase", "self_harm_phrase"),
}
"""The categories of the shipped lexicon that a word list alone would answer each head with; none for the others."""


class Answers(NamedTuple):
    """Answers side by side: probabilities [rows, heads] of all stages together and of the encoder alone, NaN where
    unknown, the groups that each text is about, and the stage that answered (None: unknown)."""

    probabilities: NDArray[np.float64]
    encoder: NDArray[np.float64]
    groups: list[frozenset[str]]
    stages: list[str | None]

    def take(self, rows: NDArray[np.int64]) -> Answers:
        """These rows, in this order."""
        return Answers(
            self.probabilities[rows],
            self.encoder[rows],
            [self.groups[row] for row in rows.tolist()],
            [self.stages[row] for row in rows.tolist()],
        )


class Answerer:
    """Asks the weights of a folder. Raises `InvalidModel` where they cannot be used.

    The encoder gives a text the same answer whoever was asked before it, so alone it is asked only where the student
    had answered.
    """

    def __init__(self, weights: Path, workers: int = 1) -> None:
        self.whole = Classifier.load(weights, Stages(cache=0))
        self._alone = Classifier.load(weights, Stages(cache=0, student=False))
        self._workers = workers

    @property
    def version(self) -> str:
        """Of the weights."""
        return self.whole.model.manifest.version

    def ask(self, what: str, texts: Sequence[str], contexts: Sequence[str | None] | None = None) -> Answers:
        """The answers to texts in their contexts. `what` names them on standard error."""
        began = time.monotonic()
        given = contexts if contexts is not None else [None] * len(texts)
        chunks = list(_chunks(texts, given))
        with ThreadPoolExecutor(self._workers) as pool:  # the network's runtime lets other threads run
            found = list(pool.map(self._answer, chunks))
        spent = time.monotonic() - began
        sys.stderr.write(f"{what}: {len(texts):,} texts, {len(texts) / max(spent, 1e-9):.0f} a second\n")
        sys.stderr.flush()
        if not found:
            nothing = np.zeros((0, len(HEADS)))
            return Answers(nothing, nothing, [], [])
        return Answers(
            np.concatenate([part.probabilities for part in found]),
            np.concatenate([part.encoder for part in found]),
            [groups for part in found for groups in part.groups],
            [stage for part in found for stage in part.stages],
        )

    def _answer(self, items: list[Item]) -> Answers:
        probabilities, groups, stages = _columns(self.whole, items)
        encoder = probabilities.copy()
        easy = [row for row, stage in enumerate(stages) if stage == STUDENT]
        if easy:
            encoder[easy] = _columns(self._alone, [items[row] for row in easy])[0]
        return Answers(probabilities, encoder, groups, stages)


def keyword_hits(texts: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """For every head of `KEYWORDS`, which texts hold a listed term of its categories."""
    lexicon = Lexicon.starter()
    found: dict[str, list[bool]] = {head: [] for head in KEYWORDS}
    for items in _chunks(texts, [None] * len(texts)):
        columns = lexicon.measure(Batch(items)).columns
        for head, categories in KEYWORDS.items():
            lists = [columns[f"lexicon.{category}"] for category in categories]
            found[head].extend(any(values) for values in zip(*lists, strict=True))
    return {head: np.array(hits, np.bool_) for head, hits in found.items()}


def _chunks(texts: Sequence[str], contexts: Sequence[str | None]) -> Iterator[list[Item]]:
    for start in range(0, len(texts), CHUNK):
        pairs = zip(texts[start : start + CHUNK], contexts[start : start + CHUNK], strict=True)
        yield [
            Item(id=str(row), text=text[:TEXT_LIMIT], caption=context)
            for row, (text, context) in enumerate(pairs, start)
        ]


def _columns(
    classifier: Classifier, items: list[Item]
) -> tuple[NDArray[np.float64], list[frozenset[str]], list[str | None]]:
    columns = classifier.measure(Batch(items)).columns
    probabilities = np.array([columns[head] for head in HEADS], np.float64).T
    groups = [frozenset(named) if isinstance(named, list) else frozenset() for named in columns["groups"]]
    stages = [None if stage is None else str(stage) for stage in columns["classifier.stage"]]
    return probabilities, groups, stages
