"""Decisions to bytes that are appended to a file: JSON lines, CSV, and a spool that becomes Parquet.

All three are streams of bytes, so that one way of writing, checkpointing and resuming serves them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.bulk.rows import InvalidInput
from holdfast.decider import DecidedItem
from holdfast.decision import Span
from holdfast.schema import Field, Type, Value

OutFormat = Literal["jsonl", "csv", "parquet"]
OUT_FORMATS: tuple[OutFormat, ...] = get_args(OutFormat)
OUT_SUFFIXES: Mapping[str, OutFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
ROW_GROUP = 32_768
"""Rows of a Parquet row group."""


class Encoder(Protocol):
    """`start` comes once before everything, `rows` for each batch, in input order."""

    def start(self) -> bytes: ...

    def rows(self, decided: Sequence[DecidedItem]) -> bytes: ...


class JsonlEncoder:
    """One object a row, complete: the decision's fields as they are named everywhere, then `ref`."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def start(self) -> bytes:
        return b""

    def rows(self, decided: Sequence[DecidedItem]) -> bytes:
        encode = self._encoder.encode
        lines = [
            encode(decision) if ref is None else b'%b,"ref":"%b"}' % (encode(decision)[:-1], ref.encode())
            for ref, decision in decided
        ]
        lines.append(b"")
        return b"\n".join(lines)


def column_names(fields: Sequence[Field], recorded: bool) -> list[str]:
    """The flat columns of CSV and Parquet."""
    names = ["id", "action", "escalate", "rules", "reasons", "unknown"]
    return [*names, *(field.name for field in fields), "spans", "policy", *(["ref"] if recorded else [])]


class CsvEncoder:
    """Flat columns; lists are joined by `;`, spans are JSON, what is unknown is empty."""

    def __init__(self, fields: Sequence[Field], recorded: bool) -> None:
        self._signals = _values_of(fields)
        # Numbers and text go to the csv module as they are.
        self._special: list[tuple[int, Callable[[Any], str]]] = [
            (place, _truth if field.type is Type.BOOLEAN else ";".join)
            for place, field in enumerate(fields)
            if field.type in (Type.BOOLEAN, Type.TEXT_LIST)
        ]
        self._header = column_names(fields, recorded)
        self._recorded = recorded
        self._encode = msgspec.json.Encoder().encode

    def start(self) -> bytes:
        return self._csv([self._header])

    def rows(self, decided: Sequence[DecidedItem]) -> bytes:
        return self._csv([self._row(one) for one in decided])

    def _row(self, one: DecidedItem) -> list[Any]:
        ref, decision = one
        values = list(self._signals(decision.signals))
        for place, convert in self._special:
            if values[place] is not None:
                values[place] = convert(values[place])
        rules = decision.rules
        row = [
            decision.item_id,
            decision.action,
            "true" if decision.escalate else "false",
            ";".join([rule.name for rule in rules]) if rules else "",
            ";".join(dict.fromkeys([rule.reason for rule in rules])) if rules else "",
            ";".join([unknown.name for unknown in decision.unknown]) if decision.unknown else "",
            *values,
            self._encode(decision.spans).decode() if decision.spans else "[]",
            decision.policy,
        ]
        if self._recorded:
            row.append(ref)
        return row

    @staticmethod
    def _csv(rows: Sequence[Sequence[Value]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()


_SPAN = pa.struct(
    [
        ("signal", pa.string()),
        ("field", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("label", pa.string()),
    ]
)
_ARROW = {
    Type.BOOLEAN: pa.bool_(),
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.TEXT: pa.string(),
    Type.TEXT_LIST: pa.list_(pa.string()),
}


class ParquetEncoder:
    """Typed flat columns; rules, reasons, unknown and spans are lists.

    What is appended is an Arrow stream, which can be cut at any batch; `join` makes Parquet of it.
    """

    def __init__(self, fields: Sequence[Field], recorded: bool, versions: Mapping[str, str]) -> None:
        self._signals = _values_of(fields)
        self._types = [field.type for field in fields]
        strings = pa.list_(pa.string())
        types = [pa.string(), pa.string(), pa.bool_(), strings, strings, strings]
        types += [*(_ARROW[field.type] for field in fields), pa.list_(_SPAN), pa.string(), pa.string()]
        self._schema = pa.schema(
            list(zip(column_names(fields, recorded), types, strict=False)),
            metadata={"holdfast.versions": msgspec.json.encode(versions)},
        )
        self._recorded = recorded

    def start(self) -> bytes:
        return bytes(self._schema.serialize())

    def rows(self, decided: Sequence[DecidedItem]) -> bytes:
        if not decided:
            return b""
        decisions = [one.decision for one in decided]
        signals = zip(*(self._signals(d.signals) for d in decisions), strict=True)
        columns = [
            pa.array([d.item_id for d in decisions]),
            pa.array([d.action for d in decisions]),
            pa.array([d.escalate for d in decisions]),
            _lists([[rule.name for rule in d.rules] for d in decisions]),
            _lists([list(dict.fromkeys([rule.reason for rule in d.rules])) for d in decisions]),
            _lists([[unknown.name for unknown in d.unknown] for d in decisions]),
            *(
                _lists(column) if kind is Type.TEXT_LIST else pa.array(column, _ARROW[kind])
                for column, kind in zip(signals, self._types, strict=True)
            ),
            _spans([d.spans for d in decisions]),
            pa.array([d.policy for d in decisions]),
        ]
        if self._recorded:
            columns.append(pa.array([one.ref for one in decided]))
        batch = pa.record_batch(columns, schema=self._schema)
        sink = io.BytesIO()
        # Not closed: that would write the mark of the stream's end.
        writer = pa.ipc.new_stream(sink, self._schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
        writer.write_batch(batch)
        return sink.getvalue()[len(self.start()) :]

    def join(self, spool: Path, out: Path) -> None:
        """Write the Parquet file `out` from `spool`, one row group at a time. The same rows give the
        same bytes, wherever a run was cut."""
        with (
            pa.OSFile(str(spool)) as source,
            pq.ParquetWriter(out, self._schema, compression="zstd", write_page_index=True) as writer,
        ):
            for group in _groups(pa.ipc.open_stream(source), ROW_GROUP):
                writer.write_table(group, row_group_size=ROW_GROUP)


def _groups(batches: Iterator[Any], size: int) -> Iterator[Any]:
    held: list[Any] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        while rows >= size:
            table = pa.Table.from_batches(held)
            yield table.slice(0, size).combine_chunks()
            held = table.slice(size).to_batches()
            rows -= size
    if rows:
        yield pa.Table.from_batches(held).combine_chunks()


def _lists(lists: Sequence[Sequence[str] | None]) -> Any:
    """A column of lists of text, several times as fast as Arrow's own way from Python's lists."""
    if None in lists:
        return pa.array(lists, pa.list_(pa.string()))
    values: list[str] = list(chain.from_iterable(lists))  # type: ignore[arg-type]
    return pa.ListArray.from_arrays(_offsets(lists), pa.array(values, pa.string()))


def _spans(lists: Sequence[Sequence[Span]]) -> Any:
    spans = list(chain.from_iterable(lists))
    flat = pa.StructArray.from_arrays(
        [pa.array([getattr(span, field.name) for span in spans], field.type) for field in _SPAN],
        fields=list(_SPAN),
    )
    return pa.ListArray.from_arrays(_offsets(lists), flat)


def _offsets(lists: Sequence[Sequence[Any] | None]) -> Any:
    return pa.array(list(accumulate((len(one or ()) for one in lists), initial=0)), pa.int32())


def _values_of(fields: Sequence[Field]) -> Callable[[Mapping[str, Value]], Sequence[Value]]:
    """A function that gives the fields' values in order."""
    names = [field.name for field in fields]
    if len(names) < 2:
        return lambda signals: [signals[name] for name in names]
    return itemgetter(*names)


def make_encoder(
    format: OutFormat, fields: Sequence[Field], recorded: bool, versions: Mapping[str, str]
) -> Encoder:
    if format == "jsonl":
        return JsonlEncoder()
    if format == "csv":
        return CsvEncoder(fields, recorded)
    return ParquetEncoder(fields, recorded, versions)


def format_of(out: Path) -> OutFormat:
    """The format that a file's ending asks for. Raises `InvalidInput`."""
    format = OUT_SUFFIXES.get(out.suffix.lower())
    if format is None:
        raise InvalidInput(
            "has an ending that names no format", where=f"--out {out}", expected=", ".join(OUT_SUFFIXES)
        )
    return format


def _truth(value: object) -> str:
    return "true" if value else "false"
