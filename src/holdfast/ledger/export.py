"""The ledger as a file of JSON lines that an outsider can check.

The first line is the head: `{"format", "size", "root"}`. Then one line an event, in order:
`{"seq", "at", "key", "type", "body", "leaf"}`, where `at` is in microseconds since 1970 in UTC, `body`
is the event's JSON exactly as stored, as a string, and `leaf` is in hex (`holdfast.ledger.encoding` says
how it follows from the others). With texts, lines `{"commitment", "salt", "text"}` stand behind the
event that refers to them first; erased ones are left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec

from holdfast.ledger import merkle, tree
from holdfast.ledger.encoding import leaf_of
from holdfast.ledger.errors import LedgerError
from holdfast.ledger.paging import event_page, fetch
from holdfast.ledger.texts import Texts, commitment_of
from holdfast.ledger.tree import TreeHead
from holdfast.store.database import Database

FORMAT = "holdfast-ledger-1"
LINE_LIMIT = 256 * 1024 * 1024
"""Bytes of a line that `check_export` reads."""

Progress: TypeAlias = Callable[[int, int], None]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: str
    size: int
    root: str


class EventLine(msgspec.Struct, frozen=True, kw_only=True):
    """One event."""

    seq: int
    at: int
    key: str | None
    type: str
    body: str
    leaf: str


class TextLine(msgspec.Struct, frozen=True, kw_only=True):
    """A text that the event before refers to."""

    commitment: str
    salt: str
    text: str


def export(
    database: Database, texts: Texts, path: Path, with_texts: bool = False, progress: Progress | None = None
) -> TreeHead:
    """Write the ledger to `path`, whole or not at all. Returns the head that it was written up to."""
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            head = write_export(database, texts, file, with_texts, progress)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise LedgerError("cannot be written", where=str(path), value=error.strerror) from None
    finally:
        partial.unlink(missing_ok=True)
    return head


def write_export(
    database: Database,
    texts: Texts,
    file: BinaryIO,
    with_texts: bool = False,
    progress: Progress | None = None,
) -> TreeHead:
    """Write the ledger to an open file. Memory stays flat."""
    with database.reading() as connection:
        state = tree.load(connection)
    encode = msgspec.json.Encoder().encode
    file.write(encode(Head(format=FORMAT, size=state.size, root=state.root.hex())) + b"\n")
    start = 0
    while start < state.size:
        with database.reading() as connection:
            page = event_page(connection, start, state.size)
            if not page or page[0][0] != start or page[-1][0] != start + len(page) - 1:
                raise tree.damaged(f"events, from seq {start}", "events are missing")
            stop = start + len(page)
            behind: dict[int, list[TextLine]] = {}
            if with_texts:
                query = "SELECT commitment, first FROM texts WHERE first >= ? AND first < ?"
                firsts = {
                    bytes(commitment).hex(): first
                    for commitment, first in fetch(connection, query, (start, stop))
                }
                for name, opening in texts.open(connection, list(firsts)).items():
                    line = TextLine(commitment=name, salt=opening.salt.hex(), text=opening.text)
                    behind.setdefault(firsts[name], []).append(line)
        for seq, at, key, kind, body, leaf in page:
            line_of = EventLine(
                seq=seq, at=at, key=key, type=kind, body=bytes(body).decode(), leaf=bytes(leaf).hex()
            )
            file.write(encode(line_of) + b"\n")
            for text in behind.get(seq, ()):
                file.write(encode(text) + b"\n")
        start = stop
        if progress is not None:
            progress(start, state.size)
    return TreeHead(state.size, state.root)


def check_export(path: Path, progress: Progress | None = None) -> tuple[Head, list[str]]:
    """Check an export without the database. Returns its head and what is wrong with it.

    It shows that the events lead to the root in the first line; compare that root with one that you got
    by another way. Raises `LedgerError` for a file that is not an export.
    """
    faults: list[str] = []
    frontier: list[bytes] = []
    expected = 0
    decoder = msgspec.json.Decoder(EventLine)
    text_decoder = msgspec.json.Decoder(TextLine)
    body = ""
    with path.open("rb") as file:
        head = read_head(file, path)
        for number, line in enumerate(_lines(file), 2):
            try:
                if line.startswith(b'{"commitment"'):
                    text = text_decoder.decode(line)
                    made = commitment_of(bytes.fromhex(text.salt), text.text.encode()).hex()
                    if made != text.commitment or f'"{made}"' not in body:
                        faults.append(f"line {number}: the text is not one that its event refers to")
                    continue
                event = decoder.decode(line)
                leaf = leaf_of(event.seq, event.at, event.key, event.type, event.body.encode())
            except Exception as error:  # the file is a stranger's: every way to be malformed ends here
                faults.append(f"line {number}: cannot be read: {str(error)[:120]}")
                break
            body = event.body
            if event.seq != expected:
                faults.append(f"line {number}: event {event.seq} stands where {expected} should")
                break
            if leaf.hex() != event.leaf:
                faults.append(f"line {number}: the leaf of event {event.seq} does not follow from it")
            frontier, _ = merkle.extend(expected, frontier, (leaf,))
            expected += 1
            if progress is not None and not expected % 1000:
                progress(expected, head.size)
    if expected != head.size:
        faults.append(f"there are {expected} events, but the head counts {head.size}")
    elif merkle.root(frontier).hex() != head.root:
        faults.append("the events do not lead to the root")
    return head, faults


def read_head(file: BinaryIO, path: Path) -> Head:
    """The head in the first line. Raises `LedgerError`."""
    line = file.readline(4096)
    try:
        head = msgspec.json.decode(line, type=Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        head = None
    if head is None or head.format != FORMAT:
        raise LedgerError(
            "is not an export that this Holdfast can read",
            where=str(path),
            expected=f"a first line of format {FORMAT}, as `holdfast ledger export` writes it",
        )
    return head


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LINE_LIMIT):
        yield line
