"""Contact details in what somebody writes: phone numbers, e-mail addresses, street addresses, number plates.

Two passes. One over the whole batch finds which texts could hold what (digits, "@", a word such as
"street" or "plate"): most comments hold nothing and cost no more. The second runs the patterns of
`contact_details/` over those that could.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version as installed_version
from typing import Final, NamedTuple

import numpy as np
from ahocorasick_rs import AhoCorasick, Implementation

from holdfast.decision import Span
from holdfast.schema import Field, Type, Value
from holdfast.signals.contact_details import address, email, phone, plate
from holdfast.signals.contact_details.plain import Found, Plain, plain
from holdfast.signals.signal import Batch, Evidence

KINDS: Final = ("phone", "email", "address", "plate")
LIMIT: Final = 50
"""Contact details that are counted in one item; further ones are not looked for."""

Finder = Callable[[str], Iterable[Found]]


class _Kind(NamedTuple):
    """How a kind is looked for: the least digits and the cues that a text must hold."""

    digits: int
    cues: tuple[str, ...]
    find: Finder


# In the order in which they claim a stretch of text: digits within an e-mail address are no phone number.
_KINDS: Final[dict[str, _Kind]] = {
    "email": _Kind(0, email.CUES, email.find),
    "plate": _Kind(1, plate.CUES, plate.find),
    "phone": _Kind(phone.DIGITS, (), phone.find),
    "address": _Kind(1, address.CUES, address.find),
}
_CUES: Final = tuple((cue, kind) for kind, how in _KINDS.items() for cue in how.cues)
_CUE_DIGITS: Final = np.array([_KINDS[kind].digits for _, kind in _CUES])
_CUE_ENDS: Final = np.array([kind == "address" for _, kind in _CUES])  # where no letter may follow


class Contact:
    """The signal. Deterministic; `version` names the libphonenumber data that it reads."""

    name = "contact"
    fields = (
        Field(name="contact.phone", type=Type.INTEGER, low=0, high=LIMIT, doc="Phone numbers."),
        Field(name="contact.email", type=Type.INTEGER, low=0, high=LIMIT, doc="E-mail addresses, spelled-out ones too."),
        Field(name="contact.address", type=Type.INTEGER, low=0, high=LIMIT, doc="What looks like a street address."),
        Field(name="contact.plate", type=Type.INTEGER, low=0, high=LIMIT, doc="Number plates, where the text speaks of one."),
        Field(name="contact.kinds", type=Type.TEXT_LIST, doc=f"Which of {', '.join(KINDS)} are there."),
    )  # fmt: skip

    @property
    def version(self) -> str:
        return f"1+phonenumbers-{installed_version('phonenumbers')}"

    def measure(self, batch: Batch) -> Evidence:
        """Counts and kinds of every item; a span for each contact detail, labelled with its kind."""
        segments = batch.segments
        texts = plain([segment.text for segment in segments])
        spans: dict[int, list[Span]] = {}
        for index, kinds in _candidates(texts).items():
            segment = segments[index]
            room = LIMIT - len(spans.get(segment.row, ()))
            found = _found(texts, index, kinds, room)
            if found:
                spans.setdefault(segment.row, []).extend(
                    Span(signal=self.name, start=start, end=end, label=kind, field=segment.field)
                    for start, end, kind in found
                )
        return Evidence(_columns(spans, len(batch)), spans)


def _columns(spans: dict[int, list[Span]], n: int) -> dict[str, Sequence[Value]]:
    counts = {kind: [0] * n for kind in KINDS}
    kinds: list[Value] = [[] for _ in range(n)]
    for row, found in spans.items():
        for span in found:
            counts[span.label][row] += 1
        kinds[row] = [kind for kind in KINDS if counts[kind][row]]
    columns: dict[str, Sequence[Value]] = {f"contact.{kind}": counts[kind] for kind in KINDS}
    columns["contact.kinds"] = kinds
    return columns


def _candidates(texts: Plain) -> dict[int, set[str]]:
    """By text, in order, the kinds that it could hold."""
    lower = texts.text.lower()
    letters = np.frombuffer(lower.encode("ascii"), np.uint8)
    # Unsigned: what stands before the first digit or letter wraps round.
    digits = np.diff(np.searchsorted(np.flatnonzero(letters - np.uint8(48) < 10), texts.bounds))
    candidates: dict[int, set[str]] = {}
    for index in np.flatnonzero(digits >= phone.DIGITS).tolist():
        candidates.setdefault(index, set()).add("phone")
    hits = _cues().find_matches_as_indexes(lower, overlapping=True)
    if hits:
        # A line feed ends every text, so that something always follows.
        cues, starts, ends = np.array(hits).T
        owners = np.searchsorted(texts.bounds, starts, side="right") - 1
        inside = letters[ends] - np.uint8(97) < 26
        kept = (digits[owners] >= _CUE_DIGITS[cues]) & ~(inside & _CUE_ENDS[cues])
        for index, cue in zip(owners[kept].tolist(), cues[kept].tolist(), strict=True):
            candidates.setdefault(index, set()).add(_CUES[cue][1])
    return dict(sorted(candidates.items()))


def _found(texts: Plain, index: int, kinds: set[str], room: int) -> list[tuple[int, int, str]]:
    """Start, end and kind of each contact detail, in code points of the original, from left to right."""
    text = texts.text[texts.bounds[index] : texts.bounds[index + 1] - 1]
    claimed: list[tuple[int, int, str]] = []
    for kind, how in _KINDS.items():
        if kind in kinds:
            claimed.extend(
                (one.start, one.end, kind) for one in _bounded(how.find(text), room - len(claimed), claimed)
            )
    claimed.sort()
    return [(*texts.original(index, start, end), kind) for start, end, kind in claimed]


def _bounded(found: Iterable[Found], room: int, claimed: Sequence[tuple[int, int, str]]) -> Iterator[Found]:
    for one in found:
        if room <= 0:
            return
        if not any(start < one.end and one.start < end for start, end, _ in claimed):
            room -= 1
            yield one


_lock = threading.Lock()
_automata: list[AhoCorasick] = []


def _cues() -> AhoCorasick:
    """Finds every kind's cues in one pass."""
    if not _automata:
        with _lock:
            if not _automata:
                _automata.append(AhoCorasick([cue for cue, _ in _CUES], implementation=Implementation.DFA))
    return _automata[0]
