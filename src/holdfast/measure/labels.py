"""Labels: which values of a column say that a row should have been acted on, and which that it should not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

from holdfast.errors import HoldfastError
from holdfast.schema import Value

VALUES_TOLD_APART = 50
"""Values that are counted one by one; further ones are counted together."""
OTHERS = "(others)"

_POSITIVE = frozenset({"1", "1.0", "true", "t", "yes", "y"})
_NEGATIVE = frozenset({"0", "0.0", "false", "f", "no", "n"})
# What a label looks like. If a column of texts is named by mistake, none of them is repeated.
_LABEL_LIKE = re.compile(r"[\w.+?/-]+( [\w.+?/-]+){0,2}")
_LABEL_CHARACTERS = 32
_FEW = 20


class InvalidLabels(HoldfastError):
    """The label column cannot be used: no value of it is understood."""

    code = "invalid-labels"


class Labels:
    """Reads the label column `column`.

    Without `positive`, 1, true and yes are positive and 0, false and no negative, in any case. With
    `positive`, those values are, and `negative` ones are negative: where none are given, every other
    value is. Anything else, and an empty cell, is unknown: such rows are left out and counted in
    `left_out` by value.
    """

    def __init__(self, column: str, positive: Iterable[str] = (), negative: Iterable[str] = ()) -> None:
        self.column = column
        self.positive = tuple(dict.fromkeys(map(_folded, positive)))
        self.negative = tuple(dict.fromkeys(map(_folded, negative)))
        if self.negative and not self.positive:
            raise InvalidLabels("needs --positive beside it", where="--negative", expected="--positive VALUE")
        both = set(self.positive) & set(self.negative)
        if both:
            raise InvalidLabels(
                "names a value that --negative names, too", where="--positive", value=min(both)
            )
        self.left_out: Counter[str] = Counter()
        self.negative_seen: Counter[str] = Counter()
        self._positive = frozenset(self.positive) or _POSITIVE
        self._negative = frozenset(self.negative) if self.positive else _NEGATIVE
        self._others_are_negative = bool(self.positive) and not self.negative

    def read(self, value: Value) -> bool | None:
        """Whether the row is positive; `None` when its label does not say."""
        word = "" if value is None else _folded(value)
        if word in self._positive:
            return True
        if word in self._negative or (word and self._others_are_negative):
            if self.positive:
                _count(self.negative_seen, _shown(word))
            return False
        shown = "(empty)" if not word else _shown(word)
        _count(self.left_out, shown)
        return None

    @property
    def values(self) -> dict[str, int]:
        """What was left out: rows by value, most first. Where there are many values they are rather texts
        than labels, and are not repeated."""
        few = len(self.left_out) <= _FEW
        told: Counter[str] = Counter()
        for name, count in self.left_out.items():
            told[name if few or name.startswith("(") else OTHERS] += count
        return dict(told.most_common())

    def refuse(self, where: str, rows: int) -> InvalidLabels:
        """The error for a file of so many rows in which no label was understood."""
        place = f"{where}, column {self.column}"
        if not rows:
            return InvalidLabels(
                "holds no rows", where=where, expected="rows with a text and a label after the header"
            )
        words = [name for name in self.values if not name.startswith("(")]
        return InvalidLabels(
            "holds no label that is understood",
            where=place,
            value=", ".join(list(self.values)[:8]),
            expected=self._expected(),
            next_step=f"say which values are positive: --positive {_quoted(words[0])}" if words else None,
        )

    def refuse_unseen(self, where: str) -> InvalidLabels:
        """The error for values named positive that no row has."""
        seen = [name for name, _ in self.negative_seen.most_common() if name != OTHERS][:_FEW]
        close = [near[0] for word in self.positive if (near := get_close_matches(word, seen, n=1))]
        return InvalidLabels(
            f"holds no label {' or '.join(self.positive)}",
            where=f"{where}, column {self.column}",
            value=", ".join(seen) or None,
            next_step=f"did you mean --positive {_quoted(close[0])}?"
            if close
            else "name values that the column holds with --positive",
        )

    def _expected(self) -> str:
        if not self.positive:
            return "1 or 0, true or false, yes or no"
        others = ", ".join(self.negative) or "another word"
        return f"{', '.join(self.positive)} (positive) or {others} (negative)"


def _folded(value: object) -> str:
    return str(value).strip().casefold()


def _count(counts: Counter[str], name: str) -> None:
    if name not in counts and len(counts) >= VALUES_TOLD_APART:
        name = OTHERS
    counts[name] += 1


def _shown(word: str) -> str:
    return word if len(word) <= _LABEL_CHARACTERS and _LABEL_LIKE.fullmatch(word) else OTHERS


def _quoted(word: str) -> str:
    return f"'{word}'" if " " in word else word
