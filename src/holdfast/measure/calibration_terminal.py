"""A calibration at a terminal: for each head what it was worth, its cut-offs, and what former thresholds become."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast.measure import calibration_wording as w
from holdfast.measure.calibration import Calibration, Head, Refit
from holdfast.measure.cut_offs import CutOff
from holdfast.measure.figures import Figure
from holdfast.measure.migration import Migration
from holdfast.measure.wording import interval, percent, proportion, rows

_NARROW = ("former", "equal", "agree", "precision", "precision_here", "precise")
_LESS = ("unchanged", "change", "again")
"""Columns of a migration that go first where it does not fit; the file and --report have them anyway."""


def show(console: Console, calibration: Calibration, name: str) -> None:
    """Print `calibration` of the input called `name`."""
    _say(console, f"{name}: {rows(calibration.rows)}, {w.classifier_words(calibration)}")
    rejected = w.rejected_sentence(calibration)
    if rejected is not None:
        _say(console, f"  {rejected}", "dim")
    for head in calibration.heads:
        _say(console, "")
        if head.refit is not None:
            _refit(console, head, head.refit)
        else:
            unknown = f"  {rows(head.unknown)} of which the classifier says nothing"
            _say(console, head.head, "bold")
            if head.unknown:
                _say(console, unknown, "dim")
        if head.migration is not None:
            if head.refit is not None:
                _say(console, "")
            _migration(console, head.migration)
    if calibration.attributes:
        _attributes(console, calibration)


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)


def _refit(console: Console, head: Head, refit: Refit) -> None:
    _say(console, f"{head.head}: {w.gain_sentence(refit)}", "bold")
    _say(console, f"  {w.sample_sentence(head)}", "dim")
    few = w.few_sentence(refit)
    if few is not None:
        _say(console, f"  {few}.", "yellow")
    _say(console, f"  {w.line_sentence(refit)}")
    _say(console, "")
    table = _table("Lower is better", ("Before", "After"))
    for figure, heading in w.QUALITIES:
        sides = (w.quality_of(refit.before, figure), w.quality_of(refit.after, figure))
        table.add_row(heading, *(_two(w.number(side), w.span(side)) for side in sides))
    console.print(table)
    if refit.after.ece_if_calibrated is not None:
        _say(
            console,
            f"  A perfect probability has a calibration error under {refit.after.ece_if_calibrated:.3f} on so few rows.",
            "dim",
        )
    _say(
        console,
        f"  Log loss before less after: {proportion(refit.gain)}. AUC stays {proportion(refit.after.auc)}.",
        "dim",
    )
    _say(console, "")
    _cut_offs(console, (("act", refit.act), ("review", refit.review)))
    _say(console, "")
    _say(console, f"  {w.bands_sentence(refit.bands)}.")
    _say(console, f"  {w.range_sentence(refit.bands)}.", "dim")


def _cut_offs(console: Console, cuts: Sequence[tuple[str, CutOff]]) -> None:
    table = _table("Cut-off", ("From", "Precision", "Recall", "False pos.", "Acts on"))
    for name, cut in cuts:
        figures = (cut.precision, cut.recall, cut.false_positive_rate, cut.acted_on)
        table.add_row(name, Text(w.probability(cut.at), style="bold"), *map(_percent, figures))
    console.print(table)
    for name, cut in cuts:
        style = "yellow" if cut.unmet is not None or not _met(cut) else "dim"
        note = f" ({cut.note})" if cut.note else ""
        _say(console, f"  {name}: {cut.target}, {w.verdict(cut)}{note}.", style)


def _met(cut: CutOff) -> bool:
    return cut.promised or (cut.achieved.value is not None and cut.target.met(cut.achieved.value))


def _attributes(console: Console, calibration: Calibration) -> None:
    left_out = w.left_out_sentence(calibration)
    if left_out is not None:
        _say(console, f"  {left_out}.", "dim")
    for one in calibration.attributes:
        _say(console, "")
        _say(console, w.attribute_sentence(one), "bold")
        _say(console, f"  {w.attribute_detail(one)}.", "dim")
        if one.migration is not None:
            _say(console, "")
            _thresholds(console, one.migration)
    compared = [one.migration for one in calibration.attributes if one.migration is not None]
    if compared:
        _say(console, "")
        for sentence in w.mapped_sentences(max(compared, key=lambda one: one.joint is not None)):
            _say(console, f"  {sentence}.", "dim")
    steps = w.next_steps(calibration)
    if steps:
        _say(console, "")
        _say(console, "Next steps", "bold")
        for number, step in enumerate(steps, 1):
            _say(console, f"  {number}. {step.say}")
            for line in step.lines:
                _say(console, f"       {line}")


def _migration(console: Console, found: Migration) -> None:
    _say(console, f"{w.migration_sentence(found)}.")
    _say(console, "")
    _thresholds(console, found)
    _say(console, f"  {'. '.join(w.mapped_sentences(found))}.", "dim")


def _thresholds(console: Console, found: Migration) -> None:
    headings = w.mapped_headings(found)
    if console.width < 12 * len(headings) + 24:
        if found.labelled:
            kept = _NARROW if console.width < 108 else [name for name in headings if name not in _LESS]
        else:
            gone = ("here",) if console.width >= 92 else ("here", "agree", "unchanged")
            kept = [name for name in headings if name not in gone]
        headings = {name: headings[name] for name in kept}
    table = _table("Threshold", headings.values())
    for mapped in found.thresholds:
        cells = w.mapped_cells(mapped)
        table.add_row(f"{mapped.former.at:.4g}", *(_two(*cells[name]) for name in headings))
    console.print(table)


def _table(first: str, headings: Iterable[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    table.add_column(first, overflow="fold", min_width=8)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _percent(figure: Figure) -> Text:
    return Text("–", style="dim") if figure.value is None else _two(percent(figure.value), interval(figure))


def _two(above: str, below: str) -> Text:
    return Text.assemble(above, "\n", (below, "dim")) if below else Text(above)
