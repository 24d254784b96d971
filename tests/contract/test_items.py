"""What the items look like: other readers, index keys, retention, and versions of the code."""

from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import pytest

from o2o.adapters.dynamodb.codec import compress, dump, instant_text, load, parse_instant
from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.events import DynamoEventStore
from o2o.adapters.dynamodb.notifications import DynamoNotificationStore
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.table import payment_item
from o2o.core.channels import Channel
from o2o.core.codes import Customer, PaymentKind, Source, Status
from o2o.core.deliveries import DeliveryStatus
from o2o.core.errors import DigitsTaken, InvalidConfiguration, VersionConflict
from o2o.core.notifications import KeptFor
from o2o.core.pages import Page
from o2o.core.payments import CodeHistory, Evidence, Payment, PaymentReport
from o2o.core.storefronts import ApiKey, Storefront
from o2o.core.work import Work, WorkKind
from o2o.usecases.settle import Settle, SettleOutcome
from tests.contract.conftest import Table
from tests.support.due import lane_of
from tests.support.memory import RETENTION
from tests.support.samples import (
    NOW,
    at,
    make_code,
    make_completion,
    make_full_code,
    make_kept,
    make_own_code,
    make_report,
    make_settlement,
)
from tests.support.storefronts import make_record
from tests.support.world import TIMETABLE


def items(table: Table) -> dict[tuple[str, str], dict[str, Any]]:
    """All items, by key."""
    found = table.client.scan(TableName=table.name, ConsistentRead=True)["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in found}


def test_the_keys_of_everything(table: Table) -> None:
    stores = table.stores
    code = make_code()
    stores.codes.create(code)
    stores.codes.record(make_settlement(code))
    stores.notifications.keep(make_kept())
    stores.storefronts.add_storefront(Storefront("shop", "Shop", NOW))
    stores.storefronts.put_key(ApiKey("abc", "shop", "0a", NOW))
    stores.codes.create(make_own_code("INV-2"))
    found = items(table)
    assert {key: item.get("listing", {}).get("S") for key, item in found.items()} == {
        ("CODE#INV-1", "CODE"): "CODES#shop",
        ("CODE#INV-1", "PAYMENT#0000000001"): "PAYMENTS#shop",
        ("CODE#INV-2", "CODE"): "CODES#shop",
        ("DIGITS#alfa#8899551234567890", "CLAIM"): None,
        ("NOTIFICATION#INV-9", "NOTIFICATION#0a1b"): "NOTIFICATIONS",
        ("STOREFRONT#shop", "STOREFRONT"): "STOREFRONTS",
        ("NAMESPACE#", "NAMESPACE"): None,
        ("KEY#abc", "KEY"): "KEYS#shop",
    }
    listed = [item for item in found.values() if "listing" in item]
    assert {item["created_at"]["S"] for item in listed} == {
        "2026-03-01T03:00:00.000000Z",
        "2026-03-01T03:06:00.000000Z",
    }
    (payment,) = (item for item in listed if item["sk"]["S"].startswith("PAYMENT#"))
    assert payment["paid_to"] == payment["listing"]
    assert payment["paid_at"] == payment["report"]["M"]["paid_at"]


def test_only_reusable_codes_lead_from_receipts_to_payments(table: Table) -> None:
    for code in (make_code(), make_code("INV-2", reusable=True)):
        table.stores.codes.create(code)
        first = make_settlement(code, "00R-1")
        table.stores.codes.record(first)
        second = make_settlement(first.code, "N/A")
        table.stores.codes.record(second)
        completion = make_completion(second.code, second.payment, receipt_number="R-2")
        table.stores.codes.record(completion)
    payments = {f"PAYMENT#000000000{number}" for number in (1, 2)}
    found = items(table)
    assert {sk for pk, sk in found if pk == "CODE#INV-1"} == {"CODE", *payments}
    receipts = {"RECEIPT#r-1", "RECEIPT#r-2"}
    assert {sk for pk, sk in found if pk == "CODE#INV-2"} == {"CODE", *payments, *receipts}
    # In no index, and for good, as its payment.
    assert found["CODE#INV-2", "RECEIPT#r-1"] == {
        "pk": {"S": "CODE#INV-2"},
        "sk": {"S": "RECEIPT#r-1"},
        "payment": {"S": "PAYMENT#0000000001"},
    }
    assert found["CODE#INV-2", "RECEIPT#r-2"]["payment"] == {"S": "PAYMENT#0000000002"}


def test_a_receipt_that_leads_to_a_payment_that_has_gone_leads_nowhere(table: Table) -> None:
    code = make_code(reusable=True)
    table.stores.codes.create(code)
    table.stores.codes.record(make_settlement(code))
    key = {"pk": {"S": "CODE#INV-1"}, "sk": {"S": "PAYMENT#0000000001"}}
    table.client.delete_item(TableName=table.name, Key=key)
    assert table.stores.codes.find_alike(make_report(), 5) == []


def test_an_item_in_full(table: Table) -> None:
    table.stores.codes.create(make_code(customer=Customer("Anton Budiman")))
    assert items(table) == {
        ("CODE#INV-1", "CODE"): {
            "pk": {"S": "CODE#INV-1"},
            "sk": {"S": "CODE"},
            "invoice_number": {"S": "INV-1"},
            "storefront_id": {"S": "shop"},
            "channel": {"S": "alfa"},
            "feature": {"S": "dgpc"},
            "amount": {"N": "150000"},
            "reusable": {"BOOL": False},
            "customer": {"M": {"name": {"S": "Anton Budiman"}}},
            "created_at": {"S": "2026-03-01T03:00:00.000000Z"},
            "expires_at": {"S": "2026-03-01T04:00:00.000000Z"},
            "fingerprint": {"S": "0" * 64},
            "receipt": {"M": {}},
            "status": {"S": "requested"},
            "version": {"N": "1"},
            "due_at": {"S": "2026-03-01T03:01:00.000000Z"},
            "due_shard": {"S": "DUE#4"},
            "intent": {
                "M": {
                    "request_id": {"S": "5e3c4f9a-1c1b-4a36-a6c2-35c6f9e0a001"},
                    "body": {"S": '{"order": {}}'},
                }
            },
            "late": {"BOOL": False},
            "had_ended": {"BOOL": False},
            "unconfirmed": {"BOOL": False},
            "disputed": {"BOOL": False},
            "payments": {"N": "0"},
            "listing": {"S": "CODES#shop"},
        }
    }


def test_a_claim_in_full(table: Table) -> None:
    table.stores.codes.create(make_own_code())
    # In no index, and for good: whose the digits were is never forgotten.
    assert items(table)["DIGITS#alfa#8899551234567890", "CLAIM"] == {
        "pk": {"S": "DIGITS#alfa#8899551234567890"},
        "sk": {"S": "CLAIM"},
        "invoice_number": {"S": "INV-1"},
    }


def test_a_claim_whose_code_has_gone_leads_nowhere_and_can_be_taken_over(table: Table) -> None:
    codes = table.stores.codes
    codes.create(make_own_code())
    key = {"pk": {"S": "CODE#INV-1"}, "sk": {"S": "CODE"}}
    table.client.delete_item(TableName=table.name, Key=key)
    digits = "8899551234567890"
    assert codes.find_by_digits(Channel.ALFA, digits) is None
    heir = make_own_code("INV-2")
    with pytest.raises(DigitsTaken) as caught:
        codes.create(heir)
    assert codes.create(heir, former_holder=caught.value.holder) is None
    assert codes.find_by_digits(Channel.ALFA, digits) == heir


def test_due_work_is_spread_over_the_shards(table: Table) -> None:
    for number in range(64):
        table.stores.codes.create(make_code(f"INV-{number}"))
    shards = {item["due_shard"]["S"] for item in items(table).values()}
    assert shards == {f"DUE#{shard}" for shard in range(8)}


_FINAL: dict[str, Any] = {"status": Status.EXPIRED, "due_at": None}


def test_a_final_code_is_due_to_be_forgotten_and_for_nothing_else(table: Table) -> None:
    code = make_code(**_FINAL, ended_at=at(hours=1))
    table.stores.codes.create(code)
    (item,) = items(table).values()
    forget_at = at(hours=1) + RETENTION.codes
    assert (item["due_at"], item["at_rest"]) == ({"S": instant_text(forget_at)}, {"BOOL": True})
    codes = table.stores.codes
    assert codes.get("INV-1") == code
    due = table.stores.due
    assert due.due(forget_at, 5) == [Work(WorkKind.CODE, "INV-1", due_at=forget_at)]
    # One that is looked at again is due then, and not final.
    codes.save(code.wait(at(hours=2)))
    (item,) = items(table).values()
    assert (item["due_at"], "at_rest" in item) == ({"S": instant_text(at(hours=2))}, False)


def test_what_has_nothing_left_to_forget_is_in_no_index_of_what_is_due(table: Table) -> None:
    code = make_code(**_FINAL, ended_at=at(hours=1))
    table.stores.codes.create(code)
    gone = code.forget(at(days=91))
    table.stores.codes.save(gone)
    (item,) = items(table).values()
    assert {"due_at", "due_shard", "ttl"} & item.keys() == set()
    assert table.stores.codes.get("INV-1") == gone


def test_only_what_nothing_hangs_on_has_a_ttl(table: Table) -> None:
    """TTL deletes early, late and out of order, and no guarantee may break by it."""
    stores = table.stores
    code = make_own_code()
    stores.codes.create(code)
    stores.codes.record(make_settlement(code))
    stores.codes.create(make_code("INV-2", **_FINAL))
    stores.notifications.keep(make_kept())
    stores.notifications.keep(make_kept(identity="0b", reason=KeptFor.NOT_SUCCESS))
    dismissed = make_kept(identity="0c", dismissed="a test", dismissed_at=at(days=9))
    stores.notifications.keep(dismissed)
    events = DynamoEventStore(Store(table.client, table.name))
    events.add(make_record(1))
    events.add(make_record(2, due_at=None, status=DeliveryStatus.DELIVERED))
    found = {key: int(item["ttl"]["N"]) for key, item in items(table).items() if "ttl" in item}
    evidence = RETENTION.evidence
    assert found == {
        ("NOTIFICATION#INV-9", "NOTIFICATION#0b"): (NOW + evidence).timestamp(),
        ("NOTIFICATION#INV-9", "NOTIFICATION#0c"): (at(days=9) + evidence).timestamp(),
        (f"EVENT#evt_{2:032x}", "EVENT"): make_record().keep_until.timestamp(),
    }


def test_payments_whose_code_has_gone_are_no_history(table: Table) -> None:
    code = make_code(reusable=True)
    table.stores.codes.create(code)
    table.stores.codes.record(make_settlement(code))
    key = {"pk": {"S": "CODE#INV-1"}, "sk": {"S": "CODE"}}
    table.client.delete_item(TableName=table.name, Key=key)
    assert table.stores.codes.get("INV-1") is None
    assert table.stores.codes.get_history("INV-1", 5) is None


@pytest.mark.parametrize("reusable", [True, False])
def test_an_invoice_number_that_comes_round_is_paid_beside_its_former_payments(
    table: Table, reusable: bool
) -> None:
    former = make_code(reusable=reusable)
    table.stores.codes.create(former)
    paid = make_settlement(former)
    table.stores.codes.record(paid)
    # Evidence is kept for longer than codes.
    key = {"pk": {"S": "CODE#INV-1"}, "sk": {"S": "CODE"}}
    table.client.delete_item(TableName=table.name, Key=key)
    now = at(days=400)
    code = make_own_code(reusable=reusable, created_at=now, expires_at=at(days=401))
    assert table.stores.codes.create(code) is None
    settle = Settle(codes=table.stores.codes, clock=lambda: now, timetable=TIMETABLE)
    report = make_report(receipt_number="R-1", paid_at=now, evidence=Evidence("another payment"))
    assert settle(report).outcome is SettleOutcome.RECORDED
    recorded = table.stores.codes.list_payments("INV-1", limit=5, cursor=None).items
    assert paid.payment in recorded
    assert len(recorded) == 2


def test_evidence_is_not_forgotten_over_what_is_told_meanwhile(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = table.stores.codes
    code = make_code(reusable=True)
    codes.create(code)
    paid = make_settlement(code)
    codes.record(paid)
    told = make_completion(paid.code, paid.payment, store_id="S-9")
    read = codes.list_payments

    def read_and_be_overtaken(*names: Any, **more: Any) -> Page[Payment]:
        page = read(*names, **more)
        codes.record(told)
        return page

    monkeypatch.setattr(codes, "list_payments", read_and_be_overtaken)
    with pytest.raises(VersionConflict):
        codes.forget_evidence("INV-1")
    assert codes.get_history("INV-1", 5) == CodeHistory(told.code, [told.payment])


def test_without_retention_nothing_is_written(table: Table) -> None:
    store = Store(table.client, table.name)
    codes, notifications = DynamoCodeStore(store), DynamoNotificationStore(store)
    code = make_code()
    for write in (
        lambda: codes.create(code),
        lambda: codes.create(make_own_code()),
        lambda: codes.save(code.wait(None)),
        lambda: codes.record(make_settlement(code)),
        lambda: notifications.keep(make_kept()),
        lambda: notifications.postpone(make_kept(), None),
    ):
        with pytest.raises(InvalidConfiguration, match="retention"):
            write()
    assert items(table) == {}
    table.stores.codes.create(code)
    assert codes.get("INV-1") == code


# --- Old and new code side by side ---

_OLD: dict[str, Any] = {
    "pk": {"S": "CODE#INV-1"},
    "sk": {"S": "CODE"},
    "invoice_number": {"S": "INV-1"},
    "storefront_id": {"S": "shop"},
    "channel": {"S": "alfa"},
    "feature": {"S": "dgpc"},
    "amount": {"N": "150000"},
    "reusable": {"BOOL": False},
    "customer": {"M": {"name": {"S": "Anton Budiman"}}},
    "created_at": {"S": "2026-03-01T03:00:00Z"},
    "expires_at": {"S": "2026-03-01T11:00:00+07:00"},
    "fingerprint": {"S": "0" * 64},
    "version": {"N": "1"},
    "due_shard": {"S": "DUE#0"},
    "due_at": {"S": "2026-03-01T03:01:00.000000Z"},
}


def test_an_item_of_an_older_version_takes_the_defaults(table: Table) -> None:
    table.client.put_item(TableName=table.name, Item=_OLD)
    codes = table.stores.codes
    code = codes.get("INV-1")
    assert code == make_code(customer=Customer("Anton Budiman"), intent=None)
    assert table.stores.due.due(at(hours=1), 5) == [
        Work(WorkKind.CODE, "INV-1", due_at=at(minutes=1))
    ]
    codes.save(code.wait(None))
    assert codes.get("INV-1") == code.wait(None)


def test_an_item_of_a_newer_version_loses_what_is_not_known(table: Table) -> None:
    newer = {
        **_OLD,
        "colour": {"SS": ["red"]},
        "customer": {"M": {"name": {"S": "Anton Budiman"}, "phone": {"NULL": True}}},
    }
    table.client.put_item(TableName=table.name, Item=newer)
    code = table.stores.codes.get("INV-1")
    assert code == make_code(customer=Customer("Anton Budiman"), intent=None)


def test_an_item_that_lacks_what_it_must_have_is_an_error(table: Table) -> None:
    broken = {name: value for name, value in _OLD.items() if name != "amount"}
    table.client.put_item(TableName=table.name, Item=broken)
    with pytest.raises(TypeError, match="amount"):
        table.stores.codes.get("INV-1")


_OLD_PAYMENT: dict[str, Any] = {
    "pk": {"S": "CODE#INV-1"},
    "sk": {"S": "PAYMENT#R-1"},
    "identity": {"S": "R-1"},
    "kind": {"S": "paid"},
    "report": {
        "M": {
            "invoice_number": {"S": "INV-1"},
            "payment_code": {"S": "8000000000000021"},
            "amount": {"S": "150000.00"},
            "paid_at": {"S": "2026-03-01T03:05:00.000000Z"},
            "source": {"S": "notification"},
            "evidence": {"M": {"body": {"S": "{}"}, "headers": {"M": {"Client-Id": {"S": "M"}}}}},
            "acquirer": {"S": "ALFA"},
            "receipt_number": {"S": "R-1"},
        }
    },
    "recorded_at": {"S": "2026-03-01T03:06:00.000000Z"},
    "ttl": {"N": "1"},
}
"""As it was stored before payments were numbered: under what was its identity then."""

_OLD_MARK = {
    "M": {
        **{name: _OLD_PAYMENT[name] for name in ("identity", "kind", "recorded_at")},
        **{name: _OLD_PAYMENT["report"]["M"][name] for name in ("amount", "paid_at")},
        "receipt_number": {"S": "R-1"},
    }
}

OLD_PAYMENT = Payment(
    identity="R-1",
    kind=PaymentKind.PAID,
    report=PaymentReport(
        invoice_number="INV-1",
        payment_code="8000000000000021",
        amount=Decimal("150000.00"),
        paid_at=at(minutes=5),
        source=Source.NOTIFICATION,
        evidence=Evidence("{}", {"Client-Id": "M"}),
        acquirer="ALFA",
        receipt_number="R-1",
    ),
    recorded_at=at(minutes=6),
)


def old_history(table: Table, *receipts: str, reusable: bool = False) -> CodeHistory:
    """A code with payments of the former version, as it is read."""
    put = partial(table.client.put_item, TableName=table.name)
    put(
        Item={
            **_OLD,
            "reusable": {"BOOL": reusable},
            "status": {"S": "active" if reusable else "paid"},
            "payments": {"N": str(len(receipts))},
            "last_payment": _OLD_MARK,
        }
    )
    for receipt in receipts:
        report = {"M": {**_OLD_PAYMENT["report"]["M"], "receipt_number": {"S": receipt}}}
        names = {"sk": {"S": f"PAYMENT#{receipt}"}, "identity": {"S": receipt}}
        put(Item={**_OLD_PAYMENT, **names, "report": report})
    history = table.stores.codes.get_history("INV-1", 50)
    assert history is not None
    return history


def test_a_payment_of_the_former_version_is_read(table: Table) -> None:
    history = old_history(table, "R-1")
    assert history.payments == [OLD_PAYMENT]
    assert history.code.last_payment == replace(OLD_PAYMENT.mark, source=None)
    assert table.stores.codes.list_payments("INV-1", limit=5, cursor=None).items == [OLD_PAYMENT]
    report = make_report(receipt_number="r-1")
    assert table.stores.codes.find_alike(report, 5) == [OLD_PAYMENT]


def test_payments_of_both_versions_have_their_pages(table: Table) -> None:
    history = old_history(table, "R-1", "R-2", "00-3", reusable=True)
    table.stores.codes.record(make_settlement(history.code, "R-4"))
    seen: list[str | None] = []
    cursor = None
    for _ in range(4):
        page = table.stores.codes.list_payments("INV-1", limit=1, cursor=cursor)
        seen += [payment.report.receipt_number for payment in page.items]
        cursor = page.next_cursor
    assert cursor is None
    assert sorted(map(str, seen)) == ["00-3", "R-1", "R-2", "R-4"]


@pytest.mark.parametrize("reusable", [True, False])
def test_a_payment_of_the_former_version_is_completed_in_its_place(
    table: Table, reusable: bool
) -> None:
    history = old_history(table, "R-1", reusable=reusable)
    completion = make_completion(history.code, OLD_PAYMENT, store_id="S-9")
    table.stores.codes.record(completion)
    assert table.stores.codes.get_history("INV-1", 5) == CodeHistory(
        completion.code, [completion.payment]
    )
    assert {sk for _, sk in items(table)} - {"RECEIPT#r-1"} == {"CODE", "PAYMENT#R-1"}


@pytest.mark.parametrize("odd", ["x" * 600, "é" * 300, "\ud800", "", "\U0010ffff"])
def test_a_former_payment_with_an_odd_number_is_completed_in_its_place(
    table: Table, odd: str
) -> None:
    old_history(table)
    payment = replace(OLD_PAYMENT, identity=odd)
    item = payment_item("INV-1", payment)
    table.client.put_item(TableName=table.name, Item=item)
    history = table.stores.codes.get_history("INV-1", 5)
    assert history is not None
    assert history.payments == [payment]
    completion = make_completion(history.code, payment, store_id="S-9")
    table.stores.codes.record(completion)
    found = table.stores.codes.get_history("INV-1", 5)
    assert found == CodeHistory(completion.code, [completion.payment])


def test_another_payment_is_numbered_beside_those_of_the_former_version(table: Table) -> None:
    history = old_history(table, "R-1", "R-2", reusable=True)
    settlement = make_settlement(history.code, "R-3")
    table.stores.codes.record(settlement)
    assert settlement.payment.number == 3
    found = table.stores.codes.get_history("INV-1", 5)
    assert found is not None
    assert settlement.payment in found.payments
    assert len(found.payments) == 3


def test_the_receipt_of_a_completed_former_payment_leads_to_it(table: Table) -> None:
    history = old_history(table, "R-1", "R-2", "R-3", reusable=True)
    completion = make_completion(history.code, history.payments[0], store_id="S-9")
    table.stores.codes.record(completion)
    alike = table.stores.codes.find_alike(make_report(receipt_number="R-1"), 1)
    assert completion.payment in alike


# --- The codec by itself ---


def test_instants_sort_as_text() -> None:
    instants = [
        at(),
        at(microseconds=1),
        at(milliseconds=1),
        at(seconds=1),
        at(days=1).astimezone(timezone(timedelta(hours=7))),
        at(days=4000),
    ]
    texts = [instant_text(instant) for instant in instants]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {27}
    assert [parse_instant(text) for text in texts] == instants


def test_naive_instants_are_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        instant_text(NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="offset"):
        parse_instant("2026-03-01T03:00:00")


def test_the_codec_keeps_types_apart() -> None:
    payment = make_settlement(make_full_code(), amount=Decimal("19000.00")).payment
    again = load(Payment, dump(payment))
    assert again == payment
    assert type(again.kind) is PaymentKind
    assert dump(again) == dump(payment)


LONG = "Rp" + "Ä" * 300


@pytest.mark.parametrize("text", ["", "short", LONG, "x" * 256, "x" * 257, "\ud800" * 300])
def test_a_text_comes_back_whatever_its_length(text: str) -> None:
    evidence = Evidence(text, {"Signature": text})
    assert load(Evidence, compress(dump(evidence))) == evidence
    assert load(Evidence, dump(evidence)) == evidence


def test_a_long_text_is_written_small_and_a_short_one_as_it_is() -> None:
    written = compress(dump(Evidence(LONG, {"Signature": "short"})))
    assert len(written["body"]["B"]) < 50
    assert written["headers"] == {"M": {"Signature": {"S": "short"}}}


@pytest.mark.parametrize(
    "letters", [(0x20, 0x7F), (0x80, 0x800), (0x4E00, 0x9FA5), (0x1F300, 0x1F700)]
)
def test_noise_does_not_grow(letters: tuple[int, int]) -> None:
    """In UTF-8 no byte can be anything."""
    noise = "".join(map(chr, Random(1).choices(range(*letters), k=257)))
    assert len(compress({"body": {"S": noise}})["body"]["B"]) < len(noise.encode())


def test_keys_are_never_compressed(table: Table) -> None:
    number = "N" * 400
    code = replace(make_code(), invoice_number=number)
    table.stores.codes.create(code)
    assert table.stores.codes.get(number) == code
    (item,) = items(table).values()
    assert item["pk"]["S"] == f"CODE#{number}"


def test_version_01_finds_what_is_awaited_among_all_that_is_due(table: Table) -> None:
    code = make_code()
    as_before = DynamoCodeStore(Store(table.client, table.name, RETENTION, readable_by_01=True))
    as_before.create(code)
    waiting = code.wait(at(minutes=2))
    as_before.save(waiting)
    shards = lane_of(as_before, "codes").due(at(days=1), 9)
    assert shards == [Work(WorkKind.CODE, "INV-1", due_at=at(minutes=2))]
    assert lane_of(as_before, "awaited").due(at(days=1), 9) == []
    # Its next change takes it where it belongs now.
    table.stores.codes.save(waiting.wait(at(minutes=5)))
    assert lane_of(as_before, "codes").due(at(days=1), 9) == []
    assert len(lane_of(as_before, "awaited").due(at(days=1), 9)) == 1


def test_until_everybody_can_read_it_texts_are_written_as_they_are(table: Table) -> None:
    plain = Store(table.client, table.name, RETENTION, readable_by_01=True)
    event = replace(make_record(), payload=LONG)
    DynamoEventStore(plain).add(event)
    (item,) = items(table).values()
    assert item["payload"] == {"S": LONG}
    assert DynamoEventStore(Store(table.client, table.name)).get(event.event_id) == event
