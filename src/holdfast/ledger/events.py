"""What happened: the typed, immutable events of which the ledger is made.

An event's JSON body names its `type` (`decided`, `policy_published`, …). Bodies hold no text that people
wrote: an `ItemRecord` holds *commitments* in its place (see `holdfast.ledger.texts`), so that a text can
be erased while the event, and the tree over it, stay as they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias, get_args

import msgspec

from holdfast.content import Account, Item, Surface
from holdfast.decision import Action, Decision
from holdfast.schema import Value

ItemText = Literal["text", "caption", "parent", "transcript"]
ITEM_TEXTS: tuple[ItemText, ...] = get_args(ItemText)
"""The parts of an item that people wrote or said."""

_WRITTEN = frozenset(f"item.{part}" for part in ITEM_TEXTS)


class ItemRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item as an event holds it: `text`, `caption`, `parent` and `transcript` are commitments (hex).

    `text` is `None` only where an operator chose not to keep the texts of allowed items.
    """

    id: str
    surface: Surface = "comment"
    author: Account | None = None
    target: Account | None = None
    language: str | None = None
    created_at: datetime | None = None
    context: dict[str, bool | int | float | str | None] = {}
    text: str | None = None
    caption: str | None = None
    parent: str | None = None
    transcript: str | None = None

    @classmethod
    def of(cls, item: Item, commitments: Mapping[str, str] | None) -> ItemRecord:
        """The record of `item`. `commitments` maps each of its texts to its commitment (`Writer.commit`
        gives that); `None` leaves the texts out altogether."""
        if commitments is None:
            text = caption = parent = transcript = None
        else:
            text = commitments[item.text]
            caption = None if item.caption is None else commitments[item.caption]
            parent = None if item.parent is None else commitments[item.parent]
            transcript = None if item.transcript is None else commitments[item.transcript]
        return cls(
            id=item.id,
            surface=item.surface,
            author=item.author,
            target=item.target,
            language=item.language,
            created_at=item.created_at,
            context=item.context,
            text=text,
            caption=caption,
            parent=parent,
            transcript=transcript,
        )

    def opened(self, texts: Mapping[str, str]) -> Item | None:
        """The item again, with the texts behind its commitments; `None` when any of them is not among `texts`."""
        words: dict[str, str] = {}
        for part in ITEM_TEXTS:
            commitment = getattr(self, part)
            if commitment is not None:
                text = texts.get(commitment)
                if text is None:
                    return None
                words[part] = text
        if "text" not in words:
            return None
        return Item(
            id=self.id,
            surface=self.surface,
            author=self.author,
            target=self.target,
            language=self.language,
            created_at=self.created_at,
            context=self.context,
            text=words["text"],
            caption=words.get("caption"),
            parent=words.get("parent"),
            transcript=words.get("transcript"),
        )

    def commitments(self) -> Iterator[str]:
        """The commitments that this record refers to."""
        for commitment in (self.text, self.caption, self.parent, self.transcript):
            if commitment is not None:
                yield commitment


def texts_of(item: Item) -> Iterator[str]:
    """What of `item` has to be committed before its record can be made."""
    yield item.text
    if item.caption is not None:
        yield item.caption
    if item.parent is not None:
        yield item.parent
    if item.transcript is not None:
        yield item.transcript


def _tag(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_tag):
    pass


class Decided(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """One item and its decision, in full.

    `counted` says, where several workers decide, for which of the counters in force (by their marks) the
    item met the condition, so that each worker counts what the others decided without measuring it again.
    """

    item: ItemRecord
    decision: Decision
    received_at: datetime
    counted: dict[str, bool] = {}

    @classmethod
    def of(
        cls,
        item: Item,
        decision: Decision,
        commitments: Mapping[str, str] | None,
        received_at: datetime,
        counted: dict[str, bool] | None = None,
    ) -> Decided:
        """The event for `decision` on `item`.

        What a rule read of the item's own words is left out of `Fired.values`: the words are in the
        item's texts, and only there can they be erased.
        """
        return cls(
            item=ItemRecord.of(item, commitments),
            decision=without_words(decision),
            received_at=received_at,
            counted=counted or {},
        )


def without_words(decision: Decision) -> Decision:
    """`decision` without what its rules read of the item's own words.

    Whatever is kept of a decision outside the texts, a response included, has to be of this form: an
    erasure does not reach it.
    """
    if not any(not _WRITTEN.isdisjoint(fired.values) for fired in decision.rules):
        return decision
    rules = []
    for fired in decision.rules:
        values: dict[str, Value] = {
            name: value for name, value in fired.values.items() if name not in _WRITTEN
        }
        rules.append(msgspec.structs.replace(fired, values=values))
    return msgspec.structs.replace(decision, rules=tuple(rules))


class Allowed(_Event, frozen=True, kw_only=True, omit_defaults=True):
    """The items of a batch that `policy` allowed and that were not kept in full.

    `counted` is as in `Decided`: under each counter's mark the slots of the items that met its condition.
    """

    policy: str
    items: tuple[ItemRecord, ...]
    received_at: datetime
    counted: dict[str, tuple[int, ...]] = {}


class ShadowDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One item on which a shadow policy would have acted otherwise; `rules` are the shadow's that fired."""

    item_id: str
    live_action: Action
    shadow_action: Action
    rules: tuple[str, ...] = ()


class ShadowDecided(_Event, frozen=True, kw_only=True):
    """How the policy `shadow` would have decided `n` items that `live` decided."""

    live: str
    shadow: str
    n: int
    differs: tuple[ShadowDifference, ...] = ()


class ScoreSuggested(_Event, frozen=True, kw_only=True):
    """What a client says that an item should have scored: by attribute of Perspective's, 0 to 1. It decides nothing.

    `by` is the id of the API key, or `local` on a server without keys; `community` is what the client calls
    the community that the text was written in.
    """

    item: ItemRecord
    scores: dict[str, float]
    by: str
    community: str | None = None


class PolicyAdded(_Event, frozen=True, kw_only=True):
    """The text of `policy`, so that decisions made under it can be checked; it decides nothing by this."""

    policy: str
    source: str
    by: str


class PolicyPublished(_Event, frozen=True, kw_only=True):
    """`policy` decides everything from here on."""

    policy: str
    source: str
    by: str
    note: str = ""


class PolicyShadowed(_Event, frozen=True, kw_only=True):
    """`policy` is decided beside the live one, without effect."""

    policy: str
    source: str
    by: str


class PolicyShadowEnded(_Event, frozen=True, kw_only=True):
    """`policy` is no longer decided in the shadow."""

    policy: str
    by: str


class PolicyRolledOut(_Event, frozen=True, kw_only=True):
    """`policy` decides `percent` of authors; the live policy decides the others."""

    policy: str
    source: str
    percent: int
    by: str


class PolicyRolledBack(_Event, frozen=True, kw_only=True):
    """`policy` no longer decides anything: its roll-out ended, or `to` is live again in its place."""

    policy: str
    to: str
    by: str
    why: str


class TextErased(_Event, frozen=True, kw_only=True):
    """The text behind `commitment` was taken out of the store."""

    commitment: str
    by: str
    why: str


class KeyCreated(_Event, frozen=True, kw_only=True):
    """An API key was handed out; only `digest` of it is kept."""

    key_id: str
    digest: str
    scopes: tuple[str, ...]
    label: str
    by: str
    expires_at: datetime | None = None


class KeyRevoked(_Event, frozen=True, kw_only=True):
    """An API key no longer opens anything."""

    key_id: str
    by: str


Event: TypeAlias = (
    Decided
    | Allowed
    | ShadowDecided
    | ScoreSuggested
    | PolicyAdded
    | PolicyPublished
    | PolicyShadowed
    | PolicyShadowEnded
    | PolicyRolledOut
    | PolicyRolledBack
    | TextErased
    | KeyCreated
    | KeyRevoked
)
EVENTS: tuple[type[_Event], ...] = get_args(Event)
TYPES: dict[type[_Event], str] = {cls: str(cls.__struct_config__.tag) for cls in EVENTS}
"""The `type` of each kind of event."""


def commitments_in(event: Event) -> list[str]:
    """The commitments that an event refers to."""
    if type(event) is Decided or type(event) is ScoreSuggested:
        return list(event.item.commitments())
    if type(event) is Allowed:
        return [commitment for item in event.items for commitment in item.commitments()]
    return []


def records_in(event: Event) -> Iterator[tuple[ItemRecord, datetime]]:
    """The items that an event decided, each with the time at which it arrived."""
    if isinstance(event, Decided):
        yield event.item, event.received_at
    elif isinstance(event, Allowed):
        for record in event.items:
            yield record, event.received_at


class Past(NamedTuple):
    """An item that was decided: when it arrived, the signals then (none when it was kept compactly), and for which
    counters it is known whether it met their conditions."""

    record: ItemRecord
    received_at: datetime
    signals: Mapping[str, Value]
    counted: Mapping[str, bool]


def past_in(event: Event) -> Iterator[Past]:
    """The items that an event decided, with what it says of their signals and counters."""
    if isinstance(event, Decided):
        yield Past(event.item, event.received_at, event.decision.signals, event.counted)
    elif isinstance(event, Allowed):
        slots = {mark: frozenset(met) for mark, met in event.counted.items()}
        for slot, record in enumerate(event.items):
            yield Past(record, event.received_at, {}, {mark: slot in met for mark, met in slots.items()})


class Recorded(NamedTuple):
    """An event in its place: `seq` counts from 0, `at` is when it was appended, in UTC."""

    seq: int
    at: datetime
    key: str | None
    event: Event
