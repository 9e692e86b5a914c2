"""`holdfast ledger`: check the record, prove what is in it, hand it out, and erase a text from it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from holdfast.cli.common import DEFAULT_DATA, Data, keep_from_harm, open_ledger, who
from holdfast.ledger.errors import AlreadyErased, LedgerError, NotFound
from holdfast.ledger.export import check_export, write_export
from holdfast.ledger.ledger import Ledger
from holdfast.ledger.proof import PROOF_BYTES_LIMIT, Proof
from holdfast.ledger.suggestions import item_at
from holdfast.ledger.tree import TreeHead

if TYPE_CHECKING:
    from holdfast.measure.suggestions import Written

app = App(
    name="ledger",
    help="Check, prove, export and erase: the record of every decision, and of scores that were suggested.",
    default_parameter=Parameter(negative=()),
)

Ref = Annotated[str | None, Parameter(help="A decision's reference: SEQ, or SEQ.SLOT for a compact allow.")]

DatabaseUrl = Annotated[
    str | None, Parameter(name="--database", help="SQLAlchemy URL, instead of SQLite in the data folder.")
]


class _Head(msgspec.Struct, frozen=True):
    size: int
    root: str


@app.command
def head(*, data: Data = DEFAULT_DATA, database: DatabaseUrl = None) -> None:
    """Print how many events there are and the root over them, as JSON.

    Note it elsewhere: `holdfast ledger verify --checkpoint FILE` then finds a history that was rewritten
    as a whole.
    """
    with open_ledger(data, database, must_exist=True) as ledger:
        found = ledger.head()
    _out(msgspec.json.encode(_Head(found.size, found.root.hex())))


@app.command
def verify(
    *,
    checkpoint: Annotated[
        list[Path] | None,
        Parameter(name="--checkpoint", help="A head noted earlier, a proof or an export; may be repeated."),
    ] = None,
    limit: Annotated[int, Parameter(help="Faults after which to stop.")] = 100,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
) -> None:
    """Recompute everything from the events, and say what stored cell was altered. Exit code 1 if any was."""
    heads = [_checkpoint(path) for path in checkpoint or ()]
    with open_ledger(data, database, must_exist=True) as ledger:
        with _progress("verifying") as progress:
            faults = ledger.verify(progress, heads=heads, limit=max(1, limit))
        size, root = ledger.head()
    for fault in faults:
        _out(f"{fault.table}: {fault.place}: {fault.what}".encode())
    if faults:
        more = " or more" if len(faults) >= limit else ""
        raise _failed(f"{len(faults)}{more} faults in the ledger")
    _out(f"{size} events verified, root {root.hex()}".encode())


@app.command
def prove(
    ref: Ref = None,
    /,
    *,
    with_texts: Annotated[
        bool,
        Parameter(
            help="Add the texts, with the salts that prove them; whoever gets the proof can read them."
        ),
    ] = False,
    size: Annotated[int | None, Parameter(help="Prove it in the tree over this many events.")] = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"], help="Where to write the proof.")] = None,
    check: Annotated[Path | None, Parameter(help="Check this proof instead; needs no database.")] = None,
    root: Annotated[str | None, Parameter(help="With --check: the root that the proof must lead to.")] = None,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
) -> None:
    """Prove that a decision (SEQ or SEQ.SLOT) is in the ledger, by one JSON file that anyone can check."""
    if check is not None:
        _check_proof(check, root)
        return
    if ref is None:
        raise LedgerError(
            "says nothing to prove",
            where="holdfast ledger prove",
            expected="a decision's reference, or --check",
        )
    keep_from_harm({"--out": out}, data, {}, database)
    seq = ref.partition(".")[0]
    with open_ledger(data, database, must_exist=True) as ledger:
        if "." in ref:
            ledger.decision(ref)
        if not (seq.isascii() and seq.isdigit() and len(seq) <= 18):
            raise NotFound(
                "is not a reference", where="REF", value=repr(ref[:40]), expected="SEQ or SEQ.SLOT"
            )
        proof = ledger.prove(int(seq), size, with_texts=with_texts)
    if out is None:
        _out(proof.dump().rstrip())
    else:
        _write(out, proof.dump())
        _note(f"{out} holds the proof; whoever has it can check it: holdfast ledger prove --check {out}")


@app.command
def export(
    out: Annotated[Path | None, Parameter(help="Where to write it.")] = None,
    /,
    *,
    with_texts: Annotated[bool, Parameter(help="Add the texts that are not erased.")] = False,
    check: Annotated[Path | None, Parameter(help="Check this export instead; needs no database.")] = None,
    root: Annotated[str | None, Parameter(help="With --check: the root that the export must have.")] = None,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
) -> None:
    """Write all events as JSON lines, with their hashes and the root, to OUT or to standard output."""
    if check is not None:
        _check_export(check, root)
        return
    keep_from_harm({"OUT": None if str(out) == "-" else out}, data, {}, database)
    with open_ledger(data, database, must_exist=True) as ledger, _progress("exporting") as progress:
        if out is None or str(out) == "-":
            write_export(ledger.database, ledger.text_store, sys.stdout.buffer, with_texts, progress)
        else:
            ledger.export(out, with_texts=with_texts, progress=progress)


@app.command
def erase(
    ref: Ref = None,
    /,
    *,
    why: Annotated[str, Parameter(help="Why; it is recorded, so name no one.")],
    item: Annotated[str | None, Parameter(help="Erase the words of this item, by its id, instead.")] = None,
    also: Annotated[
        list[Literal["caption", "parent"]] | None,
        Parameter(help="Erase what it stands under or answers too; others wrote that."),
    ] = None,
    compact: Annotated[
        bool,
        Parameter(
            help="Also rewrite the database, so that not even a keyed fingerprint of the words may be left in "
            "its unused space. Takes as much disk again, and nothing can be recorded meanwhile."
        ),
    ] = False,
    by: Annotated[str | None, Parameter(help="Who erases. [default: the user who runs this]")] = None,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
) -> None:
    """Erase the text and transcript of a decision's item for good; the decision and every proof stay.

    Words are stored once: other items that consist of exactly the same words lose them too.
    """
    if (ref is None) == (item is None):
        raise LedgerError(
            "wants one thing to erase", where="holdfast ledger erase", expected="REF or --item ID"
        )
    if not why.strip():
        raise LedgerError("is empty", where="--why", expected="the reason, as it is to be recorded")
    by = by or who()
    with open_ledger(data, database, must_exist=True) as ledger:
        if ref is not None:
            refs = [ref]
        else:
            refs = [entry.ref for entry in ledger.decisions_of(item or "", limit=1_000_000)]
        commitments: dict[str, None] = {}
        for found in refs:
            record = item_at(ledger, found)
            for part in ("text", "transcript", *(also or ())):
                commitment = getattr(record, part)
                if commitment is not None:
                    commitments[commitment] = None
        if not refs:
            raise NotFound("no decision was made on this item", where="--item", value=repr((item or "")[:64]))
        erased = [name for name in commitments if _erase(ledger, name, by, why)]
        if compact:
            ledger.database.compact()
        clean = ledger.database.scrub()
    before = len(commitments) - len(erased)
    texts = "1 text" if len(erased) == 1 else f"{len(erased)} texts"
    _out(f"{texts} erased, {before} {'was' if before == 1 else 'were'} erased before".encode())
    if not clean:
        _note(
            "a process still reads an older state of the database, so that its -wal file may hold the words "
            "a while longer; run this again, or stop that process"
        )


@app.command
def rebuild(*, data: Data = DEFAULT_DATA, database: DatabaseUrl = None) -> None:
    """Drop everything that is derived from events and derive it again."""
    with open_ledger(data, database, must_exist=True) as ledger, _progress("rebuilding") as progress:
        size = ledger.rebuild(progress)
    _out(f"derived again from {size} events".encode())


@app.command
def suggestions(
    *,
    out: Annotated[
        Path, Parameter(name=["--out", "-o"], help="Where to write them: .csv, .jsonl or .parquet.")
    ],
    force: Annotated[bool, Parameter(help="Replace what is at --out.")] = False,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
) -> None:
    """Write the scores that clients suggested (comments:suggestscore) to a file of labels for `holdfast calibrate`.

    One row a suggestion: the text, and for each attribute the label, 1 from a suggested score of 0.5 on and else 0,
    and the score (ATTRIBUTE_SCORE). What the same key said last of a text counts; erased texts are left out.
    """
    from holdfast.bulk.encoders import format_of
    from holdfast.cli.evaluate import check_outputs
    from holdfast.measure.suggestions import write_suggestions

    format = format_of(out)
    keep_from_harm({"--out": out}, data, {}, database)
    check_outputs({"--out": out}, overwrite=force)
    with open_ledger(data, database, must_exist=True) as ledger:
        written = write_suggestions(ledger, out, format)
    for line in _told(written, out):
        _out(line.encode())


# Inside -------------------------------------------------------------------------------------


@contextmanager
def _progress(what: str) -> Iterator[_Bar]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Bar(progress, what)


class _Bar:
    def __init__(self, progress: Progress, what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=None)

    def __call__(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)


def _told(written: Written, out: Path) -> Iterator[str]:
    from holdfast.measure.refit import FEWEST
    from holdfast.measure.suggestions import HEADS

    yield f"{out}: {written.rows:,} suggestion{'' if written.rows == 1 else 's'}"
    if written.erased:
        yield f"  {written.erased:,} left out: a text of it was erased"
    if written.superseded:
        yield f"  {written.superseded:,} left out: the same key said something newer of the same text"
    enough = []
    for name, labels in written.labels.items():
        if labels:
            positive = written.positive[name]
            yield f"  {name}: {labels:,}, of them {positive:,} at 0.5 or more"
            if name in HEADS and min(positive, labels - positive) >= FEWEST:
                enough.append(f"{HEADS[name]}={name}")
    if enough:
        yield f"Next: holdfast calibrate {quote(str(out))} --label {' '.join(enough)}"
    else:
        yield (
            f"Next: wait for more. `holdfast calibrate` takes at least {FEWEST} texts of either kind of one of "
            f"{', '.join(HEADS)}."
        )


def _erase(ledger: Ledger, commitment: str, by: str, why: str) -> bool:
    from datetime import UTC, datetime

    try:
        ledger.erase(commitment, by, why, datetime.now(UTC))
    except AlreadyErased:
        return False
    return True


def _checkpoint(path: Path) -> TreeHead:
    """The head in a file: one that `head` printed, a proof, or an export."""
    data = _read(path)
    for text in (data.partition(b"\n")[0], data):
        try:
            found = msgspec.json.decode(text, type=_Head)
            return TreeHead(found.size, bytes.fromhex(found.root))
        except (msgspec.DecodeError, ValueError):
            continue
    raise LedgerError(
        "holds no head",
        where=str(path),
        expected='{"size": …, "root": …}, as `holdfast ledger head` prints it',
    )


def _check_proof(path: Path, root: str | None) -> None:
    proof = Proof.load(_read(path), str(path))
    faults = proof.faults(root)
    for fault in faults:
        _out(f"{path}: {fault}".encode())
    if faults:
        raise _failed("the proof does not hold")
    _out(f"event {proof.seq} is under the root {proof.root} over {proof.size} events".encode())
    if root is None:
        _note("compare that root with one that you got by another way, or give it as --root")


def _check_export(path: Path, root: str | None) -> None:
    try:
        with _progress("checking") as progress:
            found, faults = check_export(path, progress)
    except OSError as error:
        raise LedgerError("cannot be read", where=str(path), value=error.strerror) from None
    if root is not None and root.lower() != found.root:
        faults.append("the root is not the one that was expected")
    for fault in faults:
        _out(f"{path}: {fault}".encode())
    if faults:
        raise _failed("the export does not hold")
    _out(f"{found.size} events lead to the root {found.root}".encode())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(PROOF_BYTES_LIMIT)
    except OSError as error:
        raise LedgerError("cannot be read", where=str(path), value=error.strerror) from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LedgerError("cannot be written", where=str(path), value=error.strerror) from None


def _out(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _note(text: str) -> None:
    sys.stderr.write(f"holdfast: {text}\n")


def _failed(text: str) -> SystemExit:
    _note(text)
    return SystemExit(1)
