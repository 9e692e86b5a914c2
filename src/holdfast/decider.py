"""Deciding for real: the engine, the policies in force, the counters and the ledger as one.

What calls this (the server, the file command) hands in items and the time and gets back decisions
that are already recorded:

    lifecycle ─▶ which policy decides whom
    items ─▶ engine.measure ─▶ engine.judge (live, roll-out, shadows) ─▶ one ledger transaction ─▶ answers
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from holdfast.content import Item
from holdfast.decision import Decision
from holdfast.engine import Engine
from holdfast.errors import HoldfastError
from holdfast.ledger.errors import IdempotencyConflict
from holdfast.ledger.events import (
    Allowed,
    Decided,
    Event,
    ItemRecord,
    PolicyAdded,
    PolicyPublished,
    ShadowDecided,
    ShadowDifference,
    records_in,
    texts_of,
    without_words,
)
from holdfast.ledger.ledger import Ledger, make_ref
from holdfast.ledger.reducers import WHOLE, lifecycle_of
from holdfast.ledger.writer import Writer
from holdfast.policy.counters import Counters
from holdfast.policy.lifecycle import Lifecycle
from holdfast.policy.packs import DEFAULT_PACK, pack_source
from holdfast.policy.policy import Policy
from holdfast.settings import LedgerSettings
from holdfast.signals import default_signals

LISTS = "lexicons"
"""The folder in the data folder that holds an operator's own lexicon lists."""
REFRESH = timedelta(milliseconds=250)
"""How long a policy change by another process may take to be seen."""
WARM_LIMIT = 200_000
"""Items from the ledger that counters are warmed with, at most."""
WARM_BATCH = 500


class AnswerPurged(HoldfastError):
    """A key came again after its answer was let go."""

    code = "answer-purged"


class DecidedItem(NamedTuple):
    """A decision with its place in the ledger (`None` when nothing is recorded)."""

    ref: str | None
    decision: Decision


class Submission(NamedTuple):
    """Items to decide as one. `key` makes it happen once: see `Ledger.writing`.

    `respond` makes the bytes that are kept with the key and given back when it comes again.
    """

    items: Sequence[Item]
    key: str | None = None
    fingerprint: bytes | None = None
    respond: Callable[[Sequence[DecidedItem]], bytes] | None = None


class Answer(NamedTuple):
    """What became of a submission. When it came before (`replayed`), `decided` is empty and
    `response` holds what was answered then."""

    decided: Sequence[DecidedItem]
    response: bytes | None = None
    replayed: bool = False


def open_engine(data: Path) -> Engine:
    """The engine as the data folder wants it: with the operator's own lists in `lexicons/*.yaml`.

    Raises `InvalidLexicon` with file and line.
    """
    return Engine(default_signals(sorted((data / LISTS).glob("*.yaml"))))


class _InForce(NamedTuple):
    policy: Policy
    counters: Counters


class _Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    size: int
    counters: dict[str, bytes]


class Decider:
    """Decides and records. One thread at a time.

    `ledger` is `None` to decide without a record. `policy` decides instead of the ledger's live one;
    without either, the default pack does, and is published.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger | None,
        settings: LedgerSettings | None = None,
        *,
        policy: Policy | None = None,
    ) -> None:
        self.engine = engine
        self.ledger = ledger
        self.settings = settings or LedgerSettings()
        self._fixed = policy
        self._lifecycle = Lifecycle(live=policy.id) if policy is not None else Lifecycle()
        self._in_force: dict[str, _InForce] = {}
        self._refreshed: datetime | None = None
        self._restored: _Snapshot | None = None
        self._warm = True

    # Policies -------------------------------------------------------------------------------

    def policy(self, now: datetime) -> Policy:
        """The live policy."""
        self._refresh(now)
        return self._in_force[self._lifecycle.live or ""].policy

    def lifecycle(self, now: datetime) -> Lifecycle:
        self._refresh(now)
        return self._lifecycle

    def _refresh(self, now: datetime) -> None:
        if self._refreshed is not None and abs(now - self._refreshed) < REFRESH:
            return
        first, self._refreshed = self._refreshed is None, now
        if self._fixed is not None:
            if first:
                self._in_force = {self._fixed.id: self._enforce(self._fixed, now)}
                self._add_to_ledger(self._fixed, now)
            return
        sources = self._sources(now)
        self._in_force = {
            policy: self._in_force.get(policy)
            or self._enforce(Policy.load(sources[policy], self.engine.schema, policy), now)
            for policy in self._lifecycle.in_use
        }

    def _sources(self, now: datetime) -> dict[str, str]:
        """The texts of the policies in the ledger; sees to it that one is live."""
        states = {} if self.ledger is None else self.ledger.policies()
        self._lifecycle = lifecycle_of(states)
        sources = {state.policy: state.source for state in states.values()}
        if self._lifecycle.live is None:
            default = Policy.load(pack_source(DEFAULT_PACK), self.engine.schema, DEFAULT_PACK)
            self._lifecycle = self._lifecycle.publish(default.id)
            sources[default.id] = default.source
            if self.ledger is not None:
                event = PolicyPublished(
                    policy=default.id, source=default.source, by="holdfast", note="the default pack"
                )
                self.ledger.append([event], now)
        return sources

    def _add_to_ledger(self, policy: Policy, now: datetime) -> None:
        # Decisions name the policy by its hash: its text has to be where they are.
        if self.ledger is not None and policy.id not in self.ledger.policies():
            self.ledger.append([PolicyAdded(policy=policy.id, source=policy.source, by="holdfast")], now)

    # Deciding -------------------------------------------------------------------------------

    def decide(
        self,
        items: Sequence[Item],
        now: datetime,
        *,
        key: str | None = None,
        fingerprint: bytes | None = None,
    ) -> Sequence[DecidedItem]:
        """Decide one batch: one engine batch, one transaction.

        With a `key` that came before, the decisions of then are given again. Raises `IdempotencyConflict` when the key came with other items, and
        `AnswerPurged` when it came so long ago that the answer is gone.
        """

        def respond(decided: Sequence[DecidedItem]) -> bytes:
            return _encoder.encode(decided)

        (answer,) = self.decide_all([Submission(items, key, fingerprint, respond if key else None)], now)
        if isinstance(answer, IdempotencyConflict):
            raise answer
        if not answer.replayed:
            return answer.decided
        if answer.response is None:
            raise AnswerPurged(
                "was decided before, and its answer is no longer kept",
                where=f"key {key}",
                next_step="look its decisions up in the ledger by the items' ids",
            )
        return _decoder.decode(answer.response)

    def decide_all(
        self, submissions: Sequence[Submission], now: datetime
    ) -> list[Answer | IdempotencyConflict]:
        """Decide several submissions as one engine batch and one transaction, each on its own terms."""
        self._refresh(now)
        answers: dict[int, Answer | IdempotencyConflict] = {}
        first_with: dict[str, int] = {}
        for number, submission in enumerate(submissions):
            if submission.key is not None and self.ledger is not None:
                answer = self._replay(submission)
                if answer is not None:
                    answers[number] = answer
                else:
                    first_with.setdefault(submission.key, number)
        # A key that comes twice at once is decided once; the second is answered from the record.
        repeats = {
            number
            for number, submission in enumerate(submissions)
            if submission.key in first_with and first_with[submission.key] != number
        }
        fresh = [n for n in range(len(submissions)) if n not in answers and n not in repeats]
        items = [item for number in fresh for item in submissions[number].items]
        decisions, extra = self._judge(items, now)
        if self.ledger is not None:
            # Responses are kept with their keys: no erasure would find a word in there.
            decisions = [without_words(decision) for decision in decisions]
        position, parts = 0, []
        for number in fresh:
            size = len(submissions[number].items)
            parts.append((number, submissions[number], decisions[position : position + size]))
            position += size
        if self.ledger is None:
            answers.update((n, _answer(s, [DecidedItem(None, d) for d in ds])) for n, s, ds in parts)
        else:
            answers.update(self._record(parts, extra, now))
        for number in sorted(repeats):
            answers[number] = self._replay(submissions[number]) or Answer(())
        return [answers[number] for number in range(len(submissions))]

    def judge(self, items: Sequence[Item], now: datetime) -> list[Decision]:
        """Decide without a record, which there is already; counters move on as they did then."""
        self._refresh(now)
        return self._judge(items, now)[0]

    def _replay(self, submission: Submission) -> Answer | IdempotencyConflict | None:
        assert self.ledger is not None
        assert submission.key is not None
        try:
            seen = self.ledger.replay(submission.key, submission.fingerprint)
        except IdempotencyConflict as conflict:
            return conflict
        return None if seen is None else Answer((), seen.response, True)

    def _judge(self, items: Sequence[Item], now: datetime) -> tuple[list[Decision], list[Event]]:
        """The decisions that count, and what the shadows would have decided otherwise."""
        if not items:
            return [], []
        measured = self.engine.measure(items)
        lifecycle = self._lifecycle
        by_policy = {
            name: self.engine.judge(measured, force.policy, force.counters, now)
            for name, force in self._in_force.items()
        }
        live = lifecycle.live or ""
        if lifecycle.candidate is None:
            decisions = by_policy[live]
        else:
            decisions = [
                by_policy[lifecycle.decides(item.author.id if item.author else item.id) or live][row]
                for row, item in enumerate(items)
            ]
        return decisions, [_shadowed(live, name, decisions, by_policy[name]) for name in lifecycle.shadows]

    # Recording ------------------------------------------------------------------------------

    def _record(
        self,
        parts: Sequence[tuple[int, Submission, Sequence[Decision]]],
        extra: Sequence[Event],
        now: datetime,
    ) -> Iterator[tuple[int, Answer | IdempotencyConflict]]:
        assert self.ledger is not None
        answers: list[tuple[int, Answer | IdempotencyConflict]] = []
        with self.ledger.transaction(now) as open_writer:
            unkeyed = [part for part in parts if part[1].key is None]
            if unkeyed or extra:
                writer = open_writer()
                items = [item for _, submission, _ in unkeyed for item in submission.items]
                refs = self._write(writer, items, [d for _, _, ds in unkeyed for d in ds], extra, now)
                remaining = iter(refs)
                for number, submission, decisions in unkeyed:
                    decided = list(map(DecidedItem, islice(remaining, len(decisions)), decisions))
                    answers.append((number, _answer(submission, decided)))
            for number, submission, decisions in parts:
                if submission.key is None:
                    continue
                try:
                    writer = open_writer(submission.key, submission.fingerprint)
                except IdempotencyConflict as conflict:  # another process was quicker, with another body
                    answers.append((number, conflict))
                    continue
                if writer.replayed:  # another process was quicker with the same
                    answers.append((number, Answer((), writer.appended.response, True)))
                    continue
                refs = self._write(writer, submission.items, decisions, (), now)
                answer = _answer(submission, list(map(DecidedItem, refs, decisions)))
                if answer.response is not None:
                    writer.respond(answer.response)
                answers.append((number, answer))
        return iter(answers)

    def _write(
        self,
        writer: Writer,
        items: Sequence[Item],
        decisions: Sequence[Decision],
        extra: Sequence[Event],
        now: datetime,
    ) -> list[str]:
        """Append the decisions; the reference of each."""
        rate, keep = self.settings.allow_sample_rate, self.settings.keep_allowed_text
        whole = [d.action != "allow" or d.escalate or bool(d.rules) or _sampled(d, rate) for d in decisions]
        commitments = writer.commit(
            text for item, full in zip(items, whole, strict=True) if full or keep for text in texts_of(item)
        )
        events: list[Event] = [
            Decided.of(item, decision, commitments, now)
            for item, decision, full in zip(items, decisions, whole, strict=True)
            if full
        ]
        compact: dict[str, list[ItemRecord]] = {}
        slots: list[tuple[str, int]] = []
        for item, decision, full in zip(items, decisions, whole, strict=True):
            if not full:
                records = compact.setdefault(decision.policy, [])
                slots.append((decision.policy, len(records)))
                records.append(ItemRecord.of(item, commitments if keep else None))
        allowed_at = {policy: len(events) + n for n, policy in enumerate(compact)}
        events += [
            Allowed(policy=policy, items=tuple(records), received_at=now)
            for policy, records in compact.items()
        ]
        events += extra
        first = writer.append(events) if events else 0
        place, slot = iter(range(first, first + len(events))), iter(slots)
        refs = []
        for full in whole:
            if full:
                refs.append(make_ref(next(place), WHOLE))
            else:
                policy, number = next(slot)
                refs.append(make_ref(first + allowed_at[policy], number))
        return refs

    # Counters -------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The counters' state, for `restore` in another process."""
        size = 0 if self.ledger is None else self.ledger.head().size
        counters = {name: force.counters.snapshot() for name, force in self._in_force.items()}
        return msgspec.msgpack.encode(_Snapshot(size=size, counters=counters))

    def restore(self, snapshot: bytes, *, warm: bool = True) -> None:
        """Go on from `snapshot`; what the ledger has seen since is counted as well, unless not `warm`:
        a resumed run goes through those items again.

        Raises `msgspec.DecodeError` for what `snapshot` did not make. Call it before the first decision.
        """
        self._restored = msgspec.msgpack.decode(snapshot, type=_Snapshot)
        self._warm = warm

    def _enforce(self, policy: Policy, now: datetime) -> _InForce:
        """Load the policy's counters and bring them up to what the ledger has seen."""
        if not policy.counters:
            return _InForce(policy, Counters(()))
        restored = self._restored
        if restored is not None and policy.id in restored.counters:
            counters = Counters.restore(policy.counters, restored.counters[policy.id])
            start = restored.size
        else:
            counters, start = Counters(policy.counters), 0
        if self.ledger is not None and self._warm:
            since = now - timedelta(seconds=max(counter.seconds for counter in policy.counters))
            self._count(policy, counters, max(start, self.ledger.first_after(since)))
        return _InForce(policy, counters)

    def _count(self, policy: Policy, counters: Counters, start: int) -> None:
        """Count what the ledger recorded from `start` on."""
        assert self.ledger is not None
        recorded = self.ledger.read(start)
        history = islice(
            ((record, at) for event in recorded for record, at in records_in(event.event)), WARM_LIMIT
        )
        while batch := list(islice(history, WARM_BATCH)):
            records = [record for record, _ in batch]
            # An erased text counts as an empty one: who wrote to whom, and when, is still known.
            items = [
                item or _without_words(record)
                for item, record in zip(self.ledger.items(records), records, strict=True)
            ]
            self.engine.count(self.engine.measure(items), policy, counters, [at for _, at in batch])


def _without_words(record: ItemRecord) -> Item:
    return Item(
        id=record.id,
        text="",
        surface=record.surface,
        author=record.author,
        target=record.target,
        created_at=record.created_at,
        context=record.context,
    )


def _answer(submission: Submission, decided: Sequence[DecidedItem]) -> Answer:
    return Answer(decided, None if submission.respond is None else submission.respond(decided))


def _shadowed(
    live: str, shadow: str, acted: Sequence[Decision], shadows: Sequence[Decision]
) -> ShadowDecided:
    return ShadowDecided(
        live=live,
        shadow=shadow,
        n=len(acted),
        differs=tuple(
            ShadowDifference(
                item_id=one.item_id,
                live_action=one.action,
                shadow_action=other.action,
                rules=tuple(rule.name for rule in other.rules),
            )
            for one, other in zip(acted, shadows, strict=True)
            if one.action != other.action
        ),
    )


def _sampled(decision: Decision, rate: float) -> bool:
    """Whether an allow is kept in full: by a hash, so that deciding again samples the same."""
    if rate <= 0 or rate >= 1:
        return rate >= 1
    digest = blake2b(
        f"{decision.policy}\0{decision.item_id}".encode(), digest_size=4, person=b"allow sample"
    ).digest()
    return int.from_bytes(digest, "big") < rate * 2**32


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[list[DecidedItem]] = msgspec.json.Decoder(list[DecidedItem])
