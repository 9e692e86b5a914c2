"""What one key of a counter has seen within its window.

Both kinds keep times in a sorted array, so that a value is two binary searches and a late item is
still put where it belongs. An item at time `t` sees what came before it in the stream at times in
`(t - window, t + LATENESS]`: items may come up to `LATENESS` late and count as if they had not.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort

from holdfast.schema import Value

LATENESS = 300.0
"""Seconds by which items may come out of order without changing a count."""
KEPT = 10_000
"""Entries kept for one key. Beyond, the oldest tenth is dropped, so that a value of 9,000 or more
means *at least so many*."""
_DROPPED = KEPT // 10


class ItemWindow:
    """Counts items."""

    __slots__ = ("first", "times")

    def __init__(self) -> None:
        self.times = array("d")
        self.first = 0  # entries before this one are past and wait to be dropped

    def __len__(self) -> int:
        return len(self.times) - self.first

    @property
    def latest(self) -> float:
        """The newest time in it."""
        return self.times[-1] if self.times else float("-inf")

    def add(self, time: float, value: Value, past: float) -> None:  # noqa: ARG002
        """Count an item; entries up to `past` are over."""
        times = self.times
        if times and time < times[-1]:
            insort(times, time, self.first)
        else:
            times.append(time)
        first = self.first
        while times[first] <= past:
            first += 1
        if len(times) - first > KEPT:
            first += _DROPPED
        if first > 64 and first * 2 > len(times):
            del times[:first]
            first = 0
        self.first = first

    def count(self, after: float, until: float) -> int:
        """How many lie in `(after, until]`."""
        times = self.times
        end = len(times) if not times or times[-1] <= until else bisect_right(times, until, self.first)
        return end - bisect_right(times, after, self.first)

    def state(self) -> tuple[bytes, list[Value]]:
        """Its content, for a snapshot."""
        return self.times[self.first :].tobytes(), []

    @classmethod
    def restored(cls, times: bytes, values: list[Value]) -> ItemWindow:  # noqa: ARG003
        """The window that `state` described."""
        window = cls()
        window.times.frombytes(times)
        return window


class ValueWindow:
    """Counts distinct values: each by the last time it was seen."""

    __slots__ = ("first", "last", "times")

    def __init__(self) -> None:
        self.last: dict[Value, float] = {}
        self.times = array("d")  # of the values in `last`, sorted; those before `first` are past
        self.first = 0

    def __len__(self) -> int:
        return len(self.times) - self.first

    @property
    def latest(self) -> float:
        """The newest time in it."""
        return self.times[-1] if self.times else float("-inf")

    def add(self, time: float, value: Value, past: float) -> None:
        """Count a value; entries up to `past` are over."""
        times, last = self.times, self.last
        first = self.first
        length = len(times)
        while first < length and times[first] <= past:
            first += 1
        before = last.get(value)
        if before is not None and before > past:
            if before >= time:
                self.first = first
                return
            del times[bisect_right(times, before, first) - 1]
        last[value] = time
        if times and time < times[-1]:
            insort(times, time, first)
        else:
            times.append(time)
        self.first = first
        if len(times) - first > KEPT:
            self._keep(sorted(last.items(), key=_time)[-(KEPT - _DROPPED) :])
        elif first > 64 and first * 2 > len(times):
            self._keep([entry for entry in last.items() if entry[1] > past])

    def count(self, after: float, until: float) -> int:
        """How many values were last seen in `(after, until]`."""
        times = self.times
        end = len(times) if not times or times[-1] <= until else bisect_right(times, until, self.first)
        return end - bisect_right(times, after, self.first)

    def state(self) -> tuple[bytes, list[Value]]:
        """Its content, for a snapshot: values, and when each was last seen."""
        oldest = self.times[self.first] if len(self) else float("inf")
        kept = [entry for entry in self.last.items() if entry[1] >= oldest]
        return array("d", [time for _, time in kept]).tobytes(), [value for value, _ in kept]

    @classmethod
    def restored(cls, times: bytes, values: list[Value]) -> ValueWindow:
        """The window that `state` described."""
        window = cls()
        seen = array("d")
        seen.frombytes(times)
        window._keep(list(zip(values, seen, strict=True)))
        return window

    def _keep(self, entries: list[tuple[Value, float]]) -> None:
        self.last = dict(entries)
        self.times = array("d", sorted(self.last.values()))
        self.first = 0


def _time(entry: tuple[Value, float]) -> float:
    return entry[1]
