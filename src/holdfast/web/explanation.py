"""`POST /v1/decide?explain=HEAD`: the words that a head of the classifier hangs on, among the answer's spans.

Costs one run of the network for each word of the text. So it is for one item at a time, each of these runs counts as
an item for the rate limit, and they are measured in small steps between batches, so that nobody else waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from holdfast.content import Item
from holdfast.decider import DecidedItem
from holdfast.decision import Span
from holdfast.schema import Value
from holdfast.signals.attribution import Occlusion, classifier_of, heads_of, spans
from holdfast.signals.classifier import Classifier
from holdfast.signals.signal import Batch
from holdfast.web.problems import FieldError, Problem, retry_after
from holdfast.web.service import Service

PARAMETER: Final = "explain"
STEP: Final = 8
"""Items of one step on the worker thread."""
AT_ONCE: Final = 4
"""Items that are explained at a time; more are asked to come again."""


class Explainer:
    """Explains items of one server's requests. Use from its event loop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running = 0

    def asked(self, query: bytes) -> tuple[str, ...]:
        """The heads that the query asks for, none where it does not. Raises the problem `invalid-parameter`."""
        if not query:
            return ()
        given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        named = [head for name, value in given if name == PARAMETER for head in value.split(",")]
        classifier = self._classifier()
        known = () if classifier is None else heads_of(classifier)
        if any(head not in known for head in named):
            # What was sent is not told back.
            raise _invalid(f"one or more of {', '.join(known)}, with commas between" if known else "nothing")
        return tuple(dict.fromkeys(named))

    async def explain(
        self, items: Sequence[Item], single: bool, heads: Sequence[str], key_id: str
    ) -> list[Span]:
        """What of the single item's text each of `heads` hangs on, the strongest first.

        Raises the problems `invalid-parameter`, `rate-limited`, `overloaded` and `timed-out`.
        """
        classifier = self._classifier()
        if not single or classifier is None:
            raise _invalid("a request with one item, not with a list")
        occlusion = Occlusion(items[0])
        if self._running >= AT_ONCE:
            raise Problem("overloaded", headers=(retry_after(1),))
        self._service.limiter.spend(key_id, len(occlusion.items))
        self._running += 1
        try:
            async with asyncio.timeout(self._service.settings.serve.timeout_s):
                columns = await self._columns(classifier, occlusion, heads)
        except TimeoutError:
            raise Problem("timed-out", headers=(retry_after(1),)) from None
        finally:
            self._running -= 1
        return spans({head: occlusion.drivers(column) for head, column in columns.items()})

    async def _columns(
        self, classifier: Classifier, occlusion: Occlusion, heads: Sequence[str]
    ) -> dict[str, list[Value]]:
        found: dict[str, list[Value]] = {head: [] for head in heads}
        for at in range(0, len(occlusion.items), STEP):
            batch = Batch(occlusion.items[at : at + STEP])
            measured = await self._service.batcher.on_worker(partial(classifier.measure, batch))
            for head, column in found.items():
                column.extend(measured.columns[head])
        return found

    def _classifier(self) -> Classifier | None:
        return classifier_of(self._service.decider.engine.signals)


def with_spans(
    respond: Callable[[Sequence[DecidedItem]], bytes], found: Sequence[Span]
) -> Callable[[Sequence[DecidedItem]], bytes]:
    """`respond` with `found` behind the spans of the decision."""

    def explained(decided: Sequence[DecidedItem]) -> bytes:
        (one,) = decided
        decision = msgspec.structs.replace(one.decision, spans=(*one.decision.spans, *found))
        return respond([one._replace(decision=decision)])

    return explained


def _invalid(expected: str) -> Problem:
    return Problem("invalid-parameter", errors=[FieldError(where=PARAMETER, expected=expected)])
