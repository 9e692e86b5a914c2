"""What stands behind the handlers: ledger, decider, batcher, keys and limits, opened and closed as one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import IO

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from holdfast.content import Item
from holdfast.decider import Answer, Decider, Submission, open_engine
from holdfast.errors import HoldfastError, InvalidItem
from holdfast.ledger import IdempotencyConflict, Ledger
from holdfast.ledger.encoding import from_micros
from holdfast.ledger.reducers import ApiKey as StoredKey
from holdfast.policy.policy import Policy
from holdfast.settings import Settings
from holdfast.web.access import Access
from holdfast.web.batcher import Batcher, QueueFull, Stopped, TooLate
from holdfast.web.body import BodyReader
from holdfast.web.failures import draining, is_of_the_store, problem_of
from holdfast.web.folder_lock import lock_folder
from holdfast.web.items import fault_of, invalid, where_of
from holdfast.web.keys import ApiKey, KeyRing
from holdfast.web.logs import describe
from holdfast.web.metrics import Metrics
from holdfast.web.problems import FieldError, Problem, retry_after
from holdfast.web.ratelimit import RateLimiter
from holdfast.web.shared_metrics import SharedMetrics
from holdfast.web.shared_ratelimit import SharedRateLimiter
from holdfast.web.workplace import LIMITS, PolicyText, Workplace

SNAPSHOT_NAME = "counters.snapshot"
FREE_BYTES = 64 * 1024 * 1024
"""Bytes that must be free where the data is for the server to call itself ready."""
READY_FOR_S = 1.0
"""Seconds for which an answer about readiness is good."""
PURGE_EVERY_S = 600.0
FOLLOW_EVERY_S = 0.25
BATCH_S = 0.05
"""Seconds that a batch should take at most: from some fifty texts on, a larger one saves next to nothing."""

_WARM = [
    Item(id=f"warm-{number}", text=text)
    for number, text in enumerate(
        (
            "Hello, is anybody there? We are all here today, and it is lovely.",
            "Write to me@example.org or call 030 5550 123, Main Street 5 😀 https://example.org",
            "W.a.r.m u\u200bp, th1s iz an engiiiine",
            "Bonjour à tous, il fait très beau aujourd'hui et nous allons au marché.",
        )
    )
]
_MANY = [
    msgspec.structs.replace(item, id=f"{item.id}-{number}", text=f"{item.text} {number}")
    for number in range(12)
    for item in _WARM
]
_log = structlog.get_logger("holdfast.web")


class NoKeys(HoldfastError):
    """The server would be open to the network."""

    code = "no-keys"


class Service:
    """One server's state. Made closed; `open` and `close` are called by the application's lifespan.

    `policy` decides instead of the ledger's live one. `bound_to_loopback` says that nobody but this
    machine reaches the server; elsewhere it does not open without an API key. `place` is that of one worker of
    several, which share the ledger, the rate limits and the metrics.
    """

    def __init__(
        self,
        data: Path,
        settings: Settings,
        *,
        policy: Policy | PolicyText | None = None,
        bound_to_loopback: bool = True,
        place: Workplace | None = None,
    ) -> None:
        self.data = data
        self.settings = settings
        self.place = place
        self.metrics = Metrics() if place is None else SharedMetrics(place)
        rate = settings.serve.rate_limit
        self.limiter = RateLimiter(rate) if place is None else SharedRateLimiter(place.folder / LIMITS, rate)
        self.bodies = BodyReader(settings.serve.body_limit, settings.serve.timeout_s)
        self.draining = asyncio.Event()
        """Set when the server is asked to stop: streams end, and readiness with it."""
        self.started_at = datetime.now(UTC) if place is None else place.started_at
        self.ledger: Ledger
        self.decider: Decider
        self.access: Access
        self.batcher: Batcher[Submission, Answer | Problem]
        self._policy = policy
        self._bound_to_loopback = bound_to_loopback
        self._lock: IO[bytes] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._is_open = False
        self._ready_at = -READY_FOR_S
        self._not_ready: str | None = "starting"

    # Life -----------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open everything, or raise the `HoldfastError` that says why not."""
        serve = self.settings.serve
        if self.place is None:
            self._lock = lock_folder(self.data)
        try:
            self.ledger = await asyncio.to_thread(Ledger.open, self.settings.ledger.database, data=self.data)
        except BaseException:
            self._drop_lock()
            raise
        try:
            ring = KeyRing(lambda: map(_key, self.ledger.keys().values()))
            await asyncio.to_thread(ring.refresh)
            self.access = Access(ring, bound_to_loopback=self._bound_to_loopback)
            if ring.is_empty and not self._bound_to_loopback:
                raise NoKeys(
                    "anyone on the network could use this server",
                    where="--host",
                    expected="an API key, when the address is not loopback",
                    next_step=f"holdfast key create --scope decide --label NAME --data {self.data}",
                )
            self.batcher = Batcher(
                self._decide_batch,
                queue_limit=serve.queue_limit,
                batch_limit=serve.batch_limit,
                timeout_s=serve.timeout_s,
                batch_s=BATCH_S,
            )
            self.decider = await self.batcher.on_worker(self._make_decider)
        except BaseException:
            self.ledger.close()
            self._drop_lock()
            raise
        self.metrics.watch(
            queue=lambda: self.batcher.queued_items,
            ledger=lambda: self.ledger.head().size,
            ready=lambda: float(self._not_ready is None and not self.draining.is_set()),
        )
        if self.place is None or self.place.is_first:
            self._tasks.append(asyncio.create_task(self._purge_for_ever()))
        if self.place is not None:
            self._tasks.append(asyncio.create_task(self._follow_for_ever()))
        self._is_open = True
        self._not_ready = None

    def drain(self) -> None:
        """Say that the end is near: not ready any more, streams end. Requests are still answered."""
        self.draining.set()

    async def close(self) -> None:
        """Answer what waits, keep the counters for the next start, and close."""
        if not self._is_open:
            return
        self._is_open = False
        self.drain()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.batcher.close()
        try:
            # All workers have counted the same, and the snapshot says up to where in the ledger.
            if self.place is None or self.place.is_first:
                await asyncio.to_thread(self._keep_counters)
        except (OSError, HoldfastError, SQLAlchemyError) as error:
            # The next start counts anew from the ledger.
            _log.warning("counters_not_kept", **describe(error))
        self.ledger.close()
        self.limiter.close()
        self._drop_lock()

    def _make_decider(self) -> Decider:
        now = datetime.now(UTC)
        engine, policy = open_engine(self.data), self._policy
        if isinstance(policy, PolicyText):
            policy = Policy.load(policy.source, engine.schema, policy.path)
        following = self.place is not None
        decider = Decider(engine, self.ledger, self.settings.ledger, policy=policy, following=following)
        try:
            decider.restore((self.data / SNAPSHOT_NAME).read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError) as error:
            _log.warning("counters_not_restored", **describe(error))
        # What signals and rules load on first use is loaded before the first request waits for it.
        decider.engine.decide(_WARM, decider.policy(now), now)
        # And how long a batch takes is known before the first wave of them comes.
        started = perf_counter()
        decider.engine.decide(_MANY, decider.policy(now), now)
        self.batcher.pace.learn(len(_MANY), perf_counter() - started)
        return decider

    def _keep_counters(self) -> None:
        path = self.data / SNAPSHOT_NAME
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self.decider.snapshot())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def _drop_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _purge_for_ever(self) -> None:
        keep = timedelta(hours=self.settings.serve.idempotency_hours)
        while True:
            try:
                await self.batcher.on_worker(lambda: self.ledger.purge_responses(datetime.now(UTC) - keep))
            except (HoldfastError, SQLAlchemyError) as error:
                _log.warning("responses_not_purged", **describe(error))
            await asyncio.sleep(PURGE_EVERY_S)

    async def _follow_for_ever(self) -> None:
        """Keep up with the other workers while nothing comes here: a batch should not have to catch up."""
        failing = False
        while True:
            await asyncio.sleep(FOLLOW_EVERY_S)
            try:
                await self.batcher.on_worker(lambda: self.decider.policy(datetime.now(UTC)))
                await asyncio.to_thread(self.metrics.tell)
                failing = False
            except Exception as error:
                # A batch that comes catches up by itself, or says what is wrong.
                if not failing:
                    _log.warning("not_followed", **describe(error))
                failing = True

    async def not_ready(self) -> str | None:
        """Why the server should get no work now, or `None`. Asked at most once a second."""
        if self.draining.is_set():
            return "draining"
        now = asyncio.get_running_loop().time()
        if now - self._ready_at >= READY_FOR_S:
            self._ready_at = now
            try:
                async with asyncio.timeout(self.settings.serve.timeout_s):
                    self._not_ready = await self.batcher.on_worker(self._why_not_writable)
            except (TimeoutError, RuntimeError):
                self._not_ready = "the decider does not answer"
        return self._not_ready

    def _why_not_writable(self) -> str | None:
        try:
            with self.ledger.database.writing():
                pass
            if self.ledger.database.is_sqlite and shutil.disk_usage(self.data).free < FREE_BYTES:
                return "the disk is full"
        except (HoldfastError, SQLAlchemyError, OSError):
            return "the ledger cannot be written"
        return None

    # Deciding -------------------------------------------------------------------------------

    def admit(self, items: int = 1, patience_s: float | None = None) -> None:
        """Raise what `decide` would raise for a submission of `items` that has to wait: a handler calls it before it
        reads a body, so that under overload a refusal costs next to nothing."""
        try:
            self.batcher.check(items, self.settings.serve.queue_s if patience_s is None else patience_s)
        except QueueFull as full:
            raise _overloaded(full) from None
        except Stopped:
            raise draining() from None

    async def decide(self, submission: Submission, patience_s: float | None = None) -> Answer:
        """Decide and record a submission, in one batch with others that wait; where that would take longer than
        `patience_s` (by default the setting `serve.queue_s`), refuse it at once.

        Raises the problems `overloaded`, `timed-out`, `draining`, `store-unavailable`,
        `idempotency-conflict`, `invalid-item` and `internal`.
        """
        try:
            answer = await self.batcher.submit(
                submission,
                len(submission.items) + len(submission.scored),
                self.settings.serve.queue_s if patience_s is None else patience_s,
            )
        except QueueFull as full:
            raise _overloaded(full) from None
        except TooLate:
            raise Problem("timed-out", headers=(retry_after(1),)) from None
        except Stopped:
            raise draining() from None
        if isinstance(answer, Problem):
            raise answer
        if answer.replayed:
            self.metrics.replayed()
        return answer

    def _decide_batch(self, submissions: Sequence[Submission]) -> list[Answer | Problem | Exception]:
        """One engine batch and one ledger transaction for all, on the worker thread."""
        now = datetime.now(UTC)
        started = perf_counter()
        try:
            policy = self.decider.policy(now)
            checked = [self._misfit(policy, submission) for submission in submissions]
            fit = [s for s, misfit in zip(submissions, checked, strict=True) if misfit is None]
            answers = iter(self._decided(fit, now))
        except Exception as error:
            _log.error("batch_failed", requests=len(submissions), **describe(error))
            return [problem_of(error) for _ in submissions]
        outcomes = [next(answers) if misfit is None else misfit for misfit in checked]
        decided = [one.decision for a in outcomes if isinstance(a, Answer) for one in a.decided]
        if decided:
            self.metrics.batch(decided, len(decided), perf_counter() - started)
        return list(outcomes)

    def _decided(self, submissions: Sequence[Submission], now: datetime) -> Iterator[Answer | Problem]:
        if not submissions:
            return iter(())
        try:
            answers = self.decider.decide_all(submissions, now)
        except Exception as error:
            if is_of_the_store(error):
                raise
            if len(submissions) == 1:
                return iter([self._refused(error)])
            # One of them cannot be decided. Halving finds it in a few steps, and the others go through.
            half = len(submissions) // 2
            return iter([*self._decided(submissions[:half], now), *self._decided(submissions[half:], now)])
        return (
            Problem("idempotency-conflict") if isinstance(answer, IdempotencyConflict) else answer
            for answer in answers
        )

    def _refused(self, error: Exception) -> Problem:
        if isinstance(error, InvalidItem):
            return invalid([fault_of(error)])
        _log.error("decision_failed", **describe(error))
        return Problem("internal")

    @staticmethod
    def _misfit(policy: Policy, submission: Submission) -> Problem | None:
        """The problem with items whose context is not what the policy declares."""
        faults: list[FieldError] = []
        for index, item in enumerate(submission.items):
            if item.context:
                try:
                    policy.validate_context(item, where_of(index, len(submission.items) == 1))
                except InvalidItem as error:
                    # The place is a name that the policy declares, so it may be told.
                    faults.append(
                        FieldError(where=error.where or "item", expected=error.expected or error.what)
                    )
        return invalid(faults) if faults else None


def _overloaded(full: QueueFull) -> Problem:
    return Problem("overloaded", headers=(retry_after(full.seconds),))


def _key(stored: StoredKey) -> ApiKey:
    return ApiKey(
        key_id=stored.key_id,
        digest=stored.digest,
        scopes=frozenset(stored.scopes.split()),
        label=stored.label,
        created_by=stored.created_by,
        created_at=from_micros(stored.created_at),
        expires_at=None if stored.expires_at is None else from_micros(stored.expires_at),
        revoked_at=None if stored.revoked_at is None else from_micros(stored.revoked_at),
    )
