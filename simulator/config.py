"""The settings of a simulator, checked before it starts."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.catalogue import Catalogue
from simulator.channels import BINS, CHANNELS, Bin, Channel
from simulator.clock import Now, machine_now
from simulator.errors import ConfigError
from simulator.merchant_urls import MAX_PORT, check_url

_MOST = 1_000_000_000
"""Seconds, or times: some thirty years, which clocks and sockets can still count with."""
AMOUNT_FORMS = ("decimal", "integer", "string")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """Settings of one simulated DOKU account. Raises ``ConfigError`` with a sentence."""

    client_id: str
    secret_key: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free port; ``Simulator.url`` says which."""
    database: Path | None = None
    """SQLite file; without one, everything is kept in memory."""
    public_url: str | None = None
    """Start of the how-to-pay links; the simulator's own address by default."""
    notification_urls: Mapping[str, str] = field(default_factory=dict)
    """By channel name, as configured in DOKU's Back Office."""
    inquiry_urls: Mapping[str, str] = field(default_factory=dict)
    """By channel name: where DOKU asks about codes that live at the merchant (``dipc``)."""
    channels: tuple[Channel, ...] = CHANNELS
    bins: tuple[Bin, ...] = BINS
    now: Now | None = None
    """A clock to share, returning aware datetimes; real time plus an offset by default."""
    machine_now: Now = machine_now
    """The clock by which signatures are made and judged; the machine's own by default."""
    chance: random.Random = field(default_factory=random.SystemRandom)
    """Draws digits, receipt numbers and Request-Ids. One with a seed draws the same each time."""
    time_scale: float = 1.0
    """How many times faster than documented notifications are retried."""
    retry_after_seconds: tuple[float, ...] = (30 * 60, 6 * 3600, 17.5 * 3600)
    """When a notification is retried, in seconds after its first attempt: the later one of DOKU's
    two timetables (DOKU protocol, section 6)."""
    retries_keep_request_id: bool = False
    """Not documented by DOKU: whether a retry carries the Request-Id of the first attempt."""
    notification_timeout_seconds: float = 10.0
    """How long the merchant may take to accept a notification, in real seconds."""
    inquiry_timeout_seconds: float = 5.0
    """How long an inquiry may take in all, in real seconds."""
    inquiry_binds_seconds: float = 300.0
    """How long a code has to keep its invoice number after an answer with ``success``, unless it
    is paid or refused in between. Assumed, not documented by DOKU."""
    status_delay_seconds: float = 60.0
    """How long a payment does not show in the status check (DOKU protocol, section 7)."""
    amount_form: str = "decimal"
    """Form of ``order.amount`` in a notification: ``19000.00``, ``19000`` or ``"19000"``."""
    credentials_error_status: int = 401
    """HTTP status of ``invalid_client_id`` and ``invalid_signature``: DOKU uses 400 and 401."""
    strict: bool = False
    """Refuse what the protocol does not ask for but DOKU's own published code does: fields that a
    channel does not have, numbers as ``"250000.00"``, URLs with a query string."""

    def request_id(self) -> str:
        """Return a new Request-Id for a message to the merchant."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def __post_init__(self) -> None:
        """Check every value."""
        for name in ("client_id", "secret_key"):
            value = getattr(self, name)
            if not (value and value.isascii() and value.isprintable() and " " not in value):
                raise ConfigError(f"{name} has to be printable ASCII text without spaces.")
        if not 0 <= self.port <= MAX_PORT:
            raise ConfigError(f"Port {self.port} is not between 0 and {MAX_PORT}.")
        if self.amount_form not in AMOUNT_FORMS:
            raise ConfigError(
                f"amount_form is one of {', '.join(AMOUNT_FORMS)}, not {self.amount_form!r}."
            )
        if self.credentials_error_status not in {400, 401}:
            raise ConfigError("credentials_error_status is 400 or 401.")
        self._check_numbers()
        catalogue = Catalogue(self.channels, self.bins)
        for channel, url in (*self.notification_urls.items(), *self.inquiry_urls.items()):
            catalogue.channel(channel)
            check_url(url, with_query=not self.strict)
        if self.public_url is not None:
            check_url(self.public_url)

    def _check_numbers(self) -> None:
        for name in ("time_scale", "notification_timeout_seconds", "inquiry_timeout_seconds"):
            number = getattr(self, name)
            if not 0 < number <= _MOST:
                raise ConfigError(f"{name} has to be more than 0 and at most {_MOST:,}.")
        for name in ("status_delay_seconds", "inquiry_binds_seconds", "retry_after_seconds"):
            value = getattr(self, name)
            numbers = value if isinstance(value, tuple) else (value,)
            if not all(0 <= number <= _MOST for number in numbers):
                raise ConfigError(f"{name} has to be 0 to {_MOST:,}.")
