"""Time and chance, as the machine has them."""

import secrets
import string
from datetime import UTC, datetime
from uuid import uuid4

from o2o.usecases.ports import Entropy

_ALPHABET = string.ascii_lowercase + string.digits


def system_clock() -> datetime:
    """Now, as aware UTC."""
    return datetime.now(UTC)


class SystemEntropy(Entropy):
    """Chance from the operating system: fresh after a snapshot is restored, too."""

    def request_id(self) -> str:
        return str(uuid4())

    def token(self, length: int) -> str:
        return "".join(secrets.choice(_ALPHABET) for _ in range(length))

    def randbelow(self, bound: int) -> int:
        return secrets.randbelow(bound)
