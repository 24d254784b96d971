"""A unit test needs nothing but Python: no engine, no server, no socket."""

import socket
from collections.abc import Iterator

import pytest

REFUSAL = (
    "A unit test tried to open a socket. What talks to an engine, a server or AWS belongs to"
    " tests/contract or above; see tests/README.md."
)


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Refuse sockets and look-ups of names, and fail even if the code under test hides that."""
    tried: list[str] = []

    def refuse(*_: object, **__: object) -> None:
        tried.append(REFUSAL)
        raise AssertionError(REFUSAL)

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    for look_up in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
        monkeypatch.setattr(socket, look_up, refuse)
    yield tried
    assert not tried, tried[0]
