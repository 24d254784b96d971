"""Payments over all codes, over HTTP: lists, what a receipt leads to, and what became of one."""

import csv
import io
import json
from typing import Any

import pytest

from o2o.core.payments_csv import COLUMNS
from tests.support.local_stack import LocalStack, run_module
from tests.support.patience import until


def listed(stack: LocalStack, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list, two payments a page."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = stack.call("GET", "/payments", params={"limit": 2, "cursor": cursor, **query})
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


def paid(stack: LocalStack, **details: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A code that was paid at a till, and the till's receipt."""
    code = stack.create()
    receipt = stack.pay(code, **details)
    until(lambda: stack.get(code["invoice_number"])["payments"])
    return code, receipt


def resolve(stack: LocalStack, code: dict[str, Any], **said: Any) -> Any:
    path = f"/payment-codes/{code['invoice_number']}/payments/1/resolution"
    return stack.call("POST", path, json=said)


def test_the_customers_receipt_and_digits_lead_to_the_payment(stack: LocalStack) -> None:
    code, receipt = paid(stack)
    found = until(lambda: listed(stack, receipt_number=receipt["receipt_number"]))
    assert [each["invoice_number"] for each in found] == [code["invoice_number"]]
    assert found == until(lambda: listed(stack, payment_code=code["payment_code"]))
    (shown,) = stack.get(code["invoice_number"])["payments"]
    assert shown.items() <= found[0].items()
    for other in ({"receipt_number": "9" * 12}, {"payment_code": "8" * 16}):
        assert listed(stack, **other) == []


def test_payments_of_a_day_are_those_that_the_till_took(stack: LocalStack) -> None:
    codes = [paid(stack)[0]["invoice_number"] for _ in range(3)]
    (last,) = stack.get(codes[-1])["payments"]
    by_record = [each["invoice_number"] for each in listed(stack)]
    assert by_record[:3] == codes[::-1]
    since = listed(stack, recorded_from=last["recorded_at"])
    assert codes[-1] in [each["invoice_number"] for each in since]
    day = listed(stack, paid_from="2026-01-01", paid_to="2199-12-31")
    assert [each["paid_at"] for each in day] == sorted(
        (each["paid_at"] for each in day), reverse=True
    )
    assert {each["id"] for each in day} >= {"1"}
    assert sorted(by_record) == sorted(each["invoice_number"] for each in day)
    assert listed(stack, paid_from="2026-01-01", paid_to="2026-01-02") == []


def test_a_late_payment_calls_for_a_person_until_it_is_resolved(stack: LocalStack) -> None:
    code = stack.create(channel="indomaret")
    stack.call("POST", f"/payment-codes/{code['invoice_number']}/cancel")
    stack.advance(minutes=1)
    stack.pay(code)

    def called() -> list[dict[str, Any]]:
        """The stack has other tests' payments, too: only its own are waited for."""
        open_ = listed(stack, resolution="open")
        return [each for each in open_ if each["invoice_number"] == code["invoice_number"]]

    (payment,) = until(called)
    assert (payment["kind"], payment["needs_attention"]) == ("paid_late", True)

    answer = resolve(stack, code, resolution="refunded", reference="TRF-1", note="by bank")
    assert answer.status_code == 200, answer.text
    (resolution,) = answer.json()["resolutions"]
    assert resolution["by"].startswith("key:")
    assert (resolution["resolution"], resolution["reference"]) == ("refunded", "TRF-1")
    assert answer.json()["needs_attention"] is False
    assert code["invoice_number"] not in str(listed(stack, resolution="open"))
    assert code["invoice_number"] in str(listed(stack, resolution="refunded"))

    def resolved_events() -> list[dict[str, Any]]:
        query = f"/events?invoice_number={code['invoice_number']}&type=payment.resolved"
        items: list[dict[str, Any]] = stack.call("GET", query).json()["items"]
        return items

    (event,) = until(resolved_events)
    assert event["data"]["payment"]["resolution"] == resolution
    # The same again is no news; another one stands beside it.
    assert (
        resolve(stack, code, resolution="refunded", reference="TRF-1", note="by bank").json()
        == answer.json()
    )
    kept = resolve(stack, code, resolution="kept").json()["resolutions"]
    assert [each["resolution"] for each in kept] == ["refunded", "kept"]
    assert len(until(lambda: found if len(found := resolved_events()) > 1 else None)) == 2


def test_the_list_is_csv_for_who_asks_for_it(stack: LocalStack) -> None:
    code, _ = paid(stack)
    answer = stack.call("GET", "/payments?limit=1", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv; charset=utf-8")
    header, row = csv.reader(io.StringIO(answer.text))
    assert tuple(header) == COLUMNS
    told = dict(zip(header, row, strict=True))
    (shown,) = stack.get(code["invoice_number"])["payments"]
    assert (told["invoice_number"], told["amount"]) == (code["invoice_number"], "25000")
    assert told["paid_at_utc"] == shown["paid_at"]
    assert answer.headers["Next-Cursor"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("paid_from=yesterday", "paid_from"),
        ("paid_from=0001-01-01", "paid_from"),
        ("receipt_number=1&payment_code=2", "payment_code"),
        ("payment_code=abc", "payment_code"),
        ("cursor=nonsense", "cursor"),
        ("paid_from=2026-01-01&cursor=nonsense", "cursor"),
        ("reciept_number=1", "reciept_number"),
        ("resolution=lost", "resolution"),
        ("limit=1001", "limit"),
    ],
)
def test_a_wrong_filter_is_named(stack: LocalStack, query: str, named: str) -> None:
    answer = stack.call("GET", f"/payments?{query}")
    assert answer.status_code == 400, answer.text
    assert [each["name"] for each in answer.json()["invalid_params"]] == [named]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"resolution": "lost"}, "resolution"),
        ({"resolution": "kept", "note": ""}, "note"),
        ({"resolution": "kept", "note": "   "}, "note"),
        ({"resolution": "kept", "reference": "x" * 65}, "reference"),
        ({"resolution": "kept", "by": "me"}, "by"),
    ],
)
def test_a_wrong_resolution_is_named(stack: LocalStack, said: dict[str, Any], named: str) -> None:
    code, _ = paid(stack)
    answer = resolve(stack, code, **said)
    assert answer.status_code == 400, answer.text
    assert [each["name"] for each in answer.json()["invalid_params"]] == [named]


def test_a_payment_that_is_not_there_can_not_be_resolved(stack: LocalStack) -> None:
    code = stack.create()
    assert resolve(stack, code, resolution="kept").status_code == 404
    assert resolve(stack, {"invoice_number": "NONE"}, resolution="kept").status_code == 404


def test_the_command_line_finds_exports_and_resolves(stack: LocalStack, tmp_path: Any) -> None:
    code, receipt = paid(stack, amount=1)
    order, state = code["invoice_number"], str(stack.folder)

    def admin(*words: str) -> str:
        done = run_module("admin", "--state-dir", state, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    until(lambda: listed(stack, receipt_number=receipt["receipt_number"]))
    for text in (receipt["receipt_number"], code["payment_code"], order):
        found = json.loads(admin("--json", "find", "demo", text))
        assert [(each["order_number"], each["kind"]) for each in found] == [
            (order, "amount_mismatch")
        ]
    assert order in admin("--json", "attention", "demo")
    admin("payments", "resolve", order, "1", "refunded", "--reference", "TRF-2")
    assert order not in admin("--json", "attention", "demo")
    assert "TRF-2" in str(stack.get(order)["payments"])
    file = tmp_path / "payments.csv"
    admin("payments", "export", "demo", str(file))
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8"))))
    assert [each["resolution"] for each in rows if each["invoice_number"] == order] == ["refunded"]
    assert len(rows) == len(listed(stack))
    assert "payments resolve" in admin("--json", "audit")
