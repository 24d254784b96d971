"""What this stack signs itself: the addresses of customers' pages, and webhooks' secrets.

Both are derived from one master secret, so nothing of them is stored and nothing can leak
from the table.
"""

import hmac
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from o2o.core.errors import InvalidConfiguration

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_SHORTEST_MASTER = 32
_MAC_BYTES = 16
"""128 bits can't be guessed, and keep the address short enough for a chat message."""

_TOKEN = re.compile(r"([A-Za-z0-9_-]{2,86})\.[A-Za-z0-9_-]{22}", re.ASCII)
"""An order number has 64 characters at most."""


class Signing:
    """Derives from the master secret in a Secrets Manager entry, which is plain text.

    The entry is read on first use, so that no snapshot holds it, and kept from then on: it
    never changes, because every address that a customer was ever sent hangs on it.
    Everything here raises InvalidConfiguration if there is no such entry.
    """

    def __init__(self, client: "SecretsManagerClient", secret_name: str) -> None:
        self._client = client
        self._secret_name = secret_name
        self._master: bytes | None = None

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

    def webhook_secret(self, storefront_id: str, version: int) -> str:
        """A storefront's secret for webhooks, as Standard Webhooks writes it."""
        secret = self._derive("webhook", storefront_id, str(version))
        return f"whsec_{b64encode(secret).decode()}"

    def _derive(self, *parts: str) -> bytes:
        if self._master is None:
            self._master = self._read()
        return hmac.digest(self._master, "\n".join(parts).encode(), sha256)

    def _read(self) -> bytes:
        try:
            answer = self._client.get_secret_value(SecretId=self._secret_name)
        except self._client.exceptions.ResourceNotFoundException as error:
            raise self._wrong("it does not exist or has no value yet") from error
        master = answer.get("SecretString", "")
        if len(master) < _SHORTEST_MASTER:
            raise self._wrong(f"it must be a text of {_SHORTEST_MASTER} characters or more")
        return master.encode()

    def _wrong(self, mistake: str) -> InvalidConfiguration:
        return InvalidConfiguration(f"the Secrets Manager entry {self._secret_name!r}: {mistake}")


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
