"""Merkle trees as RFC 6962, section 2.1, has them: one root for any number of leaves in order.

A root is 32 bytes. Whoever has it can't be shown other leaves, fewer, more, or in another order.
A leaf's audit path proves that it is in the tree without showing the others.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

_LEAF, _NODE = b"\x00", b"\x01"
"""What is hashed begins with one of them, so that no node can pass for a leaf."""


class _Tree(NamedTuple):
    """A part of the whole: its leaves from ``start``, as many as ``size``."""

    start: int
    size: int
    hash: bytes


def leaf_hash(leaf: bytes) -> bytes:
    """The root of a tree of one leaf."""
    return sha256(_LEAF + leaf).digest()


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """The root. Leaves are read once, and one hash for each level of the tree is kept."""
    root, _, _ = _grow(leaves)
    return root


def audit_path(leaves: Iterable[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from a leaf to the root, the lowest first.

    ``index`` counts from 0. Leaves are read once. Raises IndexError if there is no such leaf.
    """
    _, size, path = _grow(leaves, index)
    if not 0 <= index < size:
        raise IndexError("the tree has no such leaf")
    return path


def is_proven(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether an audit path proves that this leaf is the one at ``index``, from 0, of ``size``.

    RFC 9162, section 2.1.3.2, has the algorithm.
    """
    if not 0 <= index < size:
        return False
    found, last = leaf_hash(leaf), size - 1
    for beside in path:
        if last == 0:
            return False
        if index % 2 or index == last:
            found = _node_hash(beside, found)
            # A last leaf that stands alone moves up until it has somebody on its left.
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            found = _node_hash(found, beside)
        index, last = index // 2, last // 2
    return last == 0 and found == root


def _grow(leaves: Iterable[bytes], index: int = -1) -> tuple[bytes, int, list[bytes]]:
    """The root, the number of leaves, and what is beside the way from the leaf at ``index``.

    A complete tree waits for another of its size, on its right, as digits of a binary number do.
    """
    waiting: list[_Tree] = []
    path: list[bytes] = []

    def join() -> None:
        right, left = waiting.pop(), waiting.pop()
        if left.start <= index < right.start:
            path.append(right.hash)
        elif right.start <= index < right.start + right.size:
            path.append(left.hash)
        both = _node_hash(left.hash, right.hash)
        waiting.append(_Tree(left.start, left.size + right.size, both))

    size = 0
    for leaf in leaves:
        waiting.append(_Tree(size, 1, leaf_hash(leaf)))
        size += 1
        while len(waiting) > 1 and waiting[-1].size == waiting[-2].size:
            join()
    while len(waiting) > 1:
        join()
    return (waiting[0].hash if waiting else sha256(b"").digest()), size, path


def _node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()
