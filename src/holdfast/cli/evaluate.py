"""`holdfast evaluate`: how good the decisions are on labelled rows, with intervals and beside baselines."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import Group, Parameter

from holdfast.cli.common import DEFAULT_DATA, Data, find_policy, keep_from_harm, maybe_ledger, tell
from holdfast.cli.progress import is_large, progress_bar
from holdfast.content import Surface

if TYPE_CHECKING:
    from holdfast.bulk.ahead import AheadEngine
    from holdfast.bulk.rows import Reader
    from holdfast.engine import Engine
    from holdfast.measure.evaluation import Chunk, Evaluation
    from holdfast.measure.labels import Labels
    from holdfast.policy.policy import Policy

LABELS = Group("Labels", sort_key=1)
_WHAT = Group("What is evaluated", sort_key=2)
OUTPUT = Group("Output", sort_key=3)
INPUT = Group("Reading", sort_key=4)
_COLUMNS = Group("Columns", help="Which column holds what, where it has another name than here.", sort_key=5)
_CHUNK = 1_000
WIDTH = 110

Column = Annotated[str | None, Parameter(group=_COLUMNS)]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Columns:
    """Columns by the property that they feed, as `holdfast decide` takes them."""

    text_column: Column = None
    "The text that was written. Required, by this or the name `text`."
    id_column: Column = None
    "The item's id."
    surface_column: Column = None
    "comment, reply, live_chat, message, caption, video or profile."
    author_column: Column = None
    "The id of the account that wrote it."
    author_created_at_column: Column = None
    "When that account was made."
    target_column: Column = None
    "The id of the account that it is aimed at."
    created_at_column: Column = None
    "When it was written."
    caption_column: Column = None
    "The caption that it stands under."
    parent_column: Column = None
    "The text that it answers."
    transcript_column: Column = None
    "What is said in its video."

    def mapping(self) -> dict[str, str]:
        """Column by item property, for those that were given."""
        given = {
            "text": self.text_column,
            "id": self.id_column,
            "surface": self.surface_column,
            "author": self.author_column,
            "author.created_at": self.author_created_at_column,
            "target": self.target_column,
            "created_at": self.created_at_column,
            "caption": self.caption_column,
            "parent": self.parent_column,
            "transcript": self.transcript_column,
        }
        return {name: column for name, column in given.items() if column is not None}


def evaluate(
    input: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    label: Annotated[str, Parameter(group=LABELS)],
    positive: Annotated[
        tuple[str, ...], Parameter(group=LABELS, consume_multiple=True, negative="", show_default=False)
    ] = (),
    negative: Annotated[
        tuple[str, ...], Parameter(group=LABELS, consume_multiple=True, negative="", show_default=False)
    ] = (),
    by: Annotated[
        tuple[str, ...], Parameter(group=LABELS, consume_multiple=True, negative="", show_default=False)
    ] = (),
    separator: Annotated[str | None, Parameter(group=LABELS)] = None,
    policy: Annotated[str | None, Parameter(name=["--policy", "-p"], group=_WHAT)] = None,
    acts_from: Annotated[Literal["label", "limit", "hold", "remove"], Parameter(group=_WHAT)] = "label",
    score: Annotated[str | None, Parameter(group=_WHAT)] = None,
    threshold: Annotated[float | None, Parameter(group=_WHAT)] = None,
    out: Annotated[
        str | None, Parameter(name=["--out", "-o"], group=OUTPUT, allow_leading_hyphen=True)
    ] = None,
    report: Annotated[Path | None, Parameter(group=OUTPUT)] = None,
    report_without_text: Annotated[bool, Parameter(group=OUTPUT, negative="", show_default=False)] = False,
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
    """Measure the decisions on a file of labelled rows. Nothing is recorded.

    INPUT is any file that `holdfast decide` reads, with one column more: the label. Every row is judged
    by the policy, as it would be live, and the judgement is compared with the label: precision, recall,
    F1, false positives, misses and more, each with its 95 % interval, beside three baselines (always yes,
    always no, any word of a list). With --score a number is evaluated as well: how well it ranks, whether
    it can be read as a probability, and where to cut it.

    Exit code 0: done. 1: done, but rows could not be read. 2: it could not be done.

    Examples:

        holdfast evaluate labelled.csv --label hateful --by group
        holdfast evaluate labelled.csv --label verdict --positive hate threat --report report.html
        holdfast evaluate scored.csv --label toxic --score column:former_api --threshold 0.8

    Parameters
    ----------
    input
        The file, or `-`.
    label
        The column with the label: 1 or 0, true or false, yes or no. Rows with anything else are left out
        and counted.
    positive
        Values of the label that are positive, where they are words. Every other word is then negative.
    negative
        Values of the label that are negative; with these, rows with other words are left out.
    by
        Columns to slice by, such as group,functionality; also a field (language, item.surface). Each
        value gets the same figures, and the gaps between them are told.
    separator
        What parts several values in one cell of these columns, such as ; or |.
    policy
        A policy file, the name of a pack, or a policy in the ledger. Default: the live policy, which is
        the pack `community` until another is published.
    acts_from
        The mildest action that counts as acting on a row. What is escalated counts always.
    score
        A number to evaluate too: a field of the signals (text.capitals), or column:NAME for a column.
    threshold
        Act on scores of at least this. Slices and examples are then about the score. Without it, the
        threshold with the best F1 on these rows is shown.
    out
        Everything as JSON, without texts. `-`: on standard output, instead of the table.
    report
        An HTML page with plots. It holds some texts that were judged wrongly, covered.
    report_without_text
        Keep the texts out of the report.
    force
        Replace what is at --out and --report.
    quiet
        No progress bar and no table.
    format
        Instead of what the name's ending or the first bytes say.
    encoding
        Of the text, such as cp1252. Default: UTF-8, or UTF-16 where the file is marked so.
    surface
        Of rows without a surface.
    data
        Folder that holds the published policies and your own lists.
    """
    from holdfast.measure.labels import Labels
    from holdfast.measure.report import write_report
    from holdfast.measure.results import as_json

    labels = Labels(label, _several(positive), _several(negative))
    json = None if out in (None, "-") else Path(str(out))
    outputs = {"--out": json, "--report": report}
    keep_from_harm(outputs, data, {"the input": None if input == "-" else input, "the policy": policy})
    check_outputs(outputs, overwrite=force)
    now = datetime.now(UTC)
    job = _Job(
        input=input,
        labels=labels,
        by=by,
        separator=separator,
        score=score,
        threshold=threshold,
        acts_from=acts_from,
        keep_texts=report is not None and not report_without_text,
        mapping=(columns or Columns()).mapping(),
        format=format,
        encoding=encoding,
        surface=surface,
        policy=policy,
        quiet=quiet,
    )
    try:
        evaluation = job.run(data, now)
    except KeyboardInterrupt:
        tell("Interrupted: nothing was written.")
        raise SystemExit(130) from None
    name = "standard input" if input == "-" else input
    found = as_json(evaluation, name, now)
    if json is not None:
        from holdfast.bulk.output import replace

        replace(json, found)
    if report is not None:
        write_report(report, evaluation, name, now)
    if out == "-":
        sys.stdout.buffer.write(found)
        sys.stdout.buffer.flush()
    elif not quiet:
        _show(evaluation, name, json, report)
    raise SystemExit(1 if evaluation.rejected else 0)


class _Job(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    input: str
    labels: Labels
    by: tuple[str, ...]
    separator: str | None
    score: str | None
    threshold: float | None
    acts_from: Literal["label", "limit", "hold", "remove"]
    keep_texts: bool
    mapping: dict[str, str]
    format: Literal["csv", "tsv", "jsonl", "parquet"] | None
    encoding: str | None
    surface: Surface
    policy: str | None
    quiet: bool

    def run(self, data: Path, now: datetime) -> Evaluation:
        from holdfast.bulk.ahead import AheadEngine, spare_cores
        from holdfast.decider import open_engine

        self._check()
        workers = spare_cores() if is_large(self.input) else 0
        with ExitStack() as stack:
            engine = stack.enter_context(AheadEngine(open_engine(data).signals, workers))
            return self._evaluated(engine, self._policy(engine, data, now), stack, now)

    def _check(self) -> None:
        from holdfast.measure.score import InvalidScore

        if self.threshold is None:
            return
        if self.score is None:
            raise InvalidScore(
                "needs a score to compare with", where="--threshold", next_step="name it: --score FIELD"
            )
        if not math.isfinite(self.threshold):
            raise InvalidScore("is not a number", where="--threshold", expected="a finite number")

    def _policy(self, engine: Engine, data: Path, now: datetime) -> Policy:
        from holdfast.decider import Decider
        from holdfast.ledger.reducers import lifecycle_of

        named = self.policy
        with maybe_ledger(data) as ledger:
            if named is None and ledger is not None:
                named = lifecycle_of(ledger.policies()).live
            policy = None if named is None else find_policy(named, engine, ledger)
        return Decider(engine, None, policy=policy).policy(now)

    def _evaluated(self, engine: AheadEngine, policy: Policy, stack: ExitStack, now: datetime) -> Evaluation:
        from holdfast.bulk.run import Progress
        from holdfast.measure.columns import open_labelled, split_names
        from holdfast.measure.evaluation import By, Evaluator, evaluate
        from holdfast.measure.score import COLUMN, Score, check_field
        from holdfast.schema import Schema

        signals = Schema(field for signal in engine.signals for field in signal.fields)
        wanted = {self.labels.column: "--label"}
        names = split_names(self.by)
        for name in names:
            if name not in engine.schema:
                wanted.setdefault(name.removeprefix(COLUMN), "--by")
        if self.score is not None:
            if self.score.startswith(COLUMN):
                wanted.setdefault(self.score.removeprefix(COLUMN), f"--score {COLUMN}NAME")
            else:
                check_field(self.score, signals)
        reader, cells = open_labelled(
            self.input,
            wanted,
            mapping=self.mapping,
            policy=policy,
            format=self.format,
            encoding=self.encoding,
            surface=self.surface,
            stdin=sys.stdin.buffer,
        )
        stack.callback(reader.close)
        evaluator = Evaluator(
            engine,
            policy,
            self.labels,
            cells[self.labels.column],
            now,
            by=[By(name.removeprefix(COLUMN), cells.get(name.removeprefix(COLUMN))) for name in names],
            separator=self.separator,
            score=None
            if self.score is None
            else Score(self.score, cells.get(self.score.removeprefix(COLUMN))),
            threshold=self.threshold,
            acts_from=self.acts_from,
            keep_texts=self.keep_texts,
        )
        bar = None if self.quiet else stack.enter_context(progress_bar(self.input))
        done = 0

        def progress(chunk: Chunk) -> None:
            nonlocal done
            done += len(chunk.items) + len(chunk.rejected)
            if bar is not None:
                bar(Progress(reader.position, reader.size, done))

        return evaluate(evaluator, engine.ahead(chunks_of(reader)), where=self.input, progress=progress)


def chunks_of(reader: Reader) -> Iterator[Chunk]:
    from holdfast.bulk.rows import Rejected
    from holdfast.measure.evaluation import Chunk

    chunk = Chunk([], [], [])
    for number, row in enumerate(reader.rows(), 1):
        if isinstance(row, Rejected):
            chunk.rejected.append(row)
        else:
            chunk.items.append(row)
            chunk.rows.append(number)
        if len(chunk.items) + len(chunk.rejected) >= _CHUNK:
            yield chunk
            chunk = Chunk([], [], [])
    if chunk.items or chunk.rejected:
        yield chunk


def _several(given: Sequence[str]) -> tuple[str, ...]:
    from holdfast.measure.columns import split_names

    return split_names(given)


def check_outputs(outputs: Mapping[str, Path | None], *, overwrite: bool) -> None:
    """Raise before the work begins, when its results could not be kept."""
    from holdfast.bulk.output import CannotWrite

    taken: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        where = f"{option} {path}"
        if path.resolve() in taken:
            raise CannotWrite(
                f"is {taken[path.resolve()]} as well", where=where, next_step="name another file"
            )
        taken[path.resolve()] = option
        if path.is_dir():
            raise CannotWrite("is a folder", where=where, expected="a file")
        if not path.parent.is_dir():
            raise CannotWrite(
                "is in a folder that does not exist",
                where=where,
                next_step=f"make it first: mkdir -p {path.parent}",
            )
        if path.exists() and not overwrite:
            raise CannotWrite(
                "exists already", where=where, next_step="name another file, or replace it with --force"
            )


def _show(evaluation: Evaluation, name: str, json: Path | None, report: Path | None) -> None:
    from rich.console import Console

    from holdfast.measure.terminal import show

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=WIDTH)
    show(console, evaluation, name)
    console.print()
    if json is not None:
        console.print(f"Results:  {json}", markup=False, highlight=False, soft_wrap=True)
    if report is not None:
        console.print(f"Report:   {report}", markup=False, highlight=False, soft_wrap=True)
    else:
        console.print("Next:     look at them: --report report.html", markup=False, highlight=False)
