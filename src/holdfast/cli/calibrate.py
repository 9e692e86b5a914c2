"""`holdfast calibrate`: the classifier's probabilities and cut-offs, refitted to a platform's own labels."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import Group, Parameter

from holdfast.cli.common import DEFAULT_DATA, Data, keep_from_harm, tell
from holdfast.cli.evaluate import (
    INPUT,
    LABELS,
    OUTPUT,
    WIDTH,
    Columns,
    check_outputs,
    chunks_of,
)
from holdfast.cli.progress import is_large, progress_bar
from holdfast.content import Surface

if TYPE_CHECKING:
    from holdfast.measure.calibration import Aims, Calibration, Wanted
    from holdfast.measure.columns import Cell
    from holdfast.measure.evaluation import Chunk
    from holdfast.signals.classifier import Classifier

_TARGETS = Group("What the cut-offs are to give", sort_key=2)
_FORMER = Group("A former API", sort_key=2.5)

Words = Annotated[
    tuple[str, ...], Parameter(group=LABELS, consume_multiple=True, negative="", show_default=False)
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
    score: Annotated[
        tuple[str, ...], Parameter(group=_FORMER, consume_multiple=True, negative="", show_default=False)
    ] = (),
    threshold: Annotated[
        tuple[float, ...], Parameter(group=_FORMER, consume_multiple=True, negative="", show_default=False)
    ] = (),
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
    That needs no labels, and without them nothing is written unless --out says where.

    Exit code 0: done. 1: done, but rows could not be read. 2: it could not be done.

    Examples:

        holdfast calibrate sample.csv --label hateful
        holdfast calibrate sample.csv --label hate=hateful threat=is_threat --prevalence hate=0.02 threat=0.001
        holdfast calibrate scored.csv --score former_api --threshold 0.7 0.9

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
    score
        The column with a former API's scores. For several heads HEAD=COLUMN each.
    threshold
        Thresholds that were used on it. Default: 0.5, 0.6, 0.7, 0.8 and 0.9.
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
    job = _Job(
        input=input, label=label, head=head, positive=positive, negative=negative, prevalence=prevalence,
        act=act, review=review, coverage=coverage, score=score, threshold=threshold,
        mapping=(columns or Columns()).mapping(), format=format, encoding=encoding, surface=surface, quiet=quiet,
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


class _Job(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    input: str
    label: tuple[str, ...]
    head: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    prevalence: tuple[str, ...]
    act: str
    review: str
    coverage: float
    score: tuple[str, ...]
    threshold: tuple[float, ...]
    mapping: dict[str, str]
    format: Literal["csv", "tsv", "jsonl", "parquet"] | None
    encoding: str | None
    surface: Surface
    quiet: bool

    def run(self, data: Path) -> Calibration:
        from holdfast.bulk.ahead import AheadEngine, spare_cores
        from holdfast.bulk.run import Progress
        from holdfast.decider import open_classifier, recalibration_of
        from holdfast.measure.calibration import Calibrator, calibrate
        from holdfast.measure.columns import open_labelled

        aims = self._aims()
        classifier = open_classifier(data)
        labels, scores, shares = (
            self._by_head(given, option, classifier)
            for given, option in (
                (self.label, "--label"), (self.score, "--score"), (self.prevalence, "--prevalence"),
            )
        )  # fmt: skip
        self._check(labels, scores, shares)
        wanted = dict.fromkeys(scores.values(), "--score") | dict.fromkeys(labels.values(), "--label")
        workers = spare_cores() if is_large(self.input) else 0
        with ExitStack() as stack:
            engine = stack.enter_context(AheadEngine([classifier], workers))
            reader, cells = open_labelled(
                self.input, wanted, mapping=self.mapping, format=self.format, encoding=self.encoding,
                surface=self.surface, stdin=sys.stdin.buffer,
            )  # fmt: skip
            stack.callback(reader.close)
            heads = [
                self._wanted(head, labels.get(head), scores.get(head), shares, cells)
                for head in dict.fromkeys([*labels, *scores])
            ]
            in_force = None if labels else recalibration_of(data)
            if in_force is not None:
                in_force.check(classifier.answering, classifier.model.manifest.heads)
            calibrator = Calibrator(engine, classifier, heads, aims, in_force)
            bar = None if self.quiet else stack.enter_context(progress_bar(self.input))
            done = 0

            def progress(chunk: Chunk) -> None:
                nonlocal done
                done += len(chunk.items) + len(chunk.rejected)
                if bar is not None:
                    bar(Progress(reader.position, reader.size, done))

            return calibrate(calibrator, engine.ahead(chunks_of(reader)), where=self.input, progress=progress)

    def _aims(self) -> Aims:
        from holdfast.measure.calibration import Aims
        from holdfast.measure.cut_offs import InvalidTarget, Target, is_share

        if not is_share(self.coverage):
            raise InvalidTarget(
                "is not a share", where="--coverage", value=f"{self.coverage:g}", expected="between 0 and 1, such as 0.9"
            )  # fmt: skip
        return Aims(
            act=Target.parse(self.act, "--act"),
            review=Target.parse(self.review, "--review"),
            coverage=self.coverage,
            thresholds=self.threshold,
        )

    def _by_head(self, given: Sequence[str], option: str, classifier: Classifier) -> dict[str, str]:
        """Columns or shares by head, from `COLUMN` or `HEAD=COLUMN`."""
        from holdfast.measure.calibration import check_head
        from holdfast.measure.columns import split_names
        from holdfast.measure.refit import InvalidSample

        found: dict[str, str] = {}
        for one in split_names(given):
            head, equals, column = one.partition("=")
            if not equals:
                head, column = self.head, one
            check_head(head, classifier, option if equals else "--head")
            if head in found:
                raise InvalidSample(
                    f"names {head} twice", where=option, next_step=f"name heads: {option} hate=… threat=…"
                )
            found[head] = column.removeprefix("column:")
        return found

    def _check(self, labels: dict[str, str], scores: dict[str, str], shares: dict[str, str]) -> None:
        from holdfast.measure.refit import InvalidSample

        if not labels and not scores:
            raise InvalidSample(
                "has nothing to calibrate by",
                where=self.input,
                next_step="name the column with your labels: --label COLUMN; or a former API's scores: --score COLUMN",
            )
        if self.threshold and not scores:
            raise InvalidSample(
                "needs a score to compare with", where="--threshold", next_step="--score COLUMN"
            )
        for head in shares:
            if head not in labels:
                raise InvalidSample(
                    f"needs labels of {head}", where="--prevalence", next_step=f"--label {head}=COLUMN"
                )

    def _wanted(
        self, head: str, label: str | None, score: str | None, shares: dict[str, str], cells: dict[str, Cell]
    ) -> Wanted:
        from holdfast.measure.calibration import Wanted, prevalences
        from holdfast.measure.columns import split_names
        from holdfast.measure.labels import Labels
        from holdfast.measure.score import Score

        return Wanted(
            head=head,
            labels=None
            if label is None
            else Labels(label, split_names(self.positive), split_names(self.negative)),
            label=None if label is None else cells[label],
            former=None if score is None else Score(f"column:{score}", cells[score]),
            prevalence=prevalences(shares).get(head),
        )


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
    from holdfast.measure.calibration_wording import probability

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=WIDTH)
    show(console, calibration, name)
    lines = [""]
    if place is not None:
        lines.append(f"Calibration: {place}" + ("" if former is None else f" (the former one: {former})"))
    if report is not None:
        lines.append(f"Report:      {report}")
    if in_force:
        lines.append("             The engine applies it from its next start.")
    cuts = [
        f"{one.head} >= {probability(cut.at)} to {purpose}"
        for one in calibration.heads
        if one.refit is not None
        for purpose, cut in (("act", one.refit.act), ("look", one.refit.review))
        if cut.at is not None and cut.unmet is None
    ]
    if cuts:
        lines.append(f"Next:        put the cut-offs into your policy: {', '.join(cuts)}")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
