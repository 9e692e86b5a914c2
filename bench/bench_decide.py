"""`holdfast decide` on generated rows, end to end: file in, decisions out; `bench_decide.py ROWS` for another size.

Every figure is a process of its own, start-up included, with a worker on the spare core as users get it.
Peak memory is the largest of any one process; that it is the same for a tenth of the rows is the claim.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from generate import stream
from table import Table

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
COLUMNS = ("id", "text", "surface", "author", "author_created_at", "target", "created_at")
PROGRAM = "from holdfast.cli import main; main()"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        write(folder, ROWS)
        print(f"generated {ROWS:,} rows in {time.perf_counter() - started:.0f} s", flush=True)
        table = Table(
            f"decide, {ROWS:,} rows, {len(os.sched_getaffinity(0))} cores",
            ("what", "seconds", "rows/s", "peak MiB"),
        )

        def measure(what: str, source: str, rows: int, *options: str) -> None:
            seconds, mebibytes = run(folder, source, *options)
            table.add(what, f"{seconds:.1f}", f"{rows / seconds:,.0f}", f"{mebibytes:.0f}")

        measure("CSV to JSON lines, a tenth", "tenth.csv", ROWS // 10, "--no-record", "--out", "a.jsonl")
        measure("CSV to JSON lines", "all.csv", ROWS, "--no-record", "--out", "b.jsonl")
        measure("JSON lines to JSON lines", "all.jsonl", ROWS, "--no-record", "--out", "c.jsonl")
        measure("CSV to CSV", "all.csv", ROWS, "--no-record", "--out", "d.csv")
        measure("CSV to Parquet", "all.csv", ROWS, "--no-record", "--out", "e.parquet")
        measure("CSV to JSON lines, recorded", "all.csv", ROWS, "--data", "data", "--out", "f.jsonl")
        table.print()


def write(folder: Path, rows: int) -> None:
    """The same rows as CSV and as JSON lines, and a tenth of them."""
    with (
        (folder / "all.csv").open("w", newline="") as whole,
        (folder / "tenth.csv").open("w", newline="") as tenth,
        (folder / "all.jsonl").open("w") as lines,
    ):
        writers = [csv.writer(whole), csv.writer(tenth)]
        for writer in writers:
            writer.writerow(COLUMNS)
        for number, item in enumerate(stream(rows)):
            author, target = item.author, item.target
            cells = (
                item.id,
                item.text,
                item.surface,
                author.id if author else "",
                author.created_at.isoformat() if author and author.created_at else "",
                target.id if target else "",
                item.created_at.isoformat() if item.created_at else "",
            )
            writers[0].writerow(cells)
            if number < rows // 10:
                writers[1].writerow(cells)
            kept = {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell != ""}
            lines.write(json.dumps(kept) + "\n")


def run(folder: Path, source: str, *options: str) -> tuple[float, float]:
    """Seconds and peak memory (MiB) of one run."""
    started = time.perf_counter()
    process = os.posix_spawn(
        sys.executable,
        [
            sys.executable,
            "-c",
            f"import os; os.chdir({str(folder)!r}); {PROGRAM}",
            "decide",
            source,
            "--quiet",
            *options,
        ],
        os.environ,
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"decide {source} {' '.join(options)} failed: {status}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
