"""How many steps a regular expression takes over a text: `re` says how long, and never how far.

A matcher that goes forward and back as Python's does, over the tree that Python itself parses, and
counts. It is for tests, which can't look at a watch.
"""

import re
from collections.abc import Iterator
from re import _compiler, _parser  # type: ignore[attr-defined]
from typing import Any, AnyStr, Generic

_ONE_CHARACTER = {"LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY"}
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


class TooManySteps(Exception):
    """It goes on beyond the bound."""


class Steps(Generic[AnyStr]):
    """Counts the steps of one attempt at a text."""

    def __init__(self, pattern: "re.Pattern[AnyStr]", text: AnyStr, most: int) -> None:
        self.count = 0
        self._text: AnyStr = text
        self._most = most
        self._flags = pattern.flags
        self._tree = _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        self._compiled: dict[int, Any] = {}

    def match(self, at: int = 0, *, whole: bool) -> bool:
        """Whether the pattern fits from a place on, to the very end if it must."""
        ends = self._sequence(list(self._tree), at)
        return any(not whole or end == len(self._text) for end in ends)

    def search(self) -> bool:
        """Whether it fits anywhere."""
        return any(self.match(at, whole=False) for at in range(len(self._text) + 1))

    def _step(self) -> None:
        self.count += 1
        if self.count > self._most:
            raise TooManySteps

    def _sequence(self, nodes: list[Any], at: int) -> Iterator[int]:
        if not nodes:
            yield at
            return
        for end in self._node(nodes[0], at):
            yield from self._sequence(nodes[1:], end)

    def _node(self, node: Any, at: int) -> Iterator[int]:
        self._step()
        name, detail = str(node[0]), node[1]
        if name in _ONE_CHARACTER:
            if self._fits(node, at):
                yield at + 1
        elif name in _REPEATS:
            least, most, inside = detail
            yield from self._repeat(name, least, most, inside, at)
        elif name == "SUBPATTERN":
            yield from self._sequence(list(detail[-1]), at)
        elif name == "ATOMIC_GROUP":
            yield from _first(self._sequence(list(detail), at))
        elif name == "BRANCH":
            for branch in detail[1]:
                yield from self._sequence(list(branch), at)
        elif name in ("ASSERT", "ASSERT_NOT"):
            if self._sees(detail[0], detail[1], at) is (name == "ASSERT"):
                yield at
        else:
            raise NotImplementedError(name)

    def _sees(self, direction: int, inside: Any, at: int) -> bool:
        # A look back is of one character, as all of ours are.
        start = at if direction > 0 else at - 1
        return start >= 0 and any(True for _ in self._sequence(list(inside), start))

    def _repeat(self, name: str, least: int, most: Any, inside: Any, at: int) -> Iterator[int]:
        nodes = list(inside)
        if len(nodes) == 1 and str(nodes[0][0]) in _ONE_CHARACTER:
            run = self._short_run if name == "MIN_REPEAT" else self._run
            ends = run(nodes[0], least, most, at)
        else:
            ends = self._rounds(name, nodes, least, most, at)
        yield from _first(ends) if name == "POSSESSIVE_REPEAT" else ends

    def _run(self, node: Any, least: int, most: Any, at: int) -> Iterator[int]:
        """Characters in a row: as many as there are, then one less each time."""
        end = at
        while end - at < int(most) and self._fits(node, end):
            self._step()
            end += 1
        while end - at >= least:
            yield end
            self._step()
            end -= 1

    def _short_run(self, node: Any, least: int, most: Any, at: int) -> Iterator[int]:
        """Characters in a row: as few as must be, then one more each time."""
        end = at
        while end - at < least and self._fits(node, end):
            self._step()
            end += 1
        while end - at >= least:
            yield end
            self._step()
            if end - at >= int(most) or not self._fits(node, end):
                return
            end += 1

    def _rounds(self, name: str, nodes: list[Any], least: int, most: Any, at: int) -> Iterator[int]:
        self._step()
        if name == "MIN_REPEAT" and least <= 0:
            yield at
        if int(most) > 0:
            for end in self._sequence(nodes, at):
                if end > at:
                    yield from self._rounds(name, nodes, least - 1, int(most) - 1, end)
        if name != "MIN_REPEAT" and least <= 0:
            yield at

    def _fits(self, node: Any, at: int) -> bool:
        if at >= len(self._text):
            return False
        if id(node) not in self._compiled:
            alone = _parser.SubPattern(self._tree.state, [node])
            self._compiled[id(node)] = _compiler.compile(alone, self._flags)
        return bool(self._compiled[id(node)].match(self._text[at : at + 1]))


def _first(ends: Iterator[int]) -> Iterator[int]:
    """The first way alone: none of the others is tried if what follows does not fit."""
    for end in ends:
        yield end
        return


def literals(pattern: "re.Pattern[AnyStr]") -> list[str]:
    """What stands in a pattern to the letter, and one character of each of its sets."""
    found: list[str] = []

    def walk(nodes: Any) -> None:
        run = ""
        for node in nodes:
            name, detail = str(node[0]), node[1]
            if name == "LITERAL":
                run += chr(detail)
                continue
            found.append(run)
            run = ""
            if name == "IN":
                found.extend(_of_set(detail))
            elif name in _REPEATS:
                walk(list(detail[2]))
            elif name == "SUBPATTERN":
                walk(list(detail[-1]))
            elif name == "ATOMIC_GROUP":
                walk(list(detail))
            elif name == "BRANCH":
                for branch in detail[1]:
                    walk(list(branch))
        found.append(run)

    walk(list(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)))
    return sorted({each for each in found if each} | {"a", " ", "0"})


def _of_set(members: Any) -> Iterator[str]:
    for member in members:
        name, detail = str(member[0]), member[1]
        if name == "LITERAL":
            yield chr(detail)
        elif name == "RANGE":
            yield chr(detail[0])
