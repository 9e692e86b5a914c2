"""The evaluation at a terminal: one table of predictors, one a column of slices, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdfast.measure.evaluation import Evaluation, Predictor, Slice, SlicedBy
from holdfast.measure.figures import Figure
from holdfast.measure.wording import (
    HEADINGS,
    calibration_sentence,
    gap_detail,
    gap_sentence,
    headline,
    interval,
    left_out_sentence,
    percent,
    proportion,
    ranking_sentence,
    rows,
    undefined,
)

_FIGURES = ("precision", "recall", "f1", "macro_f1", "accuracy", "false_positive_rate", "false_negative_rate")
_OF_SLICES = ("false_positive_rate", "false_negative_rate", "precision", "f1")
_NARROW = ("precision", "recall", "f1", "false_positive_rate", "false_negative_rate")
_NARROW_OF_SLICES = ("false_positive_rate", "false_negative_rate", "f1")
_WIDE = 100
"""Columns of a terminal from which on all figures fit; --out and --report have all anyway."""
_SLICES = 25
# Seven columns of intervals have to fit beside each other.
_SHORT = {**HEADINGS, "false_positive_rate": "False pos."}


def show(console: Console, evaluation: Evaluation, name: str) -> None:
    """Print `evaluation` of the input called `name`."""

    def say(line: str, style: str = "") -> None:
        console.print(Text(line, style=style), soft_wrap=True)

    share = percent(evaluation.positives / evaluation.n)
    say(f"{name}: {rows(evaluation.n, 'labelled ')}, {evaluation.positives:,} positive ({share} %)")
    left_out = left_out_sentence(evaluation)
    if left_out is not None:
        say(f"  {left_out}", "dim")
    say(headline(evaluation), "bold")
    say("")
    wide = console.width >= _WIDE
    console.print(_predictors(evaluation, _FIGURES if wide else _NARROW))
    for reason, names in undefined(evaluation.main).items():
        say(f"  Undefined, since {reason}: {', '.join(names)}", "dim")
    acts = (
        "Acted on: any action but allow"
        if evaluation.acts_from == "label"
        else f"Acted on: {evaluation.acts_from} or more"
    )
    say(f"  In percent, 95 % intervals below. {acts}, or escalated, by {evaluation.policy}.", "dim")
    if evaluation.score is not None:
        say("")
        _score(say, evaluation)
    for sliced in evaluation.by:
        say("")
        console.print(_slices(sliced, evaluation, _OF_SLICES if wide else _NARROW_OF_SLICES))
        if len(sliced.slices) > _SLICES:
            say(f"  and {len(sliced.slices) - _SLICES} more slices: see --out or --report", "dim")
        for rate, found in sliced.gaps[evaluation.primary].items():
            say(f"  {gap_sentence(rate, found)}.")
            detail = gap_detail(found)
            if detail:
                say(f"    {detail}.", "dim")


def _score(say: Callable[..., None], evaluation: Evaluation) -> None:
    scored = evaluation.score
    assert scored is not None
    say(f"Score {evaluation.score_name}, on {rows(scored.n)}")
    say(f"  {ranking_sentence(evaluation)}.")
    if scored.average_precision.value is not None:
        say(f"  Average precision {proportion(scored.average_precision)}.")
    say(f"  {calibration_sentence(evaluation)}.")
    if scored.ece.value is not None:
        say(f"    Expected calibration error {proportion(scored.ece)}.", "dim")
    best = scored.best_f1
    if best is not None:
        say(
            f"  Best F1 {percent(best.f1)} % at {best.threshold:.4g}: precision {percent(best.precision)} %, "
            f"recall {percent(best.recall)} %. Found on these same rows, so a little too good."
        )


def _predictors(evaluation: Evaluation, names: Sequence[str]) -> Table:
    table = _table("Predictor", (_SHORT[name] for name in names))
    for predictor in evaluation.predictors:
        style = "bold" if predictor.kind == evaluation.primary else ""
        table.add_row(Text(predictor.name, style=style), *(_cell(predictor.figures[name]) for name in names))
    return table


def _slices(sliced: SlicedBy, evaluation: Evaluation, names: Sequence[str]) -> Table:
    with_auc = evaluation.score is not None
    headings = ["Rows", "Positive", *(_SHORT[name] for name in names), *(["AUC"] if with_auc else [])]
    table = _table(f"By {sliced.by}", headings)
    for one in sliced.slices[:_SLICES]:
        predictor = _of(one, evaluation)
        cells = [_cell(predictor.figures[name]) for name in names]
        if one.score is not None:
            cells.append(_cell(one.score.auc))
        name = Text(one.name)
        if one.small:
            name.append("\nfew rows", style="dim")
        table.add_row(name, f"{one.n:,}", f"{one.positives:,}", *cells)
    return table


def _of(one: Slice, evaluation: Evaluation) -> Predictor:
    return next(predictor for predictor in one.predictors if predictor.kind == evaluation.primary)


def _table(first: str, headings: Iterable[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    table.add_column(first, overflow="fold", min_width=8)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _cell(figure: Figure) -> Text:
    if figure.value is None:
        return Text("–", style="dim")
    return Text.assemble(percent(figure.value), "\n", (interval(figure), "dim"))
