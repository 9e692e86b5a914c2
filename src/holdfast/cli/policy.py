"""`holdfast policy`: check, compare, try out, publish and take back the written rules."""

# ruff: noqa: T201
from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import App, Parameter

from holdfast.cli.common import (
    DEFAULT_DATA,
    Data,
    Unusable,
    find_policy,
    keep_from_harm,
    maybe_ledger,
    open_ledger,
    tell,
    who,
)

if TYPE_CHECKING:
    from holdfast.bulk.backtest import Backtest, Changed, Tally
    from holdfast.content import Item
    from holdfast.ledger.ledger import Ledger
    from holdfast.policy.lifecycle import Lifecycle
    from holdfast.policy.policy import Policy

app = App(name="policy", help="Check, compare, try out, publish and take back the written rules.")

Named = Annotated[str, Parameter(help="A .yaml file, the name of a pack, or a policy in the ledger.")]
BATCH = 1_000


@app.command
def check(policy: Named, *, data: Data = DEFAULT_DATA) -> None:
    """Check a policy as a compiler would, and run its examples. Exit code 1 when something is wrong."""
    from holdfast.policy.diagnostics import PolicyError, render

    try:
        loaded = _checked(policy, data)
    except PolicyError as error:
        print(error)
        raise SystemExit(1) from None
    if loaded.warnings:
        print(render(loaded.warnings))
    examples = sum(len(examples) for rule in loaded.rules for examples in rule.examples.values())
    bare = [rule.name for rule in loaded.rules if not any(rule.examples.values())]
    counted = (
        _counted(len(loaded.rules), "rule"),
        _counted(len(loaded.counters), "counter"),
        _counted(examples, "example"),
    )
    print(f"{loaded.id}: {', '.join(counted)} {'holds' if examples == 1 else 'hold'}")
    if bare:
        tell(f"without examples: {', '.join(bare)}")


@app.command(name="list")
def list_policies(*, data: Data = DEFAULT_DATA) -> None:
    """List the policies in the ledger and where each stands."""
    with open_ledger(data, must_exist=True) as ledger:
        states = sorted(ledger.policies().values(), key=lambda state: -state.since)
        times = {state.policy: ledger.get(state.since).at for state in states}
    if not states:
        tell(
            "No policy is in the ledger yet; the pack `community` decides. Publish one: holdfast policy publish FILE"
        )
        return
    rows = [("POLICY", "STANDS", "SINCE")]
    for state in states:
        stands = state.phase.replace("_", " ") + (f" to {state.percent} %" if state.percent else "")
        rows.append((state.policy, stands, f"{times[state.policy]:%Y-%m-%d %H:%M} UTC"))
    _print_columns(rows)


@app.command
def show(
    policy: Annotated[str | None, Parameter(help="Default: the live one.")] = None,
    *,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a policy's text."""
    from holdfast.decider import open_engine
    from holdfast.policy.packs import DEFAULT_PACK

    with maybe_ledger(data) as ledger:
        if policy is None:
            policy = (None if ledger is None else _lifecycle(ledger).live) or DEFAULT_PACK
        print(find_policy(policy, open_engine(data), ledger).source.rstrip())


@app.command
def render(
    policy: Named,
    *,
    dialect: Annotated[Literal["duckdb", "spark"], Parameter(help="Whose SQL.")] = "duckdb",
    table: Annotated[str, Parameter(help="The table that has a column for every field.")] = "items",
    data: Data = DEFAULT_DATA,
) -> None:
    """Print the rules as one SELECT, for a warehouse that holds the signals."""
    from holdfast.decider import open_engine

    with maybe_ledger(data) as ledger:
        print(find_policy(policy, open_engine(data), ledger).render(dialect, table))


# Lifecycle ----------------------------------------------------------------------------------


@app.command
def publish(
    policy: Named,
    *,
    note: Annotated[str, Parameter(help="What changed and why, for the record.")] = "",
    data: Data = DEFAULT_DATA,
) -> None:
    """Let a policy decide everything from now on. Its examples must hold. A running server follows at once."""
    from holdfast.ledger.events import PolicyPublished

    loaded = _checked(policy, data)
    with open_ledger(data) as ledger:
        before = _lifecycle(ledger)
        before.publish(loaded.id)
        event = PolicyPublished(policy=loaded.id, source=loaded.source, by=who(), note=note)
        ledger.append([event], datetime.now(UTC))
    print(f"{loaded.id} is live")
    if before.live is not None:
        tell(f"Back to {before.live}: holdfast policy rollback --why …")


@app.command
def shadow(policy: Named, *, data: Data = DEFAULT_DATA) -> None:
    """Judge everything by this policy as well, record where it differs, and act on none of it."""
    from holdfast.ledger.events import PolicyShadowed

    loaded = _checked(policy, data)
    with open_ledger(data) as ledger:
        _lifecycle(ledger).shadow(loaded.id)
        ledger.append([PolicyShadowed(policy=loaded.id, source=loaded.source, by=who())], datetime.now(UTC))
    print(f"{loaded.id} runs in shadow")


@app.command
def unshadow(
    policy: Annotated[str, Parameter(help="Its id, as `holdfast policy list` shows it.")],
    *,
    data: Data = DEFAULT_DATA,
) -> None:
    """End a shadow."""
    from holdfast.ledger.events import PolicyShadowEnded

    with open_ledger(data, must_exist=True) as ledger:
        _lifecycle(ledger).end_shadow(policy)
        ledger.append([PolicyShadowEnded(policy=policy, by=who())], datetime.now(UTC))
    print(f"{policy} no longer runs in shadow")


@app.command
def rollout(
    policy: Named,
    *,
    percent: Annotated[int, Parameter(help="Share of authors, 1 to 99.")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Let a policy decide for a share of authors; each author stays on one side."""
    from holdfast.ledger.events import PolicyRolledOut

    loaded = _checked(policy, data)
    with open_ledger(data) as ledger:
        state = _lifecycle(ledger)
        if state.live is None:
            raise Unusable(
                "there is no live policy to compare with", where=loaded.id, next_step="publish one first"
            )
        state.roll_out(loaded.id, percent)
        event = PolicyRolledOut(policy=loaded.id, source=loaded.source, percent=percent, by=who())
        ledger.append([event], datetime.now(UTC))
    print(f"{loaded.id} decides for {percent} % of authors, {state.live} for the others")


@app.command
def rollback(
    *, why: Annotated[str, Parameter(help="Why, for the record.")], data: Data = DEFAULT_DATA
) -> None:
    """End the roll-out if one runs, else return to the policy that was live before."""
    from holdfast.ledger.events import PolicyRolledBack

    with open_ledger(data, must_exist=True) as ledger:
        state = _lifecycle(ledger)
        after, to = state.roll_back()
        gone = state.candidate or state.live or ""
        ledger.append([PolicyRolledBack(policy=gone, to=to, by=who(), why=why)], datetime.now(UTC))
    print(f"{gone} is taken back; {after.live} decides")


# Backtest -----------------------------------------------------------------------------------


@app.command
def backtest(
    *,
    policy: Annotated[
        str, Parameter(name="--policy", help="The new policy: a file, a pack or one in the ledger.")
    ],
    against: Annotated[str, Parameter(help="`ledger` for what was decided before, or a file of items.")],
    old: Annotated[str | None, Parameter(help="The policy to compare with. Default: the live one.")] = None,
    by: Annotated[
        list[str] | None,
        Parameter(
            help="Fields whose values are groups, such as language or item.surface; may be repeated.",
            negative="",
        ),
    ] = None,
    out: Annotated[Path | None, Parameter(help="Write every changed item here, as JSON lines.")] = None,
    since: Annotated[
        datetime | None, Parameter(help="Only what the ledger recorded from then on (UTC).")
    ] = None,
    until: Annotated[
        datetime | None, Parameter(help="Only what the ledger recorded before then (UTC).")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Say what a policy would decide otherwise: per rule and per group, with 95% intervals."""
    from holdfast.bulk.backtest import backtest as run
    from holdfast.decider import open_engine
    from holdfast.policy.packs import DEFAULT_PACK

    read = {
        "the items": None if against == "ledger" else against,
        "the policy": policy,
        "the old policy": old,
    }
    keep_from_harm({"--out": out}, data, read)
    engine, now = open_engine(data), datetime.now(UTC)
    with maybe_ledger(data) as ledger, _changes_to(out) as on_change:
        live = None if ledger is None else _lifecycle(ledger).live
        before = find_policy(old or live or DEFAULT_PACK, engine, ledger)
        after = find_policy(policy, engine, ledger)
        skipped = Skipped()
        if against == "ledger":
            if ledger is None:
                raise Unusable("holds no ledger", where=str(data), next_step="name the folder with --data")
            items = _from_ledger(ledger, since, until, skipped)
        else:
            items = _from_file(against, [*before.inputs, *after.inputs], skipped)
        batches = iter(lambda: list(islice(items, BATCH)), [])
        result = run(engine, before, after, _with_progress(batches), now, by=by or (), on_change=on_change)
    _print_backtest(result)
    if skipped.count:
        tell(f"{_counted(skipped.count, 'item')} left out: {skipped.why}")
    if out is not None:
        tell(f"{_counted(result.changed, 'changed item')} in {out}")


class Skipped:
    """How many items a backtest could not judge."""

    count = 0
    why = ""


def _from_ledger(
    ledger: Ledger, since: datetime | None, until: datetime | None, skipped: Skipped
) -> Iterator[Item]:
    from holdfast.ledger.events import records_in

    skipped.why = "the text was erased or not kept"
    start = 0 if since is None else ledger.first_after(_utc(since))
    stop = None if until is None else ledger.first_after(_utc(until))
    history = ((record, at) for event in ledger.read(start, stop) for record, at in records_in(event.event))
    while page := list(islice(history, BATCH)):
        for item, (_, at) in zip(ledger.items([record for record, _ in page]), page, strict=True):
            if item is None:
                skipped.count += 1
            else:
                # When it arrived stands in for when it was written, so that counters see the order of then.
                yield item if item.created_at is not None else msgspec.structs.replace(item, created_at=at)


def _from_file(path: str, inputs: Sequence[object], skipped: Skipped) -> Iterator[Item]:
    from holdfast.bulk.readers import open_reader
    from holdfast.bulk.rows import Rejected

    skipped.why = "no item can be made of the row; `holdfast decide` says why, row by row"
    reader = open_reader(path, inputs=inputs, stdin=sys.stdin.buffer)  # type: ignore[arg-type]
    try:
        for row in reader.rows():
            if isinstance(row, Rejected):
                skipped.count += 1
            else:
                yield row
    finally:
        reader.close()


def _with_progress(batches: Iterable[list[Item]]) -> Iterator[list[Item]]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} items judged twice"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        for batch in batches:
            yield batch
            progress.advance(task, len(batch))


@contextmanager
def _changes_to(out: Path | None):  # type: ignore[no-untyped-def]
    if out is None:
        yield None
        return
    from holdfast.bulk.output import replacing

    encoder = msgspec.json.Encoder()
    # At once or not at all: an empty file after a mistake in the policy would read as "nothing changes".
    with replacing(out) as new:
        try:
            with new.open("wb") as file:

                def write(_: Item, change: Changed) -> None:
                    file.write(encoder.encode(change) + b"\n")

                yield write
        except BaseException:
            new.unlink(missing_ok=True)
            raise


def _print_backtest(result: Backtest) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not result.n:
        console.print("There was nothing to judge.")
        return
    acted = result.acted_on
    console.print(
        f"[bold]{result.new}[/] against [bold]{result.old}[/], {_counted(result.n, 'item')}: "
        f"{result.changed:,} decided otherwise ({result.stricter:,} more severely, {result.milder:,} more mildly)",
        soft_wrap=True,
    )
    console.print(
        f"Acted on: {_share(acted.before, acted.n)} before, {_share(acted.after, acted.n)} after, "
        f"change {_change(acted)} percentage points",
        soft_wrap=True,
    )
    moves = Table(title="From action to action", title_justify="left", box=None, header_style="dim")
    for heading in ("before", "after"):
        moves.add_column(heading)
    moves.add_column("items", justify="right")
    for (a, b), n in sorted(result.moves.items(), key=lambda pair: -pair[1]):
        moves.add_row(a, b, f"{n:,}", style="" if a != b else "dim")
    console.print(moves)
    console.print(_tallies("Rules that fire otherwise", "rule", result.rules))
    for name, groups in result.groups.items():
        console.print(_tallies(f"Acted on, by {name}", name, groups, all_rows=True))


def _tallies(title: str, first: str, tallies: dict[str, Tally], all_rows: bool = False):  # type: ignore[no-untyped-def]
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, header_style="dim")
    table.add_column(first)
    for heading in ("items", "before", "after", "change, points (95%)"):
        table.add_column(heading, justify="right")
    rows = [(name, tally) for name, tally in tallies.items() if all_rows or tally.gained or tally.lost]
    for name, tally in sorted(rows, key=lambda row: -row[1].n if all_rows else 0):
        table.add_row(
            name, f"{tally.n:,}", _share(tally.before, tally.n), _share(tally.after, tally.n), _change(tally)
        )
    if not rows:
        table.add_row("none", "", "", "", "")
    return table


def _share(hits: int, n: int) -> str:
    return f"{100 * hits / n:.2f} %"


def _change(tally: Tally) -> str:
    change = tally.change
    return f"{100 * change.estimate:+.2f} ({100 * change.low:+.2f} to {100 * change.high:+.2f})"


# Inside -------------------------------------------------------------------------------------


def _checked(policy: str, data: Path) -> Policy:
    """The policy, once its examples hold. Raises `PolicyError` with those that do not."""
    from holdfast.decider import open_engine
    from holdfast.policy.check import check as run_examples
    from holdfast.policy.diagnostics import PolicyError

    engine = open_engine(data)
    with maybe_ledger(data) as ledger:
        loaded = find_policy(policy, engine, ledger)
    wrong = run_examples(loaded, engine)
    if wrong:
        raise PolicyError(wrong)
    return loaded


def _lifecycle(ledger: Ledger) -> Lifecycle:
    from holdfast.ledger.reducers import lifecycle_of

    return lifecycle_of(ledger.policies())


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _counted(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n:,} {word}s"


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
