"""Counters over a sliding window, kept in memory, with snapshots.

`counter.py` says what a declaration means. Values are exact as long as items come no more than
`window.LATENESS` seconds out of order and the caps are not reached: `window.KEPT` entries for a
key, `KEYS` keys and `ENTRIES` entries for a counter. Where a cap is reached, the keys that have
not counted for the longest time are forgotten, so a value can only be too small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any, TypeAlias

import msgspec

from holdfast.errors import HoldfastError
from holdfast.policy.counter import Counter
from holdfast.policy.expression import reads
from holdfast.policy.live import Scope, define
from holdfast.policy.window import LATENESS, ItemWindow, ValueWindow
from holdfast.schema import Value

KEYS = 100_000
"""Keys that one counter remembers."""
ENTRIES = 1_000_000
"""Entries that one counter remembers over all keys (8 bytes each; for distinct values some 150)."""
_FORM = 1


class UnreadableSnapshot(HoldfastError):
    """A counters' snapshot was written by another version, or is damaged."""

    code = "unreadable-counters"


class _Saved(msgspec.Struct, frozen=True, array_like=True):
    meaning: str
    keys: list[tuple[Any, float, bytes, list[Any]]]


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    form: int
    counters: list[_Saved]


class Counters:
    """The state of a policy's counters. Not safe for several threads at once."""

    def __init__(self, declarations: Sequence[Counter] = ()) -> None:
        self.declarations = tuple(declarations)
        self._tallies = [_Tally(declaration) for declaration in self.declarations]

    def advance(
        self,
        columns: Mapping[str, Sequence[Value]],
        times: Sequence[float],
        known: Mapping[str, Sequence[bool | None]] | None = None,
    ) -> dict[str, Sequence[Value]]:
        """Count the items in order; every counter's value for each of them.

        `times` are seconds since the epoch. An item's value includes the item itself. How a stream
        is cut into batches makes no difference. `known` says by mark (see `Counter.mark`) for which
        items the condition is known to hold or not to hold; where it says nothing (`None`), and for
        counters that it leaves out, `columns` has to hold what the condition reads.
        """
        told = known or {}
        return {
            tally.declaration.name: tally.advance(columns, times, told.get(tally.declaration.mark))
            for tally in self._tallies
        }

    @property
    def counted(self) -> dict[str, Sequence[bool | None]]:
        """For which items of the latest batch the condition held, by mark, of the counters that have one."""
        return {tally.declaration.mark: tally.counted for tally in self._tallies if tally.counted is not None}

    def snapshot(self) -> bytes:
        """The whole state as bytes (MessagePack)."""
        saved = [_Saved(tally.declaration.meaning, tally.state()) for tally in self._tallies]
        return msgspec.msgpack.encode(_Snapshot(_FORM, saved))

    @classmethod
    def restore(cls, declarations: Sequence[Counter], state: bytes) -> Counters:
        """Counters that go on from a snapshot.

        A counter goes on when the snapshot has one that counts the same (names do not matter, its
        own and those of definitions); others begin empty. Raises `UnreadableSnapshot`.
        """
        try:
            snapshot = msgspec.msgpack.decode(state, type=_Snapshot)
            if snapshot.form != _FORM:
                raise ValueError(f"form {snapshot.form}")
            counters = cls(declarations)
            saved = {counter.meaning: counter for counter in snapshot.counters}
            for tally in counters._tallies:
                if (counter := saved.get(tally.declaration.meaning)) is not None:
                    tally.restore(counter.keys)
        except (msgspec.DecodeError, ValueError, TypeError) as error:
            raise UnreadableSnapshot(
                "the counters' snapshot cannot be read",
                value=str(error)[:80],
                expected=f"a snapshot of form {_FORM}",
                next_step="remove it; counters then begin empty and fill within their windows",
            ) from None
        return counters


class _Tally:
    """One counter's windows, by key. The dict's order is that in which keys last counted."""

    def __init__(self, declaration: Counter) -> None:
        self.declaration = declaration
        self._window: type[ItemWindow | ValueWindow] = ItemWindow if declaration.of is None else ValueWindow
        self._windows: dict[Any, ItemWindow | ValueWindow] = {}
        self._entries = 0
        self._counts = _condition(declaration)
        self._reads = () if declaration.where is None else reads(declaration.where)
        self.counted: Sequence[bool | None] | None = None

    def advance(
        self,
        columns: Mapping[str, Sequence[Value]],
        times: Sequence[float],
        known: Sequence[bool | None] | None = None,
    ) -> list[Value]:
        declaration, windows = self.declaration, self._windows
        seconds = float(declaration.seconds)
        horizon = seconds + LATENESS
        keys: Any
        match len(declaration.per):
            case 0:
                keys = repeat(True, len(times))
            case 1:
                keys = columns[declaration.per[0]]
            case _:
                keys = [
                    None if None in key else key
                    for key in zip(*[columns[name] for name in declaration.per], strict=True)
                ]
        counts = self.counted = self._counted(columns, len(times), known)
        if counts is None:
            counts = repeat(True, len(times))
        values = repeat(True, len(times)) if declaration.of is None else columns[declaration.of]
        result: list[Value] = []
        put = result.append
        for key, counted, value, time in zip(keys, counts, values, times, strict=True):
            if key is None:
                put(None)
                continue
            window = windows.get(key)
            if counted and value is not None:
                if window is None:
                    self._forget(time - horizon)
                    window = windows[key] = self._window()
                else:
                    # Moved to the end: the front is what has not counted for the longest time.
                    del windows[key]
                    windows[key] = window
                before = len(window)
                window.add(time, value, time - horizon)
                self._entries += len(window) - before
                if self._entries > ENTRIES:
                    self._shrink()
                # One that came too late to be kept still sees itself.
                put(window.count(time - seconds, time + LATENESS) or 1)
            else:
                put(0 if window is None else window.count(time - seconds, time + LATENESS))
        return result

    def _counted(
        self, columns: Mapping[str, Sequence[Value]], n: int, known: Sequence[bool | None] | None
    ) -> Any:
        if self._counts is None or (known is not None and None not in known):
            return None if self._counts is None else known
        if known is None:
            return self._counts(columns, n)
        # Where it is known, the columns need not hold what the condition reads.
        rows = [row for row, met in enumerate(known) if met is None]
        told = self._counts({name: [columns[name][row] for row in rows] for name in self._reads}, len(rows))
        met = list(known)
        for row, own in zip(rows, told, strict=True):
            met[row] = own
        return met

    def state(self) -> list[tuple[Any, float, bytes, list[Any]]]:
        return [(key, *window.state()) for key, window in self._windows.items()]

    def restore(self, keys: list[tuple[Any, float, bytes, list[Any]]]) -> None:
        several = len(self.declaration.per) > 1
        for key, past, times, values in keys:
            window = self._window.restored(past, times, values)
            self._windows[tuple(key) if several else key] = window
            self._entries += len(window)

    def _forget(self, past: float) -> None:
        """Make room for one key: drop up to two whose windows are over, and the oldest at the cap."""
        windows = self._windows
        for _ in range(2):
            if not windows:
                return
            oldest = next(iter(windows))
            if windows[oldest].latest > past and len(windows) < KEYS:
                return
            self._entries -= len(windows.pop(oldest))

    def _shrink(self) -> None:
        windows = self._windows
        while self._entries > ENTRIES and len(windows) > 1:
            self._entries -= len(windows.pop(next(iter(windows))))


_Condition: TypeAlias = Callable[[Mapping[str, Sequence[Value]], int], list[bool | None]]


def _condition(declaration: Counter) -> _Condition | None:
    """A function that says of each row whether it counts, compiled; `None` when all do."""
    where = declaration.where
    if where is None:
        return None
    names = reads(where)
    scope = Scope(names)
    code = scope.code(where)
    row = f"{', '.join(scope.variables.values())}," if names else "row"
    counts = define("counts", f"def counts(rows):\n return [{code.text} for {row} in rows]", scope.bound)

    def condition(columns: Mapping[str, Sequence[Value]], n: int) -> list[bool | None]:
        rows: Any = zip(*[columns[name] for name in names], strict=True) if names else repeat((), n)
        found: list[bool | None] = counts(rows)
        return found

    return condition
