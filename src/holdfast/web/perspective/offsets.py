"""Places in a text counted in UTF-16 code units, as Perspective's spans and JavaScript's strings count them."""

from __future__ import annotations

from itertools import accumulate


class Utf16Offsets:
    """How many UTF-16 code units stand before each character of `text`."""

    def __init__(self, text: str) -> None:
        self._before: list[int] | None = None
        if not text.isascii() and max(text) > "\uffff":
            self._before = [0, *accumulate(1 + (character > "\uffff") for character in text)]

    def __getitem__(self, place: int) -> int:
        """The code units before the character at `place`, which may be the end of the text."""
        return place if self._before is None else self._before[place]
