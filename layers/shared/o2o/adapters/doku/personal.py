"""Takes a person out of DOKU's messages, and leaves what they tell of money.

DOKU documents no customer in what it sends about payments (DOKU protocol, sections 6 and 7), and
its objects gain fields.
"""

import json
from collections.abc import Mapping
from decimal import Decimal

from o2o.core.persons import Person

_CUSTOMER = "customer"
_FACTS = {
    ("order", "invoice_number"),
    ("transaction", "status"),
    ("transaction", "date"),
    ("transaction", "original_request_id"),
    ("service", "id"),
    ("acquirer", "id"),
    ("channel", "id"),
    ("online_to_offline_info", "payment_code"),
}
"""Texts that say which payment it is: they stay, whatever a customer is called."""

_TILL = ("AGENT_ID", "AGENT_STORE_ID", "AGENT_TRX_ID")
"""Identifiers of which the same holds."""


def without_person(body: str, person: Person, is_theirs: bool) -> str:  # noqa: FBT001 - as the port has it
    """A message's body without the person; the very same text if it does not tell of them.

    ``is_theirs``: the message is about an order of theirs, so that whatever it says of a customer
    goes, and what it calls them is found elsewhere in it. What is no JSON can't be taken apart, so
    that nothing of it is left.
    """
    try:
        message = json.loads(body.removeprefix("\ufeff"), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        tells = person.is_in(body) or (is_theirs and f'"{_CUSTOMER}"' in body.casefold())
        return "" if tells else body
    if is_theirs:
        person |= _called(message)
    left = _left(message, (), person, is_theirs=is_theirs)
    if left == message:
        return body
    # An amount may be a text, too (DOKU protocol, section 6).
    return json.dumps(left, separators=(",", ":"), default=str)


def _left(value: object, path: tuple[str, ...], person: Person, *, is_theirs: bool) -> object:
    match value:
        case str():
            return None if path not in _FACTS and person.is_in(value) else value
        case list():
            return [_left(each, path, person, is_theirs=is_theirs) for each in value]
        case dict() if _is_of_the_till(value):
            return value
        case dict():
            return {
                name: None
                if is_theirs and name.casefold() == _CUSTOMER
                else _left(each, (*path, name), person, is_theirs=is_theirs)
                for name, each in value.items()
            }
    return value


def _called(value: object) -> Person:
    """Whom a message calls its customer, wherever it does."""
    person = Person()
    match value:
        case list():
            for each in value:
                person |= _called(each)
        case dict():
            for name, each in value.items():
                if name.casefold() == _CUSTOMER and isinstance(each, dict):
                    called = (each.get("name"), each.get("email"))
                    person |= Person.called(*(text for text in called if isinstance(text, str)))
                else:
                    person |= _called(each)
    return person


def _is_of_the_till(identifier: Mapping[str, object]) -> bool:
    return str(identifier.get("name")).strip().upper() in _TILL and "value" in identifier
