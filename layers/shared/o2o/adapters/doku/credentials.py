"""What DOKU knows us by."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DokuCredentials:
    """Client-Id and secret key; a previous key verifies what comes in during a rotation."""

    client_id: str
    secret_key: str = field(repr=False)
    previous_secret_key: str | None = field(default=None, repr=False)


class CredentialsSource(Protocol):
    """Where the credentials come from: ``refresh`` asks for them past any cache."""

    def __call__(self, *, refresh: bool = False) -> DokuCredentials:
        """The credentials as they are now."""
        ...
