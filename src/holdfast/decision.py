"""Decisions: what was decided about one item, and why."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from holdfast.schema import Value

Action = Literal["allow", "label", "limit", "hold", "remove"]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""In order of severity; `limit` means not recommended, `hold` means until reviewed."""
SEVERITY: dict[Action, int] = {action: rank for rank, action in enumerate(ACTIONS)}


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Where in an item a signal found something: code points of the original `field`, end exclusive."""

    signal: str
    start: int
    end: int
    label: str
    field: Literal["text", "transcript"] = "text"


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that held, with the values of the fields that it reads."""

    name: str
    then: Action
    reason: str
    tells: str
    values: dict[str, Value]
    escalate: bool = False


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that could not be decided, with the fields that were missing."""

    name: str
    missing: tuple[str, ...]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One item under one policy version.

    `signals` maps every signal's field to its plain value (`None`: unknown); `versions` maps every
    signal to the version that produced it; `policy` is `name@hash`.
    """

    item_id: str = msgspec.field(name="id")
    action: Action
    escalate: bool
    rules: tuple[Fired, ...]
    unknown: tuple[Unknown, ...]
    signals: dict[str, Value]
    spans: tuple[Span, ...]
    policy: str
    versions: dict[str, str]
