"""`comments:suggestscore`: what somebody holds the scores of a comment to be, recorded for reviewers and calibration.

Nothing is decided by it. Suggestions that arrive while others are written go into the ledger together, in one
transaction between two batches of decisions, so that many of them do not hold those up.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec
import structlog
from msgspec import UNSET

from holdfast.ledger.suggestions import Suggested, suggest
from holdfast.perspective import is_supported
from holdfast.web.access import Principal
from holdfast.web.edge import REF
from holdfast.web.failures import draining, problem_of
from holdfast.web.logs import describe
from holdfast.web.perspective import errors
from holdfast.web.perspective.analyze import (
    UNDETERMINED,
    check_context,
    check_languages,
    comment_of,
    item_of,
)
from holdfast.web.perspective.door import Answered
from holdfast.web.perspective.wire import (
    ANSWERED_TYPES,
    SuggestCommentScoreRequest,
    SuggestCommentScoreResponse,
    suggest_request,
)
from holdfast.web.problems import Problem, retry_after
from holdfast.web.service import Service

WAITING: Final = 64
"""Suggestions that wait to be written at a time; more are asked to come again."""
_COMMUNITY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}", re.ASCII)
"""What is kept of `communityId`: a name. Anything else could be what somebody wrote, which has to stay erasable."""

_log = structlog.get_logger("holdfast.web")


class Noted(NamedTuple):
    """A suggestion that was recorded: its place in the ledger, and the language that its text was found to be in."""

    seq: int
    language: str


class Suggester:
    """Answers `comments:suggestscore` over one server's service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._waiting: list[tuple[Suggested, asyncio.Future[Noted]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def answer(self, principal: Principal, body: bytes) -> Answered:
        """Raises `GoogleError`, and the problems `overloaded`, `timed-out`, `draining` and `store-unavailable`."""
        if not self._service.settings.compatible.record:
            raise errors.GoogleError(
                403,
                "Suggested scores are not kept here: the operator's setting compatible.record is off.",
                problem="forbidden",
            )
        request = suggest_request(body)
        comment = comment_of(request.comment)
        check_context(request.context)
        scores = self._scores(request)
        check_languages(request.languages)
        community = request.community_id
        if community is not None and _COMMUNITY.fullmatch(community) is None:
            community = None
        item = item_of(comment.words, request)
        noted = await self._noted(Suggested(item, scores, principal.key_id, community))
        response = SuggestCommentScoreResponse(
            client_token=UNSET if request.client_token is None else request.client_token,
            detected_languages=[noted.language],
            requested_languages=request.languages,
        )
        return Answered(_encode(response), [(REF, str(noted.seq).encode())])

    def _scores(self, request: SuggestCommentScoreRequest) -> dict[str, float]:
        if not request.attribute_scores:
            raise errors.invalid_request("Missing attribute_scores")
        schema = self._service.decider.engine.schema
        scores = {}
        for name, suggested in request.attribute_scores.items():
            if not is_supported(name, schema):
                raise errors.unknown_attribute(name)
            summary = suggested.summary_score
            if summary is None:
                raise errors.invalid_request(f"Missing summary_score of attribute {name}")
            if summary.type not in ANSWERED_TYPES:
                raise errors.score_type(summary.type, name)
            # Clients that write protocol buffers leave a field out that is 0.
            value = summary.value or 0.0
            if not 0 <= value <= 1:
                raise errors.invalid_request(f"Score of attribute {name} is not between 0 and 1")
            scores[name] = value
        return scores

    async def _noted(self, suggested: Suggested) -> Noted:
        """Have `suggested` written with whatever else waits."""
        if len(self._waiting) >= WAITING:
            raise Problem("overloaded", headers=(retry_after(1),))
        noted: asyncio.Future[Noted] = asyncio.get_running_loop().create_future()
        self._waiting.append((suggested, noted))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        try:
            async with asyncio.timeout(self._service.settings.serve.timeout_s):
                return await noted
        except TimeoutError:
            raise Problem("timed-out", headers=(retry_after(1),)) from None

    async def _write(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                # Whose client has gone is not written: it was told that it may send it again.
                batch = [(one, noted) for one, noted in taken if not noted.done()]
                if batch:
                    await self._write_all(batch)
        finally:
            self._writing = None

    async def _write_all(self, batch: Sequence[tuple[Suggested, asyncio.Future[Noted]]]) -> None:
        suggested = [one for one, _ in batch]
        try:
            found = await self._service.batcher.on_worker(lambda: self._append(suggested))
        except Exception as error:
            refused = _refused(error)
            if refused.code != "draining":
                _log.error("suggestions_not_recorded", suggestions=len(batch), **describe(error))
            for _, noted in batch:
                if not noted.done():
                    noted.set_exception(refused)
            return
        for (_, noted), one in zip(batch, found, strict=True):
            if not noted.done():
                noted.set_result(one)

    def _append(self, suggested: Sequence[Suggested]) -> list[Noted]:
        """On the worker thread: one transaction for all."""
        service = self._service
        plain = [msgspec.structs.replace(one.item, language=None) for one in suggested]
        languages = service.decider.engine.measure(plain, {"language"}).signals["language"]
        places = suggest(service.ledger, suggested, datetime.now(UTC))
        return [
            Noted(place, language if isinstance(language, str) else UNDETERMINED)
            for place, language in zip(places, languages, strict=True)
        ]


def _refused(error: Exception) -> Problem:
    if isinstance(error, RuntimeError) and "shutdown" in str(error):
        return draining()
    return problem_of(error)


_encode = msgspec.json.Encoder().encode
