"""`holdfast decide`: decisions with reasons for a file of comments, in one command."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from holdfast.cli.common import (
    DEFAULT_DATA,
    Data,
    find_policy,
    keep_from_harm,
    maybe_ledger,
    open_ledger,
    tell,
)
from holdfast.cli.progress import is_large, progress_bar
from holdfast.content import Surface
from holdfast.settings import load_settings

if TYPE_CHECKING:
    from holdfast.bulk.run import Job, Outcome
    from holdfast.decider import Decider

_OUTPUT = Group("Output", sort_key=1)
_COLUMNS = Group(
    "Columns",
    help="Which column holds what, where it has another name than here (text, id, …).",
    sort_key=2,
)
_INPUT = Group("Reading", sort_key=3)
_RUN = Group("Running", sort_key=4)

Column = Annotated[str | None, Parameter(group=_COLUMNS)]


def decide(
    input: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    out: Annotated[
        str | None, Parameter(name=["--out", "-o"], group=_OUTPUT, allow_leading_hyphen=True)
    ] = None,
    report: Annotated[Path | None, Parameter(group=_OUTPUT)] = None,
    report_without_text: Annotated[bool, Parameter(group=_OUTPUT, negative="", show_default=False)] = False,
    rejected: Annotated[Path | None, Parameter(group=_OUTPUT)] = None,
    force: Annotated[bool, Parameter(group=_OUTPUT, negative="", show_default=False)] = False,
    quiet: Annotated[
        bool, Parameter(name=["--quiet", "-q"], group=_OUTPUT, negative="", show_default=False)
    ] = False,
    text_column: Column = None,
    id_column: Column = None,
    surface_column: Column = None,
    author_column: Column = None,
    author_created_at_column: Column = None,
    target_column: Column = None,
    created_at_column: Column = None,
    caption_column: Column = None,
    parent_column: Column = None,
    transcript_column: Column = None,
    format: Annotated[Literal["csv", "tsv", "jsonl", "parquet"] | None, Parameter(group=_INPUT)] = None,
    encoding: Annotated[str | None, Parameter(group=_INPUT)] = None,
    surface: Annotated[Surface, Parameter(group=_INPUT)] = "comment",
    strict: Annotated[bool, Parameter(group=_INPUT, negative="", show_default=False)] = False,
    policy: Annotated[str | None, Parameter(name=["--policy", "-p"], group=_RUN)] = None,
    data: Annotated[Data, Parameter(group=_RUN)] = DEFAULT_DATA,
    record: Annotated[bool, Parameter(name="--record", negative="--no-record", group=_RUN)] = True,
    resume: Annotated[bool, Parameter(group=_RUN, negative="", show_default=False)] = False,
) -> None:
    """Decide every row of a file, with reasons, and record the decisions.

    INPUT is CSV, TSV, JSON lines or Parquet, or `-` for standard input; .gz and .zst are unpacked. The
    column `text` is required; `id, surface, caption, parent, transcript, author, author_created_at,
    target, created_at` are used when they are there, `author.followers`, `author.verified`,
    `author.followed_by_target`, `author.trusted_by_target` and `context.NAME` as well. JSON lines may
    nest them as the HTTP API does. A row without an id is called by its number. Times are ISO 8601, or
    seconds or milliseconds since 1970; without a zone they are UTC.

    Without --out the decisions go to standard output as JSON lines when that is a pipe or a file; at a
    terminal only a summary is shown. A row that cannot be taken is written to OUT.rejected.jsonl with
    its line and the reason, and the run goes on.

    Exit code 0: every row was decided. 1: done, but rows were rejected. 2: the run could not start or
    go on, or --strict met a bad row. 130 or 143: interrupted.

    Examples:

        holdfast decide comments.csv --out decisions.csv --report report.html
        zcat all.jsonl.gz | holdfast decide - | jq 'select(.escalate)'
        holdfast decide big.parquet --out big.decided.parquet --resume

    Parameters
    ----------
    input
        The file, or `-`.
    out
        Where the decisions go: .jsonl (everything, one object a row), .csv or .parquet (flat columns),
        or `-` for JSON lines on standard output. Rows stay in order.
    report
        An HTML page with the findings, for people who would rather look. It holds some texts, covered.
    report_without_text
        Keep the texts out of the report.
    rejected
        Where rejected rows are listed. Default: OUT.rejected.jsonl.
    force
        Replace what is at --out, --report and --rejected.
    quiet
        No progress bar and no summary.
    text_column
        The text that was written. Required, by this or the name `text`.
    id_column
        The item's id.
    surface_column
        comment, reply, live_chat, message, caption, video or profile.
    author_column
        The id of the account that wrote it.
    author_created_at_column
        When that account was made.
    target_column
        The id of the account that it is aimed at.
    created_at_column
        When it was written.
    caption_column
        The caption that it stands under.
    parent_column
        The text that it answers.
    transcript_column
        What is said in its video.
    format
        Instead of what the name's ending or the first bytes say.
    encoding
        Of the text, such as cp1252. Default: UTF-8, or UTF-16 where the file is marked so.
    surface
        Of rows without a surface.
    strict
        Stop at the first row that cannot be taken.
    policy
        A policy file, the name of a pack, or a policy in the ledger. Default: the live policy, which is
        the pack `community` until another is published.
    data
        Folder that holds all state; made on first use.
    record
        Record the decisions in the ledger of the data folder.
    resume
        Go on with a run that was interrupted or killed: no row is lost or doubled. Starts anew where
        nothing was begun.
    """
    from holdfast.bulk.encoders import format_of
    from holdfast.bulk.run import Job

    path = None if out in (None, "-") else Path(str(out))
    columns = {
        "text": text_column,
        "id": id_column,
        "surface": surface_column,
        "author": author_column,
        "author.created_at": author_created_at_column,
        "target": target_column,
        "created_at": created_at_column,
        "caption": caption_column,
        "parent": parent_column,
        "transcript": transcript_column,
    }
    job = Job(
        input=input,
        out=path,
        out_format="jsonl" if path is None else format_of(path),
        format=format,
        encoding=encoding,
        mapping={name: column for name, column in columns.items() if column is not None},
        surface=surface,
        rejected=rejected,
        record=str(data.resolve()) if record else None,
        strict=strict,
        resume=resume,
        force=force,
        keep_texts=report is not None and not report_without_text,
    )
    outputs = {"--out": path, "--rejected": job.rejected_path, "--report": report}
    keep_from_harm(outputs, data, {"the policy": policy})
    prints = path is None and (out == "-" or not sys.stdout.isatty())
    raise SystemExit(_do(job, policy, data, report, prints, quiet))


def _do(job: Job, policy: str | None, data: Path, report: Path | None, prints: bool, quiet: bool) -> int:
    from holdfast.bulk.report import check_path, write_report
    from holdfast.bulk.run import run
    from holdfast.bulk.summary import Places, summary

    if report is not None:
        check_path(report, job, overwrite=job.force or job.resume)
    now = datetime.now(UTC)
    stops: list[int] = []
    with ExitStack() as stack:
        decider = stack.enter_context(_decider(policy, data, job))
        progress = None if quiet else stack.enter_context(progress_bar(job.input))
        stack.enter_context(_stopping(stops))
        try:
            outcome = run(
                job,
                decider,
                now,
                stdin=sys.stdin.buffer,
                stdout=sys.stdout.buffer if prints else None,
                progress=progress,
                stopping=lambda: bool(stops),
            )
        except BrokenPipeError:
            # Whoever read has seen enough. Python would complain once more when it closes the pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
    if report is not None and not outcome.interrupted:
        write_report(report, outcome, job, now)
    if not quiet:
        places = Places(
            data=data if job.record is not None else None,
            report=report if not outcome.interrupted else None,
            printed=prints,
        )
        _show(list(summary(outcome, job, places)))
    return _exit_code(outcome, stops)


def _exit_code(outcome: Outcome, stops: list[int]) -> int:
    if outcome.interrupted:
        return 128 + stops[0]
    return 1 if outcome.tally.rejected else 0


@contextmanager
def _decider(named: str | None, data: Path, job: Job) -> Iterator[Decider]:
    from holdfast.bulk.ahead import AheadEngine, spare_cores
    from holdfast.decider import Decider, open_engine
    from holdfast.ledger.reducers import lifecycle_of

    settings = load_settings(data).ledger
    with ExitStack() as stack:
        workers = spare_cores() if is_large(job.input) else 0
        engine = stack.enter_context(AheadEngine(open_engine(data).signals, workers))
        if job.record is not None:
            ledger = stack.enter_context(open_ledger(data))
            policy = None if named is None else find_policy(named, engine, ledger)
            yield Decider(engine, ledger, settings, policy=policy)
            return
        with maybe_ledger(data) as existing:
            if named is None and existing is not None:
                named = lifecycle_of(existing.policies()).live
            policy = None if named is None else find_policy(named, engine, existing)
        yield Decider(engine, None, settings, policy=policy)


@contextmanager
def _stopping(stops: list[int]) -> Iterator[None]:
    """Note SIGINT and SIGTERM, so that the run ends after the chunk in hand; a second one ends it now."""

    def note(number: int, _: FrameType | None) -> None:
        if stops:
            raise KeyboardInterrupt
        stops.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(lines: list[str]) -> None:
    for line in lines:
        tell(line)
