"""Credentials from Secrets Manager, through a cache that no snapshot can hold."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from o2o.adapters.doku.credentials import CredentialsSource, DokuCredentials
from o2o.core.errors import InvalidConfiguration

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_REFRESH_EVERY = 30.0
"""Seconds. Requests with bad signatures must not make us read the secret all the time."""


class SecretCredentials(CredentialsSource):
    """DOKU's credentials in a Secrets Manager entry, read on first use and kept a while.

    The entry is JSON: ``client_id``, ``secret_key`` and, while the key is being changed,
    ``previous_secret_key``.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        name: str,
        ttl_seconds: float = 300.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._ttl_seconds = ttl_seconds
        self._monotonic = monotonic
        self._cached: tuple[DokuCredentials, float] | None = None

    def __call__(self, *, refresh: bool = False) -> DokuCredentials:
        """Answer with what is cached, if it is fresh enough.

        ``refresh`` asks for what the entry holds now, because DOKU or a signature did not
        agree with the cached; a value read in the last 30 seconds is as good.
        Raises InvalidConfiguration, which names the entry and the mistake and no value.
        """
        now = self._monotonic()
        if self._cached is not None:
            credentials, read_at = self._cached
            if now - read_at < (_REFRESH_EVERY if refresh else self._ttl_seconds):
                return credentials
        credentials = self._read()
        self._cached = credentials, now
        return credentials

    def _read(self) -> DokuCredentials:
        try:
            answer = self._client.get_secret_value(SecretId=self._name)
        except self._client.exceptions.ResourceNotFoundException as error:
            # The template makes the entry; the operator puts the value in.
            raise self._wrong("it does not exist or has no value yet") from error
        try:
            entry = json.loads(answer.get("SecretString", ""))
        except ValueError:
            # Not chained: the cause carries the whole text.
            raise self._wrong("it is not JSON") from None
        if not isinstance(entry, dict):
            raise self._wrong("it is not a JSON object")
        return DokuCredentials(
            client_id=self._field(entry, "client_id"),
            secret_key=self._field(entry, "secret_key"),
            previous_secret_key=(
                self._field(entry, "previous_secret_key")
                if entry.get("previous_secret_key")
                else None
            ),
        )

    def _field(self, entry: dict[str, object], name: str) -> str:
        value = entry.get(name)
        if not isinstance(value, str) or not value:
            raise self._wrong(f"{name} must be a text that is not empty")
        if value != value.strip():
            raise self._wrong(f"{name} has space around it")
        if not value.isascii() or value.startswith("<"):
            raise self._wrong(f"{name} is still a placeholder")
        return value

    def _wrong(self, mistake: str) -> InvalidConfiguration:
        return InvalidConfiguration(f"the Secrets Manager entry {self._name!r}: {mistake}")
