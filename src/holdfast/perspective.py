"""The attributes of Perspective's interface, told from the heads of Holdfast's classifier.

An attribute is the highest of its heads' probabilities: a text that is hateful or threatening is toxic at least as
surely. Where the classifier says nothing (a language that is not covered, no word) an attribute is unknown, never 0.
Scores are Holdfast's own: thresholds that were tuned on Google's have to be set again.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from holdfast.schema import Value

EXPERIMENTAL: Final = "_EXPERIMENTAL"
"""The ending under which older clients ask for the first six attributes; they score the same."""

_PLAIN: Final[dict[str, tuple[str, ...]]] = {
    "TOXICITY": ("hate", "harassment", "threat", "self_harm_incitement", "profanity", "sexual", "severe"),
    "SEVERE_TOXICITY": ("severe",),
    "IDENTITY_ATTACK": ("hate",),
    "INSULT": ("harassment", "hate"),
    "PROFANITY": ("profanity",),
    "THREAT": ("threat",),
    "SEXUALLY_EXPLICIT": ("sexual",),
    "SPAM": ("spam",),
}
ATTRIBUTES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    _PLAIN | {name + EXPERIMENTAL: _PLAIN[name] for name in list(_PLAIN)[:6]}
)
"""Every attribute by its name on the wire, with the heads that it is the highest of."""

NAMES: Final = tuple(_PLAIN)
"""Every attribute once, without the names of older clients."""


def supported(fields: Container[str]) -> tuple[str, ...]:
    """The attributes for which every head is among `fields` (weights of an operator's own may lack some)."""
    return tuple(name for name in ATTRIBUTES if is_supported(name, fields))


def is_supported(attribute: str, fields: Container[str]) -> bool:
    """Whether `attribute` is one, and every head of it is among `fields`."""
    return attribute in ATTRIBUTES and all(head in fields for head in ATTRIBUTES[attribute])


def score(attribute: str, signals: Mapping[str, Value]) -> float | None:
    """How probable `attribute` is, 0 to 1, from one item's signals by name; unknown where one of its heads is.

    Raises `KeyError` for a name that is not among `ATTRIBUTES`.
    """
    highest = 0.0
    for head in ATTRIBUTES[attribute]:
        value = signals.get(head)
        if not isinstance(value, int | float):
            return None
        highest = max(highest, float(value))
    return highest


def scores(attribute: str, columns: Mapping[str, Sequence[Value]]) -> list[float | None]:
    """`score` for every row of `columns`, which hold each head's values in the same order.

    Raises `KeyError` for an attribute that there is not, and for a head that has no column.
    """
    heads = ATTRIBUTES[attribute]
    table = np.array([columns[head] for head in heads], dtype=np.float64)  # None becomes NaN, and NaN is kept
    return [None if value != value else value for value in table.max(axis=0).tolist()]
