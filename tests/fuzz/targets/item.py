"""A stored item: a line with its kind and the name of an attribute, and a text.

What we write is what we read, whatever texts are in it, from the table and from its stream. An item
that lacks the attribute, as those of an older version may, is read with its default or is refused.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

from o2o.adapters.dynamodb import stream, table
from o2o.core.codes import Customer, Failure, Receipt
from o2o.core.deliveries import Attempt
from o2o.core.payments import Evidence, Payment
from o2o.core.storefronts import ApiKey, Branding, Storefront
from tests.fuzz.seeds import any_text
from tests.support.memory import RETENTION
from tests.support.samples import (
    NOW,
    make_code,
    make_full_code,
    make_kept,
    make_report,
    make_settlement,
)
from tests.support.storefronts import make_record


@dataclass(frozen=True)
class _Kind:
    """How one kind of record is written and read."""

    record: Callable[[str], Any]
    write: Callable[[Any], dict[str, Any]]
    read: Callable[[dict[str, Any]], Any]


def _code(text: str) -> Any:
    return replace(
        make_full_code(),
        customer=Customer(text, text),
        info=text,
        receipt=Receipt(text, text),
        metadata=text,
        failure=Failure("refused", text, text),
        how_to_pay_page=text,
    )


def _payment(text: str) -> Payment:
    report = make_report(
        evidence=Evidence(text, {text: text}), store_id=text, currency=text, acquirer=None
    )
    made = make_settlement(make_code()).payment
    return replace(made, report=report, further=(report, report))


KINDS = {
    "code": _Kind(_code, lambda each: table.code_item(each, RETENTION), table.load_code),
    "payment": _Kind(_payment, lambda each: table.payment_item("INV-1", each), table.load_payment),
    "notification": _Kind(
        lambda text: make_kept(text, text, evidence=Evidence(text, {"Client-Id": text})),
        lambda each: table.notification_item(each, RETENTION),
        table.load_notification,
    ),
    "event": _Kind(
        lambda text: make_record(
            payload=text, attempts=(Attempt(NOW, 5, 200, None), Attempt(NOW, 5, None, text))
        ),
        table.event_item,
        table.load_event,
    ),
    "storefront": _Kind(
        lambda text: Storefront(text, text, NOW, "k7q2"),
        table.storefront_item,
        table.load_storefront,
    ),
    "key": _Kind(
        lambda text: ApiKey.of("k", "s", Storefront(text, text, NOW), NOW),
        table.api_key_item,
        table.load_api_key,
    ),
    "branding": _Kind(
        lambda text: Branding("shop", text, text, text), table.branding_item, table.load_branding
    ),
}
SEEDS = (
    *(
        f"{name} {field.name}\nPesanan №7 ☕".encode()
        for name, kind in KINDS.items()
        for field in fields(kind.record("x"))
    ),
    b"event payload\n\xff\xfe\xed\xa0\x80",
    b"notification evidence\n" + b"a" * 600,
)


def check(data: bytes) -> None:
    """Raise AssertionError if something is read that was not written."""
    first, _, rest = data.partition(b"\n")
    name, _, attribute = first.decode("utf-8", "replace").partition(" ")
    if name not in KINDS:
        return
    kind = KINDS[name]
    record = kind.record(any_text(rest))
    item = kind.write(record)
    assert kind.read(item) == record
    assert kind.read(stream._with_bytes(_as_lambda_gets(item))) == record
    if attribute in item:
        _must_have_a_default(kind, record, item, attribute)


def _as_lambda_gets(value: Any) -> Any:
    match value:
        case {"B": bytes(content)}:
            return {"B": b64encode(content).decode()}
        case dict():
            return {name: _as_lambda_gets(each) for name, each in value.items()}
        case list():
            return [_as_lambda_gets(each) for each in value]
    return value


def _must_have_a_default(kind: _Kind, record: Any, item: dict[str, Any], attribute: str) -> None:
    older = {name: value for name, value in item.items() if name != attribute}
    field = next((each for each in fields(record) if each.name == attribute), None)
    try:
        read = kind.read(older)
    except TypeError:
        assert field is not None
        assert field.default is MISSING
        assert field.default_factory is MISSING
        return
    for each in fields(record):
        if each.name != attribute:
            assert getattr(read, each.name) == getattr(record, each.name)
