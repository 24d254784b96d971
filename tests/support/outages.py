"""AWS as it is on a bad day."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def failing(client: Any, error: Exception) -> Iterator[None]:
    """While every call of a client ends with this error, past the client's own retries."""

    def call(**_: Any) -> None:
        raise error

    event = f"before-call.{client.meta.service_model.service_id.hyphenize()}"
    client.meta.events.register(event, call)
    try:
        yield
    finally:
        client.meta.events.unregister(event, call)
