"""Plots as numbers: where lines, points and whiskers stand, for the report's template to draw."""

from __future__ import annotations

from collections.abc import Sequence
from math import log1p
from typing import NamedTuple

from holdfast.measure.evaluation import Evaluation
from holdfast.measure.figures import Figure
from holdfast.measure.joint import CELLS
from holdfast.measure.migration import Migration
from holdfast.measure.scores import Bin

ROOM = 24.0
"""Units that the label of a threshold takes beside another."""
SIDE = 240.0
"""Units of a square plot's side; text beside it is 12 units high."""


class Whisker(NamedTuple):
    """An estimate and its interval on a line from 0 to 100."""

    at: float
    start: float
    width: float


class Spot(NamedTuple):
    """A point of a plot, with the ends of its interval; `radius` grows with what it stands for."""

    x: float
    y: float
    top: float
    bottom: float


class ReliabilityPlot(NamedTuple):
    spots: tuple[Spot, ...]
    line: str


class CurvePlot(NamedTuple):
    """Precision over recall. `base` is what acting on everything would give."""

    line: str
    base: float
    best: tuple[float, float] | None
    policy: tuple[float, float] | None


class Cell(NamedTuple):
    """A square of a plot with rows in it; `share` grows with the logarithm of how many, up to 1."""

    x: float
    y: float
    side: float
    share: float


class Mark(NamedTuple):
    """A former threshold at `x`, equal to `y` here; `label` is empty where there is no room for one."""

    label: str
    x: float
    y: float
    top: float
    bottom: float


class JointPlot(NamedTuple):
    """A score here over a former one: where rows are, which values are equally rare, and the thresholds."""

    cells: tuple[Cell, ...]
    line: str
    marks: tuple[Mark, ...]


def whisker(figure: Figure) -> Whisker | None:
    if figure.value is None or figure.low is None or figure.high is None:
        return None
    return Whisker(
        round(100 * figure.value, 2), round(100 * figure.low, 2), round(100 * (figure.high - figure.low), 2)
    )


def reliability_plot(evaluation: Evaluation) -> ReliabilityPlot | None:
    """`None` where there is no score, or it is no probability."""
    return None if evaluation.score is None else bins_plot(evaluation.score.reliability)


def bins_plot(bins: Sequence[Bin]) -> ReliabilityPlot | None:
    """The share of positive rows over the mean score of each bin; `None` where there are none."""
    if not bins:
        return None
    spots = tuple(Spot(_x(one.mean_score), _y(one.positive), _y(one.high), _y(one.low)) for one in bins)
    return ReliabilityPlot(spots, " ".join(f"{spot.x},{spot.y}" for spot in spots))


def curve_plot(evaluation: Evaluation) -> CurvePlot | None:
    """`None` where there is no score, or only one class."""
    scored = evaluation.score
    if scored is None or not scored.curve:
        return None
    first = scored.curve[0]
    corners = [(_x(0.0), _y(first.precision))]
    for point in scored.curve:
        # Precision between two thresholds is not a straight line between theirs: steps promise less.
        corners.append((corners[-1][0], _y(point.precision)))
        corners.append((_x(point.recall), _y(point.precision)))
    policy = evaluation.predictors[0].figures
    precision, recall = policy["precision"].value, policy["recall"].value
    best = scored.best_f1
    return CurvePlot(
        line=" ".join(f"{x},{y}" for x, y in corners),
        base=_y(scored.positives / scored.n),
        best=None if best is None else (_x(best.recall), _y(best.precision)),
        policy=None if precision is None or recall is None else (_x(recall), _y(precision)),
    )


def joint_plot(migration: Migration) -> JointPlot | None:
    """`None` where the former score does not lie between 0 and 1."""
    joint = migration.joint
    if joint is None:
        return None
    side, most = SIDE / CELLS, log1p(max(rows for *_, rows in joint.cells))
    marks: list[Mark] = []
    labelled = -ROOM
    for one in migration.thresholds:
        at, here = one.former.at, one.same_share.at
        if at is None or here is None or not 0 <= at <= 1:
            continue
        fits = _x(at) - labelled >= ROOM
        labelled = _x(at) if fits else labelled
        marks.append(Mark(f"{at:.4g}" if fits else "", _x(at), _y(here), _y(one.high), _y(one.low)))
    return JointPlot(
        cells=tuple(
            Cell(
                round(former * side, 2),
                round(SIDE - (here + 1) * side, 2),
                side,
                round(log1p(rows) / most, 3),
            )
            for former, here, rows in joint.cells
        ),
        line=" ".join(f"{_x(former)},{_y(here)}" for former, here in joint.equal),
        marks=tuple(marks),
    )


def _x(share: float) -> float:
    return round(SIDE * share, 2)


def _y(share: float) -> float:
    return round(SIDE * (1 - share), 2)
