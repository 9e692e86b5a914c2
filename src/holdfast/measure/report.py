"""The report of an evaluation: one HTML file that needs no network and runs no script."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import jinja2

from holdfast import __version__
from holdfast.bulk.output import replace
from holdfast.bulk.report import HIDDEN, pieces
from holdfast.measure import wording
from holdfast.measure.evaluation import Evaluation, Kind, Predictor, Slice
from holdfast.measure.pages import environment
from holdfast.measure.plots import Whisker, curve_plot, reliability_plot, whisker
from holdfast.measure.results import METHODS

_SHOWN = 40
"""Slices that are drawn; the table below has all."""
_COMPARED = (
    "precision",
    "recall",
    "f1",
    "macro_f1",
    "accuracy",
    "balanced_accuracy",
    "false_positive_rate",
    "false_negative_rate",
)
_DRAWN = ("false_positive_rate", "false_negative_rate")


def write_report(path: Path, evaluation: Evaluation, name: str, now: datetime) -> None:
    """Write the page at `path`, at once or not at all."""
    replace(path, render_report(evaluation, name, now).encode())


def render_report(evaluation: Evaluation, name: str, now: datetime) -> str:
    """The page. Everything that came from outside is escaped; a policy in the page forbids scripts."""
    mistakes = (
        ("Wrongly acted on", "labelled negative", evaluation.false_positives),
        ("Missed", "labelled positive", evaluation.false_negatives),
    )
    shown = sum(len(found) for *_, found in mistakes)
    page = _template().render(
        by=evaluation.by,
        compared=_COMPARED,
        drawn=_DRAWN,
        curve=curve_plot(evaluation),
        e=evaluation,
        keeps_texts=any(one.text is not None for *_, found in mistakes for one in found),
        methods=METHODS,
        mistakes=mistakes,
        name=Path(name).name,
        now=now.astimezone(UTC),
        of=_of,
        pieces=pieces,
        reliability=reliability_plot(evaluation),
        shown=shown,
        slices_shown=_SHOWN,
        version=__version__,
        w=wording,
        whisker=_whisker,
    )
    return HIDDEN.sub("\ufffd", page)


def _of(one: Slice, kind: Kind) -> Predictor:
    return next(predictor for predictor in one.predictors if predictor.kind == kind)


def _whisker(predictor: Predictor, name: str) -> Whisker | None:
    return whisker(predictor.figures[name])


@cache
def _template() -> jinja2.Template:
    made = environment()
    made.filters["number"] = lambda count: f"{count:,}"
    made.filters["words"] = lambda text: str(text).replace("_", " ")
    return made.get_template("evaluation.html.j2")
