"""Texts and labels for the tests of calibrations, scored by the tiny network: labels come from its own probabilities,
bent by a line that is known."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from models.heads import HEADS
from tests.models.tiny import write

from holdfast.content import Item
from holdfast.engine import Engine
from holdfast.measure.calibration import Aims, Calibration, Calibrator, Wanted, calibrate
from holdfast.measure.evaluation import Chunk
from holdfast.measure.labels import Labels
from holdfast.measure.score import Score
from holdfast.signals.classifier import Classifier
from holdfast.signals.recalibration import Line, Recalibration
from holdfast.signals.signal import Batch

HEAD = "harassment"
"""A head of which the tiny network says all kinds of probabilities."""
TRUE = Line(slope=0.6, offset=-1.2)
"""What bends its probabilities to the labels' truth."""
_WORDS = [
    "i",
    "you",
    "he",
    "she",
    "it",
    "we",
    "they",
    "are",
    "is",
    "am",
    "was",
    "the",
    "a",
    "and",
    "to",
    "of",
    "not",
    "never",
    "people",
    "person",
    "hello",
    "face",
    "box",
]
_kept: list[TemporaryDirectory[str]] = []


@cache
def weights() -> Path:
    """A folder with the tiny network, exported once."""
    logging.getLogger().setLevel(logging.ERROR)
    _kept.append(TemporaryDirectory())
    write(Path(_kept[0].name))
    return Path(_kept[0].name)


@cache
def classifier() -> Classifier:
    return Classifier.load(weights())


@cache
def _drawn(n: int) -> tuple[tuple[str, ...], dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    drawn = [" ".join(rng.choice(_WORDS, rng.integers(2, 7))) for _ in range(n + 50)]
    found = classifier().measure(Batch([Item(id="1", text=text) for text in drawn])).columns
    known = [row for row, value in enumerate(found[HEAD]) if value is not None][:n]  # of a covered language
    return tuple(drawn[row] for row in known), {
        head: np.array([found[head][row] for row in known], float) for head in HEADS
    }


def texts(n: int) -> tuple[str, ...]:
    return _drawn(n)[0]


def probabilities(n: int, head: str = HEAD) -> np.ndarray:
    return _drawn(n)[1][head]


def labels(n: int, line: Line = TRUE, seed: int = 1) -> np.ndarray:
    """Labels that are positive with the bent probability."""
    return np.random.default_rng(seed).random(n) < line(probabilities(n))


def former(n: int, seed: int = 2) -> np.ndarray:
    """Another API's scores: ours in other units, with noise."""
    noise = np.random.default_rng(seed).normal(0, 0.08, n)
    return np.round(np.clip(probabilities(n) ** 2 + noise, 0, 1), 3)


def calibrated(
    rows: Sequence[tuple[object, ...]],
    *,
    aims: Aims | None = None,
    in_force: Recalibration | None = None,
    size: int = 400,
    labelled: bool = True,
    scored: bool = False,
    wanted: Labels | None = None,
    **options: object,
) -> Calibration:
    """Calibrate rows of text, label and score, in chunks of `size`."""
    items = [
        Item(id=str(number), text=str(text), context=dict(zip(("label", "api"), cells, strict=False)))
        for number, (text, *cells) in enumerate(rows, 1)
    ]
    one = Wanted(
        head=HEAD,
        labels=(wanted or Labels("label")) if labelled else None,
        label=(lambda item: item.context.get("label")) if labelled else None,
        former=Score("column:api", lambda item: item.context.get("api")) if scored else None,
        **options,  # type: ignore[arg-type]
    )
    calibrator = Calibrator(Engine([classifier()]), classifier(), [one], aims, in_force)
    parts = (
        Chunk(items[at : at + size], list(range(at + 1, at + 1 + len(items[at : at + size]))), [])
        for at in range(0, len(items), size)
    )
    return calibrate(calibrator, parts, where="rows.csv")


def sample(n: int = 800, line: Line = TRUE) -> list[tuple[object, ...]]:
    """Rows of text, label and former score."""
    return [
        (text, int(label), float(score))
        for text, label, score in zip(texts(n), labels(n, line), former(n), strict=True)
    ]
