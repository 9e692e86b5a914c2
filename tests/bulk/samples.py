"""Small inputs and a small policy for the tests of bulk runs."""

from __future__ import annotations

from pathlib import Path

from holdfast.bulk.readers import open_reader
from holdfast.bulk.rows import Rejected
from holdfast.content import Item
from holdfast.signals import Signal, default_signals

POLICY = """
policy: trial
counters:
  seen: count per author.id over 1 hours
rules:
  - name: links
    when: text.links > 0
    then: limit
    reason: spam
    tells: Comments with links are not recommended.
  - name: busy
    when: seen >= 3
    then: label
    reason: busy
    tells: A lot at once.
  - name: newcomer
    when: author.age_days < 2
    then: hold
    reason: new_account
    tells: What new accounts write waits.
    escalate: true
"""


def signals() -> list[Signal]:
    """Those that ship, without the one that costs most: a run is the same for any."""
    return [signal for signal in default_signals() if signal.name != "classifier"]


def rows_of(path: Path | str, **options: object) -> list[Item | Rejected]:
    reader = open_reader(path, **options)  # type: ignore[arg-type]
    try:
        return list(reader.rows())
    finally:
        reader.close()


def read(folder: Path, name: str, content: bytes, **options: object) -> list[Item | Rejected]:
    path = folder / name
    path.write_bytes(content)
    return rows_of(path, **options)


def told(rows: list[Item | Rejected]) -> list[str]:
    """Items as `id:text`, rejected rows as `line!kind`: a whole outcome in one comparison."""
    return [
        f"{row.line or row.row}!{row.kind}" if isinstance(row, Rejected) else f"{row.id}:{row.text}"
        for row in rows
    ]
