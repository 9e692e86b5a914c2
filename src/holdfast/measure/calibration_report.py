"""The report of a calibration: one HTML file that needs no network and runs no script. No text of anybody."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jinja2

from holdfast import __version__
from holdfast.bulk.output import replace
from holdfast.bulk.report import HIDDEN
from holdfast.measure import calibration_wording
from holdfast.measure.calibration import Calibration
from holdfast.measure.calibration_file import METHODS
from holdfast.measure.migration import Migration
from holdfast.measure.pages import environment
from holdfast.measure.plots import ReliabilityPlot, bins_plot, joint_plot
from holdfast.measure.quality import Quality
from holdfast.measure.wording import interval, percent, proportion, rows


class Side(NamedTuple):
    """The probabilities before or after."""

    name: str
    quality: Quality


def write_report(path: Path, calibration: Calibration, name: str, now: datetime) -> None:
    """Write the page at `path`, at once or not at all."""
    replace(path, render_report(calibration, name, now).encode())


def render_report(calibration: Calibration, name: str, now: datetime) -> str:
    """The page. Everything that came from outside is escaped; a policy in the page forbids scripts."""
    plots: dict[str, list[tuple[Side, ReliabilityPlot | None]]] = {}
    for head in calibration.heads:
        if head.refit is not None:
            sides = (Side("before", head.refit.before), Side("after", head.refit.after))
            plots[head.head] = [(side, bins_plot(side.quality.reliability)) for side in sides]
    compared = [(one.head, one.migration) for one in calibration.heads]
    compared += [(one.attribute, one.migration) for one in calibration.attributes]
    migrations = {name: one for name, one in compared if one is not None}
    page = _template().render(
        c=calibration,
        interval=interval,
        joints={name: joint_plot(one) for name, one in migrations.items()},
        mapped_meanings=_meanings(list(migrations.values())),
        methods=METHODS,
        name=Path(name).name,
        now=now.astimezone(UTC),
        percent=percent,
        plots=plots,
        proportion=proportion,
        rows=rows,
        steps=calibration_wording.next_steps(calibration),
        title=_title(calibration),
        version=__version__,
        w=calibration_wording,
    )
    return HIDDEN.sub("\ufffd", page)


def _meanings(migrations: list[Migration]) -> list[str]:
    if not migrations:
        return []
    return calibration_wording.mapped_sentences(max(migrations, key=lambda one: one.joint is not None))


def _title(calibration: Calibration) -> str:
    refitted = [one.head for one in calibration.heads if one.refit is not None]
    if not refitted and calibration.attributes:
        return "What Perspective’s thresholds are equal to here"
    if not refitted:
        return "What former thresholds are equal to here"
    return f"{', '.join(refitted)}, refitted to your own labels"


@cache
def _template() -> jinja2.Template:
    return environment().get_template("calibration.html.j2")
