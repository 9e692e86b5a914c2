"""Progress of long work over a file, shown at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.bulk.run import Progress

_LARGE = 2_000_000  # bytes


def is_large(name: str) -> bool:
    """Whether an input is worth starting workers for."""
    try:
        return name == "-" or Path(name).stat().st_size > _LARGE
    except OSError:
        return False


@contextmanager
def progress_bar(input: str) -> Iterator[Callable[[Progress], None] | None]:
    """A bar on standard error for reading `input` (a path or `-`), when that is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} a second"),
        TimeRemainingColumn(),
    )
    name = "standard input" if input == "-" else Path(input).name
    with Bars(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None, rows=0, rate=0)
        began: list[int] = []

        def show(progress: Progress) -> None:
            began[:] = began or [progress.rows]
            elapsed = bar.tasks[0].elapsed or 0.0
            bar.update(
                task,
                completed=progress.position,
                total=progress.size,
                rows=progress.rows,
                rate=(progress.rows - began[0]) / elapsed if elapsed > 0 else 0,
            )

        yield show
