"""Entries of Secrets Manager, through a cache that no snapshot can hold."""

import json
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from o2o.adapters.doku.credentials import CredentialsSource, DokuCredentials
from o2o.core.errors import InvalidConfiguration, NotConfiguredYet
from o2o.core.till_text import bare

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

Value = TypeVar("Value")

_REFRESH_EVERY = 30.0
"""Seconds. Requests with bad signatures must not make us read the secret all the time."""


class CachedEntry(Generic[Value]):
    """What stands in an entry, read on first use and kept a while.

    ``report`` hears why the entry could not be read anew.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        name: str,
        *,
        report: Callable[[Exception], None],
        ttl_seconds: float = 300.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._report = report
        self._ttl_seconds = ttl_seconds
        self._monotonic = monotonic
        self._cached: Value | None = None
        self._asked_at = self._fresh_until = -math.inf

    def __call__(self, *, refresh: bool = False) -> Value:
        """Answer with what is cached, if it is fresh enough.

        ``refresh`` asks for what the entry holds now, because DOKU or a signature did not
        agree with the cached; a value read in the last 30 seconds is as good.
        What is cached stays in use while the entry can't be read anew. As long as nothing
        is, raises what the client raises, and InvalidConfiguration, which names the entry
        and the mistake and no value.
        """
        now = self._monotonic()
        until = self._asked_at + _REFRESH_EVERY if refresh else self._fresh_until
        if self._cached is not None and now < until:
            return self._cached
        try:
            self._cached = self._read()
        except Exception as error:
            if self._cached is None:
                raise
            self._report(error)
            self._fresh_until = now + _REFRESH_EVERY
        else:
            self._fresh_until = now + self._ttl_seconds
        self._asked_at = now
        return self._cached

    def _read(self) -> Value:
        text = self._text()
        if text is None:
            return self._missing()
        try:
            entry = json.loads(text)
        except (ValueError, RecursionError):
            # Not chained: the cause carries the whole text.
            raise self._wrong("it is not JSON") from None
        if not isinstance(entry, dict):
            raise self._wrong("it is not a JSON object")
        return self._parse(entry)

    def _text(self) -> str | None:
        """What the entry holds. None: the template has made it, and nobody has put a value in."""
        try:
            answer = self._client.get_secret_value(SecretId=self._name)
        except self._client.exceptions.ResourceNotFoundException:
            return None
        # Some editors and shells begin a file with a byte order mark.
        return answer.get("SecretString", "").removeprefix("\ufeff") or None

    def _missing(self) -> Value:
        """The value of an entry without one."""
        raise NotConfiguredYet(self._told("it does not exist or has no value yet"))

    def _parse(self, entry: dict[str, object]) -> Value:
        raise NotImplementedError

    def _wrong(self, mistake: str) -> InvalidConfiguration:
        return InvalidConfiguration(self._told(mistake))

    def _told(self, mistake: str) -> str:
        return f"the Secrets Manager entry {self._name!r}: {mistake}"


class SecretCredentials(CachedEntry[DokuCredentials], CredentialsSource):
    """DOKU's credentials.

    The entry is JSON: ``client_id``, ``secret_key`` and, while the key is being changed,
    ``previous_secret_key``.
    """

    def _parse(self, entry: dict[str, object]) -> DokuCredentials:
        previous = entry.get("previous_secret_key") or ""
        is_changing = not isinstance(previous, str) or bare(previous)
        return DokuCredentials(
            client_id=self._field(entry, "client_id"),
            secret_key=self._field(entry, "secret_key"),
            previous_secret_key=(
                self._field(entry, "previous_secret_key") if is_changing else None
            ),
        )

    def _field(self, entry: dict[str, object], name: str) -> str:
        value = entry.get(name)
        # What is invisible came from the clipboard.
        text = bare(value) if isinstance(value, str) else ""
        if not text:
            raise self._wrong(f"{name} must be a text that is not empty")
        if not text.isascii() or not text.isprintable() or text.startswith("<"):
            raise self._wrong(f"{name} is still a placeholder")
        return text
