"""Labelled rows as the network is trained on them: word pieces, targets, weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from holdfast.signals.classifier_input import Reader, Window, readable
from holdfast.signals.identity import Identities
from models.heads import GROUPS, HEADS

PART = 10_000
POOL = 64
"""Batches that are sorted by length together."""


@dataclass(frozen=True)
class Examples:
    """Rows side by side. `targets` [rows, heads + groups] holds NaN where nothing is known."""

    windows: list[Window]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    sources: list[str]
    patterns: list[str | None]
    functionalities: list[str | None]

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def lengths(self) -> list[int]:
        """Word pieces of each row."""
        return [len(window.ids) for window in self.windows]

    def take(self, rows: Sequence[int]) -> Examples:
        """These rows, in this order."""
        at = np.asarray(rows, np.int64)
        return Examples(
            [self.windows[n] for n in rows],
            self.targets[at],
            self.weights[at],
            [self.sources[n] for n in rows],
            [self.patterns[n] for n in rows],
            [self.functionalities[n] for n in rows],
        )


class Swap:
    """Puts another group's name for the one in the text, in a share of the rows that name one.

    For networks that read names as they are. Slurs and histories are no names: a row keeps those, and with them its
    label. The same text is swapped alike under the same seed.
    """

    def __init__(self, share: float, seed: int) -> None:
        self.share = share
        self.seed = seed
        self._identities = Identities.shipped()

    def __call__(self, text: str) -> str:
        random = np.random.default_rng([self.seed, crc32(text.encode())])
        if random.random() >= self.share:
            return text
        return self._identities.swapped(text, GROUPS[int(random.integers(len(GROUPS)))])


def load(path: Path, split: str, reader: Reader, swap: Swap | None = None) -> Examples:
    """The rows of one split, read as at run time. Rows without a word are left out.

    A group that the text names by itself is masked: the identity match tells it, and the network, which does not see
    the name, learns groups from all else.
    """
    columns = ["text", "context", "source", "weight", "pattern", "functionality"]
    outputs = [*(f"label.{head}" for head in HEADS), *(f"group.{group}" for group in GROUPS)]
    table = pq.read_table(path, columns=[*columns, *outputs], filters=[("split", "=", split)])
    said = {name: table.column(name).to_pylist() for name in columns}
    targets = np.stack(
        [table.column(name).to_numpy(zero_copy_only=False).astype(np.float32) for name in outputs], axis=1
    )
    windows: list[Window] = []
    kept: list[int] = []
    for start in range(0, len(table), PART):
        texts = readable(said["text"][start : start + PART])
        contexts = [context or "" for context in said["context"][start : start + PART]]
        if swap is not None:
            before, texts = texts, [swap(text) for text in texts]
            changed = [
                n for n, (one, other) in enumerate(zip(before, texts, strict=True), start) if one != other
            ]
            targets[changed, len(HEADS) :] = np.nan  # they told of the group that was named
        for row, reading in enumerate(reader.read(texts, readable(contexts)), start):
            if not reading.windows:
                continue
            windows.append(reading.windows[0])
            kept.append(row)
            for group in reading.groups:
                if group in GROUPS:
                    targets[row, len(HEADS) + GROUPS.index(group)] = np.nan
    at = np.asarray(kept, np.int64)
    return Examples(
        windows,
        targets[at],
        np.asarray(said["weight"], np.float32)[at],
        [said["source"][n] for n in kept],
        [said["pattern"][n] for n in kept],
        [said["functionality"][n] for n in kept],
    )


def merged(examples: Examples) -> Examples:
    """Rows of one source that read alike become one: the mean of what is known, the largest weight.

    With groups' names made one, a template filled with forty groups is one sentence.
    """
    first: dict[tuple[str, Window], int] = {}
    index = np.empty(len(examples), np.int64)
    for row, key in enumerate(zip(examples.sources, examples.windows, strict=True)):
        index[row] = first.setdefault(key, len(first))
    known = ~np.isnan(examples.targets)
    total = np.zeros((len(first), examples.targets.shape[1]))
    count = np.zeros_like(total)
    np.add.at(total, index, np.nan_to_num(examples.targets))
    np.add.at(count, index, known)
    weights = np.zeros(len(first), np.float32)
    np.maximum.at(weights, index, examples.weights)
    rows = np.full(len(first), -1, np.int64)
    rows[index[::-1]] = np.arange(len(examples))[::-1]
    with np.errstate(invalid="ignore"):
        targets = (total / count).astype(np.float32)
    return replace(examples.take(rows.tolist()), targets=targets, weights=weights)


def without(examples: Examples, sources: Sequence[str]) -> Examples:
    """The rows of all other sources."""
    return examples.take([row for row, source in enumerate(examples.sources) if source not in sources])


def sampled(examples: Examples, rows: int, seed: int, own: int = 0) -> Examples:
    """At most `rows` of them: of the composed ones (they have a pattern) at most `own`, drawn evenly, and the others
    by weight. 0 is no limit.
    """
    random = np.random.default_rng(seed)
    is_own = np.array([pattern is not None for pattern in examples.patterns])
    composed, rest = np.flatnonzero(is_own), np.flatnonzero(~is_own)
    limit = min(own or len(examples), rows or len(examples))
    if len(composed) > limit:
        composed = random.permutation(composed)[:limit]
    if rows and len(rest) > rows - len(composed):
        # Exponential keys: a sample without replacement in which the chance goes with the weight.
        keys = random.exponential(size=len(rest)) / np.maximum(examples.weights[rest], 1e-9)
        rest = rest[np.argsort(keys, kind="stable")[: rows - len(composed)]]
    return examples.take(np.sort(np.concatenate([composed, rest])).tolist())


def varied(windows: Sequence[Window], rows: int, seed: int) -> list[Window]:
    """Texts that nobody wrote: a text with pieces left out, or the beginning of one and the end of another.

    On what it was trained on the encoder is surer than on anything else, and a student that sees nothing else
    learns the rows rather than the words (Jiao et al. 2020, TinyBERT, distil on such text too).
    """
    random = np.random.default_rng(seed)
    made: list[Window] = []
    for one, other in random.integers(len(windows), size=(rows, 2)).tolist():
        window = windows[one]
        end = window.ids.index(window.ids[-1])  # what parts a text from its context also ends it
        said = window.ids[1:end]
        if random.random() < 0.5:
            kept = random.random(len(said)) >= random.uniform(0.1, 0.4)
            said = tuple(piece for piece, keep in zip(said, kept.tolist(), strict=True) if keep)
        else:
            second = windows[other].ids[1 : windows[other].ids.index(windows[other].ids[-1])]
            said = (
                said[: int(random.integers(len(said) + 1))] + second[int(random.integers(len(second) + 1)) :]
            )
            said = said[:end]  # no longer than the one that it replaces
        if said:
            ids = (window.ids[0], *said, *window.ids[end:])
            made.append(Window(ids, (0,) * (len(said) + 2) + window.types[end + 1 :]))
    return made


def batches(lengths: Sequence[int], size: int, seed: int) -> list[list[int]]:
    """All rows, of these lengths, in batches of `size`, shuffled, with rows of like length together."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(lengths))
    sizes = np.array(lengths, np.int64)
    made: list[list[int]] = []
    for start in range(0, len(order), POOL * size):
        pool = order[start : start + POOL * size]
        pool = pool[np.argsort(sizes[pool], kind="stable")]
        made.extend(pool[at : at + size].tolist() for at in range(0, len(pool), size))
    return [made[n] for n in random.permutation(len(made)).tolist()]


def padded(windows: Sequence[Window]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """`ids`, `mask` and `types` of a batch, int64 [rows, longest]."""
    longest = max(len(window.ids) for window in windows)
    ids = np.zeros((len(windows), longest), np.int64)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = window.ids
        types[row, : len(window.ids)] = window.types
        mask[row, : len(window.ids)] = 1
    return ids, mask, types


def in_order(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """All rows, of these lengths, in batches of like length, for scoring."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for start in range(0, len(order), size):
        yield order[start : start + size]
