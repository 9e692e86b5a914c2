"""Evidence about items. `signal.py` is the interface; every other module is one signal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.signals.signal import Batch, Evidence, Segment, Signal

if TYPE_CHECKING:
    from holdfast.signals.classifier import Stages
    from holdfast.signals.recalibration import Recalibration

__all__ = ["Batch", "Evidence", "Segment", "Signal", "default_signals"]


def default_signals(
    lists: Sequence[Path] = (),
    glossaries: Sequence[Path] = (),
    *,
    weights: Path | None = None,
    stages: Stages | None = None,
    recalibration: Recalibration | None = None,
) -> tuple[Signal, ...]:
    """The signals that ship with Holdfast, in the order in which they run.

    `lists` are an operator's own lexicon files, `glossaries` their own glossary files, added to those that ship;
    `weights` is the folder of a classifier that takes the place of the shipped one, and `stages` says which of its
    stages answer; `recalibration` bends its probabilities to a platform's own labels. The networks are opened at the
    first text. Raises `InvalidLexicon`, `InvalidGlossary`, `InvalidModel` or `InvalidRecalibration`.
    """
    from holdfast.signals.classifier import SHIPPED, Classifier
    from holdfast.signals.contact import Contact
    from holdfast.signals.glossary import Glossary
    from holdfast.signals.language import Language
    from holdfast.signals.lexicon import Lexicon
    from holdfast.signals.text import Text

    lexicon = Lexicon.with_lists(lists) if lists else Lexicon.starter()
    glossary = Glossary.with_lists(glossaries) if glossaries else Glossary.starter()
    classifier = Classifier(weights or SHIPPED, stages, recalibration)
    return (Text(), lexicon, glossary, Language(), Contact(), classifier)
