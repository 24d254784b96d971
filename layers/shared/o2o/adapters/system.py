"""Time and chance, as the machine has them."""

import secrets
import string
from datetime import UTC, datetime
from uuid import uuid4

_ALPHABET = string.ascii_lowercase + string.digits


def system_clock() -> datetime:
    """Now, as aware UTC."""
    return datetime.now(UTC)


class SystemEntropy:
    """Chance from the operating system: fresh after a snapshot is restored, too."""

    def request_id(self) -> str:
        """See ``Entropy``."""
        return str(uuid4())

    def token(self, length: int) -> str:
        """See ``Entropy``."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(length))

    def randbelow(self, bound: int) -> int:
        """See ``Entropy``."""
        return secrets.randbelow(bound)
