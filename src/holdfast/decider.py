"""Deciding for real: the engine, the policies in force and the ledger as one.

What calls this (the server, the file command) hands in items and the time and gets back decisions
that are already recorded:

    in_force.py     which policy decides whom, with its counters
    engine.py       items ─▶ measure ─▶ judge (live, roll-out, shadows)
    recording.py    decisions ─▶ events, in one ledger transaction ─▶ answers
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from holdfast.content import Item
from holdfast.decision import Decision
from holdfast.engine import Engine
from holdfast.errors import HoldfastError
from holdfast.in_force import PoliciesInForce
from holdfast.ledger.errors import IdempotencyConflict
from holdfast.ledger.events import Event, without_words
from holdfast.ledger.ledger import Ledger
from holdfast.ledger.writer import Writer
from holdfast.policy.lifecycle import Lifecycle
from holdfast.policy.policy import Policy
from holdfast.recording import Counted, record, shadowed
from holdfast.schema import Value
from holdfast.settings import LedgerSettings, load_settings
from holdfast.signals import default_signals
from holdfast.signals.recalibration import FILE_NAME, InvalidRecalibration, Recalibration

if TYPE_CHECKING:
    from holdfast.signals.classifier import Classifier

LISTS = "lexicons"
"""The folder in the data folder that holds an operator's own lexicon lists."""
GLOSSARIES = "glossaries"
"""The folder in the data folder that holds an operator's own glossaries."""


class AnswerPurged(HoldfastError):
    """A key came again after its answer was let go."""

    code = "answer-purged"


class DecidedItem(NamedTuple):
    """A decision with its place in the ledger (`None` when nothing is recorded)."""

    ref: str | None
    decision: Decision


class Submission(NamedTuple):
    """Items to decide as one. `key` makes it happen once: see `Ledger.writing`.

    `scored` items are measured in the same batch, and neither judged nor kept. `respond` makes the bytes that are kept
    with the key and given back when it comes again.
    """

    items: Sequence[Item]
    key: str | None = None
    fingerprint: bytes | None = None
    respond: Callable[[Sequence[DecidedItem]], bytes] | None = None
    scored: Sequence[Item] = ()


class Answer(NamedTuple):
    """What became of a submission. When it came before (`replayed`), `decided` is empty and
    `response` holds what was answered then. `signals` holds the values of every field for each
    item that was only scored."""

    decided: Sequence[DecidedItem]
    response: bytes | None = None
    replayed: bool = False
    signals: Sequence[Mapping[str, Value]] = ()


def open_engine(data: Path) -> Engine:
    """The engine as the data folder wants it: with the operator's own lists in `lexicons/*.yaml` and
    `glossaries/*.yaml`, and the classifier of its settings, bent as `calibration.json` says if there is one.

    Raises `InvalidLexicon` or `InvalidGlossary` with file and line, `InvalidModel`, `InvalidRecalibration`,
    `InvalidSetting`.
    """
    from holdfast.signals.classifier import Stages

    lists, glossaries = (sorted((data / folder).glob("*.yaml")) for folder in (LISTS, GLOSSARIES))
    settings = load_settings(data).classifier
    try:
        return Engine(
            default_signals(
                lists,
                glossaries,
                weights=None if settings.weights is None else Path(settings.weights),
                stages=Stages(settings.cache, settings.student, settings.encoder),
                recalibration=recalibration_of(data),
            )
        )
    except InvalidRecalibration as error:
        error.where = error.where or str(data / FILE_NAME)
        raise


def recalibration_of(data: Path) -> Recalibration | None:
    """What `holdfast calibrate` left in the data folder, if it did. Raises `InvalidRecalibration`."""
    path = data / FILE_NAME
    return Recalibration.load(path) if path.exists() else None


def open_classifier(data: Path) -> Classifier:
    """The classifier of the data folder's settings, as it is before any recalibration: what one is fitted to.

    Raises `InvalidModel`, `InvalidSetting`.
    """
    from holdfast.signals.classifier import SHIPPED, Classifier, Stages

    settings = load_settings(data).classifier
    return Classifier.load(
        SHIPPED if settings.weights is None else Path(settings.weights),
        Stages(settings.cache, settings.student, settings.encoder),
    )


class Decider:
    """Decides and records. One thread at a time.

    `ledger` is `None` to decide without a record. `policy` decides instead of the ledger's live one;
    without either, the default pack does, and is published. `following` says that other deciders record in
    the ledger at the same time: what they decide counts here too.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger | None,
        settings: LedgerSettings | None = None,
        *,
        policy: Policy | None = None,
        following: bool = False,
    ) -> None:
        self.engine = engine
        self.ledger = ledger
        self.settings = settings or LedgerSettings()
        self._in_force = PoliciesInForce(engine, ledger, policy, following=following)

    def policy(self, now: datetime) -> Policy:
        """The live policy."""
        self._in_force.refresh(now)
        return self._in_force.live.policy

    def lifecycle(self, now: datetime) -> Lifecycle:
        """Which policies take part in deciding."""
        self._in_force.refresh(now)
        return self._in_force.lifecycle

    def snapshot(self) -> bytes:
        """The counters' state, for `restore` in another process."""
        return self._in_force.snapshot()

    def restore(self, snapshot: bytes, *, warm: bool = True) -> None:
        """Go on counting from `snapshot`: see `PoliciesInForce.restore`."""
        self._in_force.restore(snapshot, warm=warm)

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

        With a `key` that came before, the decisions of then are given again. Raises `IdempotencyConflict`
        when the key came with other items, and `AnswerPurged` when it came so long ago that the answer is
        gone.
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
        self._in_force.refresh(now)
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
        scored = [item for submission in submissions for item in submission.scored]
        decisions, extra, signals = self._judge(items, scored, now)
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
            counted = Counted(self._in_force.met) if self._in_force.following else None
            answers.update(self._record(parts, extra, now, counted))
        for number in sorted(repeats):
            answers[number] = self._replay(submissions[number]) or Answer(())
        remaining = iter(signals)
        found = []
        for number, submission in enumerate(submissions):
            answer, own = answers[number], list(islice(remaining, len(submission.scored)))
            found.append(answer._replace(signals=own) if own and isinstance(answer, Answer) else answer)
        return found

    def judge(self, items: Sequence[Item], now: datetime) -> list[Decision]:
        """Decide without a record, which there is already; counters move on as they did then."""
        self._in_force.refresh(now)
        return self._judge(items, (), now)[0]

    def _replay(self, submission: Submission) -> Answer | IdempotencyConflict | None:
        assert self.ledger is not None
        assert submission.key is not None
        try:
            seen = self.ledger.replay(submission.key, submission.fingerprint)
        except IdempotencyConflict as conflict:
            return conflict
        return None if seen is None else Answer((), seen.response, True)

    def _judge(
        self, items: Sequence[Item], scored: Sequence[Item], now: datetime
    ) -> tuple[list[Decision], list[Event], list[dict[str, Value]]]:
        """The decisions that count, what the shadows would have decided otherwise, and the signals of what is
        only scored: all measured as one batch."""
        if not items and not scored:
            return [], [], []
        measured, apart = self.engine.measure([*items, *scored]).split(len(items))
        signals = apart.rows()
        if not items:
            return [], [], signals
        lifecycle = self._in_force.lifecycle
        by_policy = {
            name: self.engine.judge(measured, force.policy, force.counters, now)
            for name, force in self._in_force.by_id.items()
        }
        live = lifecycle.live or ""
        if lifecycle.candidate is None:
            decisions = by_policy[live]
        else:
            decisions = [
                by_policy[lifecycle.decides(item.author.id if item.author else item.id) or live][row]
                for row, item in enumerate(items)
            ]
        shadows: list[Event] = [
            shadowed(live, name, decisions, by_policy[name]) for name in lifecycle.shadows
        ]
        return decisions, shadows, signals

    # Recording ------------------------------------------------------------------------------

    def _record(
        self,
        parts: Sequence[tuple[int, Submission, Sequence[Decision]]],
        extra: Sequence[Event],
        now: datetime,
        counted: Counted | None,
    ) -> Iterator[tuple[int, Answer | IdempotencyConflict]]:
        assert self.ledger is not None
        answers: list[tuple[int, Answer | IdempotencyConflict]] = []
        sizes = accumulate((len(decisions) for _, _, decisions in parts), initial=0)
        rows = {
            number: range(start, start + len(ds))
            for (number, _, ds), start in zip(parts, sizes, strict=False)
        }

        def counted_of(*numbers: int) -> Counted | None:
            return counted and counted.rows([row for number in numbers for row in rows[number]])

        writers: list[Writer] = []
        with self.ledger.transaction(now) as open_writer:
            unkeyed = [part for part in parts if part[1].key is None]
            if unkeyed or extra:
                writer = open_writer()
                items = [item for _, submission, _ in unkeyed for item in submission.items]
                writers.append(writer)
                decided = [decision for _, _, decisions in unkeyed for decision in decisions]
                met = counted_of(*(number for number, _, _ in unkeyed))
                refs = record(writer, items, decided, now, self.settings, extra, met)
                remaining = iter(refs)
                for number, submission, decisions in unkeyed:
                    own = list(map(DecidedItem, islice(remaining, len(decisions)), decisions))
                    answers.append((number, _answer(submission, own)))
            for number, submission, decisions in parts:
                if submission.key is None:
                    continue
                try:
                    writer = open_writer(submission.key, submission.fingerprint)
                except IdempotencyConflict as conflict:  # another process was quicker, with another body
                    answers.append((number, conflict))
                    continue
                writers.append(writer)
                if writer.replayed:  # another process was quicker with the same
                    answers.append((number, Answer((), writer.appended.response, True)))
                    continue
                met = counted_of(number)
                refs = record(writer, submission.items, decisions, now, self.settings, counted=met)
                answer = _answer(submission, list(map(DecidedItem, refs, decisions)))
                if answer.response is not None:
                    writer.respond(answer.response)
                answers.append((number, answer))
        # What another process recorded for the same key was counted here as well.
        self._in_force.recorded(writer.appended for writer in writers)
        return iter(answers)


def _answer(submission: Submission, decided: Sequence[DecidedItem]) -> Answer:
    return Answer(decided, None if submission.respond is None else submission.respond(decided))


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[list[DecidedItem]] = msgspec.json.Decoder(list[DecidedItem])
