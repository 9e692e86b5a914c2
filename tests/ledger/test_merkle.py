"""The tree against a definition that is too slow to use and too simple to be wrong, and the RFC's vectors."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.ledger import merkle

# RFC 6962 reference tree (certificate-transparency's merkletree tests): eight leaves, and the root
# over each prefix of them.
LEAVES = [bytes.fromhex(leaf) for leaf in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
)]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (5, 8): ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"],
}  # fmt: skip
CONSISTENCY = {
    (1, 8): ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"],
    (6, 8): ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"],
    (2, 5): ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"],
}  # fmt: skip


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def some_leaves(n: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % number) for number in range(n)]


def node_of(leaves: list[bytes]) -> merkle.NodeOf:
    return lambda level, position: naive_root(leaves[position << level : (position + 1) << level])


SIZES = st.integers(0, 80) | st.sampled_from([127, 128, 129, 255, 256, 257, 300])


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_rfcs(size: int) -> None:
    frontier, _ = merkle.extend(0, [], [merkle.leaf_hash(leaf) for leaf in LEAVES[:size]])
    assert merkle.root(frontier).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_paths_are_the_rfcs(index: int, size: int) -> None:
    leaves = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    path = merkle.inclusion_path(index, size, node_of(leaves))
    assert [node.hex() for node in path] == INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_paths_are_the_rfcs(old: int, new: int) -> None:
    leaves = [merkle.leaf_hash(leaf) for leaf in LEAVES]
    path = merkle.consistency_path(old, new, node_of(leaves))
    assert [node.hex() for node in path] == CONSISTENCY[old, new]


@settings(max_examples=60, deadline=None)
@given(size=SIZES, cuts=st.lists(st.integers(0, 300), max_size=4))
def test_extending_in_any_steps_gives_the_same_tree(size: int, cuts: list[int]) -> None:
    leaves = some_leaves(size)
    bounds = sorted({0, size, *(min(cut, size) for cut in cuts)})
    frontier: list[bytes] = []
    completed: list[tuple[int, int, bytes]] = []
    for start, stop in pairwise(bounds):
        frontier, more = merkle.extend(start, frontier, leaves[start:stop], tile_bits=2)
        completed += more
    assert merkle.root(frontier) == naive_root(leaves)
    assert len(frontier) == size.bit_count()
    assert sorted(completed) == sorted(
        (level, position, naive_root(leaves[position << level : (position + 1) << level]))
        for level in (2, 4, 6, 8)
        for position in range(size >> level)
    )


@settings(max_examples=80, deadline=None)
@given(data=st.data(), size=SIZES.filter(bool))
def test_a_path_proves_its_leaf_and_nothing_else(data: st.DataObject, size: int) -> None:
    leaves = some_leaves(size)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(index, size, node_of(leaves))
    assert path == naive_path(index, leaves)
    root = naive_root(leaves)
    assert merkle.root_from_inclusion(index, size, leaves[index], path) == root
    other = data.draw(st.integers(0, size + 2).filter(lambda number: number != index))
    assert merkle.root_from_inclusion(other, size, leaves[index], path) != root
    assert merkle.root_from_inclusion(index, size, b"x" * 32, path) != root
    assert merkle.root_from_inclusion(index, size, leaves[index], [*path, b"x" * 32]) != root
    if path:
        assert merkle.root_from_inclusion(index, size, leaves[index], path[:-1]) != root
        place = data.draw(st.integers(0, len(path) - 1))
        broken = [*path[:place], b"x" * 32, *path[place + 1 :]]
        assert merkle.root_from_inclusion(index, size, leaves[index], broken) != root


@settings(max_examples=80, deadline=None)
@given(data=st.data(), new=SIZES)
def test_a_consistency_proof_holds_for_a_prefix_and_nothing_else(data: st.DataObject, new: int) -> None:
    leaves = some_leaves(new)
    old = data.draw(st.integers(0, new))
    path = merkle.consistency_path(old, new, node_of(leaves))
    assert path == (naive_subproof(old, leaves) if old else [])
    old_root, new_root = naive_root(leaves[:old]), naive_root(leaves)
    assert merkle.is_consistent(old, old_root, new, new_root, path)
    assert not merkle.is_consistent(old, b"x" * 32, new, new_root, path)
    if old:
        assert not merkle.is_consistent(old, old_root, new, b"x" * 32, path)
        assert not merkle.is_consistent(old, old_root, new, new_root, [*path, b"x" * 32])
    if path:
        assert not merkle.is_consistent(old, old_root, new, new_root, path[:-1])
        place = data.draw(st.integers(0, len(path) - 1))
        broken = [*path[:place], b"x" * 32, *path[place + 1 :]]
        assert not merkle.is_consistent(old, old_root, new, new_root, broken)


def test_what_is_not_in_the_tree_has_no_path() -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion_path(3, 3, node_of(some_leaves(3)))
    with pytest.raises(ValueError, match="not a prefix"):
        merkle.consistency_path(4, 3, node_of(some_leaves(3)))
    assert merkle.root_from_inclusion(0, 0, b"", []) is None
    assert not merkle.is_consistent(3, b"", 2, b"", [])
    assert not merkle.is_consistent(1, b"", 2, b"", [])
