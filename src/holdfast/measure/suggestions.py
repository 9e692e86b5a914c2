"""Suggested scores as a file of labels: what `holdfast calibrate` and `holdfast evaluate` read.

One row a suggestion: the text, and for each attribute of Perspective's the suggested score and the label that it
makes, 1 from 0.5 on and else 0. Each key's last word on a text counts; a text that was erased is left out.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.bulk.encoders import OutFormat
from holdfast.bulk.output import replacing
from holdfast.content import Item
from holdfast.ledger import Ledger
from holdfast.ledger.suggestions import Found, last_words, newest_first
from holdfast.perspective import ATTRIBUTES, EXPERIMENTAL, NAMES

LINE: Final = 0.5
"""The suggested score from which on a label is 1."""
HEADS: Final[Mapping[str, str]] = {name: ATTRIBUTES[name][0] for name in NAMES if len(ATTRIBUTES[name]) == 1}
"""Attributes that stand for a single head, and so are labels of it."""
SCORE: Final = "_SCORE"
"""The ending of the column with an attribute's score; the label's has none."""
TOGETHER = 500

_TEXTS: Final = ("id", "text", "caption", "parent", "language", "community", "suggested_by", "suggested_at")
_COLUMNS: Final = (*_TEXTS, *(column for name in NAMES for column in (name, name + SCORE)))
_SCHEMA: Final = pa.schema(
    [
        *((column, pa.string()) for column in _TEXTS),
        *(pair for name in NAMES for pair in ((name, pa.int8()), (name + SCORE, pa.float64()))),
    ]
)
Row = dict[str, Any]


class Written(NamedTuple):
    """What a file of suggestions holds: rows, and of each attribute how many and how many of them are 1.

    Left out were suggestions of which a text was `erased`, and those that their key `superseded`.
    """

    rows: int
    erased: int
    superseded: int
    labels: Mapping[str, int]
    positive: Mapping[str, int]


def write_suggestions(ledger: Ledger, out: Path, format: OutFormat) -> Written:
    """Write every suggestion to `out`, newest first, at once or not at all. Raises `CannotWrite`."""
    rows = erased = superseded = 0
    labels: Counter[str] = Counter()
    positive: Counter[str] = Counter()
    # What people wrote is in there: for the owner's eyes only.
    with replacing(out, 0o600) as new, _WRITERS[format](new) as write:
        words = last_words(newest_first(ledger))
        while batch := list(islice(words, TOGETHER)):
            last = [found for found, is_last in batch if is_last]
            superseded += len(batch) - len(last)
            items = ledger.items([found.event.item for found in last])
            kept = [_row(found, item) for found, item in zip(last, items, strict=True) if item is not None]
            erased += len(last) - len(kept)
            rows += len(kept)
            for name in NAMES:
                values = [row[name] for row in kept if row[name] is not None]
                labels[name] += len(values)
                positive[name] += sum(values)
            write(kept)
    return Written(rows, erased, superseded, labels, positive)


def _row(found: Found, item: Item) -> Row:
    event = found.event
    row: Row = {
        "id": str(found.seq),
        "text": item.text,
        "caption": item.caption,
        "parent": item.parent,
        "language": item.language,
        "community": event.community,
        "suggested_by": event.by,
        "suggested_at": found.at.isoformat(),
    }
    for name in NAMES:
        score = event.scores.get(name, event.scores.get(name + EXPERIMENTAL))
        row[name] = None if score is None else int(score >= LINE)
        row[name + SCORE] = score
    return row


# Formats ------------------------------------------------------------------------------------

Write = Callable[[list[Row]], object]


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        # Every text in quotes: the module leaves one with a bare carriage return without, and few can read that.
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        yield writer.writerows


@contextmanager
def _jsonl(path: Path) -> Iterator[Write]:
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        yield lambda rows: file.write(encoder.encode_lines(rows))


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        yield lambda rows: writer.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA))


_WRITERS: Final = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
