"""CSV and TSV: what is hostile or merely untidy costs its own row and no other."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bulk.samples import read, rows_of, told

from holdfast.bulk.read_csv import CsvReader
from holdfast.bulk.rows import InvalidInput, Rejected
from holdfast.content import Item

cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=12)


class Dribble:
    """A source that gives a few bytes at a time, so that every boundary is met."""

    def __init__(self, data: bytes, seed: int = 0) -> None:
        self._stream = io.BytesIO(data)
        self._random = random.Random(seed)

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._random.randint(1, 9)))


@settings(max_examples=100, deadline=None)
@given(st.lists(cells, min_size=1, max_size=12), st.integers(0, 5))
def test_what_the_csv_module_writes_is_read_back(texts: list[str], seed: int) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "text"])
    writer.writerows([f"r{n}", text] for n, text in enumerate(texts))
    reader = CsvReader(Dribble(out.getvalue().encode(), seed))
    assert [row.text for row in reader.rows() if isinstance(row, Item)] == texts


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["id,text\n", "1,a\n", '2,"b\nc"\n', '"', "\r", ",", "\n", "é\n"]), max_size=30),
    st.integers(0, 3),
)
def test_nothing_that_comes_is_a_crash_and_rows_are_counted(parts: list[str], seed: int) -> None:
    data = b"id,text\n" + "".join(parts).encode()
    rows = list(CsvReader(Dribble(data, seed), limit=64).rows())
    assert told(rows) == told(list(CsvReader(Dribble(data, seed + 1), limit=64).rows()))
    for skip in (1, len(rows) // 2):
        assert told(list(CsvReader(Dribble(data, seed), limit=64).rows(skip))) == told(rows[skip:])


def test_a_stray_quote_costs_its_line(tmp_path: Path) -> None:
    rows = read(tmp_path, "a.csv", b'id,text\n1,a\n2,"stray\n3,b\n4,c\n')
    assert told(rows) == ["1:a", "3!opens a quote that never closes", "3:b", "4:c"]


def test_a_stray_quote_far_from_the_end_costs_its_line() -> None:
    lines = b"".join(b"%d,row\n" % n for n in range(3, 400))
    reader = CsvReader(Dribble(b'id,text\n1,a\n2,"stray\n' + lines), limit=512)
    rows = told(list(reader.rows()))
    assert rows[:3] == ["1:a", "3!opens a quote that never closes", "3:row"]
    assert len(rows) == 399


@pytest.mark.parametrize("filler", [b"some words here\n", b"no line feed in this, "])
def test_a_long_cell_is_one_rejected_row(filler: bytes) -> None:
    data = b'id,text\n1,a\n2,"' + filler * 200 + b'"\n3,b\n'
    rows = list(CsvReader(Dribble(data), limit=512).rows())
    assert [row.kind if isinstance(row, Rejected) else row.id for row in rows] == ["1", "is too long", "3"]


def test_ten_megabytes_in_a_line(tmp_path: Path) -> None:
    big = b"x" * 10_000_000
    rows = read(tmp_path, "a.csv", b"id,text\n1,a\n2," + big + b'\n3,"' + big + b'\nmore, of it"\n4,b\n')
    assert told(rows) == ["1:a", "3!is too long", "4!is too long", "4:b"]
    assert isinstance(rows[1], Rejected)
    assert rows[1].found == "10,000,003 bytes"


@pytest.mark.parametrize("limit", [4_096, 8 * 1024 * 1024])
def test_hostile_quotes_are_read_in_linear_time(limit: int) -> None:
    # Every line leaves a quote open, whichever line one starts at.
    reader = CsvReader(io.BytesIO(b"id,text\n" + b'a"b,"c\n' * 300_000), limit=limit)
    assert all(isinstance(row, Rejected) for row in reader.rows())


def test_invalid_bytes_cost_their_row_and_are_located(tmp_path: Path) -> None:
    rows = read(tmp_path, "a.csv", 'id,text\n1,hé\n2,ok\n3,"x\ny\xff"\n4,ok\n'.encode("latin-1"))
    assert told(rows) == ["2!is not UTF-8", "2:ok", "4!is not UTF-8", "4:ok"]
    assert [row.found for row in rows if isinstance(row, Rejected)] == [
        "byte 11 of the input",
        "byte 24 of the input",
    ]
    assert "--encoding" in str(rows[0].next_step)  # type: ignore[union-attr]


def test_encodings(tmp_path: Path) -> None:
    text = "id,text\n1,hé€\n2,ok\n"
    assert told(read(tmp_path, "a.csv", text.encode("cp1252"), encoding="cp1252")) == ["1:hé€", "2:ok"]
    assert told(read(tmp_path, "a.csv", text.encode("utf-8-sig"))) == ["1:hé€", "2:ok"]
    assert told(read(tmp_path, "a.csv", text.encode("utf-16"))) == ["1:hé€", "2:ok"]
    assert told(read(tmp_path, "a.csv", b"id,text\n1,\x81\n2,ok\n", encoding="cp1252")) == [
        "2!is not UTF-8",
        "2:ok",
    ]
    with pytest.raises(InvalidInput, match="is not an encoding"):
        read(tmp_path, "a.csv", b"id,text\n", encoding="klingon")


def test_line_ends_nul_bytes_and_blank_lines(tmp_path: Path) -> None:
    rows = read(tmp_path, "a.csv", b'\r\nid,text\r\n1,a\0b\r\n\r\n2,"c\r\nd"\r\n3,e\rf\r\n4,g')
    assert told(rows) == ["1:a\0b", "2:c\r\nd", "7!holds a bare carriage return outside quotes", "4:g"]
    assert told(read(tmp_path, "a.csv", b"id,text\r1,a\r2,b\r")) == ["1:a", "2:b"]


def test_ragged_rows(tmp_path: Path) -> None:
    rows = read(tmp_path, "a.csv", b"id,text\n1,a,b\n2\n3,c\n")
    assert told(rows) == [
        "2!has another number of cells than the header",
        "3!has another number of cells than the header",
        "3:c",
    ]


def test_delimiters(tmp_path: Path) -> None:
    assert told(read(tmp_path, "a.csv", b"id;text\n1;a,b\n")) == ["1:a,b"]
    assert told(read(tmp_path, "a.tsv", b"id\ttext\n1\ta,b\n")) == ["1:a,b"]
    assert told(read(tmp_path, "unknown", b"id\ttext\n1\ta,b\n")) == ["1:a,b"]


def test_an_empty_text_is_an_item_and_an_absent_id_is_the_row(tmp_path: Path) -> None:
    assert told(read(tmp_path, "a.csv", b'id,text\n,""\nx,\n,NaN\n')) == ["1:", "x:", "3:NaN"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\r\n", "is empty"),
        (b"id,body,lang\n1,a,b\n", "did you mean 'body'? Then add: --text-column body"),
        (b"id,txet\n1,a\n", "did you mean 'txet'"),
        (b"a first comment which goes on, and on\nx\n", "add a first line that names the columns"),
        (b"text,text\na,b\n", "text, twice"),
        (b"text,author_id,author\na,b,c\n", "author_id, author"),
        (b"text,author_created_at\na,b\n", "--author-column"),
        (b"i\xffd,text\n", "is not UTF-8"),
        (b"x" * 9_000_000, "has no header"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, "a.csv", content)
    assert says in str(refused.value)
    assert "goes on" not in str(refused.value)  # a file without a header has content there


def test_other_names_for_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,body,who\nold,new,ann\n")
    (row,) = rows_of(path, mapping={"text": "body", "author": "who"})
    assert isinstance(row, Item)
    assert row.text == "new"
    assert row.author is not None
    assert row.author.id == "ann"
    with pytest.raises(InvalidInput, match="has no column 'nobody'"):
        rows_of(path, mapping={"author": "nobody"})
