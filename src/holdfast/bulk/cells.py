"""Cells to items: the values of one row, as text or typed, become a validated `Item`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import Any

import msgspec

from holdfast.bulk.columns import ACCOUNT_PROPERTIES, CONTEXT, Use
from holdfast.content import SURFACES, Account, Item, Surface, validate_item
from holdfast.errors import InvalidItem
from holdfast.schema import Field, Type

Converter = Callable[[Any], Any]

UNIT = "\x1f"
"""Ends each of several values in one text: ASCII's unit separator, which no list of words holds."""
MOMENTS = "ISO 8601 (2024-05-31T18:00:00Z) or seconds or milliseconds since 1970"

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_FIRST_SECOND = 100_000_000  # 1973; a smaller number is a year, a serial day or a count, not a time
_FIRST_MILLISECOND = 100_000_000_000  # the year 5138 in seconds, 1973 in milliseconds
_LAST_MILLISECOND = 100_000_000_000_000
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})


_ACCOUNTS = 4_096  # few authors write much: what their cells make is remembered

_Fact = tuple[int, str, Converter, str]
_AccountPlan = tuple[str, str, list[int], list[_Fact], dict[tuple[Any, ...], Account | None]]


class Builder:
    """Builds items from rows whose cells stand as `uses` numbers them.

    An absent value is `None`, or an empty string in any cell but the text's. `inputs` types the
    context's values that a policy declares; others stay as they are. `check` may refuse an item with
    `InvalidItem`.
    """

    def __init__(
        self,
        uses: Sequence[Use],
        surface: Surface = "comment",
        inputs: Sequence[Field] = (),
        check: Callable[[Item], None] | None = None,
    ) -> None:
        declared = {field.name: field for field in inputs}
        self._columns = {use.property: use.column for use in uses}
        self._id = self._text = None
        self._item: list[_Fact] = []
        self._context: list[_Fact] = []
        self._whole_context: int | None = None
        accounts: dict[str, list[_Fact]] = {}
        for name, column, index in uses:
            account, _, fact = name.partition(".")
            if name == "id":
                self._id = index
            elif name == "text":
                self._text = index
            elif name == CONTEXT:
                self._whole_context = index
            elif account == CONTEXT:
                self._context.append((index, fact, _input(declared.get(fact)), column))
            elif account in ACCOUNT_PROPERTIES:
                accounts.setdefault(account, []).append((index, fact, _CONVERTERS.get(fact, _text), column))
            else:
                self._item.append((index, name, _CONVERTERS.get(name, _text), column))
        self._accounts: list[_AccountPlan] = []
        for name, parts in accounts.items():
            place = next(use.cell for use in uses if use.property == name)
            facts = [part for part in parts if part[1]]
            self._accounts.append(
                (name, self._columns[name], [place, *(fact[0] for fact in facts)], facts, {})
            )
        self._declared = {name: _input(field) for name, field in declared.items()}
        self._surface: Surface = surface
        self._check = check

    def build(self, cells: Sequence[Any], row: int) -> Item:
        """The item of row number `row`, which is its id where the row has none. Raises `InvalidItem`
        whose `where` is the column at fault."""
        text = cells[self._text]  # type: ignore[index]  # `resolve` sees to it that there is a text column
        if type(text) is not str:
            raise InvalidItem(
                "is missing" if text is None else "is not text",
                where=self._columns["text"],
                value="null" if text is None else type(text).__name__,
                expected="text (an empty one is fine)",
            )
        values: dict[str, Any] = {"text": text, "surface": self._surface}
        identity = None if self._id is None else cells[self._id]
        if identity is None or identity == "":
            values["id"] = str(row)
        else:
            values["id"] = (
                identity if type(identity) is str else _converted(_id, identity, self._columns["id"])
            )
        for index, name, convert, column in self._item:
            cell = cells[index]
            if cell is None or cell == "":
                continue
            values[name] = _converted(convert, cell, column)
        for name, column, places, facts, known in self._accounts:
            key = tuple([cells[place] for place in places])
            try:
                account = known.get(key)
            except TypeError:  # a nested account
                account = _account(cells, places[0], facts, column)
            else:
                if account is None:
                    account = _account(cells, places[0], facts, column)
                    if len(known) >= _ACCOUNTS:
                        known.clear()
                    known[key] = account
            if account is not None:
                values[name] = account
        if self._context or self._whole_context is not None:
            values["context"] = self._context_of(cells)
        try:
            item = validate_item(Item(**values))
            if self._check is not None:
                self._check(item)
            return item
        except InvalidItem as error:
            error.where = self._column_of(error.where)
            raise

    def _context_of(self, cells: Sequence[Any]) -> dict[str, Any]:
        context: dict[str, Any] = {}
        if self._whole_context is not None:
            column = self._columns[CONTEXT]
            for name, value in _mapping(cells[self._whole_context], column).items():
                convert = self._declared.get(name, _context_value)
                context[name] = None if value is None else _converted(convert, value, f"{column}.{name}")
        for index, name, convert, column in self._context:
            cell = cells[index]
            if cell is None or cell == "":
                continue
            context[name] = _converted(convert, cell, column)
        return context

    def _column_of(self, where: str | None) -> str | None:
        """The column behind `item.author.id` and the like."""
        if where is None:
            return None
        name = where.removeprefix("item.")
        return self._columns.get(name) or self._columns.get(name.removesuffix(".id"), name)


def moment(value: object) -> datetime:
    """A time from ISO 8601, or from seconds or milliseconds since 1970; without a zone it is UTC.

    Raises `ValueError`.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        if value[4:5] == "-":
            parsed = datetime.fromisoformat(value.strip())
            return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
        value = value.strip()
        # Eight digits are a date of ISO 8601's basic form; as seconds they would lie before 1973.
        if len(value) == 8 or not _NUMBER.fullmatch(value):
            parsed = datetime.fromisoformat(value)
            return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(value)  # noqa: TRY004 - one kind of error for the caller
    if _FIRST_MILLISECOND <= value < _LAST_MILLISECOND:
        value /= 1000
    if not _FIRST_SECOND <= value < _FIRST_MILLISECOND:
        raise ValueError(value)
    return datetime.fromtimestamp(value, UTC)


def _converted(convert: Converter, cell: object, column: str) -> Any:
    try:
        return convert(cell)
    except InvalidItem as error:
        error.where = column
        raise


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    raise InvalidItem("is not text", value=type(cell).__name__, expected="text")


def _id(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell) if abs(cell) < 10**38 else "0" * 300  # the latter is refused for its length
    raise InvalidItem("is not an id", value=type(cell).__name__, expected="text or an integer")


def _moment(cell: object) -> datetime:
    try:
        return moment(cell)
    except (ValueError, OverflowError, OSError):
        raise InvalidItem("is not a time", expected=MOMENTS) from None


def _surface(cell: object) -> Surface:
    surface = _text(cell).strip()
    if surface in SURFACES:
        return surface
    near = get_close_matches(surface[:32].lower().replace(" ", "_"), SURFACES, n=1)
    raise InvalidItem(
        "is not a surface",
        expected=", ".join(SURFACES),
        next_step=f"did you mean {near[0]}?" if near else None,
    )


def _integer(cell: object) -> int | None:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    if isinstance(cell, float):
        if cell != cell:
            return None
        if cell.is_integer():
            return int(cell)
    if isinstance(cell, str) and len(cell) < 32:
        if re.fullmatch(r"\s*[+-]?\d+(\.0*)?\s*", cell):
            return int(cell.strip().partition(".")[0])
        if cell.strip().lower() == "nan":
            return None
    raise InvalidItem("is not an integer", expected="a whole number")


def _number(cell: object) -> float | None:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return None if cell != cell else float(cell)
    if isinstance(cell, str) and len(cell) < 64:
        try:
            number = float(cell)
        except ValueError:
            number = float("inf")
        if number != number:
            return None
        if abs(number) != float("inf"):
            return number
    raise InvalidItem("is not a number", expected="a number")


def _boolean(cell: object) -> bool:
    if isinstance(cell, bool):
        return cell
    word = str(cell).strip().lower() if isinstance(cell, (str, int)) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidItem("is neither true nor false", expected="true or false, yes or no, 1 or 0")


def _context_value(cell: object) -> object:
    if isinstance(cell, (str, bool, int)):
        return cell
    if isinstance(cell, float):
        return cell if cell == cell else None
    if isinstance(cell, (datetime, date)):
        return cell.isoformat()
    raise InvalidItem(
        "is not a plain value", value=type(cell).__name__, expected="text, a number or a boolean"
    )


def _list(cell: object) -> object:
    """A list of plain values as one text, since an item's context holds no lists: each of them ends with
    `UNIT`. Anything else stays as it is."""
    if not isinstance(cell, (list, tuple)):
        return _context_value(cell)
    return "".join(f"{_context_value(value)}{UNIT}" for value in cell if value is not None) or UNIT


_CONVERTERS: dict[str, Converter] = {
    "surface": _surface,
    "created_at": _moment,
    "followers": _integer,
    "verified": _boolean,
    "followed_by_target": _boolean,
    "trusted_by_target": _boolean,
}
_BY_TYPE: dict[Type, Converter] = {
    Type.BOOLEAN: _boolean,
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.TEXT: _text,
    Type.TEXT_LIST: _list,
}


def _input(field: Field | None) -> Converter:
    return _context_value if field is None else _BY_TYPE.get(field.type, _context_value)


def _account(cells: Sequence[Any], index: int, facts: Sequence[_Fact], column: str) -> Account | None:
    cell = cells[index]
    values: dict[str, Any] = {}
    if isinstance(cell, (str, int)):
        if cell != "":
            values["id"] = cell if type(cell) is str else _converted(_id, cell, column)
    elif cell is not None:
        for name, value in _mapping(cell, column).items():
            if value is None:
                continue
            if name == "id":
                values["id"] = _converted(_id, value, f"{column}.id")
            elif name in ACCOUNT_PROPERTIES["author"]:
                values[name] = _converted(_CONVERTERS[name], value, f"{column}.{name}")
    for place, name, convert, fact_column in facts:
        fact = cells[place]
        if fact is None or fact == "":
            continue
        values[name] = _converted(convert, fact, fact_column)
    if not values:
        return None
    if values.get("id", "") == "":
        raise InvalidItem("has no id", where=column, expected="an id beside the account's other facts")
    return Account(**values)


def _mapping(cell: object, column: str) -> Mapping[str, Any]:
    """A nested value: a struct of JSON or Parquet, a Parquet map, or JSON text in a CSV cell."""
    if cell is None or cell == "":
        return {}
    if isinstance(cell, msgspec.Struct):
        return msgspec.structs.asdict(cell)
    if isinstance(cell, Mapping):
        return cell
    if isinstance(cell, list):
        return {str(name): value for name, value in cell}
    if isinstance(cell, str):
        try:
            return msgspec.json.decode(cell, type=dict[str, bool | int | float | str | None])
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            pass
    raise InvalidItem("is not an object", where=column, expected="an object with plain values")
