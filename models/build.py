"""Build the training and development rows: `python models/build.py --shared PATH --out DIR`.

Reads the public corpora below PATH (or below its `data` folder; `HOLDFAST_SHARED` names it too), fills the composed
patterns, drops duplicates and writes `rows.parquet` and `summary.json` into DIR. Without PATH only composed rows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

if __package__ in (None, ""):  # run as a file: the repository's root is not on the path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from holdfast.errors import HoldfastError
from models import composed, sources
from models.heads import GROUPS, HEADS
from models.rows import Row, write

ROWS = "rows.parquet"
SUMMARY = "summary.json"


def build(
    book: composed.Book,
    corpora: Sequence[sources.Source],
    shared: Path | None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[list[Row], int]:
    """All rows, development first, and how many duplicates were dropped. Without `shared`, composed rows only."""
    rows: list[Row] = []
    if shared is not None:
        data = shared / "data" if (shared / "data").is_dir() else shared
        task = progress.add_task("Reading corpora", total=len(corpora)) if progress else None
        for source in corpora:
            rows.extend(sources.read(source, data))
            if progress and task is not None:
                progress.advance(task)
    task = progress.add_task("Composing", total=len(book.patterns)) if progress else None
    done: set[str | None] = set()
    for row in composed.generate(book, seed):
        rows.append(row)
        if row.pattern not in done:
            done.add(row.pattern)
            if progress and task is not None:
                progress.advance(task)
    return sources.without_duplicates(rows)


def summary(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Rows per source and split: how many, how many known and positive (at least 0.5) per head, and with known groups."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        count = counts.setdefault(f"{row.source}/{row.split}", Counter())
        count["rows"] += 1
        count["groups known"] += row.groups is not None
        for head, value in row.labels.items():
            count[f"{head} known"] += 1
            count[f"{head} positive"] += value >= 0.5
    return {name: dict(counts[name]) for name in sorted(counts)}


def tables(rows: list[Row]) -> list[Table]:
    """What was built: rows per source × head, composed rows per functionality, and per group."""
    licences = {source.name: source.licence for source in sources.load()} | {"composed": "Apache-2.0 (own)"}
    by_head = Table("source", "split", "licence", "rows", *HEADS, title="Rows (positive / known)")
    for name, count in summary(rows).items():
        source, split = name.rsplit("/", 1)
        cells = [
            f"{count[f'{head} positive']:,} / {count[f'{head} known']:,}" if f"{head} known" in count else ""
            for head in HEADS
        ]
        by_head.add_row(source, split, licences[source], f"{count['rows']:,}", *cells)
    own = [row for row in rows if row.functionality is not None]
    by_functionality = Table("functionality", "patterns", "train", "dev", "hate", title="Composed rows")
    for name in sorted({str(row.functionality) for row in own}):
        some = [row for row in own if row.functionality == name]
        dev = sum(row.split == "dev" for row in some)
        hate = sum(row.labels.get("hate", 0.0) >= 0.5 for row in some)
        patterns = len({row.pattern for row in some})
        by_functionality.add_row(name, str(patterns), f"{len(some) - dev:,}", f"{dev:,}", f"{hate:,}")
    by_group = Table("group", "composed", "of them hate", "corpora", title="Rows per group")
    for group in GROUPS:
        about = [row for row in rows if row.groups and row.groups.get(group, 0.0) >= 0.5]
        composed_rows = [row for row in about if row.functionality is not None]
        hate = sum(row.labels.get("hate", 0.0) >= 0.5 for row in composed_rows)
        by_group.add_row(
            group, f"{len(composed_rows):,}", f"{hate:,}", f"{len(about) - len(composed_rows):,}"
        )
    return [by_head, by_functionality, by_group]


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, build, write, print. Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shared", type=Path, default=os.environ.get("HOLDFAST_SHARED"), help="the corpora's folder"
    )
    parser.add_argument("--out", type=Path, required=True, help="where rows.parquet goes")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    shared = Path(given.shared) if given.shared else None
    console = Console()
    try:
        with Progress(console=console, transient=True) as progress:
            rows, dropped = build(composed.load(), sources.load(), shared, given.seed, progress)
    except HoldfastError as error:
        Console(stderr=True).print(str(error), markup=False)
        return 2
    given.out.mkdir(parents=True, exist_ok=True)
    count = write(rows, given.out / ROWS)
    report = {"seed": given.seed, "rows": count, "duplicates dropped": dropped, "sources": summary(rows)}
    (given.out / SUMMARY).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for table in tables(rows):
        console.print(table)
    if shared is None:
        console.print("No corpora: neither --shared nor HOLDFAST_SHARED is given. Composed rows only.")
    console.print(f"{count:,} rows in {given.out / ROWS}; {dropped:,} duplicates dropped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
