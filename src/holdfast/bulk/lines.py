"""Bytes to lines, in bounded memory: blocks of whole lines, and a note where a line is too long to hold."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from holdfast.bulk.rows import ROW_LIMIT

BLOCK = 256 * 1024
"""Bytes that are read at once."""

_UTF8 = frozenset({"utf-8", "utf8", "u8", "utf_8", "utf-8-sig", "utf_8_sig", "ascii", "us-ascii"})
_NO_TEXT = frozenset({"idna", "punycode", "undefined"})
_MARKS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}


class Source(Protocol):
    """A stream of bytes; `io.RawIOBase`, a gzip file, or `Recoded` over one."""

    def read(self, size: int, /) -> bytes: ...


class Block(NamedTuple):
    """Whole lines, the last perhaps without its line feed. `offset` (bytes) and `line` (from 1) are
    those of its start."""

    data: bytes
    offset: int
    line: int


class TooLong(NamedTuple):
    """A line that was dropped: where it stood, its bytes, and how many quotes it held."""

    line: int
    size: int
    quotes: int


def blocks(source: Source, limit: int = ROW_LIMIT, block: int = BLOCK) -> Iterator[Block | TooLong]:
    """The lines of `source`. Memory stays within `limit` and a few blocks, whatever a line's length."""
    held = bytearray()
    offset, line = 0, 1
    while data := source.read(block):
        cut = data.rfind(b"\n") + 1
        if not cut:
            held += data
            if len(held) > limit:
                size, quotes, rest = _skip_line(source, block)
                yield TooLong(line, len(held) + size, held.count(b'"') + quotes)
                offset, line, held = offset + len(held) + size, line + 1, bytearray(rest)
            continue
        if len(held) + (first := data.find(b"\n") + 1) > limit + 1:
            yield TooLong(line, len(held) + first, held.count(b'"') + data.count(b'"', 0, first))
            offset, line, held = offset + len(held) + first, line + 1, bytearray()
        else:
            first = 0
        whole = bytes(held) + data[first:cut]
        held = bytearray(data[cut:])
        if whole:
            yield Block(whole, offset, line)
            offset, line = offset + len(whole), line + whole.count(b"\n")
    if held:
        yield Block(bytes(held), offset, line)


def _skip_line(source: Source, block: int) -> tuple[int, int, bytes]:
    """Read to the end of the line: bytes and quotes that were skipped, and what came after."""
    size = quotes = 0
    while data := source.read(block):
        end = data.find(b"\n") + 1
        if end:
            return size + end, quotes + data.count(b'"', 0, end), data[end:]
        size += len(data)
        quotes += data.count(b'"')
    return size, quotes, b""


class Peeked:
    """A source whose first bytes may be looked at before it is read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._head = b""

    def peek(self, size: int) -> bytes:
        """The first `size` bytes, or fewer when there are no more."""
        while len(self._head) < size and (data := self._source.read(size - len(self._head))):
            self._head += data
        return self._head[:size]

    def read(self, size: int, /) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._source.read(size)


class Recoded:
    """Another encoding as UTF-8. What does not decode becomes a byte sequence that UTF-8 refuses, so
    that only the rows that hold it are lost."""

    def __init__(self, source: Source, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)(errors=_MARK)
        self._done = False

    def read(self, size: int, /) -> bytes:
        while not self._done:
            data = self._source.read(size)
            self._done = not data
            text = self._decoder.decode(data, self._done)
            if text:
                return text.encode("utf-8", "surrogatepass")
        return b""


class CarriageReturns:
    """Lines that end in a bare carriage return, as on old Macs, ended by line feeds."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, size: int, /) -> bytes:
        return self._source.read(size).replace(b"\r", b"\n")


def as_utf8(source: Peeked, encoding: str | None) -> Source:
    """`source` in UTF-8 with line feeds and without a byte order mark.

    Without an `encoding`, UTF-16 is recognised by its mark, or by its first letters, and everything else is
    taken for UTF-8.
    Raises `LookupError` for an encoding that does not exist or does not encode text.
    """
    head = source.peek(4)
    if encoding is None and head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16"
    elif encoding is None and (order := _order(head)) is not None:
        encoding = f"utf-16{order}"
    result: Source = source
    name = None if encoding is None else _known(encoding)
    if name in ("utf-16", "utf-32") and not head.startswith(_MARKS[name]):
        # Python insists on the mark.
        name += (name == "utf-16" and _order(head)) or "-le"
    if name is not None and name not in _UTF8:
        result = Recoded(source, name)
    elif head.startswith(codecs.BOM_UTF8):
        source.read(len(codecs.BOM_UTF8))
    if result is not source:
        peeked = Peeked(result)
        if peeked.peek(3) == codecs.BOM_UTF8:
            peeked.read(3)
        result = source = peeked
    start = source.peek(BLOCK)
    return CarriageReturns(result) if b"\r" in start and b"\n" not in start else result


def _known(encoding: str) -> str:
    """Python's name of a text encoding. Raises `LookupError` for what is none."""
    found = codecs.lookup(encoding)
    # Python keeps base64, zip and others among its encodings; some of them say themselves that they are no text.
    if not getattr(found, "_is_text_encoding", True) or found.name in _NO_TEXT:
        raise LookupError(encoding)
    return found.name


def _order(head: bytes) -> str | None:
    """The byte order of text in UTF-16 without a mark, told by where the zeros of its first two letters stand."""
    zeros = "".join("0" if byte == 0 else "x" for byte in head)
    return {"x0x0": "-le", "0x0x": "-be"}.get(zeros)


def invalid_byte(data: bytes) -> int | None:
    """Where `data` stops being UTF-8, or `None` when it is."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


_MARK = "holdfast.mark"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", error.end
    raise error


codecs.register_error(_MARK, _mark)
