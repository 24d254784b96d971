"""The errors that use cases raise.

O2OError
├── InvalidRequest          the storefront sent something that can't be done
├── NotFound                no such code or event, or another storefront's
├── InvoiceNumberTaken      the invoice number is already used by a different request
├── DigitsTaken             another live payment code has these digits
├── IllegalMove             the payment code's state does not allow it
├── InvalidConfiguration    a setting is wrong: names the entry
│   └── NotConfiguredYet        a secret that the operator has not filled in yet
├── VersionConflict         another write came first: read again and decide again
├── Busy                    the table or the bus is throttled beyond our patience
├── UntrustedMessage        an inbound message's signature does not hold
├── UnreadableMessage       a signed message of DOKU's that can't be understood
└── DokuError
    ├── DokuRefused             DOKU said no to this very order
    ├── DokuBlocked             something keeps every order from DOKU: a person must mend it
    ├── DokuUnavailable         DOKU did not take the request: try again
    └── DokuOutcomeUnknown      DOKU may or may not have taken it: send the same again
"""

from dataclasses import dataclass
from enum import StrEnum


class O2OError(Exception):
    """Base of every error that this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class InvalidParam:
    """One wrong field: its dotted name and why, without the value that was sent."""

    name: str
    reason: str


class InvalidRequest(O2OError):
    """The request can't be fulfilled as it stands; names every field at fault."""

    def __init__(self, *params: InvalidParam) -> None:
        super().__init__("; ".join(f"{param.name}: {param.reason}" for param in params))
        self.params = params

    @classmethod
    def of(cls, name: str, reason: str) -> "InvalidRequest":
        """The error for a single field."""
        return cls(InvalidParam(name, reason))


class NotFound(O2OError):
    """There is no such thing for this storefront."""


class InvoiceNumberTaken(O2OError):
    """The invoice number is already used by a different request."""


class DigitsTaken(O2OError):
    """The digits belong to another payment code. ``holder`` is its order number."""

    def __init__(self, holder: str) -> None:
        super().__init__("these digits belong to another live payment code")
        self.holder = holder


class IllegalMove(O2OError):
    """The life cycle has no such edge from the payment code's present status."""


class InvalidConfiguration(O2OError):
    """A setting is wrong. The message names the entry and the mistake."""


class NotConfiguredYet(InvalidConfiguration):
    """A secret has no value yet: the operator puts it in after the first deployment."""


class VersionConflict(O2OError):
    """The item changed since it was read."""


class Busy(O2OError):
    """The table or the bus is contended or throttled beyond our patience. Nothing was written."""


class UntrustedMessage(O2OError):
    """An inbound message is not signed by DOKU as the protocol asks.

    ``for_us`` if it carries our own Client-Id, as DOKU's messages do and a stranger's hardly does.
    """

    def __init__(self, message: str, *, for_us: bool = False) -> None:
        super().__init__(message)
        self.for_us = for_us


class UnreadableMessage(O2OError):
    """DOKU's message is authentic and can't be understood."""


class Obstacle(StrEnum):
    """Why DOKU's answer about an order is missing."""

    CHANNEL_INACTIVE = "channel_inactive"
    """DOKU has switched the channel off."""
    PATH_UNKNOWN = "path_unknown"
    """DOKU, or what stands before it, does not know the path."""
    FIREWALL = "firewall"
    """Something before DOKU turns us away: it is not in a shape of DOKU's, and not signed."""
    CREDENTIALS = "credentials"
    """DOKU does not accept our Client-Id, key or headers."""
    REFUSED = "refused"
    """DOKU refused the request. After an unclear answer that proves nothing (decision 0032)."""
    UNAVAILABLE = "unavailable"
    """DOKU can't be reached, or says that it did not take the request."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """No answer came that can be trusted."""


class DokuError(O2OError):
    """Something went wrong between DOKU and us.

    ``code`` is DOKU's own, if it gave one. ``obstacle`` is the reason in a word.
    """

    obstacle: Obstacle

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class DokuRefused(DokuError):
    """DOKU refused this very order: the same request will be refused again.

    It is certain only of the first send, and only if that was the only one (decision 0040).
    """

    obstacle = Obstacle.REFUSED


class DokuBlocked(DokuError):
    """What keeps this order from DOKU keeps every order from it: a person must mend it."""

    def __init__(self, message: str, obstacle: Obstacle, *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.obstacle = obstacle


class DokuUnavailable(DokuError):
    """DOKU did not take the request: it can't be reached, or says so. Try again."""

    obstacle = Obstacle.UNAVAILABLE


class DokuOutcomeUnknown(DokuError):
    """No trustworthy answer came: DOKU may have accepted the request. Send the same again."""

    obstacle = Obstacle.OUTCOME_UNKNOWN
