"""Opening: by ending, by first bytes, packed, from a pipe; and what a file is called when it is not there."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.bulk.samples import read, rows_of, told

from holdfast.bulk.readers import open_reader
from holdfast.bulk.rows import InvalidInput

CSV = b"id,text\n1,a\n2,b\n"
JSONL = b'{"id": 1, "text": "a"}\n{"id": 2, "text": "b"}\n'


@pytest.mark.parametrize("content", [CSV, CSV.replace(b",", b"\t"), JSONL, b"\n \n" + JSONL])
def test_a_pipe_is_sniffed(content: bytes) -> None:
    assert told(rows_of("-", stdin=io.BytesIO(content))) == ["1:a", "2:b"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", gzip.compress(CSV, mtime=0)),
        ("a.jsonl.gz", gzip.compress(JSONL, mtime=0)),
        ("a.csv.zst", pa.compress(CSV, "zstd", asbytes=True)),
        ("really-gzip.csv", gzip.compress(CSV, mtime=0)),
        ("two-members.csv.gz", gzip.compress(CSV[:10], mtime=0) + gzip.compress(CSV[10:], mtime=0)),
        ("no-ending", JSONL),
    ],
)
def test_packed_and_unnamed(tmp_path: Path, name: str, content: bytes) -> None:
    assert told(read(tmp_path, name, content)) == ["1:a", "2:b"]


def test_the_format_can_be_said(tmp_path: Path) -> None:
    assert told(read(tmp_path, "a.txt", JSONL, format="jsonl")) == ["1:a", "2:b"]
    with pytest.raises(InvalidInput, match="is not JSON lines"):
        read(tmp_path, "a.csv", CSV, format="jsonl")
    path = tmp_path / "a.csv"
    pq.write_table(pa.table({"text": ["a"]}), path)
    with pytest.raises(InvalidInput, match="is a Parquet file"):
        rows_of(path)
    with pytest.raises(InvalidInput, match="is a Parquet file"):
        rows_of("-", stdin=io.BytesIO(path.read_bytes()))
    path.rename(tmp_path / "b")
    assert told(rows_of(tmp_path / "b")) == ["1:a"]


def test_cut_short(tmp_path: Path) -> None:
    packed = gzip.compress(b"id,text\n" + b"".join(b"%d,a\n" % n for n in range(50_000)))
    with pytest.raises(InvalidInput, match="is damaged or cut short"):
        read(tmp_path, "a.csv.gz", packed[:-100])


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "comments.csv").write_bytes(CSV)
    with pytest.raises(InvalidInput, match=r"did you mean .*comments\.csv"):
        open_reader(tmp_path / "coments.csv")
    with pytest.raises(InvalidInput, match="is a folder"):
        open_reader(tmp_path)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_what_feeds_an_item_may_be_said_once_the_columns_are_known(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    if ending == "parquet":
        pq.write_table(pa.table({"id": ["1"], "words": ["a"]}), path)
    else:
        path.write_bytes(
            {"csv": b"id;words\n1;a\n", "tsv": b"id\twords\n1\ta\n", "jsonl": b'{"id": 1, "words": "a"}'}[
                ending
            ]
        )
    asked: list[tuple[str, ...]] = []

    def mapping(columns: Sequence[str]) -> dict[str, str]:
        asked.append(tuple(columns))
        return {"text": "words"} if "words" in columns else {}

    assert told(rows_of(path, mapping=mapping)) == ["1:a"]
    assert asked[-1] == ("id", "words")


def test_the_place_in_the_file_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV, mtime=0))
    reader = open_reader(tmp_path / "a.csv.gz")
    list(reader.rows())
    assert reader.position == reader.size == (tmp_path / "a.csv.gz").stat().st_size
    reader.close()


@pytest.mark.parametrize("encoding", [None, "utf-16"])
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("content", [CSV, JSONL])
def test_utf16_without_a_mark(tmp_path: Path, encoding: str | None, order: str, content: bytes) -> None:
    rows = read(tmp_path, "a.txt", content.decode().encode(order), encoding=encoding)
    assert told(rows) == ["1:a", "2:b"]


def test_utf32_with_and_without_a_mark(tmp_path: Path) -> None:
    for packed in ("utf-32", "utf-32-le"):
        rows = read(tmp_path, "a.csv", CSV.decode().encode(packed), encoding="utf-32")
        assert told(rows) == ["1:a", "2:b"]


@pytest.mark.parametrize("encoding", ["nonsense", "base64", "hex", "rot13", "idna", "punycode", "undefined"])
def test_what_is_no_encoding_of_text(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(InvalidInput, match="--encoding: is not an encoding"):
        read(tmp_path, "a.csv", CSV, encoding=encoding)


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_spreadsheet_is_called_one(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(InvalidInput, match="save the sheet as CSV"):
        read(tmp_path, "a.xlsx", head + bytes(100))
