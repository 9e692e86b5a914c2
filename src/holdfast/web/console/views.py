"""What the templates are given: decisions and policies turned from records into words and places.

Pure: everything is handed in, the time too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from holdfast.content import Account
from holdfast.decision import SEVERITY, Action, Decision, Fired, Unknown
from holdfast.ledger import DecisionFound, ItemRecord, Proof
from holdfast.ledger.events import ITEM_TEXTS, Decided, Recorded
from holdfast.schema import Field, Value
from holdfast.web.console.catalogue import Catalogue, Relative
from holdfast.web.console.evidence import Marked, Readings, because, mark, readings, shape
from holdfast.web.console.policy_text import rule_anchor


class Words(NamedTuple):
    """A text that people wrote, to be veiled: `text` is `None` where `state` says why."""

    text: str | None
    state: str
    shape: str


class Row(NamedTuple):
    """A decision in a list."""

    ref: str
    action: Action
    escalate: bool
    reason: str
    at: Relative
    surface: str
    words: Words
    more_rules: int
    unknown: int


class FiredRule(NamedTuple):
    """A rule that fired, with a link to the decisions on which it did."""

    name: str
    then: Action
    escalate: bool
    reason: str
    tells: str
    values: Mapping[str, Value]
    href: str


class Fact(NamedTuple):
    """A name from the catalogue and what it is."""

    name: str
    text: str
    href: str | None = None


class Happened(NamedTuple):
    what: str
    at: Relative


class Around(NamedTuple):
    """A further text of the item: `name` is its heading in the catalogue."""

    name: str
    words: Words
    marked: Marked


class Page(NamedTuple):
    """One decision, whole. `compact`: an allow of which only the item was kept."""

    ref: str
    action: Action
    escalate: bool
    compact: bool
    words: Words
    marked: Marked
    around: tuple[Around, ...]
    rules: tuple[FiredRule, ...]
    unknown: tuple[Unknown, ...]
    readings: Readings | None
    facts: tuple[Fact, ...]
    context: Mapping[str, Value]
    timeline: tuple[Happened, ...]
    versions: Mapping[str, str]


class Judged(NamedTuple):
    """What "try it" shows of a decision."""

    reason: str
    action: Action
    escalate: bool
    policy: str
    rules: tuple[FiredRule, ...]
    unknown: tuple[Unknown, ...]
    marked: Marked
    readings: Readings


class Trial(NamedTuple):
    """The "try it" box: what was entered, and what came of it."""

    text: str = ""
    surface: str = "comment"
    caption: str = ""
    decision: Judged | None = None
    error: str | None = None


class ShownProof(NamedTuple):
    """A proof that was checked here."""

    good: bool
    entry: int
    size: int
    leaf: str
    path: tuple[str, ...]
    root: str


def words_of(commitment: str | None, texts: Mapping[str, str], may_see: bool) -> Words:
    """The text behind `commitment`, or why there is none."""
    if not may_see:
        return Words(None, "not_allowed", "")
    if commitment is None:
        return Words(None, "not_kept", "")
    text = texts.get(commitment)
    return Words(None, "erased", "") if text is None else Words(text, "", shape(text))


def reason_of(decision: Decision | None, words: Catalogue) -> str:
    """Why, in plain words: of the gravest rule that fired."""
    if decision is not None and decision.rules:
        return humane(gravest(decision.rules).reason, words)
    by_unknown = decision is not None and decision.action != "allow"
    return words.say("reason.unknown" if by_unknown else "reason.none")


def gravest(fired: Sequence[Fired]) -> Fired:
    return max(fired, key=lambda rule: (SEVERITY[rule.then], rule.escalate))


def humane(reason: str, words: Catalogue) -> str:
    """A reason code as words; an operator's own code loses its underscores."""
    plain = reason.replace("_", " ").strip()
    return words.say_or(f"reason.{reason}", plain[:1].upper() + plain[1:])


def row(
    ref: str,
    at: datetime,
    record: ItemRecord,
    decision: Decision | None,
    texts: Mapping[str, str],
    *,
    may_see: bool,
    now: datetime,
    words: Catalogue,
) -> Row:
    """A line of a list. `decision` is `None` for a compactly kept allow."""
    fired = () if decision is None else decision.rules
    return Row(
        ref=ref,
        action="allow" if decision is None else decision.action,
        escalate=decision is not None and decision.escalate,
        reason=reason_of(decision, words),
        at=words.relative(at, now),
        surface=record.surface,
        words=words_of(record.text, texts, may_see),
        more_rules=max(0, len(fired) - 1),
        unknown=0 if decision is None else len(decision.unknown),
    )


def page(
    found: DecisionFound,
    event: Recorded,
    texts: Mapping[str, str],
    schema: Mapping[str, Field],
    *,
    may_see: bool,
    now: datetime,
    words: Catalogue,
) -> Page:
    """Everything about the decision `found`, which `event` holds."""
    decision, record = found.decision, found.item
    shown = words_of(record.text, texts, may_see)
    spans = () if decision is None else decision.spans
    around = []
    for part in ITEM_TEXTS:
        commitment: str | None = getattr(record, part)
        if part != "text" and commitment is not None:
            further = words_of(commitment, texts, may_see)
            around.append(Around(f"decision.{part}", further, mark(further.text or "", spans, part)))
    received = event.event.received_at if isinstance(event.event, Decided) else event.at
    timeline = [
        Happened(words.say("decision.received"), words.relative(received, now)),
        Happened(words.say("decision.decided"), words.relative(event.at, now)),
    ]
    if record.created_at is not None:
        timeline.insert(0, Happened(words.say("decision.created"), words.relative(record.created_at, now)))
    return Page(
        ref=found.ref,
        action=found.action,
        escalate=decision is not None and decision.escalate,
        compact=decision is None,
        words=shown,
        marked=mark(shown.text or "", spans),
        around=tuple(around),
        rules=() if decision is None else fired_rules(decision.rules),
        unknown=() if decision is None else decision.unknown,
        readings=None if decision is None else readings(decision.signals, schema),
        facts=tuple(_facts(found, words)),
        context=record.context,
        timeline=tuple(timeline),
        versions={} if decision is None else decision.versions,
    )


def _facts(found: DecisionFound, words: Catalogue) -> list[Fact]:
    record = found.item
    facts = [
        Fact("decision.item", record.id),
        Fact("decision.surface", words.say(f"surface.{record.surface}")),
    ]
    for name, account in (("decision.author", record.author), ("decision.target", record.target)):
        if account is not None:
            facts.append(Fact(name, _account(account, words)))
    facts.append(Fact("decision.policy", found.policy, "/policy"))
    return facts


def _account(account: Account, words: Catalogue) -> str:
    return (
        account.id
        if account.followers is None
        else words.say("decision.followers", id=account.id, n=account.followers)
    )


def fired_rules(fired: Sequence[Fired]) -> tuple[FiredRule, ...]:
    """Gravest first."""
    return tuple(
        FiredRule(
            rule.name,
            rule.then,
            rule.escalate,
            rule.reason,
            rule.tells,
            because(rule.values),
            f"/policy#{rule_anchor(rule.name)}",
        )
        for rule in sorted(fired, key=lambda rule: (-SEVERITY[rule.then], rule.name))
    )


def judged(decision: Decision, text: str, schema: Mapping[str, Field], words: Catalogue) -> Judged:
    """What to show of a decision that was only tried."""
    return Judged(
        reason_of(decision, words),
        decision.action,
        decision.escalate,
        decision.policy,
        fired_rules(decision.rules),
        decision.unknown,
        mark(text, decision.spans),
        readings(decision.signals, schema),
    )


def shown_proof(proof: Proof) -> ShownProof:
    """`proof`, checked."""
    return ShownProof(not proof.faults(), proof.seq, proof.size, proof.leaf, tuple(proof.path), proof.root)
