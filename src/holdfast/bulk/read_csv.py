"""CSV and TSV: records that may span lines, and a way back after a quote that never closes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, chain

from holdfast.bulk.cells import Builder
from holdfast.bulk.columns import Chosen, Use, chosen, resolve, unused
from holdfast.bulk.lines import Block, Source, TooLong, blocks, invalid_byte
from holdfast.bulk.rows import HINT, ROW_LIMIT, Found, InvalidInput, Rejected, Row, rejected
from holdfast.content import Item, Surface
from holdfast.errors import InvalidItem
from holdfast.schema import Field

DELIMITERS = {"csv": ",;\t|", "tsv": "\t"}
"""By format, the delimiters that are tried until one gives a header with the wanted columns."""


_ESCAPED = re.compile("[\udc80-\udcff]")
_LOOK_LIKE_ROWS = 100
_DROP_LIMITS = 8  # how far a closing quote is looked for, in times of the limit
_TOO_LONG = "is too long"
_NEVER_CLOSES = "opens a quote that never closes"
_BARE_RETURN = "holds a bare carriage return outside quotes"


class CsvReader:
    """Rows of delimited text.

    A quoted cell may hold line feeds and doubled quotes (RFC 4180). Rows with too few or too many
    cells, beyond `limit` bytes, or that are not UTF-8 are rejected one by one. When a quote opens and
    never closes, its line is rejected and reading goes on with the next, unless what follows does
    not look like rows: then it is taken for one over-long cell and dropped up to the closing quote.
    """

    def __init__(
        self,
        source: Source,
        format: str = "csv",
        *,
        mapping: Chosen | None = None,
        surface: Surface = "comment",
        inputs: Sequence[Field] = (),
        check: Callable[[Item], None] | None = None,
        where: str = "input",
        limit: int = ROW_LIMIT,
    ) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), 4 * ROW_LIMIT))
        self._limit = limit
        self._blocks = blocks(source, limit)
        self._row = self._skip = 0
        self._rewound_at = -limit
        header, self._delimiter, uses = self._read_header(format, mapping, inputs, where)
        self._width = len(header)
        self._builder = Builder(uses, surface, inputs, check)
        self.found = Found(format, {use.property: use.column for use in uses}, unused(header, uses))

    def rows(self, skip: int = 0) -> Iterator[Row]:
        self._skip = skip
        yield from self._read(self._rest)

    # The header -----------------------------------------------------------------------------

    def _read_header(
        self, format: str, mapping: Chosen | None, inputs: Sequence[Field], where: str
    ) -> tuple[list[str], str, list[Use]]:
        block = next(self._blocks, None)
        while isinstance(block, Block) and not block.data.strip():
            block = next(self._blocks, None)
        if block is None:
            raise InvalidInput(
                "is empty", where=where, expected="a first line that names the columns, and rows after it"
            )
        if isinstance(block, TooLong):
            raise InvalidInput(
                "has no header",
                where=where,
                value=f"a first line of {block.size:,} bytes",
                expected="a first line that names the columns",
            )
        blank = len(block.data) - len(block.data.lstrip(b"\r\n"))
        at = invalid_byte(block.data[: block.data.find(b"\n") + 1 or None])
        if at is not None:
            raise InvalidInput(
                "is not UTF-8", where=where, value=f"byte {block.offset + at}, in the header", next_step=HINT
            )
        text = io.StringIO(block.data.decode("utf-8", "surrogateescape"), newline="\n")
        names = [field.name for field in inputs]
        failure: InvalidInput | None = None
        for delimiter in DELIMITERS[format]:
            text.seek(blank)
            reader = csv.reader(text, delimiter=delimiter)
            header = [name.strip() for name in next(reader, [])]
            try:
                uses = resolve(header, chosen(mapping, header), names, where)
            except InvalidInput as error:
                failure = failure or error
                continue
            self._rest = _after_lines(block, reader.line_num + block.data.count(b"\n", 0, blank))
            return header, delimiter, uses
        assert failure is not None
        raise failure

    # Records --------------------------------------------------------------------------------

    def _read(self, held: Block) -> Iterator[Row]:
        wanted = 0  # bytes to gather before an open record is tried again, so that work stays linear
        if held.data:
            held = yield from self._complete(held)
        for block in self._blocks:
            if isinstance(block, TooLong):
                held = yield from self._finish(held, block)
                wanted = 0
                continue
            held = _joined(held, block)
            if len(held.data) < wanted:
                continue
            held = yield from self._complete(held)
            while len(held.data) > self._limit:
                if self._may_rewind(held):
                    held = yield from self._rewind(held)
                else:
                    last = held.line + held.data.count(b"\n")
                    held = yield from self._drop(held.line, len(held.data), last)
                if held.data:
                    held = yield from self._complete(held)
            wanted = 2 * len(held.data)
        yield from self._finish(held, None)

    def _finish(self, held: Block, after: TooLong | None) -> Generator[Row, None, Block]:
        """Read what is held to its end: nothing that can be held follows."""
        while held.data:
            held = yield from self._complete(held)
            if not held.data:
                break
            if self._may_rewind(held):
                held = yield from self._rewind(held)
                continue
            last = held.line + held.data.count(b"\n") - held.data.endswith(b"\n")
            if after is None:
                yield from self._reject(held.line, _NEVER_CLOSES, last)
                return Block(b"", 0, last)
            if after.quotes % 2 == 0:
                return (yield from self._drop(held.line, len(held.data) + after.size, after.line + 1))
            yield from self._reject(
                held.line, _TOO_LONG, after.line, f"{len(held.data) + after.size:,} bytes"
            )
            return Block(b"", 0, after.line + 1)
        if after is None:
            return held
        if after.quotes % 2:
            return (yield from self._drop(after.line, after.size, after.line + 1))
        yield from self._reject(after.line, _TOO_LONG, after.line, f"{after.size:,} bytes")
        return Block(b"", 0, after.line + 1)

    def _complete(self, block: Block) -> Generator[Row, None, Block]:
        """Yield the rows that end in `block`; return the rest, which starts with a record that does not."""
        data = block.data
        try:
            text, starts = data.decode(), None
        except UnicodeDecodeError:
            text, starts = data.decode("utf-8", "surrogateescape"), _line_starts(data)
        if not data.endswith(b"\n"):
            text += "\n"
        lines = text.count("\n")
        # One empty line more shows whether the last record was closed: then it is a record of its own.
        reader = csv.reader(chain(io.StringIO(text, newline="\n"), ("\n",)), delimiter=self._delimiter)
        width, build, skip = self._width, self._builder.build, self._skip
        start = 0
        while True:
            try:
                for cells in reader:
                    end = reader.line_num
                    if end > lines and start < lines:
                        return _after_lines(block, start)
                    line, start = block.line + start, end
                    if not cells:
                        continue
                    self._row = row = self._row + 1
                    if row <= skip:
                        continue
                    last = block.line + end - 1
                    if starts is not None:
                        at = starts[line - block.line]
                        error = _undecodable(cells, data[at : starts[end]], block.offset + at)
                        if error is not None:
                            yield rejected(error, row, line, last)
                            continue
                    if len(cells) != width:
                        yield Rejected(
                            line=line,
                            last_line=last if last != line else None,
                            row=row,
                            reason="has another number of cells than the header",
                            found=str(len(cells)),
                            expected=str(width),
                            next_step="a quote that is not closed joins rows" if last != line else None,
                        )
                        continue
                    try:
                        yield build(cells, row)
                    except InvalidItem as error:
                        yield rejected(error, row, line, last)
                return Block(b"", block.offset + len(data), block.line + lines)
            except csv.Error:
                # The one error that is left: a carriage return in a cell without quotes.
                line, start = block.line + start, reader.line_num
                yield from self._reject(line, _BARE_RETURN, block.line + start - 1)

    def _may_rewind(self, held: Block) -> bool:
        """Whether the open record is rather one stray quote: the lines after its first read as rows,
        which a long quoted text's do not. Once a stretch of `limit` bytes, lest hostile input make
        every line be read many times."""
        if held.offset - self._rewound_at < self._limit:
            return False
        start = held.data.find(b"\n") + 1
        sample = held.data[start : start + 64 * 1024].split(b"\n")[:-1][:_LOOK_LIKE_ROWS] if start else []
        good = total = 0
        for line in filter(bytes.strip, sample):
            total += 1
            # A carriage return in the line's midst is the one thing that `csv` refuses here.
            with suppress(csv.Error):
                cells = next(csv.reader([line.decode("utf-8", "replace")], delimiter=self._delimiter), [])
                good += len(cells) == self._width
        return total > 0 and good >= 0.9 * total

    def _rewind(self, held: Block) -> Generator[Row, None, Block]:
        """Reject the first line only."""
        self._rewound_at = held.offset
        yield from self._reject(held.line, _NEVER_CLOSES, held.line)
        return _after_lines(held, 1)

    def _drop(self, line: int, size: int, next_line: int) -> Generator[Row, None, Block]:
        """Reject a record that is still open at `next_line`, and read past its closing quote."""
        most = size + _DROP_LIMITS * self._limit
        rest = Block(b"", 0, next_line)
        for block in self._blocks:
            if isinstance(block, TooLong):
                size += block.size
                rest = Block(b"", 0, block.line + 1)
                closed = block.quotes % 2 == 1
            else:
                lines = _lines_to_quote(block.data)
                closed = lines is not None
                rest = _after_lines(block, block.data.count(b"\n") + 1 if lines is None else lines)
                size += len(block.data) - len(rest.data)
            if closed or size > most:
                break
        yield from self._reject(line, _TOO_LONG, max(line, rest.line - 1), f"{size:,} bytes")
        return rest

    def _reject(self, line: int, reason: str, last: int, found: str | None = None) -> Iterator[Row]:
        self._row += 1
        if self._row > self._skip:
            yield Rejected(
                line=line,
                last_line=last if last > line else None,
                row=self._row,
                reason=reason,
                found=found,
                expected=f"at most {self._limit:,} bytes" if reason == _TOO_LONG else None,
            )


def _joined(held: Block, block: Block) -> Block:
    return Block(held.data + block.data, held.offset, held.line) if held.data else block


def _after_lines(block: Block, lines: int) -> Block:
    """What follows the first `lines` lines of `block`."""
    at = 0
    for _ in range(lines):
        at = block.data.find(b"\n", at) + 1
        if at == 0:
            at = len(block.data)
            break
    return Block(block.data[at:], block.offset + at, block.line + lines)


def _lines_to_quote(data: bytes) -> int | None:
    """How many lines to the end of the first that holds an odd number of quotes, that is, closes one."""
    if data.count(b'"') == 0:
        return None
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.count(b'"') % 2:
            return number
    return None


def _line_starts(data: bytes) -> list[int]:
    """Where each line starts, and where the last ends."""
    starts = list(accumulate((len(line) + 1 for line in data.split(b"\n")), initial=0))
    return [*starts[:-1], len(data)]


def _undecodable(cells: Sequence[str], record: bytes, offset: int) -> InvalidItem | None:
    """Why a row of a block with invalid bytes cannot be taken, or `None` when the bytes are elsewhere."""
    if not any(_ESCAPED.search(cell) for cell in cells):
        return None
    place = offset + (invalid_byte(record) or 0)
    return InvalidItem("is not UTF-8", value=f"byte {place:,} of the input", next_step=HINT)
