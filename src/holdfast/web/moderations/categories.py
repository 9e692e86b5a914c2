"""What OpenAI's thirteen categories mean in terms of the classifier's heads, and which of them nobody looks at.

Both sides give probabilities: a category that is the meeting of two heads (a threat *and* hate) is as probable as the
less probable of the two, at most; that is the score. Some categories have no head here (sexual content about minors,
instructions, gore): these are never scored, and the format's way to say so is an empty list of applied input types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from holdfast.schema import Value

Kind = Literal["text", "image"]

CATEGORIES: Final[Mapping[str, tuple[str, ...]]] = {
    "harassment": ("harassment",),
    "harassment/threatening": ("harassment", "threat"),
    "hate": ("hate",),
    "hate/threatening": ("hate", "threat"),
    "illicit": (),
    "illicit/violent": (),
    "self-harm": ("self_harm_incitement",),
    "self-harm/instructions": (),
    "self-harm/intent": (),
    "sexual": ("sexual",),
    "sexual/minors": (),
    "violence": ("threat",),
    "violence/graphic": (),
}
"""For each category the heads of which all have to be probable; none: not looked at."""

PICTURED: Final = frozenset(
    {"self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "violence", "violence/graphic"}
)
"""The categories that may be said to apply to `image`. For the others the format knows `text` alone, which words in a
picture are too."""

THRESHOLD: Final = 0.5
"""The score from which a category is true: more likely than not."""


class Reading(NamedTuple):
    """One text of an input: whether it was written or read off an image, and what every signal says of it."""

    kind: Kind
    signals: Mapping[str, Value]


class Verdict(NamedTuple):
    """A category of one input: its score, and the kinds of texts that were looked at for it, `text` first."""

    score: float
    applied: tuple[Kind, ...]

    @property
    def is_flagged(self) -> bool:
        return bool(self.applied) and self.score >= THRESHOLD


UNSEEN: Final = Verdict(0.0, ())


def verdict(category: str, readings: Sequence[Reading]) -> Verdict:
    """The category of an input that consists of `readings`: the highest of their scores.

    `UNSEEN` where no reading has a score: the category has no heads here, or the classifier says nothing.
    """
    heads = CATEGORIES[category]
    scored = [(score, one.kind) for one in readings if (score := _score(heads, one.signals)) is not None]
    if not scored:
        return UNSEEN
    kinds = {kind if category in PICTURED else "text" for _, kind in scored}
    applied: tuple[Kind, ...] = ("text", "image")
    return Verdict(max(score for score, _ in scored), tuple(kind for kind in applied if kind in kinds))


def _score(heads: Sequence[str], signals: Mapping[str, Value]) -> float | None:
    scores = []
    for head in heads:
        value = signals.get(head)
        if not isinstance(value, float | int):
            return None
        scores.append(float(value))
    return min(scores, default=None)
