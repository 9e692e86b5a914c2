"""How long a batch will take, learnt from those that ran."""

from __future__ import annotations

from typing import Final

RATE: Final = 0.3
"""How much of what a batch took otherwise than expected is learnt from it."""
TYPICAL: Final = 8
"""Items from which on a batch tells more about the items than about what each batch costs."""
OVERHEAD: Final = 0.2
"""Share of a batch's seconds that may go into what each batch costs, so that many small ones do not waste the time."""
_LEAST: Final = 1e-6


class Pace:
    """Seconds for each batch, and for each item in it.

    Both are learnt by normalised least mean squares: each batch moves them by a part of its error, and the one that
    the batch tells more about moves more. So an hour of lone requests says little about what a hundred at once will
    take, as it should: alone they cost three times as much. What took more than twice as long as expected counts as
    twice; a disk that hung once must not shut the door for the next hundred batches.
    """

    def __init__(self) -> None:
        self.batch_s = 0.0
        self.item_s = 0.0

    @property
    def is_known(self) -> bool:
        return self.item_s > 0

    def seconds(self, items: int) -> float:
        """What a batch of `items` will take; 0 before any has run."""
        return self.batch_s + items * self.item_s if items and self.is_known else 0.0

    def turn_s(self, least: float) -> float:
        """How long a batch should be at most: `least`, or more where batches cost so much that it would waste time."""
        return max(least, self.batch_s / OVERHEAD)

    def fits(self, items: int, turn_s: float) -> bool:
        """Whether a batch of `items` will take no longer than `turn_s`."""
        return self.seconds(items) <= turn_s

    def queue_s(self, items: int, turn_s: float) -> float:
        """What `items` will take in batches of at most `turn_s`."""
        seconds = self.seconds(items)
        return seconds + seconds // turn_s * self.batch_s

    def learn(self, items: int, seconds: float) -> None:
        """A batch of `items` took `seconds`."""
        expected = self.seconds(items)
        error = min(seconds - expected, max(expected, 0.001)) if self.is_known else seconds
        size = items / TYPICAL
        step = (RATE if self.is_known else 1.0) * error / (1 + size * size)
        self.batch_s = max(0.0, self.batch_s + step)
        self.item_s = max(_LEAST, self.item_s + step * size / TYPICAL)
