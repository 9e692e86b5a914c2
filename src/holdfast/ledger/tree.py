"""The tree's state in the database: its row in `tree`, and the stored levels in `nodes`."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select, update

from holdfast.ledger.errors import LedgerDamaged
from holdfast.ledger.merkle import HASH_SIZE, TILE_BITS, node_hash
from holdfast.store.schema import events, nodes, tree

TILE = 1 << TILE_BITS


class TreeHead(NamedTuple):
    """How many events there are, and the root over them."""

    size: int
    root: bytes


class TreeState(NamedTuple):
    """The tree's row. `frontier` is the hashes of `merkle.extend`; `erasures` counts erased texts."""

    size: int
    frontier: list[bytes]
    root: bytes
    erasures: int


def damaged(where: str, what: str) -> LedgerDamaged:
    return LedgerDamaged(what, where=where, next_step="run `holdfast ledger verify` for all that is wrong")


def load(connection: Connection) -> TreeState:
    row = connection.execute(_LOAD).first()
    if row is None:
        raise damaged("tree, row 1", "is missing")
    packed = row.frontier
    frontier = [packed[start : start + HASH_SIZE] for start in range(0, len(packed), HASH_SIZE)]
    if len(frontier) != int(row.size).bit_count() or len(packed) % HASH_SIZE:
        raise damaged("tree, row 1", "size and frontier do not belong together")
    return TreeState(row.size, frontier, row.root, row.erasures)


_LOAD = select(tree.c.size, tree.c.frontier, tree.c.root, tree.c.erasures).where(tree.c.id == 1)


def save(connection: Connection, state: TreeState) -> None:
    connection.execute(
        update(tree).where(tree.c.id == 1),
        {
            "size": state.size,
            "frontier": b"".join(state.frontier),
            "root": state.root,
            "erasures": state.erasures,
        },
    )


class StoredNodes:
    """Nodes of the tree by (level, position), from tiles of 256 stored hashes. For one proof, then dropped."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, level: int, position: int) -> bytes:
        base = level - level % TILE_BITS
        width = 1 << (level - base)
        first = position * width
        tile = self._tile(base, first // TILE)
        row = tile[first % TILE : first % TILE + width]
        if len(row) != width:
            raise damaged(f"level {base}, positions {first} to {first + width - 1}", "tree nodes are missing")
        while len(row) > 1:
            row = [node_hash(row[index], row[index + 1]) for index in range(0, len(row), 2)]
        return row[0]

    def _tile(self, level: int, number: int) -> list[bytes]:
        tile = self._tiles.get((level, number))
        if tile is None:
            start = number * TILE
            if level:
                query = select(nodes.c.position, nodes.c.hash).where(
                    nodes.c.level == level, nodes.c.position >= start, nodes.c.position < start + TILE
                )
                query = query.order_by(nodes.c.position)
            else:
                query = select(events.c.seq, events.c.leaf).where(
                    events.c.seq >= start, events.c.seq < start + TILE
                )
                query = query.order_by(events.c.seq)
            tile = []
            for expected, (position, value) in enumerate(self._connection.execute(query), start):
                if position != expected:
                    raise damaged(f"level {level}, position {expected}", "a tree node is missing")
                tile.append(bytes(value))
            self._tiles[level, number] = tile
        return tile
