"""A small policy and labelled rows for the tests of evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from holdfast.content import Item
from holdfast.engine import Engine
from holdfast.measure.evaluation import By, Chunk, Evaluation, Evaluator, evaluate
from holdfast.measure.labels import Labels
from holdfast.measure.score import Score
from holdfast.policy.policy import Policy

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
POLICY = """
policy: trial
rules:
  - name: links
    when: text.links > 0
    then: limit
    reason: spam
    tells: Comments with links are not recommended.
  - name: phones
    when: contact.phone > 0
    then: label
    reason: private
    tells: A phone number stands in it.
  - name: shouting
    when: text.capitals > 0.9
    then: allow
    reason: loud
    tells: Somebody looks at it.
    escalate: true
"""

LINK, PHONE, SHOUT, CALM = "see https://example.org/x", "ring +1 202 555 0143", "LOOK AT ME NOW", "good soup"

ENGINE = Engine()


def policy() -> Policy:
    return Policy.load(POLICY, ENGINE.schema)


def evaluated(
    rows: Sequence[tuple[str, object, object]] | Sequence[tuple[str, object, object, object]],
    *,
    size: int = 1_000,
    **options: object,
) -> Evaluation:
    """Evaluate rows of text, label, group and, where there is one, score, in chunks of `size`."""
    if rows and len(rows[0]) > 3:
        options["score"] = Score("column:api", lambda item: item.context.get("api"))
    evaluator = Evaluator(
        ENGINE,
        policy(),
        options.pop("labels", None) or Labels("label"),  # type: ignore[arg-type]
        lambda item: item.context.get("label"),
        NOW,
        by=[By("group", lambda item: item.context.get("group"))],
        **options,  # type: ignore[arg-type]
    )
    items = [
        Item(id=str(number), text=text, context=dict(zip(("label", "group", "api"), cells, strict=False)))
        for number, (text, *cells) in enumerate(rows, 1)
    ]
    chunks = (
        Chunk(items[start : start + size], list(range(start + 1, len(items) + 1))[:size], [])
        for start in range(0, len(items), size)
    )
    return evaluate(evaluator, chunks)
