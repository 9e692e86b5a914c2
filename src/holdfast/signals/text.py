"""The signal `text`: how an item's text is written, whatever it says."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.schema import Field, Type
from holdfast.signals.codepoints import (
    IS_EMOJI,
    IS_LETTER,
    IS_LOWER,
    IS_UPPER,
    MAY_BE_EMOJI,
    REGIONAL_A,
    VERSION,
    tables,
)
from holdfast.signals.signal import Batch, Evidence

_TOP_LEVEL = (
    "com|net|org|info|biz|io|co|me|tv|gg|app|dev|xyz|online|site|shop|store|club|live|link|top|vip|ly|to|be|ai|fm|uk|de|fr|"
    "es|it|nl|pl|ru|ua|br|in|jp|cn|kr|au|ca|us|eu|ch|at|se|no|dk|fi|pt|gr|tr|mx|ar|za|ng|ke|il|ir|sa|ae|pk|id|ph|vn|th"
)
# A web address begins where no word, domain or mail address is under way, so that each start is tried once.
LINK: Final = re.compile(
    rf"(?<![\w@.-])(?:https?://\S+|www\.\w\S*|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:{_TOP_LEVEL})\b(?![@\w-])(?:[/?#:]\S*)?)",
    re.IGNORECASE | re.ASCII,
)
"""A web address. Takes linear time."""

_DOT, _AT_SELECTOR, _JOINER = ord("."), 0xFE0F, 0x200D


class Text:
    """Length, letters, capitals, emoji, links and disguises of each item's `text`."""

    name = "text"
    version = f"1.{VERSION}"
    fields = (
        Field(name="text.length", type=Type.INTEGER, low=0, doc="Its length in code points."),
        Field(name="text.letters", type=Type.INTEGER, low=0, doc="How many of them are letters."),
        Field(
            name="text.evasion",
            type=Type.INTEGER,
            low=0,
            doc="Disguises that were undone: leet, look-alikes, letters spaced out, drawn out or upside down, hidden characters.",
        ),
        Field(name="text.emoji", type=Type.INTEGER, low=0, doc="Emoji; a sequence shown as one counts once."),
        Field(name="text.links", type=Type.INTEGER, low=0, doc="Web addresses."),
        Field(
            name="text.capitals", type=Type.NUMBER, low=0, high=1, doc="Capitals among the letters that have case; 0 if none has."
        ),
    )  # fmt: skip

    def measure(self, batch: Batch) -> Evidence:
        texts = [item.text for item in batch.items]
        if not texts:
            return Evidence({field.name: [] for field in self.fields})
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        starts = np.cumsum(lengths + 1) - (lengths + 1)
        codes, written = _written("\n".join([*texts, ""]))
        letters = _count(written & IS_LETTER, starts)
        upper = _count(written & IS_UPPER, starts) // IS_UPPER
        lower = _count(written & IS_LOWER, starts) // IS_LOWER
        cased = np.maximum(upper + lower, 1)
        return Evidence(
            {
                "text.length": lengths.tolist(),
                "text.letters": letters.tolist(),
                # Segments begin with every item's text.
                "text.evasion": batch.normalised.evasions[: len(texts)].tolist(),
                "text.emoji": _emoji(codes, written, starts),
                "text.links": _links(texts, codes, written, starts),
                "text.capitals": (upper / cased).tolist(),
            }
        )


@cache
def _ascii_written() -> bytes:
    return tables().written[:256].tobytes()


def _written(joined: str) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    if joined.isascii():
        raw = joined.encode("ascii")
        return np.frombuffer(raw, np.uint8), np.frombuffer(raw.translate(_ascii_written()), np.uint8)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    return codes, tables().written[codes]


def _count(flags: NDArray[Any], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.add.reduceat(flags, starts, dtype=np.int64)


def _emoji(codes: NDArray[Any], written: NDArray[np.uint8], starts: NDArray[np.int64]) -> list[int]:
    if codes.dtype == np.uint8:
        return [0] * len(starts)
    shown = np.flatnonzero(written >= IS_EMOJI)
    # The last code point ends the last text, so that one follows every emoji; before the first, it wraps round to that.
    shown = shown[((written[shown] & MAY_BE_EMOJI) == 0) | (codes[shown + 1] == _AT_SELECTOR)]
    shown = shown[codes[shown - 1] != _JOINER]
    flags = np.flatnonzero((codes >= REGIONAL_A) & (codes < REGIONAL_A + 26))
    if len(flags):
        fresh = np.flatnonzero(np.diff(flags, prepend=-2) != 1)
        within = np.arange(len(flags)) - np.repeat(fresh, np.diff(fresh, append=len(flags)))
        shown = np.concatenate((shown, flags[within % 2 == 1]))  # a flag is a pair
    counts: list[int] = np.bincount(
        np.searchsorted(starts, shown, side="right") - 1, minlength=len(starts)
    ).tolist()
    return counts


def _links(
    texts: list[str], codes: NDArray[Any], written: NDArray[np.uint8], starts: NDArray[np.int64]
) -> list[int]:
    links = [0] * len(texts)
    dots = np.flatnonzero(codes == _DOT)
    before, after = codes[dots - 1], codes[dots + 1]
    inside = (before < 128) & (after < 128) & ((written[dots + 1] & IS_LETTER) != 0) & (before > 32)
    for row in np.unique(np.searchsorted(starts, dots[inside], side="right") - 1).tolist():
        links[row] = sum(1 for _ in LINK.finditer(texts[row]))
    return links
