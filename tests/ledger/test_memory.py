"""Reading, verifying and exporting take as much memory for many events as for few."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

from tests.ledger.samples import an_item, record

from holdfast.ledger import Ledger


def peak(run: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_flat(tmp_path: Path) -> None:
    with Ledger.open(data=tmp_path) as ledger:
        uses: dict[str, Callable[[], object]] = {
            "read": lambda: sum(1 for _ in ledger.read()),
            "verify": lambda: ledger.verify(),
            "export": lambda: ledger.export(tmp_path / "export.jsonl", with_texts=True),
            "rebuild": lambda: ledger.rebuild(),
        }
        peaks: dict[str, list[int]] = {name: [] for name in uses}
        for size in (1_500, 6_000):
            for start in range(ledger.head().size, size, 500):
                record(ledger, [an_item(n) for n in range(start, start + 500)], key=f"k{start}")
            for name, use in uses.items():
                peaks[name].append(peak(use))
        for name, (few, many) in peaks.items():
            assert many < few * 1.25, (name, few, many)
