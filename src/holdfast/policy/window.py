"""What one key of a counter has seen within its window.

Both kinds keep times in a sorted array, so that a value is two binary searches and a late item is
still put where it belongs. An item at time `t` sees what came before it in the stream at times in
`(t - window, t + LATENESS]`: items may come up to `LATENESS` late and count as if they had not. What
comes later than window and `LATENESS` behind the newest of its key is not kept.
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

    __slots__ = ("first", "past", "times")

    def __init__(self) -> None:
        self.times = array("d")
        self.first = 0  # entries before this one are over and wait to be dropped
        self.past = float("-inf")  # entries up to here are over

    def __len__(self) -> int:
        return len(self.times) - self.first

    @property
    def latest(self) -> float:
        """The newest time in it."""
        return self.times[-1] if self.times else self.past

    def add(self, time: float, value: Value, past: float) -> None:  # noqa: ARG002
        """Count an item; entries up to `past` are over. One that is itself over is not kept."""
        times = self.times
        first, length = self.first, len(times)
        if past > self.past:
            self.past = past
            while first < length and times[first] <= past:
                first += 1
            self.first = first
        if time > self.past:
            if length and time < times[-1]:
                insort(times, time, first)
            else:
                times.append(time)
            if length + 1 - first > KEPT:
                self.past = max(self.past, times[first + _DROPPED - 1])
                self.first = first = first + _DROPPED
        if first > 64 and first * 2 > length:
            del times[:first]
            self.first = 0

    def count(self, after: float, until: float) -> int:
        """How many lie in `(after, until]`."""
        times, first = self.times, self.first
        if len(times) == first:
            return 0
        end = len(times) if times[-1] <= until else bisect_right(times, until, first)
        return max(0, end - bisect_right(times, after, first))

    def state(self) -> tuple[float, bytes, list[Value]]:
        """Its content, for a snapshot."""
        return self.past, self.times[self.first :].tobytes(), []

    @classmethod
    def restored(cls, past: float, times: bytes, values: list[Value]) -> ItemWindow:  # noqa: ARG003
        """The window that `state` described."""
        window = cls()
        window.past = past
        window.times.frombytes(times)
        return window


class ValueWindow:
    """Counts distinct values: each by the last time it was seen."""

    __slots__ = ("first", "last", "past", "times")

    def __init__(self) -> None:
        self.last: dict[Value, float] = {}  # those at times up to `past` are over
        self.times = array("d")  # sorted; from `first` on those in `last` that are not over
        self.first = 0
        self.past = float("-inf")

    def __len__(self) -> int:
        return len(self.times) - self.first

    @property
    def latest(self) -> float:
        """The newest time in it."""
        return self.times[-1] if self.times else self.past

    def add(self, time: float, value: Value, past: float) -> None:
        """Count a value; entries up to `past` are over. One that is itself over is not kept."""
        times, last = self.times, self.last
        if past > self.past:
            self.past = past
            first, length = self.first, len(times)
            while first < length and times[first] <= past:
                first += 1
            self.first = first
        if time > self.past:
            self._put(time, value)
        if len(times) - self.first > KEPT:
            kept = sorted(self._entries(), key=_time)[_DROPPED:]
            self._keep(kept)
        elif max(self.first, len(last) - len(times)) > max(64, len(times) // 2):
            self._keep(self._entries())

    def _put(self, time: float, value: Value) -> None:
        times, last = self.times, self.last
        before = last.get(value)
        if before is not None:
            if before <= self.past:
                del last[value]  # its place in the order must be that of a value never seen
            elif before >= time:
                return
            else:
                del times[bisect_right(times, before, self.first) - 1]
        last[value] = time
        if times and time < times[-1]:
            insort(times, time, self.first)
        else:
            times.append(time)

    def count(self, after: float, until: float) -> int:
        """How many values were last seen in `(after, until]`."""
        times, first = self.times, self.first
        if len(times) == first:
            return 0
        end = len(times) if times[-1] <= until else bisect_right(times, until, first)
        return max(0, end - bisect_right(times, after, first))

    def state(self) -> tuple[float, bytes, list[Value]]:
        """Its content, for a snapshot: values, and when each was last seen."""
        entries = self._entries()
        return self.past, array("d", [time for _, time in entries]).tobytes(), [value for value, _ in entries]

    @classmethod
    def restored(cls, past: float, times: bytes, values: list[Value]) -> ValueWindow:
        """The window that `state` described."""
        window = cls()
        window.past = past
        seen = array("d")
        seen.frombytes(times)
        window._keep(list(zip(values, seen, strict=True)))
        return window

    def _entries(self) -> list[tuple[Value, float]]:
        past = self.past
        return [entry for entry in self.last.items() if entry[1] > past]

    def _keep(self, entries: list[tuple[Value, float]]) -> None:
        self.last = dict(entries)
        self.times = array("d", sorted(self.last.values()))
        self.first = 0


def _time(entry: tuple[Value, float]) -> float:
    return entry[1]
