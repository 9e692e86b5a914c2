"""The evaluation at a terminal: whole figures at any usual width, and nothing that the terminal would obey."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from tests.measure.samples import CALM, LINK, evaluated
from tests.measure.test_report import scored

from holdfast.measure.evaluation import Evaluation
from holdfast.measure.terminal import show


def shown(found: Evaluation, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    show(console, found, "in.csv")
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_figure_is_cut(width: int) -> None:
    out = shown(scored(), width)
    assert "…" not in out
    assert all(len(line) <= width for line in out.splitlines() if "│" in line or "─" in line)
    for said in ("policy trial", "any listed word", "By group", "AUC", "Best F1", "False pos.", "Misses"):
        assert said in out
    assert ("Macro-F1" in out) == (width >= 100)


def test_what_stands_in_a_file_commands_nothing() -> None:
    out = shown(evaluated([(LINK, 1, "\x1b[2Jgone [bold]x[/bold]\u202e"), (CALM, 0, "b")]), 100)
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[bold]x[/bold]" in " ".join(out.split())


def test_many_slices_are_cut_short_and_counted() -> None:
    out = shown(evaluated([(CALM, number % 2, f"slice {number}") for number in range(40)]), 100)
    assert "and 15 more slices" in out
    assert out.count("few rows") == 25
