"""The rule of this level holds; conftest.py makes it."""

import socket
from contextlib import suppress

import pytest
import requests

from tests.unit.conftest import REFUSAL


def test_a_socket_is_refused(no_sockets: list[str]) -> None:
    with pytest.raises(AssertionError, match="belongs to tests/contract"):
        socket.create_connection(("127.0.0.1", 9))
    with pytest.raises(AssertionError, match="belongs to tests/contract"):
        socket.create_server(("127.0.0.1", 0))
    no_sockets.clear()


def test_a_refusal_that_somebody_swallows_is_remembered(no_sockets: list[str]) -> None:
    with requests.Session() as session, suppress(AssertionError):
        session.get("http://nobody.example/")
    assert no_sockets == [REFUSAL]
    no_sockets.clear()
