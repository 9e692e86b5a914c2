"""Evidence about items. `signal.py` is the interface; every other module is one signal."""

from holdfast.signals.signal import Batch, Evidence, Segment, Signal

__all__ = ["Batch", "Evidence", "Segment", "Signal", "default_signals"]


def default_signals() -> tuple[Signal, ...]:
    """The signals that ship with Holdfast, in the order in which they run."""
    from holdfast.signals.contact import Contact
    from holdfast.signals.language import Language
    from holdfast.signals.lexicon import Lexicon
    from holdfast.signals.text import Text

    return (Text(), Lexicon.starter(), Language(), Contact())
