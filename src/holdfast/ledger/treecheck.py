"""Checking the tree: recompute it from the events, and find which stored cell disagrees.

Three things say what a tile of 256 events was: the events themselves, the leaf hashes stored beside
them, and the stored node over the tile. Where one differs from the other two, that one was altered.
"""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.ledger import merkle
from holdfast.ledger.faults import Report
from holdfast.ledger.merkle import TILE_BITS
from holdfast.ledger.paging import fetch
from holdfast.ledger.tree import TILE, TreeHead
from holdfast.store.database import Database

GAP_LIMIT = 65_536
"""Missing events that are walked over one by one; past a larger gap only single rows can be checked."""


class TreeCheck:
    """Takes every event's two leaf hashes in order and reports what does not fit."""

    def __init__(self, database: Database, report: Report, heads: Sequence[TreeHead]) -> None:
        self._database = database
        self._report = report
        self._heads = sorted(heads)
        self._own: list[bytes | None] = []
        self._stored: list[bytes | None] = []
        self._upper: list[bytes] = []  # the frontier of levels 8 and up
        self._tiles = 0
        self._nodes: dict[tuple[int, int], bytes] = {}
        self.rewritten: list[TreeHead] = []
        """Heads that the events do not lead to."""
        self.broken = False

    @property
    def position(self) -> int:
        return self._tiles * TILE + len(self._own)

    def feed(self, own: bytes | None, stored: bytes | None) -> None:
        """The next event: the leaf hash that its columns give, and the one stored beside them."""
        self._own.append(own)
        self._stored.append(stored)
        if len(self._own) == TILE:
            self._close()

    def skip(self, missing: int) -> None:
        """The next `missing` events are not there."""
        if missing > GAP_LIMIT:
            self.broken = True
        if not self.broken:
            for _ in range(missing):
                self.feed(None, None)

    def finish(self, packed_frontier: bytes) -> tuple[list[bytes], bytes] | None:
        """The recomputed frontier and root, or `None` when too much is missing to compute them.

        `packed_frontier` is the one stored in `tree`: it says what the last, unfinished tile was.
        """
        if self.broken:
            return None
        pieces = [packed_frontier[start : start + 32] for start in range(0, len(packed_frontier), 32)]
        tail = pieces[len(pieces) - len(self._own).bit_count() :] if self._own else []
        best = self._vote(tail)
        self._match_heads(best)
        if best is None:
            return None
        frontier = self._upper + merkle.extend(0, [], best)[0]
        return frontier, merkle.root(frontier)

    def _close(self) -> None:
        if self.broken:
            self._own, self._stored = [], []
            return
        number = self._tiles
        node = self._node(TILE_BITS, number)
        best = self._vote(None if node is None else [node])
        self._match_heads(best)
        if best is not None:
            root = merkle.root(merkle.extend(0, [], best)[0])
        elif node is not None:
            root = node
        else:
            self.broken = True
            return
        if node != root:
            self._report.add("nodes", f"level 8, position {number}", _node_fault(node, number * TILE, TILE))
        self._upper, completed = merkle.extend(number, self._upper, [root])
        for level, position, computed in completed:
            stored = self._node(level + TILE_BITS, position)
            if stored != computed:
                span = 1 << (level + TILE_BITS)
                place = f"level {level + TILE_BITS}, position {position}"
                self._report.add("nodes", place, _node_fault(stored, position * span, span))
        self._tiles += 1
        self._own, self._stored = [], []

    def _vote(self, over: list[bytes] | None) -> list[bytes] | None:
        """The leaves of this tile as they were written, as far as can be told; reports the altered ones.

        `over` is what is stored over the tile: its node, or the frontier's pieces for the last one.
        """
        own, stored = _whole(self._own), _whole(self._stored)
        differing = [index for index, leaf in enumerate(self._own) if leaf != self._stored[index]]
        if not differing:
            return own
        first = self._tiles * TILE
        by_own, by_stored = _agrees(own, over), _agrees(stored, over)
        for index in differing:
            if by_stored:
                what = "seq, at, key, type or body was altered: they do not give the leaf, which the tree confirms"
            elif by_own:
                what = "leaf was altered: it does not follow from the event, which the tree confirms"
            else:
                what = "the leaf does not follow from seq, at, key, type and body; one of these was altered"
            self._report.add("events", f"seq {first + index}", what)
        return stored if by_stored else own if by_own else None

    def _match_heads(self, leaves: list[bytes] | None) -> None:
        first = self._tiles * TILE
        while self._heads and self._heads[0].size <= first + len(self._own):
            head = self._heads.pop(0)
            if leaves is None:
                continue  # that events are missing or altered here is reported already
            frontier, _ = merkle.extend(0, [], leaves[: head.size - first])
            if merkle.root(self._upper + frontier) != head.root:
                self.rewritten.append(head)

    def _node(self, level: int, position: int) -> bytes | None:
        if (level, position) not in self._nodes:
            # Nodes are asked for in order: a tile of them at a time.
            self._nodes = {key: value for key, value in self._nodes.items() if key[0] != level}
            with self._database.inspecting() as connection:
                query = "SELECT position, hash FROM nodes WHERE level = ? AND position >= ? AND position < ?"
                for found, value in fetch(connection, query, (level, position, position + TILE)):
                    self._nodes[level, found] = value
        return self._nodes.get((level, position))


def _whole(leaves: list[bytes | None]) -> list[bytes] | None:
    return None if None in leaves else [leaf for leaf in leaves if leaf is not None]


def _agrees(leaves: list[bytes] | None, over: list[bytes] | None) -> bool:
    if leaves is None or over is None or any(len(leaf) != merkle.HASH_SIZE for leaf in leaves):
        return False
    return merkle.extend(0, [], leaves)[0] == over


def _node_fault(stored: bytes | None, first: int, span: int) -> str:
    what = "is missing" if stored is None else "does not follow from the events"
    return f"{what}: events {first} to {first + span - 1}, or this node, were altered"
