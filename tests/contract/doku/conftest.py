"""Servers on this machine, which end with the test."""

from collections.abc import Iterator

import pytest

from tests.support.wire import Script, Serve, Wire


@pytest.fixture
def serve() -> Iterator[Serve]:
    wires: list[Wire] = []

    def start(script: Script) -> Wire:
        wires.append(Wire(script).__enter__())
        return wires[-1]

    yield start
    for wire in wires:
        wire.__exit__()
