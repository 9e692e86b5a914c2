"""One labelled text, and how many of them lie in a Parquet file.

In Parquet a row is flat: `text`, `context`, `source`, `split`, `weight`, `pattern`, `functionality`, then one nullable
float column per head (`label.hate`, …) and one per group (`group.jewish`, …). Null means unknown and is masked in the
loss; it never means "no". Groups are known all together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from models.heads import GROUPS, HEADS

Split = Literal["train", "dev"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One text with what is known about it.

    `context` is the caption or parent that the text answers. `labels` holds the known heads only, 0 to 1; a value
    between says how many of its annotators said so. `groups` holds whom the text is about (the others are 0), or is
    None where nobody noted it. `weight` scales the row's loss. `pattern` and `functionality` name what a composed row
    was made from; rows of corpora have none.
    """

    text: str
    context: str | None = None
    labels: dict[str, float]
    groups: dict[str, float] | None = None
    source: str
    split: Split
    weight: float = 1.0
    pattern: str | None = None
    functionality: str | None = None


SCHEMA = pa.schema(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("context", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("weight", pa.float32(), nullable=False),
        pa.field("pattern", pa.string()),
        pa.field("functionality", pa.string()),
        *(pa.field(f"label.{head}", pa.float32()) for head in HEADS),
        *(pa.field(f"group.{group}", pa.float32()) for group in GROUPS),
    ]
)


def to_table(rows: Iterable[Row]) -> pa.Table:
    """Lay rows out as columns of `SCHEMA`."""
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    for row in rows:
        columns["text"].append(row.text)
        columns["context"].append(row.context)
        columns["source"].append(row.source)
        columns["split"].append(row.split)
        columns["weight"].append(row.weight)
        columns["pattern"].append(row.pattern)
        columns["functionality"].append(row.functionality)
        for head in HEADS:
            columns[f"label.{head}"].append(row.labels.get(head))
        for group in GROUPS:
            columns[f"group.{group}"].append(None if row.groups is None else row.groups.get(group, 0.0))
    return pa.table(columns, schema=SCHEMA)


def from_table(table: pa.Table) -> Iterator[Row]:
    """The rows of a table of `SCHEMA`; the inverse of `to_table`, save that groups at 0 are dropped."""
    for record in table.select(SCHEMA.names).to_pylist():
        groups = {group: record[f"group.{group}"] for group in GROUPS}
        known = next(iter(groups.values())) is not None
        yield Row(
            text=record["text"],
            context=record["context"],
            labels={head: value for head in HEADS if (value := record[f"label.{head}"]) is not None},
            groups={group: value for group, value in groups.items() if value} if known else None,
            source=record["source"],
            split=record["split"],
            weight=record["weight"],
            pattern=record["pattern"],
            functionality=record["functionality"],
        )


def write(rows: Iterable[Row], path: Path) -> int:
    """Write rows to a Parquet file and return how many there are."""
    table = to_table(rows)
    pq.write_table(table, path, compression="zstd")
    return int(table.num_rows)


def read(path: Path) -> list[Row]:
    """The rows of a Parquet file that `write` made."""
    return list(from_table(pq.read_table(path)))
