"""Decisions: what the shipped policy does with texts, over every signal and the weights under evaluation."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.content import TEXT_LIMIT, Item
from holdfast.decision import SEVERITY, Action
from holdfast.engine import Engine
from holdfast.policy.packs import DEFAULT_PACK, pack_source
from holdfast.policy.policy import Policy
from holdfast.signals import default_signals
from holdfast.signals.classifier import Classifier
from models.answers import CHUNK

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""When all is decided: no item says when it was written, and no rule may depend on today."""


def engine_over(weights: Path) -> Engine:
    """The engine with every signal that ships, and the classifier of `weights`. Raises `InvalidModel`."""
    signals = [signal for signal in default_signals() if signal.name != Classifier.name]
    return Engine((*signals, Classifier.load(weights)))


def acted_on(
    weights: Path, texts: Sequence[str], contexts: Sequence[str | None], acts_from: Action
) -> NDArray[np.bool_]:
    """Which texts the shipped policy acts on, each alone: at least `acts_from`, or shown to a person.

    Nothing is known of authors and targets, so rules that ask for them cannot fire.
    """
    engine = engine_over(weights)
    policy = Policy.load(pack_source(DEFAULT_PACK), engine.schema, f"{DEFAULT_PACK}.yaml")
    found: list[bool] = []
    began = time.monotonic()
    for start in range(0, len(texts), CHUNK):
        pairs = zip(texts[start : start + CHUNK], contexts[start : start + CHUNK], strict=True)
        items = [
            Item(id=str(row), text=text[:TEXT_LIMIT], caption=context)
            for row, (text, context) in enumerate(pairs, start)
        ]
        found.extend(
            decision.escalate or SEVERITY[decision.action] >= SEVERITY[acts_from]
            for decision in engine.decide(items, policy, NOW)
        )
    spent = time.monotonic() - began
    sys.stderr.write(f"policy: {len(texts):,} texts, {len(texts) / max(spent, 1e-9):.0f} a second\n")
    return np.array(found, np.bool_)
