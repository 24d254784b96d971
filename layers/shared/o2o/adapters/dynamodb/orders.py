"""Orders by the e-mail address of who pays. No index has it: the whole table is read."""

from collections.abc import Iterator, Mapping
from typing import Any

from o2o.adapters.dynamodb import table
from o2o.adapters.dynamodb.codec import load_text
from o2o.adapters.dynamodb.store import Store
from o2o.core.persons import Person
from o2o.usecases.ports import OrderSearch


class DynamoOrderSearch(OrderSearch):
    """``OrderSearch`` in a table: in codes, in their payments' evidence, in kept notifications."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of_email(self, email: str) -> Iterator[tuple[str, bool]]:
        person = Person.of(None, email)
        values = {":code": {"S": "CODE#"}, ":notification": {"S": "NOTIFICATION#"}}
        condition = "begins_with(#pk, :code) OR begins_with(#pk, :notification)"
        for item in self._store.scan(condition, names={"#pk": "pk"}, values=values):
            if any(person.is_in(text) for text in _texts({"M": item})):
                yield _order_number(item), table.is_code(item)


def _order_number(item: Mapping[str, Any]) -> str:
    """Whose item it is. A key has the digest of a number that does not fit into it."""
    if table.is_code(item):
        return table.load_code(item).order_number
    if item["pk"]["S"].startswith("NOTIFICATION#"):
        return load_text(item["invoice_number"])
    return table.order_number(item)


def _texts(value: Mapping[str, Any]) -> Iterator[str]:
    """Every text in a value, however deep and in whichever form it was written."""
    for kind, content in value.items():
        if kind in ("S", "B"):
            yield load_text({kind: content})
        elif kind == "M":
            for entry in content.values():
                yield from _texts(entry)
        elif kind == "L":
            for entry in content:
                yield from _texts(entry)
