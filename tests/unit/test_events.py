"""What a storefront is told of a change, and that it is told the same every time."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from o2o.core.codes import PaymentCode, PaymentKind, PaymentMark, Refund, Source, Status
from o2o.core.events import Change, Event, EventType, derive_events, derive_story
from o2o.entry.models.codes import PaymentView
from o2o.entry.models.events import render
from tests.support.samples import NOW, at, make_code, make_full_code, make_own_code, make_settlement


def _events(before: PaymentCode | None, after: PaymentCode) -> list[Event]:
    return derive_events(Change(before, after))


def types(before: PaymentCode | None, after: PaymentCode) -> list[EventType]:
    return [event.type for event in _events(before, after)]


def mark(kind: PaymentKind, **changes: Any) -> PaymentMark:
    return replace(
        PaymentMark(
            number=1,
            kind=kind,
            amount=Decimal("150000.00"),
            paid_at=at(minutes=5),
            receipt_number="R-1",
            recorded_at=at(minutes=6),
        ),
        **changes,
    )


ACTIVE = make_code(status=Status.ACTIVE, activated_at=at(seconds=2), version=2)


def test_a_new_code_is_no_event_until_it_can_be_paid() -> None:
    assert types(None, make_code()) == []
    assert types(make_code(), ACTIVE) == [EventType.ACTIVATED]
    assert types(None, make_own_code()) == [EventType.ACTIVATED]


def test_looking_at_a_code_is_no_event() -> None:
    assert types(ACTIVE, replace(ACTIVE, version=3, due_at=at(hours=1))) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.EXPIRED, EventType.EXPIRED),
        (Status.CANCELLED, EventType.CANCELLED),
        (Status.FAILED, EventType.FAILED),
    ],
)
def test_an_end_is_an_event_of_its_own_instant(status: Status, expected: EventType) -> None:
    ended = replace(ACTIVE, status=status, version=3, ended_at=at(hours=1))
    (event,) = _events(ACTIVE, ended)
    assert (event.type, event.occurred_at, event.payment) == (expected, at(hours=1), None)
    assert types(ended, replace(ended, version=4)) == []


@pytest.mark.parametrize("kind", list(PaymentKind))
def test_every_kind_of_payment_is_an_event(kind: PaymentKind) -> None:
    paid = replace(ACTIVE, version=3, payments=1, last_payment=mark(kind))
    (event,) = _events(ACTIVE, paid)
    assert event.type == f"payment_code.{kind}"
    assert event.payment == paid.last_payment
    assert event.occurred_at == at(minutes=6)


def test_a_payment_that_overtook_the_answer_activates_and_pays_a_reusable_code() -> None:
    paid = make_code(
        reusable=True,
        status=Status.ACTIVE,
        activated_at=at(minutes=6),
        version=2,
        payments=1,
        last_payment=mark(PaymentKind.PAID),
    )
    assert types(make_code(reusable=True), paid) == [EventType.ACTIVATED, EventType.PAID]


def test_a_payment_of_before_this_field_is_dated_by_the_till() -> None:
    old = mark(PaymentKind.PAID, recorded_at=None)
    (event,) = _events(ACTIVE, replace(ACTIVE, version=3, payments=1, last_payment=old))
    assert event.occurred_at == at(minutes=5)


def test_the_mark_of_a_payment_knows_when_it_was_recorded() -> None:
    settlement = make_settlement(ACTIVE)
    assert settlement.payment.mark.recorded_at == settlement.payment.recorded_at


def test_a_refund_is_an_event_of_its_own_instant() -> None:
    refunded = replace(ACTIVE, version=3, refund=Refund(at(hours=3)))
    assert [event.occurred_at for event in _events(ACTIVE, refunded)] == [at(hours=3)]
    told = [event.occurred_at for event in derive_story(refunded, [])]
    assert told == [at(seconds=2), at(hours=3)]


def test_a_payment_of_a_code_that_remembers_none_is_told() -> None:
    """Version 0.1 counted payments, and did not always remember the last one."""
    before = replace(ACTIVE, payments=1)
    after = replace(before, version=3, last_payment=mark(PaymentKind.PAID))
    assert types(before, after) == [EventType.PAID]


def test_a_code_that_ended_at_its_expiry_expired() -> None:
    """Of one that version 0.1 ended and that was paid since, only the instants say how."""
    paid = replace(ACTIVE, status=Status.PAID, ended_at=ACTIVE.expires_at)
    assert [event.type for event in derive_story(paid, [])][1:] == [EventType.EXPIRED]


def test_ids_do_not_change_from_version_to_version() -> None:
    """What is told again after an upgrade has the id that storefronts know."""
    (event,) = _events(make_code(), ACTIVE)
    assert event.event_id == "evt_c1f51bb6229192a936f5f5b9eb5d73d5"


def test_ids_are_of_the_change_itself() -> None:
    def ids(before: PaymentCode | None, after: PaymentCode) -> set[str]:
        return {event.event_id for event in _events(before, after)}

    again = ids(make_code(), ACTIVE)
    assert ids(make_code(), ACTIVE) == again
    assert all(each.startswith("evt_") and len(each) == 36 for each in again)
    others = [
        replace(ACTIVE, invoice_number="INV-2"),
        # The number came round, years later.
        replace(ACTIVE, created_at=at(days=1000)),
    ]
    assert len(set().union(again, *(ids(make_code(), other) for other in others))) == 3
    assert ids(make_code(), replace(ACTIVE, version=3)) == again  # whichever write told of it


def test_the_text_of_an_event() -> None:
    payment = mark(
        PaymentKind.PAID_LATE, store_id="S-1", source=Source.NOTIFICATION, agent_id="ALFAMART"
    )
    code = replace(make_full_code(), last_payment=payment)
    (event,) = _events(replace(code, payments=2), code)
    text = render(event)
    assert render(event) == text
    told = json.loads(text)
    assert set(told) == {"id", "type", "timestamp", "sequence", "data"}
    assert (told["id"], told["type"]) == (event.event_id, "payment_code.paid_late")
    assert told["timestamp"] == "2026-03-01T03:06:00Z"
    assert told["sequence"] == code.version
    data = told["data"]
    assert data["invoice_number"] == "INV-1"
    assert data["metadata"] == {"cart": [1, 2]}
    assert data["payment"] == {
        "id": "1",
        "kind": "paid_late",
        "amount": 150_000,
        "currency": "IDR",
        "paid_at": "2026-03-01T03:05:00Z",
        "recorded_at": "2026-03-01T03:06:00Z",
        "source": "notification",
        "agent_id": "ALFAMART",
        "store_id": "S-1",
        "receipt_number": "R-1",
        "had_ended": False,
        "certain": True,
        "doubts": [],
        "first_paid": None,
        "resolution": None,
    }


def test_an_event_tells_of_a_payment_what_the_api_tells() -> None:
    paid = make_settlement(
        ACTIVE,
        amount=Decimal("149999.50"),
        agent_id="ALFAMART",
        store_id="S-1",
        source=Source.STATUS_CHECK,
    )
    (event,) = _events(ACTIVE, paid.code)
    told = json.loads(render(event))["data"]["payment"]
    shown = json.loads(PaymentView.of(paid.payment).model_dump_json())
    # What was done about it has an event of its own.
    assert told.pop("resolution") is None
    assert (shown.pop("resolutions"), shown.pop("needs_attention")) == ([], False)
    assert told == shown


def test_a_mark_of_a_former_version_makes_an_event() -> None:
    former = mark(PaymentKind.PAID, recorded_at=None)
    paid = replace(ACTIVE, status=Status.PAID, version=3, payments=1, last_payment=former)
    (event,) = _events(ACTIVE, paid)
    told = json.loads(render(event))["data"]["payment"]
    assert (told["recorded_at"], told["source"], told["agent_id"]) == (None, None, None)


def test_nobody_hears_who_pays() -> None:
    code = make_full_code()
    (event,) = _events(replace(code, payments=2), code)
    text = render(event)
    assert code.customer is not None
    assert code.customer.name not in text
    assert code.customer.email is not None
    assert code.customer.email not in text
    assert "customer" not in json.loads(text)["data"]


def test_half_a_character_of_dokus_does_not_stop_an_event() -> None:
    paid = replace(
        ACTIVE, payments=1, last_payment=mark(PaymentKind.PAID, receipt_number="R\ud800")
    )
    (event,) = _events(ACTIVE, paid)
    assert json.loads(render(event))["data"]["payment"]["receipt_number"] == "R?"


def test_what_has_no_payment_says_so() -> None:
    (event,) = _events(make_code(), ACTIVE)
    assert json.loads(render(event))["data"]["payment"] is None
    assert event.occurred_at > NOW


def test_an_id_tells_apart_what_happens_more_than_once() -> None:
    """Two payments of a code, and two storefronts' codes of one number and instant."""
    paid = make_own_code(reusable=True, last_payment=mark(PaymentKind.PAID), payments=1)
    again = replace(paid, last_payment=mark(PaymentKind.PAID, number=2), payments=2)
    theirs = replace(paid, namespace="k7q2")
    (first,), (second,), (other,) = (
        _events(replace(code, last_payment=None, payments=0), code)
        for code in (paid, again, theirs)
    )
    assert len({first.event_id, second.event_id, other.event_id}) == 3
