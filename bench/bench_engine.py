"""The engine without the classifier: all other signals, the default policy, decisions; with and without the ledger.

The classifier has a bench of its own; here something silent stands in its place.

Peer: the loop that a script would have, comment by comment: a regular expression of as many terms, and
py3langid; no normalising, no contact details, no rules, no reasons.
"""

from __future__ import annotations

import random
import re
import string
import tempfile
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import py3langid
from generate import items
from table import Table

from holdfast.decider import Decider
from holdfast.engine import Engine
from holdfast.ledger.ledger import Ledger
from holdfast.policy.counters import Counters
from holdfast.policy.packs import DEFAULT_PACK, pack_source
from holdfast.policy.policy import Policy
from holdfast.schema import Field, Type
from holdfast.signals import Batch, Evidence, default_signals

NOW = datetime(2026, 1, 1, tzinfo=UTC)
N, BATCH = 40_000, 1_000


class Silent:
    """Stands where the classifier would, and finds nothing in anything."""

    name, version = "classifier", "silent"

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self.fields = fields

    def measure(self, batch: Batch) -> Evidence:
        nothing = {Type.NUMBER: 0.001, Type.TEXT_LIST: [], Type.TEXT: "student"}
        return Evidence({field.name: [nothing[field.type]] * len(batch) for field in self.fields})


def main() -> None:
    *signals, classifier = default_signals()
    engine = Engine([*signals, Silent(tuple(classifier.fields))])
    policy = Policy.load(pack_source(DEFAULT_PACK), engine.schema)
    batches = [items(BATCH, seed=seed) for seed in range(N // BATCH)]
    engine.decide(batches[0], policy, NOW)

    table = Table("engine without classifier, one process", ("what", "items/s", "µs/item"))

    def timed(name: str, run) -> None:  # type: ignore[no-untyped-def]
        best = min(_seconds(run) for _ in range(3))
        table.add(name, f"{N / best:,.0f}", f"{best / N * 1e6:.1f}")

    measured = [engine.measure(batch) for batch in batches]
    timed("measure: all signals", lambda: [engine.measure(batch) for batch in batches])

    def judge() -> None:
        counters = Counters(policy.counters)
        for one in measured:
            engine.judge(one, policy, counters, NOW)

    timed(f"judge: {len(policy.rules)} rules, {len(policy.counters)} counters", judge)

    def decide() -> None:
        counters = Counters(policy.counters)
        for batch in batches:
            engine.judge(engine.measure(batch), policy, counters, NOW)

    timed("engine: measure and judge", decide)

    def recorded() -> None:
        with tempfile.TemporaryDirectory() as folder, Ledger.open(data=Path(folder)) as ledger:
            decider = Decider(engine, ledger)
            for batch in batches:
                decider.decide(batch, NOW)

    timed("decider: and recorded in the ledger", recorded)
    texts = [item.text for item in batches[0]]
    _by_hand(texts)
    seconds = _seconds(lambda: _by_hand(texts))
    table.add(
        "peer: a regular expression and py3langid", f"{BATCH / seconds:,.0f}", f"{seconds / BATCH * 1e6:.1f}"
    )
    table.print()


def _seconds(run) -> float:  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _by_hand(texts: list[str]) -> None:
    """What a moderation script often is: one big regular expression and a language guess per comment."""
    for text in texts:
        lowered = text.lower()
        _terms().findall(lowered)
        py3langid.classify(lowered)


def generated_terms(n: int) -> list[str]:
    rng = random.Random(7)
    return ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(5, 11))) for _ in range(n)]


@cache
def _terms() -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(map(re.escape, generated_terms(2_000))) + r")\b")


if __name__ == "__main__":
    main()
