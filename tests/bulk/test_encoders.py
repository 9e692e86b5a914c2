"""Every output format says the same about the same decisions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from holdfast.bulk.encoders import (
    ROW_GROUP,
    CsvEncoder,
    JsonlEncoder,
    ParquetEncoder,
    column_names,
    format_of,
)
from holdfast.bulk.rows import InvalidInput
from holdfast.decider import DecidedItem
from holdfast.decision import Decision, Fired, Span, Unknown
from holdfast.schema import Field, Type, Value

FIELDS = (
    Field(name="text.links", type=Type.INTEGER, doc=""),
    Field(name="share", type=Type.NUMBER, doc="", nullable=True),
    Field(name="language", type=Type.TEXT, doc="", nullable=True),
    Field(name="kinds", type=Type.TEXT_LIST, doc=""),
    Field(name="flag", type=Type.BOOLEAN, doc="", nullable=True),
)
VERSIONS = {"text": "1", "language": "2"}


def decision(name: str, signals: Sequence[Value], fired: bool = False) -> Decision:
    return Decision(
        item_id=name,
        action="hold" if fired else "allow",
        escalate=fired,
        rules=(
            Fired(name="a", then="label", reason="spam", tells="", values={"text.links": 1}),
            Fired(name="b", then="hold", reason="spam", tells="", values={}, escalate=True),
        )
        if fired
        else (),
        unknown=(Unknown(name="c", missing=("author.age_days",)),),
        signals=dict(zip((field.name for field in FIELDS), signals, strict=True)),
        spans=(Span(signal="text", start=1, end=3, label='a "b", c'),) if fired else (),
        policy="trial@0",
        versions=VERSIONS,
    )


DECIDED = [
    DecidedItem("1", decision('x,"y"\n', [1, 0.25, "en", ["a", "b"], True], fired=True)),
    DecidedItem("2.0", decision("é", [0, None, None, [], None])),
]


def test_jsonl_is_the_decision_and_its_reference() -> None:
    lines = JsonlEncoder().rows(DECIDED).splitlines()
    assert [msgspec.json.decode(line, type=Decision) for line in lines] == [d for _, d in DECIDED]
    assert [json.loads(line)["ref"] for line in lines] == ["1", "2.0"]
    assert list(json.loads(lines[0])) == [
        "id", "action", "escalate", "rules", "unknown", "signals", "spans", "policy", "versions", "ref",
    ]  # fmt: skip
    unrecorded = JsonlEncoder().rows([DecidedItem(None, one.decision) for one in DECIDED])
    assert "ref" not in json.loads(unrecorded.splitlines()[0])


def test_csv_is_flat() -> None:
    encoder = CsvEncoder(FIELDS, recorded=True)
    text = (encoder.start() + encoder.rows(DECIDED)).decode()
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert json.loads(first.pop("spans")) == [
        {"signal": "text", "start": 1, "end": 3, "label": 'a "b", c', "field": "text"}
    ]
    assert first == {
        "id": 'x,"y"\n', "action": "hold", "escalate": "true", "rules": "a;b", "reasons": "spam", "unknown": "c",
        "text.links": "1", "share": "0.25", "language": "en", "kinds": "a;b", "flag": "true",
        "policy": "trial@0", "ref": "1",
    }  # fmt: skip
    assert [second[name] for name in ("share", "language", "kinds", "flag", "spans")] == [
        "",
        "",
        "",
        "",
        "[]",
    ]


def test_parquet_is_flat_and_typed(tmp_path: Path) -> None:
    encoder = ParquetEncoder(FIELDS, True, VERSIONS)
    spool = tmp_path / "spool"
    spool.write_bytes(encoder.start() + encoder.rows(DECIDED) + encoder.rows([]))
    encoder.join(spool, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names == column_names(FIELDS, recorded=True)
    assert json.loads(table.schema.metadata[b"holdfast.versions"]) == VERSIONS
    first, second = table.to_pylist()
    assert first["rules"] == ["a", "b"]
    assert first["reasons"] == ["spam"]
    assert first["spans"][0]["label"] == 'a "b", c'
    assert (first["text.links"], first["share"], first["kinds"], first["flag"]) == (1, 0.25, ["a", "b"], True)
    assert (second["share"], second["language"], second["flag"], second["ref"]) == (None, None, None, "2.0")


def test_parquet_bytes_hang_on_the_rows_alone(tmp_path: Path) -> None:
    encoder = ParquetEncoder(FIELDS, True, VERSIONS)
    rows = DECIDED * (ROW_GROUP // 2 + 700)
    written = []
    for size in (977, 4_001):
        spool = tmp_path / f"{size}.spool"
        with spool.open("wb") as file:
            file.write(encoder.start())
            for start in range(0, len(rows), size):
                file.write(encoder.rows(rows[start : start + size]))
        encoder.join(spool, tmp_path / "out.parquet")
        written.append((tmp_path / "out.parquet").read_bytes())
        assert pq.ParquetFile(tmp_path / "out.parquet").metadata.num_row_groups == 2
    assert written[0] == written[1]


def test_no_rows_are_a_file_with_columns(tmp_path: Path) -> None:
    encoder = ParquetEncoder(FIELDS, False, VERSIONS)
    (tmp_path / "spool").write_bytes(encoder.start())
    encoder.join(tmp_path / "spool", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").column_names == column_names(FIELDS, recorded=False)


def test_the_ending_says_the_format() -> None:
    assert [format_of(Path(name)) for name in ("a.jsonl", "b.CSV", "c.x.parquet")] == [
        "jsonl",
        "csv",
        "parquet",
    ]
    with pytest.raises(InvalidInput, match=r"\.parquet"):
        format_of(Path("out.xlsx"))
