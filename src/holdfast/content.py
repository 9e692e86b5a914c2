"""Items and accounts: what Holdfast decides about, and what rules may read of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

import msgspec

from holdfast.errors import InvalidItem
from holdfast.schema import Field, Type, Value

Surface = Literal["comment", "reply", "live_chat", "message", "caption", "video", "profile"]
SURFACES: tuple[Surface, ...] = get_args(Surface)

ID_LIMIT = 256
"""Characters of an id."""
TEXT_LIMIT = 65_536
"""Characters of a text, a caption or a parent."""
TRANSCRIPT_LIMIT = 1_000_000
"""Characters of a transcript (a day of speech is about 600,000)."""
CONTEXT_LIMIT = 64
"""Entries of an item's context."""
BATCH_LIMIT = 1_000
"""Items of one request."""
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,8}", re.ASCII)


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Who acts, or whom an item is aimed at.

    `followed_by_target` and `trusted_by_target` are the platform's knowledge of how the item's
    target stands to this account; they are only read on an item's author.
    """

    id: str
    created_at: datetime | None = None
    followers: int | None = None
    verified: bool | None = None
    followed_by_target: bool | None = None
    trusted_by_target: bool | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One piece of user content.

    `text` is what its author wrote. `caption` and `parent` are what it stands under or answers
    (written by others), `transcript` is what is said in its video. `language` is what the platform
    says the text is in (a BCP 47 tag, `en` or `pt-BR`); without it the language is guessed.
    `context` holds further values that a policy declares as inputs.
    """

    id: str
    text: str
    surface: Surface = "comment"
    author: Account | None = None
    target: Account | None = None
    caption: str | None = None
    parent: str | None = None
    transcript: str | None = None
    language: str | None = None
    created_at: datetime | None = None
    context: dict[str, bool | int | float | str | None] = {}


def validate_item(item: Item, where: str = "item") -> Item:
    """Return `item` in the form the engine takes, or raise `InvalidItem`.

    Checks what the decoder checks of JSON (types, surfaces), since Python code can put anything into
    an item, and what types cannot say: bounded sizes, text that can be written as UTF-8, no control
    character in an id, times with a zone (naive ones are read as UTC).
    """
    _check_type(item, Item, where)
    if item.surface not in SURFACES:
        raise InvalidItem(
            "is no surface",
            where=f"{where}.surface",
            value=repr(item.surface)[:32],
            expected=", ".join(SURFACES),
        )
    _check_id(item.id, f"{where}.id")
    _check_text(item.text, TEXT_LIMIT, f"{where}.text")
    if item.caption is not None:
        _check_text(item.caption, TEXT_LIMIT, f"{where}.caption")
    if item.parent is not None:
        _check_text(item.parent, TEXT_LIMIT, f"{where}.parent")
    if item.transcript is not None:
        _check_text(item.transcript, TRANSCRIPT_LIMIT, f"{where}.transcript")
    if item.language is not None:
        _check_language(item.language, f"{where}.language")
    if item.context:
        _check_context(item.context, f"{where}.context")
    author = item.author if item.author is None else _checked_account(item.author, f"{where}.author")
    target = item.target if item.target is None else _checked_account(item.target, f"{where}.target")
    created_at = (
        item.created_at if item.created_at is None else _in_utc(item.created_at, f"{where}.created_at")
    )
    if author is item.author and target is item.target and created_at is item.created_at:
        return item
    return msgspec.structs.replace(item, author=author, target=target, created_at=created_at)


def _checked_account(account: Account, where: str) -> Account:
    _check_type(account, Account, where)
    _check_id(account.id, f"{where}.id")
    for name in ("verified", "followed_by_target", "trusted_by_target"):
        flag = getattr(account, name)
        if flag is not None and flag is not True and flag is not False:
            raise InvalidItem(
                "is neither true nor false",
                where=f"{where}.{name}",
                value=type(flag).__name__,
                expected="a boolean or nothing",
            )
    if account.followers is not None and type(account.followers) is not int:
        _check_type(account.followers, int, f"{where}.followers")
    if account.followers is not None and not 0 <= account.followers < 2**53:
        raise InvalidItem(
            "is out of range",
            where=f"{where}.followers",
            value=str(account.followers)[:32],
            expected="0 to 2^53",
        )
    if account.created_at is None:
        return account
    created_at = _in_utc(account.created_at, f"{where}.created_at")
    return (
        account
        if created_at is account.created_at
        else msgspec.structs.replace(account, created_at=created_at)
    )


def _check_type(value: object, wanted: type, where: str) -> None:
    if not isinstance(value, wanted):
        raise InvalidItem(
            "has another type",
            where=where,
            value=type(value).__name__,
            expected=_TYPES.get(wanted, wanted.__name__),
        )


_TYPES = {str: "text", int: "a whole number", dict: "a mapping", datetime: "a datetime"}


def _check_id(value: str, where: str) -> None:
    if type(value) is not str:
        _check_type(value, str, where)
    if not 1 <= len(value) <= ID_LIMIT:
        raise InvalidItem(
            "has the wrong length", where=where, value=f"{len(value)} characters", expected=f"1 to {ID_LIMIT}"
        )
    if not value.isprintable():
        raise InvalidItem("holds a control character", where=where, expected="printable characters")
    _check_text(value, ID_LIMIT, where)


def _check_language(value: str, where: str) -> None:
    if type(value) is not str:
        _check_type(value, str, where)
    if LANGUAGE_TAG.fullmatch(value) is None:
        raise InvalidItem("is no language tag", where=where, expected="a BCP 47 tag such as en or pt-BR")


def _check_text(value: str, limit: int, where: str) -> None:
    if type(value) is not str:
        _check_type(value, str, where)
    if len(value) > limit:
        raise InvalidItem(
            "is too long",
            where=where,
            value=f"{len(value):,} characters",
            expected=f"at most {limit:,}",
            next_step="send the first part, or split it into several items",
        )
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidItem(
                "holds half of a surrogate pair",
                where=where,
                value=f"U+{ord(value[error.start]):04X} at character {error.start}",
                expected="text that can be written as UTF-8",
                next_step="pair the surrogates, or replace the lone one by U+FFFD",
            ) from None


def _check_context(context: Mapping[str, Value], where: str) -> None:
    _check_type(context, dict, where)
    if len(context) > CONTEXT_LIMIT:
        raise InvalidItem(
            "has too many entries", where=where, value=str(len(context)), expected=f"at most {CONTEXT_LIMIT}"
        )
    for name, value in context.items():
        _check_id(name, f"{where} name")
        if isinstance(value, str):
            _check_text(value, TEXT_LIMIT, f"{where}.{name}")
        elif value is not None and not isinstance(value, bool | int | float):
            raise InvalidItem(
                "has another type",
                where=f"{where}.{name}",
                value=type(value).__name__,
                expected="text, a number, true, false or null",
            )
        elif isinstance(value, float) and value != value:
            raise InvalidItem(
                "is not a number", where=f"{where}.{name}", value="NaN", expected="a number or null"
            )
        elif isinstance(value, int) and not -(2**53) < value < 2**53:
            raise InvalidItem("is out of range", where=f"{where}.{name}", expected="an integer within ±2^53")


def _in_utc(moment: datetime, where: str) -> datetime:
    _check_type(moment, datetime, where)
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise InvalidItem("is out of range", where=where, expected="the years 1 to 9999 in UTC") from None


# What rules may read of an item -------------------------------------------------------------


def _age_days(account: Account | None, item: Item, now: datetime) -> float | None:
    if account is None or account.created_at is None:
        return None
    return ((item.created_at or now) - account.created_at).total_seconds() / 86_400


Reader: TypeAlias = Callable[[Item, datetime], Value]

_READERS: tuple[tuple[Field, Reader], ...] = (
    (Field(name="item.id", type=Type.TEXT, doc="The item's id."), lambda i, _: i.id),
    (Field(name="item.surface", type=Type.TEXT, doc="Where it stands: comment, reply, live_chat, …"), lambda i, _: i.surface),
    (Field(name="item.text", type=Type.TEXT, doc="Its text as written."), lambda i, _: i.text),
    (Field(name="item.caption", type=Type.TEXT, nullable=True, doc="The caption it stands under."), lambda i, _: i.caption),
    (Field(name="item.parent", type=Type.TEXT, nullable=True, doc="The text it answers."), lambda i, _: i.parent),
    (Field(name="item.language", type=Type.TEXT, nullable=True, doc="The language that the platform says its text is in, as a tag. The signal `language` tells it, or the guess where nothing is said."), lambda i, _: i.language),
    (Field(name="author.id", type=Type.TEXT, nullable=True, doc="The author's id."), lambda i, _: i.author.id if i.author else None),
    (Field(name="author.age_days", type=Type.NUMBER, nullable=True, doc="Days from the author's sign-up to the item."), lambda i, now: _age_days(i.author, i, now)),
    (Field(name="author.followers", type=Type.INTEGER, nullable=True, low=0, doc="Accounts that follow the author."), lambda i, _: i.author.followers if i.author else None),
    (Field(name="author.verified", type=Type.BOOLEAN, nullable=True, doc="Whether the platform has verified the author."), lambda i, _: i.author.verified if i.author else None),
    (Field(name="author.followed_by_target", type=Type.BOOLEAN, nullable=True, doc="Whether the target follows the author."), lambda i, _: i.author.followed_by_target if i.author else None),
    (Field(name="author.trusted_by_target", type=Type.BOOLEAN, nullable=True, doc="Whether the target trusts the author."), lambda i, _: i.author.trusted_by_target if i.author else None),
    (Field(name="target.id", type=Type.TEXT, nullable=True, doc="The id of the account it is aimed at."), lambda i, _: i.target.id if i.target else None),
    (Field(name="target.followers", type=Type.INTEGER, nullable=True, low=0, doc="Accounts that follow the target."), lambda i, _: i.target.followers if i.target else None),
)  # fmt: skip

ITEM_FIELDS: tuple[Field, ...] = tuple(field for field, _ in _READERS)
_READER_BY_NAME: dict[str, Reader] = {field.name: reader for field, reader in _READERS}


def item_column(name: str, items: Sequence[Item], now: datetime) -> list[Value] | None:
    """The values of the item field `name` for every item, or `None` when no field has that name.

    `now` stands in for a missing `created_at`.
    """
    reader = _READER_BY_NAME.get(name)
    return None if reader is None else [reader(item, now) for item in items]
