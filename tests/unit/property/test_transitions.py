"""The life cycle: every edge of the table is legal and no other is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.core.channels import Channel, Feature
from o2o.core.codes import TRANSITIONS, Customer, Move, PaymentCode, Status
from o2o.core.errors import IllegalMove
from tests.support.world import START

LIFE = {
    Status.REQUESTED: {Status.ACTIVE, Status.FAILED, Status.CANCELLED, Status.PAID},
    Status.ACTIVE: {Status.PAID, Status.EXPIRED, Status.CANCELLED},
    Status.EXPIRED: {Status.PAID},
    Status.CANCELLED: {Status.PAID},
    Status.FAILED: {Status.PAID},
    Status.PAID: set(),
}
"""The graph as the documentation draws it, written out a second time."""


def a_code(status: Status, **changes: object) -> PaymentCode:
    return PaymentCode(
        **{  # type: ignore[arg-type]
            "invoice_number": "INV-1",
            "storefront_id": "shop",
            "channel": Channel.ALFA,
            "feature": Feature.DGPC,
            "bin": "8",
            "amount": 10_000,
            "reusable": False,
            "customer": Customer("Anton"),
            "created_at": START,
            "expires_at": START + timedelta(hours=1),
            "fingerprint": "f",
            "status": status,
        }
        | changes
    )


def test_the_table_is_the_documented_graph():
    graph: dict[Status, set[Status]] = {status: set() for status in Status}
    for (status, _), to in TRANSITIONS.items():
        if to is not status:
            graph[status].add(to)
    assert graph == LIFE


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("move", Move)
def test_every_edge_and_only_the_edges(status, move):
    code = a_code(status)
    if (status, move) in TRANSITIONS:
        moved = code.move(move)
        assert moved.status is TRANSITIONS[status, move]
        assert moved.version == code.version + 1
    else:
        with pytest.raises(IllegalMove, match=status):
            code.move(move)


@given(st.lists(st.sampled_from(Move)))
def test_nothing_leaves_paid_and_versions_only_grow(moves):
    code = a_code(Status.REQUESTED)
    for move in moves:
        try:
            moved = code.move(move)
        except IllegalMove:
            continue
        assert moved.version == code.version + 1
        if code.status is Status.PAID:
            assert moved.status is Status.PAID
        assert moved.status is code.status or moved.status in LIFE[code.status]
        code = moved


def test_the_customer_is_in_no_repr():
    code = a_code(
        Status.ACTIVE,
        customer=Customer("Anton Budiman", "anton@example.com"),
        payment_code="8123456789",
    )
    for secret in ("Anton", "anton@", "8123456789"):
        assert secret not in repr(code)
