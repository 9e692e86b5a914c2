"""JSONL: one JSON object a line, flat or in the shape of the API's items."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from holdfast.bulk.cells import Builder
from holdfast.bulk.columns import CONTEXT, NAMES, Chosen, Use, chosen, resolve
from holdfast.bulk.lines import Block, Source, TooLong, blocks, invalid_byte
from holdfast.bulk.rows import HINT, ROW_LIMIT, Found, InvalidInput, Rejected, Row, rejected
from holdfast.content import Item, Surface
from holdfast.errors import InvalidItem
from holdfast.schema import Field, Type

Plain = bool | int | float | str | None
_AccountCell = msgspec.defstruct(
    "_AccountCell",
    [
        ("id", str | int | None, None),
        ("created_at", str | int | float | None, None),
        ("followers", int | float | str | None, None),
        ("verified", bool | int | str | None, None),
        ("followed_by_target", bool | int | str | None, None),
        ("trusted_by_target", bool | int | str | None, None),
    ],
)
_TYPES: dict[str, Any] = {
    "id": str | int | None,
    "created_at": str | int | float | None,
    "author": str | int | _AccountCell | None,
    "target": str | int | _AccountCell | None,
    "followers": int | float | str | None,
    "verified": bool | int | str | None,
    "followed_by_target": bool | int | str | None,
    "trusted_by_target": bool | int | str | None,
    CONTEXT: dict[str, Plain] | None,
}
_ALWAYS = tuple(
    name
    for name, target in NAMES.items()
    if name == target or name == target.replace(".created_at", "_created_at")
)
"""Names that are understood even where the first lines do not show them: one for each property."""

_OBJECT = msgspec.json.Decoder(dict[str, Any])
_DEPTH = 5  # of names
_NAME_CHARACTERS = 64
_SEEN_LINES = 1_000
_WRONG_TYPE = re.compile(r"Expected `(.+?)`, got `(.+?)`(?: - at `\$\.?(.*)`)?")
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonlReader:
    """Rows of JSON lines. Unknown keys are ignored; a line that is not such an object is rejected.

    Other names for columns, `context.NAME` keys and the columns that no property takes are those of
    the first 1,000 lines. With `unnest`, what is in an object within a line's object is a column with a dotted name
    (`author.id`).
    """

    def __init__(
        self,
        source: Source,
        *,
        mapping: Chosen | None = None,
        surface: Surface = "comment",
        inputs: Sequence[Field] = (),
        check: Callable[[Item], None] | None = None,
        where: str = "input",
        limit: int = ROW_LIMIT,
        unnest: bool = False,
    ) -> None:
        self._limit = limit
        self._unnest = unnest
        self._blocks: Iterator[Block | TooLong] = blocks(source, limit)
        seen = self._look(where)
        mapping = chosen(mapping, seen)
        names = [field.name for field in inputs]
        uses = resolve(seen, mapping, names, where) if seen else []
        taken = {use.property for use in uses}
        columns = [use.column for use in uses]
        for name in chain(mapping.values(), _ALWAYS, names):
            if name not in columns:
                columns.append(name)
        extended = [*uses]
        for column in columns[len(uses) :]:
            target = next((p for p, c in mapping.items() if c == column), NAMES.get(column))
            target = target or f"{CONTEXT}.{column}"
            if target not in taken:
                taken.add(target)
                extended.append(Use(target, column, 0))
        uses = [Use(name, column, cell) for cell, (name, column, _) in enumerate(extended)]
        lists = {f"{CONTEXT}.{field.name}" for field in inputs if field.type is Type.TEXT_LIST}
        line = _row_type(uses, lists)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(line).decode
        if unnest:
            self._decode = lambda data: msgspec.convert(_unnested(_OBJECT.decode(data)), line)
        self._builder = Builder(uses, surface, inputs, check)
        shown = [use for use in uses if use.column in seen]
        used = {use.column for use in shown}
        self.found = Found(
            "jsonl",
            {use.property: use.column for use in shown},
            tuple(name for name in seen if name not in used),
        )

    def rows(self, skip: int = 0) -> Iterator[Row]:
        row = 0
        decode, build, cells_of = self._decode, self._builder.build, msgspec.structs.astuple
        for block in self._blocks:
            if isinstance(block, TooLong):
                row += 1
                if row > skip:
                    yield Rejected(
                        line=block.line,
                        row=row,
                        reason="is too long",
                        found=f"{block.size:,} bytes",
                        expected=f"at most {self._limit:,} bytes",
                    )
                continue
            for line, data in enumerate(block.data.split(b"\n"), block.line):
                if not data or data.isspace():
                    continue
                row += 1
                if row <= skip:
                    continue
                try:
                    yield build(cells_of(decode(data)), row)
                except InvalidItem as error:
                    yield rejected(error, row, line)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                    yield rejected(_refused(error, data, block, line), row, line)

    def _look(self, where: str) -> list[str]:
        """The keys of the first lines, in order. Raises `InvalidInput` for what cannot be JSON lines."""
        first = next(self._blocks, None)
        while isinstance(first, Block) and not first.data.strip():
            first = next(self._blocks, None)
        if first is None:
            raise InvalidInput("is empty", where=where, expected="one JSON object a line")
        self._blocks = chain((first,), self._blocks)
        if isinstance(first, TooLong):
            return []
        start = first.data.lstrip()[:1]
        if start == b"[":
            raise InvalidInput(
                "is a JSON array, or a row of one",
                where=where,
                expected="one JSON object a line",
                next_step="rewrite it: jq -c '.[]' FILE.json > FILE.jsonl",
            )
        if start != b"{":
            raise InvalidInput(
                "is not JSON lines",
                where=where,
                expected="one JSON object a line",
                next_step="if it is another format, name it: --format csv, tsv or parquet",
            )
        keys: dict[str, None] = {}
        decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
        for data in islice(first.data.split(b"\n"), _SEEN_LINES):
            try:
                found = _unnested(_OBJECT.decode(data)) if self._unnest else decoder.decode(data)
                keys.update(dict.fromkeys(found))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue
        return list(keys)


def _row_type(uses: Sequence[Use], lists: Container[str]) -> type[msgspec.Struct]:
    """A struct with one attribute for each used column; everything else in a line is skipped unread."""
    fields: list[tuple[str, Any, Any]] = []
    for name, _, cell in uses:
        account, _, fact = name.partition(".")
        if account == CONTEXT and fact:
            kind: Any = Plain | list[Plain] if name in lists else Plain
        else:
            kind = _TYPES.get(fact or name, str | None)
        fields.append((f"cell_{cell}", kind, None))
    return msgspec.defstruct("Line", fields, rename={f"cell_{use.cell}": use.column for use in uses})


def _unnested(line: Mapping[str, Any]) -> dict[str, Any]:
    """What lies in no further object, by the names that lead to it, joined by dots; lists within objects are left out.
    Objects with long names, or deep down, stay whole: else a line could make names far longer than itself."""
    found: dict[str, Any] = {}

    def put(names: tuple[str, ...], value: object) -> None:
        if isinstance(value, dict) and len(names) < _DEPTH and len(names[-1]) <= _NAME_CHARACTERS:
            for name, inner in value.items():
                put((*names, name), inner)
        elif len(names) == 1 or not isinstance(value, list):
            found[".".join(names)] = value

    for name, value in line.items():
        put((name,), value)
    return found


def _refused(error: Exception, data: bytes, block: Block, line: int) -> InvalidItem:
    at = invalid_byte(data)
    if at is not None:
        offset = block.offset + sum(len(other) + 1 for other in block.data.split(b"\n")[: line - block.line])
        return InvalidItem("is not UTF-8", value=f"byte {offset + at:,} of the input", next_step=HINT)
    if isinstance(error, RecursionError):
        return InvalidItem("nests too deeply")
    if isinstance(error, msgspec.ValidationError):
        told = _WRONG_TYPE.match(str(error))
        if told is None:
            return InvalidItem("holds a number out of range")
        expected, found, path = told.groups()
        if path is None:
            return InvalidItem("is not a JSON object", value=found, expected="an object, in braces")
        return InvalidItem(
            "has the wrong type", where=path, value=found, expected=expected.replace(" | ", ", ")
        )
    if b"\\ud" in data.lower() and _SURROGATE.search(_decoded_loosely(data)):
        return InvalidItem(
            "holds half of a surrogate pair",
            expected="text that can be written as UTF-8",
            next_step="pair the surrogates, or replace the lone one by \\ufffd",
        )
    place = re.search(r"\(byte (\d+)\)", str(error))
    return InvalidItem(
        "is not valid JSON",
        value=f"byte {place[1]} of the line" if place else "the line ends too early",
    )


def _decoded_loosely(data: bytes) -> str:
    """All strings of a line, with the lone surrogates that only the standard library lets through."""
    try:
        return json.dumps(json.loads(data), ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
