"""The report of a run: one HTML file that needs no network and runs no script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jinja2

from holdfast import __version__
from holdfast.bulk.columns import option
from holdfast.bulk.output import CannotWrite, replace
from holdfast.bulk.run import Job, Outcome, identity_of
from holdfast.bulk.summary import MEANINGS, by_count, duration, share, unread_column
from holdfast.bulk.tally import Example, RuleTally, Tally, Timeline
from holdfast.decision import ACTIONS, SEVERITY, Action

_LANGUAGES = 20
_COVERED = 600  # units of the plot's width
_HIGH = 120

NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew",
    "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip


class Piece(NamedTuple):
    """A stretch of an example's text; `label` says what a signal found there."""

    text: str
    label: str | None


class Column(NamedTuple):
    """One stretch of time in the plot, with heights in units of the plot."""

    x: float
    width: float
    all_height: float
    acted_height: float
    start: datetime
    rows: int
    acted: int


class Plot(NamedTuple):
    """Rows over time. `most` is the column with the most rows acted on."""

    columns: tuple[Column, ...]
    unit: str
    most: Column
    top: int


def check_path(path: Path, job: Job, *, overwrite: bool) -> None:
    """Raise `CannotWrite` before a run begins whose report could not be written."""
    others = (job.out, job.rejected_path, None if job.input == "-" else Path(job.input))
    if any(other is not None and identity_of(other) == identity_of(path) for other in others):
        raise CannotWrite(
            "is another file of this run as well", where=f"--report {path}", next_step="name another file"
        )
    if not path.parent.is_dir():
        raise CannotWrite(
            "is in a folder that does not exist",
            where=f"--report {path}",
            next_step=f"make it first: mkdir -p {path.parent}",
        )
    if path.is_dir():
        raise CannotWrite("is a folder", where=f"--report {path}", expected="a file")
    if path.exists() and not overwrite:
        raise CannotWrite(
            "exists already",
            where=f"--report {path}",
            next_step="name another file, or replace it with --force",
        )


def write_report(path: Path, outcome: Outcome, job: Job, now: datetime) -> None:
    """Write the page at `path`, at once or not at all."""
    replace(path, render_report(outcome, job, now).encode())


def render_report(outcome: Outcome, job: Job, now: datetime) -> str:
    """The page. Everything that came from outside is escaped; a policy in the page forbids scripts."""
    tally = outcome.tally
    rules = by_count(tally)
    severe = _by_severity(rules)
    page = _template().render(
        action_bars=_action_bars(tally),
        actions=ACTIONS,
        columns=outcome.found,
        duration=duration(outcome.seconds),
        headline=headline(tally),
        interval=_interval,
        job=job,
        kinds=sorted(tally.kinds.items(), key=lambda pair: -pair[1]),
        language_headline=_language_headline(tally),
        languages=_languages(tally),
        meanings=MEANINGS,
        most=max((rule.count for _, rule in rules), default=0),
        name="standard input" if job.input == "-" else Path(job.input).name,
        now=now.astimezone(UTC),
        option=option,
        outcome=outcome,
        pieces=pieces,
        places={rule: place for place, (rule, _) in enumerate(severe, 1)},
        plot=plot(tally.timeline),
        rejected_name=outcome.rejected_path.name if outcome.rejected_path else None,
        rules=rules,
        severe=severe,
        share=share,
        shown=sum(len(rule.examples) for _, rule in rules),
        tally=tally,
        unread=unread_column(outcome),
        version=__version__,
    )
    return HIDDEN.sub("\ufffd", page)


def headline(tally: Tally) -> str:
    """The finding in one sentence."""
    if not tally.decided:
        return "No row could be decided" if tally.rows else "The file has no rows"
    rows = "row" if tally.decided == 1 else "rows"
    if not tally.acted_on:
        return f"Nothing to act on in {tally.decided:,} {rows}"
    part = share(tally.acted_on, tally.decided)
    return f"{tally.acted_on:,} of {tally.decided:,} {rows} ({part}) need{'s' if tally.acted_on == 1 else ''} action"


def pieces(example: Example) -> list[Piece]:
    """The example's text, cut where signals found something; overlapping marks become one."""
    text = example.text or ""
    result: list[Piece] = []
    at = 0
    for start, end, label in sorted(example.marks):
        if start < at or end <= start:
            continue
        if start > at:
            result.append(Piece(text[at:start], None))
        result.append(Piece(text[start:end], label.replace("_", " ")))
        at = end
    if at < len(text):
        result.append(Piece(text[at:], None))
    return result


def plot(timeline: Timeline) -> Plot | None:
    """The timeline as columns, or `None` when there is too little to draw."""
    if len(timeline.buckets) < 2:
        return None
    first, last = min(timeline.buckets), max(timeline.buckets)
    slot = _COVERED / (last - first + 1)
    top = max(sum(counts.values()) for counts in timeline.buckets.values())
    columns = []
    for place, counts in sorted(timeline.buckets.items()):
        count = sum(counts.values())
        acted = count - counts.get("allow", 0)
        columns.append(
            Column(
                x=round((place - first) * slot, 2),
                width=round(max(slot * 0.8, 1.5), 2),
                all_height=round(_HIGH * count / top, 2),
                # Small is not none: what was acted on shows at least as a line.
                acted_height=round(max(_HIGH * acted / top, 2.0 if acted else 0.0), 2),
                start=_moment(place * timeline.width),
                rows=count,
                acted=acted,
            )
        )
    return Plot(tuple(columns), _interval(timeline.width), max(columns, key=lambda c: c.acted), top)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(seconds: int) -> datetime:
    # Not `fromtimestamp`, which some systems refuse before 1970. The first bucket may start before year 1.
    return max(_EPOCH + timedelta(seconds=max(seconds, -62_135_596_800)), datetime.min.replace(tzinfo=UTC))


def _interval(width: int) -> str:
    hours = width // 3600
    words = {1: "hour", 6: "six hours", 24: "day", 7 * 24: "week", 28 * 24: "four weeks", 364 * 24: "year"}
    return words.get(hours, f"{hours // (364 * 24)} years")


def _action_bars(tally: Tally) -> list[tuple[Action, int, float]]:
    """The actions but `allow`, most severe first, with their part of what was acted on, in percent."""
    acted = tally.acted_on or 1
    return [
        (action, tally.actions[action], 100 * tally.actions[action] / acted)
        for action in reversed(ACTIONS)
        if action != "allow" and tally.actions[action]
    ]


def _by_severity(rules: list[tuple[str, RuleTally]]) -> list[tuple[str, RuleTally]]:
    return sorted(rules, key=lambda pair: (not pair[1].escalate, -SEVERITY[pair[1].then], -pair[1].count))


def _languages(tally: Tally) -> list[tuple[str, int, int]]:
    """Language, rows, rows acted on; the most frequent first, the rest as one."""
    rows = [
        (name, sum(counts.values()), sum(counts.values()) - counts.get("allow", 0))
        for name, counts in ((_language(code), counts) for code, counts in tally.languages.items())
    ]
    rows.sort(key=lambda row: (-row[1], row[0]))
    if len(rows) > _LANGUAGES:
        rest = rows[_LANGUAGES:]
        rows = rows[:_LANGUAGES]
        rows.append((f"{len(rest)} others", sum(row[1] for row in rest), sum(row[2] for row in rest)))
    return rows


def _language_headline(tally: Tally) -> str:
    counts = {code: sum(actions.values()) for code, actions in tally.languages.items() if code}
    if not counts:
        return "No row was long enough to tell its language"
    code, count = max(counts.items(), key=lambda pair: pair[1])
    told = sum(counts.values())
    if len(counts) == 1:
        return f"{_language(code)}, wherever the language could be told"
    return f"{_language(code)}, mostly: {share(count, told)} of the rows whose language could be told"


def _language(code: str) -> str:
    return NAMES.get(code, code) if code else "Too short to tell"


# Controls that would hide, reorder or break what follows; they stand for themselves as a box.
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("holdfast.bulk", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    filters: Mapping[str, object] = {
        "words": lambda name: str(name).replace("_", " "),
        "number": lambda count: f"{count:,}",
    }
    environment.filters.update(filters)
    return environment.get_template("report.html.j2")
