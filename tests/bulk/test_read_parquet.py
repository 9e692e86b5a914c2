"""Parquet: typed columns, nested or flat; what cannot be a value costs its row."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.bulk.samples import rows_of, told

from holdfast.bulk.rows import InvalidInput, Rejected
from holdfast.content import Account, Item

NOON = datetime(2024, 5, 31, 12, tzinfo=UTC)


def write(folder: Path, **columns: Any) -> Path:
    path = folder / "a.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_values_of_every_type(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        score=pa.array([1.5, float("nan")]),
        text=pa.array(["a", "b"]).dictionary_encode(),
        id=pa.array([10, 2**60]),
        created_at=pa.array([NOON, None], pa.timestamp("ns", "Europe/Paris")),
        author=pa.array([{"id": "u", "verified": True, "colour": "red"}, None]),
        context=pa.array([[("room", 7)], None], pa.map_(pa.string(), pa.int64())),
    )
    assert rows_of(path) == [
        Item(id="10", text="a", created_at=NOON, author=Account(id="u", verified=True), context={"room": 7}),
        Item(id=str(2**60), text="b"),
    ]


def test_null_is_missing_and_empty_is_not(tmp_path: Path) -> None:
    rows = rows_of(write(tmp_path, text=["a", None, ""]))
    assert told(rows) == ["1:a", "2!text is missing", "3:"]
    assert isinstance(rows[1], Rejected)
    assert rows[1].line is None


def test_what_cannot_be_a_value_costs_its_row(tmp_path: Path) -> None:
    text = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"\xffb")]
    )
    times = pa.array([0, 10**15], pa.timestamp("s"))
    rows = rows_of(write(tmp_path, text=pa.chunked_array([text, pa.array(["c"])]), id=["x", "y", "z"]))
    assert told(rows) == ["1!text cannot be read", "y:b", "z:c"]
    path = tmp_path / "times.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "created_at": times}), path, version="2.6")
    assert [row.kind if isinstance(row, Rejected) else row.id for row in rows_of(path)] == [
        "1",
        "created_at cannot be read",
    ]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"text": [1.0, float("nan")]}, "does not hold text"),
        ({"body": ["a"]}, "--text-column body"),
    ],
)
def test_columns_that_will_not_do(tmp_path: Path, columns: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        rows_of(write(tmp_path, **columns))
    assert says in str(refused.value)


def test_a_damaged_file(tmp_path: Path) -> None:
    path = write(tmp_path, text=["some text"] * 1_000, id=[str(n) for n in range(1_000)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(InvalidInput, match="is not a Parquet file that can be read"):
        rows_of(path)
    path.write_bytes(b"PAR1" + b"\xff" * (len(whole) // 2) + whole[4 + len(whole) // 2 :])
    with pytest.raises(InvalidInput, match="is not a Parquet file that can be read"):
        rows_of(path)
