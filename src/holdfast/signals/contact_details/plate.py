"""Number plates, in the strict formats of a few countries and only where somebody speaks of plates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from holdfast.signals.contact_details.plain import Found

CUES: Final = (
    "plate", "licen", "reg", "vrn", "kennzeichen", "nummernschild", "matricula", "placa", "patente", "immat", "plaque",
)  # fmt: skip
"""One of these stands near every plate that `find` finds."""

BEFORE, AFTER = 48, 32
"""Characters before and after a plate in which a cue may stand."""

_CUE: Final = re.compile(
    r"\b(?:(?:number|license|licence|licens|car|vehicle|reg) ?plates?|plates?|licen[cs]e (?:no|nr|number)|"
    r"reg(?:istration)?(?: (?:no|nr|number|is))|reg|registration|vrn|(?:auto|kfz|nummern)?kennzeichen|nummernschild|"
    r"matriculas?|placas?|patente|immatriculation|immat|plaques?)\b"
)
_FORMATS: Final = re.compile(
    r"(?<![A-Za-z0-9\-])(?:"
    r"(?P<gb>[A-Za-z]{2}\d\d ?[A-Za-z]{3})|"
    r"(?P<fr>[A-Za-z]{2}-\d{3}-[A-Za-z]{2}|[A-Z]{2} ?\d{3} ?[A-Z]{2})|"  # also Italian ones
    r"(?P<de>[A-Z]{1,3}[- ][A-Z]{1,2}[- ]?[1-9]\d{0,3}[EH]?|[a-z]{1,3}-[a-z]{1,2}[- ]?[1-9]\d{0,3}[eh]?)|"
    r"(?P<es>\d{4}[- ]?[BCDFGHJKLMNPRSTVWXYZ]{3}|\d{4}-?[bcdfghjklmnprstvwxyz]{3})|"
    r"(?P<il>\d\d-\d{3}-\d\d|\d{3}-\d\d-\d{3})|"
    r"(?P<us>\d[A-Za-z]{3}\d{3}|[A-Z]{3}[- ]?\d{3,4}|\d{3}[- ][A-Z]{3})"
    r")(?![A-Za-z0-9]|-[A-Za-z0-9])"
)
_MAKES: Final = frozenset(
    ("bmw", "gmc", "kgm", "byd", "mph", "kmh", "usd", "gbp", "kgs", "lbs", "pts", "hrs", "sqm")
)
"""Letters that follow a number as its unit, or a year as the car's make."""
_LETTERS: Final = re.compile(r"[^a-z]+")


def find(text: str) -> Iterator[Found]:
    """Number plates in plain `text`, from left to right."""
    lower = text.lower()
    cues = [match.span() for match in _CUE.finditer(lower)]
    if not cues:
        return
    near = 0
    for match in _FORMATS.finditer(text):
        start, end = match.span()
        while near < len(cues) and cues[near][1] < start - BEFORE:
            near += 1
        if near == len(cues):
            return
        if cues[near][0] <= end + AFTER and _LETTERS.sub("", match[0].lower()) not in _MAKES:
            yield Found(start, end)
