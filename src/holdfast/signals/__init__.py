"""Evidence about items. `signal.py` is the interface; every other module is one signal."""

from collections.abc import Sequence
from pathlib import Path

from holdfast.signals.signal import Batch, Evidence, Segment, Signal

__all__ = ["Batch", "Evidence", "Segment", "Signal", "default_signals"]


def default_signals(lists: Sequence[Path] = (), glossaries: Sequence[Path] = ()) -> tuple[Signal, ...]:
    """The signals that ship with Holdfast, in the order in which they run.

    `lists` are an operator's own lexicon files, `glossaries` their own glossary files, added to those that ship.
    Raises `InvalidLexicon` or `InvalidGlossary`.
    """
    from holdfast.signals.contact import Contact
    from holdfast.signals.glossary import Glossary
    from holdfast.signals.language import Language
    from holdfast.signals.lexicon import Lexicon
    from holdfast.signals.text import Text

    lexicon = Lexicon.with_lists(lists) if lists else Lexicon.starter()
    glossary = Glossary.with_lists(glossaries) if glossaries else Glossary.starter()
    return (Text(), lexicon, glossary, Language(), Contact())
