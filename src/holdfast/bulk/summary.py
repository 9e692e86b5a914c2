"""The closing summary of a run, in plain words: what was decided, why, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from holdfast.bulk.columns import near, option
from holdfast.bulk.run import Job, Outcome
from holdfast.bulk.tally import RuleTally, Tally
from holdfast.decision import ACTIONS

_BAR = 24
_RULES = 12
_FEW = 4
_KINDS = 6

MEANINGS = {
    "allow": "nothing was found that a rule acts on",
    "label": "shown with a notice",
    "limit": "not recommended to others",
    "hold": "waits for a person",
    "remove": "taken down",
}


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are, for the last lines."""

    data: Path | None = None
    """The data folder, when decisions were recorded."""
    report: Path | None = None
    printed: bool = False
    """Whether the decisions went to standard output."""


def summary(outcome: Outcome, job: Job, places: Places) -> Iterator[str]:
    """Lines for a terminal. No line holds a text; examples are blurred."""
    tally = outcome.tally
    yield _headline(outcome, job)
    yield ""
    if not tally.rows:
        yield "  The input has a header and no rows."
    if tally.decided:
        yield from _actions(tally)
    if tally.rules:
        yield ""
        yield from _rules(tally)
    elif tally.decided:
        yield ""
        yield f"  No rule of {outcome.policy} fired."
    yield from _unknown(tally)
    yield from _rejected(outcome)
    yield ""
    yield from _places(outcome, job, places)
    yield from _next(outcome, job, places)


def _headline(outcome: Outcome, job: Job) -> str:
    tally = outcome.tally
    name = "standard input" if job.input == "-" else job.input
    here = tally.rows - outcome.rows_before
    rate = f" ({here / outcome.seconds:,.0f} a second)" if outcome.seconds > 0.05 else ""
    resumed = f", {outcome.rows_before:,} of them before" if outcome.rows_before else ""
    line = f"{name}: {_rows(tally.rows)}{resumed}, {duration(outcome.seconds)}{rate}"
    return f"Interrupted. {line}" if outcome.interrupted else line


def _actions(tally: Tally) -> Iterator[str]:
    width = max(len(f"{count:,}") for count in tally.actions.values())
    for action in ACTIONS:
        count = tally.actions[action]
        if count:
            yield (
                f"  {action:<7} {count:>{width},}  {bar(count, tally.decided):<{_BAR}}"
                f" {share(count, tally.decided):>7}  {MEANINGS[action]}"
            )
    if tally.escalated:
        yield f"  {'':<7} {tally.escalated:>{width},}  of these to a person at once (escalate)"


def _rules(tally: Tally) -> Iterator[str]:
    rules = by_count(tally)
    width = max(len(name) for name, _ in rules)
    yield "Rules that fired, with blurred examples"
    for name, rule in rules[:_RULES]:
        escalate = ", escalate" if rule.escalate else ""
        yield f"  {rule.count:>8,}  {name:<{width}}  → {rule.then}{escalate}, for {rule.reason}"
        for example in rule.examples[: 2 if len(rules) <= _FEW else 1]:
            yield f"            row {example.row:,}: {example.blurred}"
    if len(rules) > _RULES:
        yield f"  and {len(rules) - _RULES} more rules"


def _unknown(tally: Tally) -> Iterator[str]:
    if not tally.with_unknown:
        return
    yield ""
    yield f"On {_rows(tally.with_unknown)} a rule could not tell, for want of"
    missing: dict[str, list[str]] = {}
    for name, unknown in tally.unknown.items():
        for field in unknown.missing:
            missing.setdefault(field, []).append(name)
    for field, rules in list(missing.items())[:_KINDS]:
        yield f"  {field} (read by {', '.join(rules[:4])}{', …' if len(rules) > 4 else ''})"
    if tally.by_unknown:
        yield f"  This alone gave {_rows(tally.by_unknown)} their action: the policy's on_unknown says so."


def _rejected(outcome: Outcome) -> Iterator[str]:
    tally = outcome.tally
    if not tally.rejected:
        return
    yield ""
    where = "" if outcome.rejected_path is None else f" (listed in {outcome.rejected_path})"
    yield f"Rejected: {_rows(tally.rejected)}{where}"
    for kind, count in sorted(tally.kinds.items(), key=lambda pair: -pair[1])[:_KINDS]:
        yield f"  {count:>8,}  {kind}"
    first = tally.first_rejected[0]
    yield f"  the first: {first}"
    if first.next_step is not None:
        yield f"  next: {first.next_step}"


def _places(outcome: Outcome, job: Job, places: Places) -> Iterator[str]:
    if job.out is not None:
        yield f"Decisions: {job.out}"
    if places.report is not None:
        yield f"Report:    {places.report}"
    if places.data is not None:
        yield f"Record:    {places.data} (check it: holdfast ledger verify)"
    yield f"Policy:    {outcome.policy}"


def _next(outcome: Outcome, job: Job, places: Places) -> Iterator[str]:
    if outcome.interrupted:
        if job.out is not None and job.input != "-":
            yield "Next:      the same command with --resume goes on from here"
        return
    if not outcome.tally.rows:
        return
    hint = unread_column(outcome)
    if hint is not None:
        yield f"Not read:  column {hint[1]}; if it says when a row was written, add {option(hint[0])} {hint[1]}"
    if job.out is None and not places.printed:
        yield "Next:      keep the decisions: --out decisions.jsonl (or .csv, .parquet)"
    elif places.report is None:
        yield "Next:      look at them: --report report.html"


def unread_column(outcome: Outcome) -> tuple[str, str] | None:
    """A property without a column, and an unread column that looks as if it held it."""
    if "created_at" in outcome.found.used:
        return None
    column = near("created_at", outcome.found.unused, close=False)
    return None if column is None else ("created_at", column)


def by_count(tally: Tally) -> list[tuple[str, RuleTally]]:
    return sorted(tally.rules.items(), key=lambda pair: (-pair[1].count, pair[0]))


def share(count: int, total: int) -> str:
    """A percentage that does not call a few rows none, or nearly all of them all."""
    if not total:
        return "–"
    percent = 100 * count / total
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def bar(count: int, total: int, width: int = _BAR) -> str:
    """A bar of at most `width` cells, in eighths; never empty for what is there."""
    eighths = max(1, round(8 * width * count / total)) if count else 0
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _rows(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")
