"""The Merkle tree of RFC 6962 (and RFC 9162), as pure functions.

By hand, and not pymerkle, because the tree is on the path of every decision: here an append costs one hash
an event and needs the frontier only, about a microsecond. pymerkle took 36 µs an append in memory and
830 µs in SQLite, against a budget of 50 µs for the whole decision (`bench/bench_ledger.py`).

A tree over leaves 0..n-1 has *nodes*: node (level, position) is the root of the complete subtree over
the leaves from position * 2**level up to, but not including, (position + 1) * 2**level. The *frontier*
of a tree is the roots of the complete subtrees that n's binary digits name, largest first; it is all
that appending needs. All hashes are 32 bytes of SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeAlias

HASH_SIZE = 32
TILE_BITS = 8
"""Only every eighth level of nodes is handed out to be stored: tiles of 256 hashes, as transparency
logs keep them. What lies between is recomputed from at most 256 hashes."""

EMPTY_ROOT = sha256().digest()

NodeOf: TypeAlias = Callable[[int, int], bytes]
"""Gives the hash of the complete node (level, position)."""


def leaf_hash(encoded: bytes) -> bytes:
    """The hash of a leaf whose content is `encoded`."""
    return sha256(b"\x00" + encoded).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over `left` and `right`."""
    return sha256(b"\x01" + left + right).digest()


def extend(
    size: int, frontier: Sequence[bytes], leaves: Sequence[bytes], tile_bits: int = TILE_BITS
) -> tuple[list[bytes], list[tuple[int, int, bytes]]]:
    """Append `leaves` to a tree of `size` leaves with `frontier`.

    Returns the new frontier, and the nodes (level, position, hash) that were completed on levels that
    are multiples of `tile_bits`, in order of completion.
    """
    stack = list(frontier)
    completed: list[tuple[int, int, bytes]] = []
    for position, node in enumerate(leaves, size):
        level = 0
        while position & 1:
            node = sha256(b"\x01" + stack.pop() + node).digest()
            position >>= 1
            level += 1
            if not level % tile_bits:
                completed.append((level, position, node))
        stack.append(node)
    return stack, completed


def root(frontier: Sequence[bytes]) -> bytes:
    """The root of the tree with `frontier`."""
    if not frontier:
        return EMPTY_ROOT
    *rest, node = frontier
    for left in reversed(rest):
        node = node_hash(left, node)
    return node


def range_root(start: int, stop: int, node_of: NodeOf) -> bytes:
    """The root over leaves `start` to `stop` (exclusive), where `start` is aligned as the RFC splits.

    `start` must be a multiple of the largest power of two that is not above `stop - start`.
    """
    pieces: list[bytes] = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        pieces.append(node_of(level, start >> level))
        start += 1 << level
    return root(pieces)


def inclusion_path(index: int, size: int, node_of: NodeOf) -> list[bytes]:
    """The audit path of leaf `index` in a tree of `size` leaves, from the leaf up (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + (1 << ((stop - start - 1).bit_length() - 1))
        if index < middle:
            path.append(range_root(middle, stop, node_of))
            stop = middle
        else:
            path.append(range_root(start, middle, node_of))
            start = middle
    path.reverse()
    return path


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that an audit path leads to, or `None` when its length is wrong (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    number, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if number & 1 or number == last:
            node = node_hash(sibling, node)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        number >>= 1
        last >>= 1
    return node if last == 0 else None


def consistency_path(old: int, new: int, node_of: NodeOf) -> list[bytes]:
    """Proof that the tree of `old` leaves is a prefix of the tree of `new` (RFC 6962, 2.1.2)."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} is not a prefix of one of {new}")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, stop, whole = 0, new, True
    while old != stop:
        middle = start + (1 << ((stop - start - 1).bit_length() - 1))
        if old <= middle:
            path.append(range_root(middle, stop, node_of))
            stop = middle
        else:
            path.append(range_root(start, middle, node_of))
            start, whole = middle, False
    if not whole:
        path.append(range_root(start, stop, node_of))
    path.reverse()
    return path


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the new tree extends the old one (RFC 9162, 2.1.4.2)."""
    if old > new or old < 0:
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    rest = list(path)
    if not old & (old - 1):
        rest.insert(0, old_root)
    if not rest:
        return False
    number, last = old - 1, new - 1
    while number & 1:
        number >>= 1
        last >>= 1
    old_node = new_node = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old_node = node_hash(sibling, old_node)
            new_node = node_hash(sibling, new_node)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            new_node = node_hash(new_node, sibling)
        number >>= 1
        last >>= 1
    return last == 0 and old_node == old_root and new_node == new_root
