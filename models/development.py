"""Development rows as the evaluation reads them: a bounded share of every source, and each own sentence once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from holdfast.signals.classifier_input import readable
from holdfast.signals.identity import Identities
from models.heads import GROUPS, HEADS
from models.sources import key

OWN = "composed"
PER_FUNCTIONALITY = 50
"""Of an own functionality at most this part of what a corpus may have is read: there are many, and small."""
FEWEST_OF_EACH = 20
PART = 5_000


class Development(NamedTuple):
    """Dev rows side by side; `labels` [rows, heads] and `groups` [rows, groups] hold NaN where nothing is known."""

    texts: list[str]
    contexts: list[str | None]
    sources: NDArray[np.str_]
    patterns: NDArray[np.str_]
    functionalities: NDArray[np.str_]
    labels: NDArray[np.float64]
    groups: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def own(self) -> NDArray[np.bool_]:
        """Which rows are own sentences."""
        return np.equal(self.sources, OWN)

    def rows_of(self, source: str) -> NDArray[np.int64]:
        """The rows of one source."""
        return np.flatnonzero(self.sources == source)

    def take(self, rows: NDArray[np.int64]) -> Development:
        """These rows, in this order."""
        at = rows.tolist()
        return Development(
            [self.texts[row] for row in at],
            [self.contexts[row] for row in at],
            self.sources[rows],
            self.patterns[rows],
            self.functionalities[rows],
            self.labels[rows],
            self.groups[rows],
        )


def load(path: Path, rows: int, seed: int) -> Development:
    """At most `rows` dev rows of every source of a Parquet that `models.build` wrote.

    Own sentences that differ only by the group named are one to the network, so each counts once: fifty fillings of
    a template are not fifty findings.
    """
    table = pq.read_table(path, filters=[("split", "=", "dev")])
    texts = [str(text) for text in table.column("text").to_pylist()]
    contexts = [None if text is None else str(text) for text in table.column("context").to_pylist()]
    sources, patterns, functionalities = (
        np.array([value or "" for value in table.column(name).to_pylist()], np.str_)
        for name in ("source", "pattern", "functionality")
    )
    rng = np.random.default_rng(seed)
    kept = [
        drawn(np.flatnonzero(sources == source), rows, rng)
        for source in sorted(set(sources.tolist()) - {OWN})
    ]
    own = distinct(np.flatnonzero(sources == OWN), texts, contexts, functionalities)
    each = max(rows // PER_FUNCTIONALITY, min(rows, FEWEST_OF_EACH))
    kept.extend(
        drawn(own[functionalities[own] == functionality], each, rng)
        for functionality in sorted(set(functionalities[own].tolist()))
    )
    outputs = [[f"label.{head}" for head in HEADS], [f"group.{group}" for group in GROUPS]]
    labels, groups = (
        np.stack([table.column(name).to_numpy(zero_copy_only=False).astype(np.float64) for name in names], 1)
        for names in outputs
    )
    everything = Development(texts, contexts, sources, patterns, functionalities, labels, groups)
    return everything.take(np.concatenate([np.zeros(0, np.int64), *kept]))


def distinct(
    rows: NDArray[np.int64],
    texts: Sequence[str],
    contexts: Sequence[str | None],
    functionalities: NDArray[np.str_],
) -> NDArray[np.int64]:
    """The first of all rows of a functionality that read alike once groups' names are made one."""
    identities = Identities.shipped()
    seen: set[tuple[str, str]] = set()
    kept: list[int] = []
    for start in range(0, len(rows), PART):
        part = rows[start : start + PART].tolist()
        for row, text in zip(part, readable([texts[row] for row in part]), strict=True):
            this = str(functionalities[row]), key(identities.canonical(text).text, contexts[row])
            if this not in seen:
                seen.add(this)
                kept.append(row)
    return np.array(kept, np.int64)


def drawn(rows: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most so many of the rows, without preference, in their order."""
    return rows if len(rows) <= most else np.sort(rng.permutation(rows)[:most])
