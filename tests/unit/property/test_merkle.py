"""Merkle trees against RFC 6962's own words, written down once more and as simply as they are."""

from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.core.merkle import audit_path, is_proven, leaf_hash, merkle_root

VECTORS = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
"""The leaves of Certificate Transparency's reference tests, and their roots, by their number."""
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

LEAVES = st.lists(st.binary(max_size=40), max_size=70)
SOME = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def split(leaves: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """RFC 6962, section 2.1: at the largest power of two smaller than their number."""
    power = 1
    while power * 2 < len(leaves):
        power *= 2
    return leaves[:power], leaves[power:]


def plain_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    left, right = split(leaves)
    return sha256(b"\x01" + plain_root(left) + plain_root(right)).digest()


def plain_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    left, right = split(leaves)
    if index < len(left):
        return [*plain_path(index, left), plain_root(right)]
    return [*plain_path(index - len(left), right), plain_root(left)]


@pytest.mark.parametrize("number", ROOTS)
def test_the_roots_are_those_of_the_reference(number: int) -> None:
    assert merkle_root(VECTORS[:number]).hex() == ROOTS[number]


@given(LEAVES)
def test_a_root_is_what_the_rfc_says(leaves: list[bytes]) -> None:
    assert merkle_root(iter(leaves)) == plain_root(leaves)


@given(st.data())
def test_a_path_is_what_the_rfc_says_and_proves_its_leaf(data: st.DataObject) -> None:
    leaves = data.draw(SOME)
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = audit_path(iter(leaves), index)
    assert path == plain_path(index, leaves)
    assert is_proven(leaves[index], index, len(leaves), path, merkle_root(leaves))


@given(st.data())
def test_a_path_proves_nothing_else(data: st.DataObject) -> None:
    leaves = data.draw(st.lists(st.binary(max_size=8), min_size=1, max_size=40, unique=True))
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root, size = audit_path(leaves, index), merkle_root(leaves), len(leaves)
    leaf = leaves[index]
    other = data.draw(st.binary(max_size=8).filter(lambda each: each != leaf))
    assert not is_proven(other, index, size, path, root)
    elsewhere = data.draw(st.integers(-2, size + 2).filter(lambda each: each != index))
    assert not is_proven(leaf, elsewhere, size, path, root)
    assert not is_proven(leaf, index, size, [*path, leaf_hash(b"")], root)
    assert not is_proven(leaf, index, size, path, leaf_hash(root))
    if path:
        assert not is_proven(leaf, index, size, path[:-1], root)
        assert not is_proven(leaf, index, size, path[1:], root)
        place = data.draw(st.integers(0, len(path) - 1))
        changed = [*path]
        changed[place] = data.draw(st.binary(min_size=32, max_size=32))
        assert is_proven(leaf, index, size, changed, root) == (changed == path)


@given(st.data())
def test_no_other_leaves_have_the_root(data: st.DataObject) -> None:
    leaves = data.draw(SOME)
    others = data.draw(st.one_of(LEAVES, st.permutations(leaves)))
    assert (merkle_root(others) == merkle_root(leaves)) == (others == leaves)


def test_a_node_does_not_pass_for_a_leaf() -> None:
    """Else four leaves and two would have one root."""
    left, right = (leaf_hash(b"a") + leaf_hash(b"b"), leaf_hash(b"c") + leaf_hash(b"d"))
    assert merkle_root([left, right]) != merkle_root([b"a", b"b", b"c", b"d"])


@given(LEAVES, st.integers(-3, 3))
def test_there_is_no_path_for_a_leaf_that_is_not_there(leaves: list[bytes], beyond: int) -> None:
    index = beyond if beyond < 0 else len(leaves) + beyond
    with pytest.raises(IndexError):
        audit_path(leaves, index)
    assert not is_proven(b"", index, len(leaves), [], merkle_root(leaves))


def test_a_million_leaves_are_not_kept() -> None:
    """Each leaf is gone when the next comes: what is read is no list."""
    alive: list[int] = []

    class Leaf(bytes):
        def __del__(self) -> None:
            alive.pop()

    def leaves() -> Iterator[bytes]:
        for number in range(5_000):
            assert len(alive) <= 2
            alive.append(number)
            yield Leaf(b"%d" % number)

    assert merkle_root(leaves()) == plain_root([b"%d" % number for number in range(5_000)])
