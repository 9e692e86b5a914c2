"""JSON lines: flat or in the API's shape; a bad line costs itself."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bulk.samples import read, told

from holdfast.bulk.read_jsonl import JsonlReader
from holdfast.bulk.rows import InvalidInput, Rejected
from holdfast.content import Account, Item


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=20), min_size=1, max_size=10),
    st.booleans(),
)
def test_what_json_writes_is_read_back(texts: list[str], ascii_only: bool) -> None:
    data = "\n".join(json.dumps({"text": text}, ensure_ascii=ascii_only) for text in texts).encode()
    rows = list(JsonlReader(io.BytesIO(data)).rows())
    assert [row.text for row in rows if isinstance(row, Item)] == texts


def test_the_shape_of_the_api_and_flat_keys_are_one(tmp_path: Path) -> None:
    nested = {
        "id": "1", "text": "a", "created_at": "2024-05-31T18:00:00Z",
        "author": {"id": "u", "created_at": "2024-05-30", "followers": 3, "followed_by_target": False},
        "target": {"id": "c"}, "context": {"room": 7}, "label": [1],
    }  # fmt: skip
    flat = {
        "id": 1, "text": "a", "created_at": 1717178400000, "author": "u", "author_created_at": 1717027200,
        "author.followers": 3, "author.followed_by_target": False, "target_id": "c", "context.room": 7,
    }  # fmt: skip
    lines = "".join(json.dumps(row) + "\n" for row in (nested, flat)).encode()
    expected = Item(
        id="1",
        text="a",
        created_at=datetime(2024, 5, 31, 18, tzinfo=UTC),
        author=Account(
            id="u", created_at=datetime(2024, 5, 30, tzinfo=UTC), followers=3, followed_by_target=False
        ),
        target=Account(id="c"),
        context={"room": 7},
    )
    for shape in (nested, flat):
        assert read(tmp_path, "a.jsonl", json.dumps(shape).encode()) == [expected]
    with pytest.raises(InvalidInput, match="two columns"):
        read(tmp_path, "a.jsonl", lines)


def test_each_bad_line_is_one_rejected_row(tmp_path: Path) -> None:
    lines = [
        b'{"text": "good"}',
        b'{"text": "\\ud800"}',
        b'{"text": "\\udc00\\ud83d"}',
        b"",
        b'{"text": null}',
        b'{"id": 1}',
        b"[1]",
        b'{"text": 5}',
        b'{"text": NaN}',
        b'{"text": "x\xff"}',
        b"nope",
        b'{"text": "open',
        b'{"text": "a\0b"}',
        b'{"text": "a", "created_at": "soon"}',
        b'{"text": "a", "created_at": 2024}',
        b'{"text": "a", "surface": "coment"}',
        b'{"text": "a", "author": {"followers": 3}}',
        b'{"text": "a", "author": {"id": "u", "followers": "many"}}',
        b'{"text": "a", "id": ""}',
        b'{"text": ' + b"[" * 100_000,
        b'{"other": ' + b"[" * 100_000,
        b'{"text": "' + b"x" * 9_000_000 + b'"}',
        b'{"text": "' + b"x" * 70_000 + b'"}',
        b'{"text": "\\ud83d\\ude00"}',
    ]
    rows = read(tmp_path, "a.jsonl", b"\n".join(lines))
    assert told(rows) == [
        "1:good",
        "2!holds half of a surrogate pair",
        "3!holds half of a surrogate pair",
        "5!text is missing",
        "6!text is missing",
        "7!is not a JSON object",
        "8!text has the wrong type",
        "9!is not valid JSON",
        "10!is not UTF-8",
        "11!is not valid JSON",
        "12!is not valid JSON",
        "13!is not valid JSON",
        "14!created_at is not a time",
        "15!created_at is not a time",
        "16!surface is not a surface",
        "17!author has no id",
        "18!author.followers is not an integer",
        "18:a",
        "20!text has the wrong type",
        "21!nests too deeply",
        "22!is too long",
        "23!text is too long",
        "23:\U0001f600",
    ]
    assert not any("xx" in str(row) or "soon" in str(row) for row in rows if isinstance(row, Rejected))


def test_the_place_of_an_invalid_byte_is_the_files(tmp_path: Path) -> None:
    content = b'{"text": "a"}\n{"text": "x\xff"}\n'
    _, row = read(tmp_path, "a.jsonl", content)
    assert isinstance(row, Rejected)
    assert row.found == f"byte {content.index(0xFF)} of the input"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b'[{"text": "a"}]', "jq -c"),
        (b"id,text\n", "--format csv"),
        (b'{"body": "a"}\n', "--text-column body"),
    ],
)
def test_a_file_that_is_not_json_lines(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, "a.jsonl", content)
    assert says in str(refused.value)


def test_keys_may_come_late(tmp_path: Path) -> None:
    lines = [b'{"text": "a"}'] * 1_500 + [b'{"text": "b", "author": {"id": "u"}, "caption": "c"}']
    row = read(tmp_path, "a.jsonl", b"\n".join(lines))[-1]
    assert isinstance(row, Item)
    assert row.author == Account(id="u")
    assert row.caption == "c"


def test_what_lies_deeper_is_a_column_where_that_is_asked_for(tmp_path: Path) -> None:
    deep = {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}, "x" * 65: {"y": 1}}
    lines = [
        {"text": "a", "scores": {"one": {"value": 0.5, "parts": [{"at": 1}]}}, "context": {"room": {"no": 7}}, **deep},
        {"text": "b", "scores": {}, "author": {"id": "u"}},
        {"text": "c", "scores": {"one": {"value": [1]}}},
        {"text": {"deeper": "d"}},
    ]  # fmt: skip
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    seen: list[str] = []

    def mapping(columns: Sequence[str]) -> dict[str, str]:
        seen.extend(columns)
        return {"context.score": "scores.one.value"}

    rows = read(tmp_path, "a.jsonl", content, unnest=True, mapping=mapping)
    assert seen == [
        "text", "scores.one.value", "context.room.no", "a.b.c.d.e", "x" * 65, "author.id", "text.deeper",
    ]  # fmt: skip
    first, second = rows[:2]
    assert isinstance(first, Item) and isinstance(second, Item)
    assert first.context == {"score": 0.5, "room.no": 7}
    assert second.author == Account(id="u")
    assert told(rows[2:]) == ["3:c", "4!text is missing"]  # a list in there is no value
    assert isinstance(rows[2], Item) and rows[2].context == {}
