"""`holdfast calibrate`: the classifier's probabilities and cut-offs, refitted to a platform's own labels."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from holdfast.cli.calibration_job import CalibrationJob
from holdfast.cli.common import DEFAULT_DATA, Data, keep_from_harm, tell
from holdfast.cli.evaluate import INPUT, LABELS, OUTPUT, WIDTH, Columns, check_outputs
from holdfast.content import Surface

if TYPE_CHECKING:
    from holdfast.measure.calibration import Calibration

_TARGETS = Group("What the cut-offs are to give", sort_key=2)
_FORMER = Group("A former API", sort_key=2.5)

Words = Annotated[
    tuple[str, ...], Parameter(group=LABELS, consume_multiple=True, negative="", show_default=False)
]
Former = Annotated[
    tuple[str, ...], Parameter(group=_FORMER, consume_multiple=True, negative="", show_default=False)
]


def calibrate(
    input: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    label: Words = (),
    head: Annotated[str, Parameter(group=LABELS)] = "hate",
    positive: Words = (),
    negative: Words = (),
    prevalence: Words = (),
    act: Annotated[str, Parameter(group=_TARGETS)] = "precision=0.9",
    review: Annotated[str, Parameter(group=_TARGETS)] = "recall=0.9",
    coverage: Annotated[float, Parameter(group=_TARGETS)] = 0.9,
    from_perspective: Annotated[bool, Parameter(group=_FORMER, negative="", show_default=False)] = False,
    score: Former = (),
    threshold: Former = (),
    out: Annotated[Path | None, Parameter(name=["--out", "-o"], group=OUTPUT)] = None,
    report: Annotated[Path | None, Parameter(group=OUTPUT)] = None,
    force: Annotated[bool, Parameter(group=OUTPUT, negative="", show_default=False)] = False,
    quiet: Annotated[
        bool, Parameter(name=["--quiet", "-q"], group=OUTPUT, negative="", show_default=False)
    ] = False,
    format: Annotated[Literal["csv", "tsv", "jsonl", "parquet"] | None, Parameter(group=INPUT)] = None,
    encoding: Annotated[str | None, Parameter(group=INPUT)] = None,
    surface: Annotated[Surface, Parameter(group=INPUT)] = "comment",
    data: Annotated[Data, Parameter(group=INPUT)] = DEFAULT_DATA,
    columns: Columns | None = None,
) -> None:
    """Refit the classifier to a sample that you labelled yourself, and propose cut-offs.

    INPUT is any file that `holdfast decide` reads, with one column more: the label of a head. Half of the
    rows bend the head's probabilities to what the labels say, the other half measures what that was worth
    and gives the two cut-offs, each with what it achieves. The file that is written is applied by the
    engine from its next start; policies keep their meaning, since probabilities mean again what they say.

    With --score, the thresholds that you used on a former API's scores are mapped to equal cut-offs here.
    With --from-perspective that is done for every attribute of Perspective's that the file has scores of
    (TOXICITY, toxicity_score, or stored answers as JSON lines). Neither needs labels, and without them
    nothing is written unless --out says where.

    Exit code 0: done. 1: done, but rows could not be read. 2: it could not be done.

    Examples:

        holdfast calibrate sample.csv --label hateful
        holdfast calibrate sample.csv --label hate=hateful threat=is_threat --prevalence hate=0.02 threat=0.001
        holdfast calibrate scored.csv --score former_api --threshold 0.7 0.9
        holdfast calibrate --from-perspective old_scores.csv --threshold 0.9 TOXICITY=0.8 --report moved.html

    Parameters
    ----------
    input
        The file, or `-`.
    label
        The column with the label: 1 or 0, true or false, yes or no. For several heads HEAD=COLUMN each.
        Rows with anything else are left out and counted.
    head
        The head that a column without HEAD= is about.
    positive
        Values of the labels that are positive, where they are words. Every other word is then negative.
    negative
        Values of the labels that are negative; with these, rows with other words are left out.
    prevalence
        The share of positive rows that the platform really has, where the sample has more of them. For
        several heads HEAD=SHARE each.
    act
        What the cut-off for acting is to give: precision=, recall= or false-positives= and a share.
    review
        What the cut-off for looking is to give.
    coverage
        Of the conformal sets: the share of either class that they are right about.
    from_perspective
        The file has texts and scores of Perspective: map the thresholds of every attribute.
    score
        The column with a former API's scores. For several heads HEAD=COLUMN each; with --from-perspective
        ATTRIBUTE=COLUMN, where a column is called otherwise.
    threshold
        Thresholds that were used on it, each for all scores or for one: NAME=0.8, by head or attribute.
        Default: 0.5, 0.6, 0.7, 0.8 and 0.9.
    out
        Where the calibration is written. Default: calibration.json in the data folder.
    report
        An HTML page with plots. It holds no texts.
    force
        Replace what is at --report, and put the new calibration in the former one's place, which is
        kept with the ending .1.
    quiet
        No progress bar and no table.
    format
        Instead of what the name's ending or the first bytes say.
    encoding
        Of the text, such as cp1252. Default: UTF-8, or UTF-16 where the file is marked so.
    surface
        Of rows without a surface.
    data
        Folder that holds the settings, and the calibration.
    """
    from holdfast.measure.calibration_file import as_json, keep
    from holdfast.signals.recalibration import FILE_NAME

    usual = data / FILE_NAME
    place = out or (usual if label else None)
    in_force = place is not None and place.resolve() == usual.resolve()
    outputs = {"--out": place, "--report": report}
    keep_from_harm(
        {"--report": report} if in_force else outputs, data, {"the input": None if input == "-" else input}
    )
    # The data folder is made on first use, but not before there is something to put into it.
    check_outputs({"--report": report} if in_force and not data.exists() else outputs, overwrite=force)
    now = datetime.now(UTC)
    job = CalibrationJob(
        input=input, label=label, head=head, positive=positive, negative=negative, prevalence=prevalence,
        act=act, review=review, coverage=coverage, from_perspective=from_perspective, score=score,
        threshold=threshold, mapping=(columns or Columns()).mapping(), format=format, encoding=encoding,
        surface=surface, quiet=quiet,
    )  # fmt: skip
    try:
        calibration = job.run(data)
    except KeyboardInterrupt:
        tell("Interrupted: nothing was written.")
        raise SystemExit(130) from None
    name = "standard input" if input == "-" else input
    former = None
    if place is not None:
        if in_force:
            data.mkdir(parents=True, exist_ok=True)
        former = keep(place, as_json(calibration, Path(name).name, now))
    if report is not None:
        from holdfast.measure.calibration_report import write_report

        write_report(report, calibration, name, now)
    if not quiet:
        _show(calibration, name, place, former, report, in_force=in_force)
    raise SystemExit(1 if calibration.rejected else 0)


def _show(
    calibration: Calibration,
    name: str,
    place: Path | None,
    former: Path | None,
    report: Path | None,
    *,
    in_force: bool,
) -> None:
    from rich.console import Console

    from holdfast.measure.calibration_terminal import show
    from holdfast.measure.calibration_wording import probability, worse_sentence

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=WIDTH)
    show(console, calibration, name)
    lines = [""]
    if place is not None:
        what = "Figures:    " if calibration.recalibration is None else "Calibration:"
        lines.append(f"{what} {place}" + ("" if former is None else f" (the former one: {former})"))
    if report is not None:
        lines.append(f"Report:      {report}")
    if in_force:
        lines.append("             The engine applies it from its next start.")
        if (worse := worse_sentence(calibration)) is not None:
            lines.append(f"Warning:     {worse}.")
    cuts = [
        f"{one.head} >= {probability(cut.at)} to {purpose}"
        for one in calibration.heads
        if one.refit is not None
        for purpose, cut in (("act", one.refit.act), ("look", one.refit.review))
        if cut.at is not None and cut.unmet is None
    ]
    if cuts:
        lines.append(f"Next:        put the cut-offs into your policy: {', '.join(cuts)}")
    for line in lines if len(lines) > 1 else ():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
