"""A call of the control API: its body and query, read strictly."""

from dataclasses import dataclass
from typing import Any

from simulator.channels import MAX_AMOUNT
from simulator.errors import ControlError
from simulator.faults import NARROWED_BY, read_fault
from simulator.strict_json import Malformed, read_object
from simulator.wire import Request

_MAX_TEXT = 64
_MAX_LIMIT = 1000


class Body:
    """A JSON object; what is wrong with it raises ``ControlError``."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def __contains__(self, name: str) -> bool:
        return name in self.document

    def value(self, name: str) -> Any:
        """Return a field as it is; ``None`` if it is missing."""
        return self.document.get(name)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a field that is true or false."""
        value = self.document.get(name, default)
        if not isinstance(value, bool):
            raise ControlError(f"{name} is true or false.")
        return value

    def text(self, name: str, *, limit: int = _MAX_TEXT) -> str | None:
        """Return a text, or ``None`` if it is missing or null."""
        return None if self.value(name) is None else self.required_text(name, limit=limit)

    def required_text(self, name: str, *, limit: int = _MAX_TEXT) -> str:
        """Return a text that has to be there."""
        value = self.value(name)
        if not isinstance(value, str) or not 0 < len(value) <= limit or not value.isprintable():
            raise ControlError(f"{name} is text of 1 to {limit} characters.")
        return value

    def amount(self, name: str) -> int | None:
        """Return an amount in rupiah, or ``None`` if it is missing or null."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_AMOUNT:
            raise ControlError(f"{name} is whole rupiah, 1 to {MAX_AMOUNT}.")
        return value

    def notify(self) -> Any:
        """Return the field ``notify``: the fault of one notification.

        ``None`` for ``null`` or ``"send"``; ``"none"``; or ``{"kind", "parameters"}``.
        """
        wanted = self.value("notify")
        if wanted in (None, "send"):
            return None
        if wanted == "none":
            return "none"
        if isinstance(wanted, str):
            wanted = {"kind": wanted}
        if not isinstance(wanted, dict) or set(NARROWED_BY) & wanted.keys():
            raise ControlError(
                'notify is "send", "none", the kind of a notification fault,'
                ' or an object such as {"kind": "duplicate", "copies": 3}.'
            )
        fault = read_fault({**wanted, "operation": "notify"})
        return {"kind": fault.kind, "parameters": fault.parameters}


@dataclass(frozen=True, slots=True)
class Call:
    """A request to one of the control API's routes."""

    request: Request
    name: str
    """What stands in the place of ``*`` in the route, percent-decoded."""

    def body(self, known: set[str] | None) -> Body:
        """Return the body, if it has only these fields (``None``: any); raises ``ControlError``."""
        try:
            document = read_object(self.request.body)
        except Malformed:
            raise ControlError("The body is a JSON object.") from None
        unknown = set() if known is None else document.keys() - known
        if unknown:
            raise ControlError(
                f"There is no field {min(unknown)!r}; there are: {', '.join(sorted(known or ()))}."
            )
        return Body(document)

    def query(self, name: str) -> str | None:
        """Return a value of the query string."""
        return self.request.query.get(name)

    def limit(self) -> int:
        """Return how many records are wanted, 100 by default; raises ``ControlError``."""
        text = self.query("limit") or "100"
        if text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= _MAX_LIMIT:  # noqa: PLR2004
            return int(text)
        raise ControlError(f"limit is 1 to {_MAX_LIMIT}.")
