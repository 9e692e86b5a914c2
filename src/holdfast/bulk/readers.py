"""Opening an input: its format, its compression and its encoding, then the reader for it."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, Literal, TypedDict, get_args

import pyarrow as pa

from holdfast.bulk.columns import Chosen
from holdfast.bulk.lines import Peeked, Source, as_utf8
from holdfast.bulk.read_csv import CsvReader
from holdfast.bulk.read_jsonl import JsonlReader
from holdfast.bulk.read_parquet import ParquetReader
from holdfast.bulk.rows import Found, InvalidInput, Reader, Row
from holdfast.content import Item, Surface
from holdfast.schema import Field

Format = Literal["csv", "tsv", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)

SUFFIXES: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSED = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
_PARQUET = b"PAR1"
_ARCHIVES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx, .ods and .zip begin, and .xls."""


class _Common(TypedDict):
    """What every reader is told."""

    mapping: Chosen | None
    surface: Surface
    inputs: Sequence[Field]
    check: Callable[[Item], None] | None


class StreamReader:
    """A reader over a stream of bytes, which it closes, and whose place it knows."""

    def __init__(
        self,
        inner: CsvReader | JsonlReader,
        raw: BinaryIO,
        size: int | None,
        where: str,
        count: Callable[[], int],
    ) -> None:
        self._inner = inner
        self._raw = raw
        self._where = where
        self._count = count
        self.size = size

    @property
    def found(self) -> Found:
        return self._inner.found

    @property
    def position(self) -> int:
        """Bytes of the file, compressed ones where it is."""
        return self._count()

    def rows(self, skip: int = 0) -> Iterator[Row]:
        with _readable(self._where):
            yield from self._inner.rows(skip)

    def close(self) -> None:
        self._raw.close()


def open_reader(
    path: str | Path,
    *,
    format: Format | None = None,
    encoding: str | None = None,
    mapping: Chosen | None = None,
    surface: Surface = "comment",
    inputs: Sequence[Field] = (),
    check: Callable[[Item], None] | None = None,
    stdin: BinaryIO | None = None,
    unnest: bool = False,
) -> Reader:
    """A reader of the file at `path`, or of `stdin` where `path` is `-`.

    With `unnest`, objects within the objects of JSON lines are columns with dotted names. Without `format` the name's ending says it (before `.gz` or `.zst`, if any), and otherwise the
    first bytes. `check` may refuse an item with `InvalidItem`. Raises `InvalidInput` for what cannot be read as a whole.
    """
    common: _Common = {"mapping": mapping, "surface": surface, "inputs": inputs, "check": check}
    if str(path) == "-":
        assert stdin is not None
        return _stream(stdin, None, "standard input", format, encoding, common, unnest)
    path = Path(path)
    where = str(path)
    raw, size = _opened(path)
    try:
        head = raw.peek(8)[:8]
        format = format or _format_of(path)
        if head.startswith(_PARQUET) and format is None:
            format = "parquet"
        if format == "parquet":
            raw.close()
            return ParquetReader(path, where=where, **common)
        if head.startswith(_PARQUET):
            raise InvalidInput(
                "is a Parquet file", where=where, expected=str(format), next_step="say --format parquet"
            )
        return _stream(raw, size, where, format, encoding, common, unnest)
    except BaseException:
        raw.close()
        raise


def _opened(path: Path) -> tuple[io.BufferedReader, int | None]:
    where = str(path)
    try:
        raw = path.open("rb")
        status = os.fstat(raw.fileno())
    except FileNotFoundError:
        near = _near(path)
        raise InvalidInput(
            "does not exist", where=where, next_step=f"did you mean {near}?" if near else None
        ) from None
    except IsADirectoryError:
        raise InvalidInput(
            "is a folder", where=where, expected="a file", next_step="decide its files one by one"
        ) from None
    except OSError as error:
        raise InvalidInput("cannot be opened", where=where, value=error.strerror) from None
    return raw, status.st_size if stat.S_ISREG(status.st_mode) else None


def _stream(
    raw: BinaryIO,
    size: int | None,
    where: str,
    format: Format | None,
    encoding: str | None,
    common: _Common,
    unnest: bool,
) -> StreamReader:
    counted = _Counted(raw)
    with _readable(where):
        source = Peeked(_decompressed(Peeked(counted)))
        if source.peek(4) == _PARQUET:
            raise InvalidInput(
                "is a Parquet file",
                where=where,
                expected="CSV, TSV or JSON lines in a stream",
                next_step="give the file's name: Parquet is read from its end",
            )
        if source.peek(4) in _ARCHIVES:
            raise InvalidInput(
                "is a spreadsheet or a zip file",
                where=where,
                expected="CSV, TSV, JSON lines or Parquet",
                next_step="save the sheet as CSV in UTF-8, or unpack the file",
            )
        if format == "parquet":
            raise InvalidInput("is not a Parquet file", where=where, next_step="leave out --format")
        try:
            text = Peeked(as_utf8(source, encoding))
        except LookupError:
            raise InvalidInput(
                "is not an encoding",
                where="--encoding",
                value=repr((encoding or "")[:40]),
                expected="utf-8, utf-16, cp1252, latin-1, shift_jis, …",
            ) from None
        format = format or _sniffed(text)
        inner: CsvReader | JsonlReader
        if format == "jsonl":
            inner = JsonlReader(text, where=where, unnest=unnest, **common)
        else:
            inner = CsvReader(text, format, where=where, **common)
    return StreamReader(inner, raw, size, where, lambda: counted.count)


def _sniffed(source: Peeked) -> Format:
    return "jsonl" if source.peek(64 * 1024).lstrip()[:1] in (b"{", b"[") else "csv"


def _format_of(path: Path) -> Format | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def _decompressed(source: Peeked) -> Source:
    head = source.peek(4)
    if head.startswith(_COMPRESSED[".gz"]):
        return gzip.GzipFile(fileobj=_File(source), mode="rb")
    if head.startswith(_COMPRESSED[".zst"]):
        unpacked: Source = pa.CompressedInputStream(pa.PythonFile(_File(source), mode="r"), "zstd")
        return unpacked
    return source


class _Counted:
    """Counts the bytes that are read."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.count = 0

    def read(self, size: int, /) -> bytes:
        data = self._raw.read(size)
        self.count += len(data)
        return data


class _File(io.RawIOBase):
    """A source in the clothes of a file, which the decompressors want."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._source.read(64 * 1024 if size < 0 else size)


class _readable:  # noqa: N801 - reads as a statement
    """Explains what the operating system or a decompressor says while an input is read."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, InvalidInput):
            return
        if isinstance(error, (EOFError, gzip.BadGzipFile, zlib.error, pa.ArrowException)):
            raise InvalidInput(
                "is damaged or cut short",
                where=self._where,
                expected="a whole compressed file",
                next_step="check it with gzip -t or zstd -t, and fetch it again",
            ) from None
        if isinstance(error, OSError):
            raise InvalidInput("cannot be read", where=self._where, value=error.strerror) from None


def _near(path: Path) -> str | None:
    try:
        names = [entry.name for entry in path.parent.iterdir()][:1000]
    except OSError:
        return None
    close = get_close_matches(path.name, names, n=1, cutoff=0.75)
    return str(path.parent / close[0]) if close else None
