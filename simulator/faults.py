"""Faults on demand: the kinds, their parameters, and which one is next.

How a fault of DOKU's routes is carried out is in ``protocol/misbehave.py``; those of the messages
that DOKU sends are in ``outgoing.py``, ``notifier.py`` and ``inquirer.py``; what DOKU may tell of a
payment, here and there, is in ``tellings.py``.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from simulator import signature
from simulator.errors import ControlError
from simulator.hanging import HangingRequests
from simulator.protocol.error_answers import REFUSAL_SHAPES
from simulator.store.fault_queue import FaultQueue, QueuedFault
from simulator.store.orders import STATUSES
from simulator.tellings import FIELDS

API_OPERATIONS = ("generate", "status")
MESSAGE_OPERATIONS = ("notify", "inquiry")
"""Messages that DOKU sends to the merchant."""
OPERATIONS = (*API_OPERATIONS, "how_to_pay", *MESSAGE_OPERATIONS, "any")

_ROUTES = (*API_OPERATIONS, "how_to_pay")
_TELLING = ("status", "notify")

_MAX_TIMES = 1_000_000
_MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that shapes a fault; with ``None`` as default, the fault works it out."""

    type: type
    default: Any = None
    low: float = 0
    high: float = math.inf
    choices: tuple[str, ...] = ()
    """The only values; empty: any."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One way to misbehave."""

    operations: tuple[str, ...]
    parameters: dict[str, Parameter]
    needs: str | None = None
    """What a request has to be about: an ``order`` that DOKU holds, or a ``payment`` that it
    reports. The fault waits for one that is; every notification is."""


_ACCEPTED = Parameter(bool, default=True)
_NOT_ACCEPTED = Parameter(bool, default=False)
_SECONDS = Parameter(float, 60.0, 0, 3600)
_SIGNED = Parameter(bool, default=True)
_UNSIGNED = Parameter(bool, default=False)
_REFUSAL = Parameter(int, 400, 400, 499)

KINDS: dict[str, FaultKind] = {
    "hang_after_accept": FaultKind(API_OPERATIONS, {"seconds": _SECONDS}),
    "hang_before_accept": FaultKind(API_OPERATIONS, {"seconds": _SECONDS}),
    "error_5xx": FaultKind(
        API_OPERATIONS, {"status": Parameter(int, 503, 500, 599), "accepted": _NOT_ACCEPTED}
    ),
    "rate_limited": FaultKind(API_OPERATIONS, {"retry_after": Parameter(int, 1, 0, 3600)}),
    "unavailable": FaultKind(API_OPERATIONS, {"signed": _SIGNED}),
    "not_found": FaultKind(("status",), {"signed": _SIGNED}),
    "refused": FaultKind(
        API_OPERATIONS,
        {
            "status": _REFUSAL,
            "shape": Parameter(str, "error", choices=REFUSAL_SHAPES),
            "code": Parameter(str, "invalid_request"),
            "message": Parameter(str, "Request refused"),
            "signed": _UNSIGNED,
            "accepted": _NOT_ACCEPTED,
        },
    ),
    "refused_repeat": FaultKind(
        ("generate",), {"status": _REFUSAL, "signed": _UNSIGNED}, needs="order"
    ),
    "not_routed": FaultKind(_ROUTES, {}),
    "firewall": FaultKind(_ROUTES, {"status": Parameter(int, 403, 400, 599)}),
    "early_hints": FaultKind(API_OPERATIONS, {"status": Parameter(int, 103, 102, 199)}),
    "reset": FaultKind(API_OPERATIONS, {"accepted": _NOT_ACCEPTED}),
    "half_answer": FaultKind(API_OPERATIONS, {"accepted": _ACCEPTED}),
    "slow_drip": FaultKind(
        API_OPERATIONS,
        {"seconds_per_byte": Parameter(float, 0.2, 0, 60), "accepted": _ACCEPTED},
    ),
    "huge_body": FaultKind(
        API_OPERATIONS,
        {"bytes": Parameter(int, 16 * 1024**2, 1, 256 * 1024**2), "accepted": _ACCEPTED},
    ),
    "wrong_signature": FaultKind((*API_OPERATIONS, "inquiry"), {"accepted": _ACCEPTED}),
    "no_signature": FaultKind(API_OPERATIONS, {"accepted": _ACCEPTED}),
    "redirect": FaultKind(
        API_OPERATIONS,
        {
            "status": Parameter(int, 302, 300, 308),
            "location": Parameter(str),
            "accepted": _NOT_ACCEPTED,
        },
    ),
    "garbage": FaultKind(API_OPERATIONS, {"accepted": _NOT_ACCEPTED}),
    "lost": FaultKind(("notify",), {}),
    "duplicate": FaultKind(
        ("notify",),
        {
            "copies": Parameter(int, 2, 2, 200),
            "concurrent": Parameter(bool, default=True),
            "same_request_id": Parameter(bool, default=False),
        },
    ),
    "late": FaultKind(("notify",), {"seconds": Parameter(float, 3600.0, 0, 10_000_000)}),
    "reordered": FaultKind(
        ("notify",),
        {"others": Parameter(int, 1, 1, 1000), "seconds": Parameter(float, 60.0, 0, 10_000_000)},
    ),
    "missing_field": FaultKind(
        _TELLING, {"field": Parameter(str, "receipt", choices=FIELDS)}, needs="payment"
    ),
    "wrong_receipt": FaultKind(_TELLING, {"receipt_number": Parameter(str, "0")}, needs="payment"),
    "wrong_amount": FaultKind(
        _TELLING, {"amount": Parameter(int, None, 0, 10**12 - 1)}, needs="payment"
    ),
    "unreadable_amount": FaultKind(_TELLING, {"amount": Parameter(str, "N/A")}, needs="payment"),
    "foreign_currency": FaultKind(_TELLING, {"currency": Parameter(str, "USD")}, needs="payment"),
    "created_date": FaultKind(_TELLING, {}, needs="payment"),
    "shifted_date": FaultKind(
        _TELLING,
        {"seconds": Parameter(float, -25_200.0, -10_000_000, 10_000_000)},
        needs="payment",
    ),
    "first_payment": FaultKind(("status",), {}, needs="payment"),
    "other_status": FaultKind(
        _TELLING, {"status": Parameter(str, "REFUNDED", choices=STATUSES)}, needs="order"
    ),
    "null_ids": FaultKind(("status",), {}, needs="order"),
    "wrong_digits": FaultKind(("notify",), {"payment_code": Parameter(str)}),
    "tampered": FaultKind(MESSAGE_OPERATIONS, {}),
    "wrong_key": FaultKind(MESSAGE_OPERATIONS, {}),
    "foreign_client_id": FaultKind(
        MESSAGE_OPERATIONS, {"client_id": Parameter(str, "MCH-FOREIGN-0001")}
    ),
    "missing_header": FaultKind(
        MESSAGE_OPERATIONS, {"header": Parameter(str, "Signature", choices=signature.HEADERS)}
    ),
    "broken_json": FaultKind(MESSAGE_OPERATIONS, {}),
    "wrong_channel": FaultKind(("inquiry",), {}),
    "late_date": FaultKind(
        ("inquiry",),
        {
            "seconds": Parameter(float, 7200.0, 0, 10_000_000),
            "timestamp": Parameter(bool, default=False),
        },
    ),
    "compact_date": FaultKind(("inquiry",), {}),
}

NARROWED_BY = ("times", "invoice_number", "channel")
"""What a queued fault may name besides: how often, and whom, it meets."""

_COMMON = {"operation", "kind", *NARROWED_BY}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as asked for, with every parameter filled in."""

    operation: str
    kind: str
    parameters: dict[str, Any]


def read_fault(document: dict[str, Any]) -> Fault:
    """Read a fault from a control request; raises ``ControlError``."""
    name = document.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(name, str):
        raise ControlError(f"kind is one of: {', '.join(KINDS)}.")
    natural = kind.operations[0] if len(kind.operations) == 1 else "any"
    operation = document.get("operation", natural)
    if operation not in OPERATIONS:
        raise ControlError(f"operation is one of: {', '.join(OPERATIONS)}.")
    if operation != "any" and operation not in kind.operations:
        raise ControlError(f"{name} is a fault of: {', '.join(kind.operations)}.")
    unknown = document.keys() - _COMMON - kind.parameters.keys()
    if unknown:
        known = ", ".join(kind.parameters) or "none"
        raise ControlError(f"{name} has no parameter {min(unknown)!r}; it takes: {known}.")
    parameters = {
        key: _value(key, parameter, document.get(key, parameter.default))
        for key, parameter in kind.parameters.items()
    }
    # "any" of a fault that fits one operation only is that operation.
    return Fault(natural if operation == "any" else operation, name, parameters)


def _value(key: str, parameter: Parameter, value: Any) -> Any:
    if value is None and parameter.default is None:
        return None
    if parameter.choices and value not in parameter.choices:
        raise ControlError(f"{key} is one of: {', '.join(parameter.choices)}.")
    if parameter.type is str:
        if isinstance(value, str) and value.isascii() and value.isprintable():
            if 0 < len(value) <= _MAX_TEXT:
                return value
            raise ControlError(f"{key} has 1 to {_MAX_TEXT} characters.")
        raise ControlError(f"{key} is printable ASCII text.")
    if parameter.type is bool:
        if isinstance(value, bool):
            return value
        raise ControlError(f"{key} is true or false.")
    numbers = (int, float) if parameter.type is float else (int,)
    if isinstance(value, numbers) and not isinstance(value, bool):
        if parameter.low <= value <= parameter.high:
            return value
        raise ControlError(f"{key} is between {parameter.low:g} and {parameter.high:g}.")
    raise ControlError(f"{key} is a {'number' if parameter.type is float else 'whole number'}.")


class Faults:
    """The faults that are queued, and the requests that hang because of one."""

    def __init__(self, queue: FaultQueue, channels: tuple[str, ...]) -> None:
        self._queue = queue
        self._channels = channels
        self.hanging = HangingRequests()

    def add(self, document: dict[str, Any]) -> QueuedFault:
        """Queue a fault from the control API; raises ``ControlError``."""
        fault = read_fault(document)
        times = document.get("times", 1)
        if times is not None and (
            not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= _MAX_TIMES
        ):
            raise ControlError(f"times is 1 to {_MAX_TIMES}, or null for always.")
        invoice_number = document.get("invoice_number")
        if invoice_number is not None and not isinstance(invoice_number, str):
            raise ControlError("invoice_number is text.")
        channel = document.get("channel")
        if channel is not None and channel not in self._channels:
            raise ControlError(f"channel is one of: {', '.join(self._channels)}.")
        return self._queue.add(
            operation=fault.operation,
            kind=fault.kind,
            invoice_number=invoice_number,
            channel=channel,
            times=times,
            parameters=fault.parameters,
        )

    def take(
        self,
        operation: str,
        invoice_number: str | None,
        channel: str | None,
        about: Collection[str] = ("order", "payment"),
    ) -> QueuedFault | None:
        """Return the next fault that fits, if any; it counts as used.

        ``about`` is what the request is about, of that which a fault may need.
        """
        kinds = [
            name
            for name, kind in KINDS.items()
            if operation in kind.operations and (kind.needs is None or kind.needs in about)
        ]
        return self._queue.take(operation, kinds, invoice_number, channel)

    def clear(self, number: int | None = None) -> int:
        """Forget one fault, or all and let what hangs continue; return how many there were.

        Raises ``ControlError`` if there is no such fault.
        """
        if number is None:
            count = self._queue.delete()
            self.hanging.release()
            return count
        count = self._queue.delete(number)
        if not count:
            raise ControlError(f"There is no fault {number}.", HTTPStatus.NOT_FOUND)
        return count
