"""What this stack signs itself: the addresses of customers' pages, and webhooks' secrets.

Each is derived from a secret of its own, so nothing of them is stored and nothing can leak from
the table. The one of the pages never changes; that of the webhooks can.
"""

import hmac
import json
import re
import secrets
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from o2o.adapters.secrets import CachedEntry
from o2o.core.errors import InvalidConfiguration

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_SHORTEST = 32
_HALVES = re.compile("[\ud800-\udfff]")
"""Lone halves of surrogate pairs, which JSON can write and no UTF-8 can hold."""

_MAC_BYTES = 16
"""128 bits can't be guessed, and keep the address short enough for a chat message."""

_TOKEN = re.compile(r"([A-Za-z0-9_-]{2,86})\.[A-Za-z0-9_-]{22}", re.ASCII)
"""An order number has 64 characters at most."""


class Signing:
    """Signs the addresses of pages with what stands in a Secrets Manager entry, as plain text.

    The entry is read on first use, so that no snapshot holds it, and kept from then on: it
    never changes, because every address that a customer was ever sent hangs on it.
    Everything here raises InvalidConfiguration if there is no such entry.
    """

    def __init__(self, client: "SecretsManagerClient", secret_name: str) -> None:
        self._client = client
        self._secret_name = secret_name
        self._master: str | None = None

    def page_token(self, order_number: str) -> str:
        """What opens the customer's page of a code: the order number and its MAC."""
        mac = self._derive("page", order_number)[:_MAC_BYTES]
        return f"{_encode(order_number.encode())}.{_encode(mac)}"

    def read_page_token(self, token: str) -> str | None:
        """The order number of a token made here, or None. Takes as long for any forgery."""
        form = _TOKEN.fullmatch(token)
        if form is None:
            return None
        try:
            order_number = _decode(form[1]).decode("ascii")
        except ValueError:
            return None
        made = self.page_token(order_number)
        return order_number if hmac.compare_digest(made, token) else None

    def master(self) -> str:
        """The entry itself."""
        if self._master is None:
            self._master = self._read()
        return self._master

    def _derive(self, *parts: str) -> bytes:
        return _derive(self.master(), *parts)

    def _read(self) -> str:
        try:
            answer = self._client.get_secret_value(SecretId=self._secret_name)
        except self._client.exceptions.ResourceNotFoundException as error:
            raise self._wrong("it does not exist or has no value yet") from error
        master = answer.get("SecretString", "")
        if len(master) < _SHORTEST:
            raise self._wrong(f"it must be a text of {_SHORTEST} characters or more")
        return master

    def _wrong(self, mistake: str) -> InvalidConfiguration:
        return InvalidConfiguration(f"the Secrets Manager entry {self._secret_name!r}: {mistake}")


@dataclass(frozen=True, slots=True)
class Roots:
    """What webhooks' secrets are derived from, and what they were before, while both sign."""

    current: str
    previous: str | None = None

    def __repr__(self) -> str:
        return "Roots()"


class WebhookRoots(CachedEntry[Roots]):
    """Derives storefronts' secrets for webhooks.

    The entry is JSON: ``current`` and, while it is being changed, ``previous``. As long as it has
    no value, the signing secret is the root: that is where all secrets came from before the
    webhooks had an entry of their own.
    """

    def __init__(
        self,
        client: "SecretsManagerClient",
        name: str,
        signing: Signing,
        *,
        report: Callable[[Exception], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(client, name, report=report, monotonic=monotonic)
        self._signing = signing

    def secrets(self, storefront_id: str, version: int) -> tuple[str, ...]:
        """A storefront's secrets of a version, as Standard Webhooks writes them, newest first."""
        roots = self()
        return tuple(
            f"whsec_{b64encode(_derive(root, 'webhook', storefront_id, str(version))).decode()}"
            for root in (roots.current, roots.previous)
            if root is not None
        )

    def make(self, *, keep_secrets: bool) -> bool:
        """Give the entry its first value; False: it has one.

        ``keep_secrets`` takes the signing secret's text, so that every storefront's secret stays.
        """
        if self._text() is not None:
            return False
        self._put(Roots(self._signing.master() if keep_secrets else _new_root()))
        return True

    def change(self) -> None:
        """A new root; what the former one is, signs too. One that was previous signs no more."""
        self._put(Roots(_new_root(), self(refresh=True).current))

    def forget_previous(self) -> None:
        """Sign with the current root alone."""
        self._put(replace(self(refresh=True), previous=None))

    def _put(self, roots: Roots) -> None:
        kept = {name: text for name, text in asdict(roots).items() if text is not None}
        self._client.put_secret_value(SecretId=self._name, SecretString=json.dumps(kept))
        self._cached = roots

    def _missing(self) -> Roots:
        return Roots(self._signing.master())

    def _parse(self, entry: dict[str, object]) -> Roots:
        current, previous = entry.get("current"), entry.get("previous") or None
        if not _is_root(current) or not (previous is None or _is_root(previous)):
            raise self._wrong(
                f"current, and previous if there is one, must be texts of {_SHORTEST} characters"
                " or more"
            )
        return Roots(str(current), None if previous is None else str(previous))


def _is_root(value: object) -> bool:
    return isinstance(value, str) and len(value) >= _SHORTEST and not _HALVES.search(value)


def _new_root() -> str:
    return secrets.token_urlsafe(48)


def _derive(master: str, *parts: str) -> bytes:
    return hmac.digest(master.encode(), "\n".join(parts).encode(), sha256)


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
