"""A person looks at what matched no code: assigns it, or dismisses it with a reason."""

from dataclasses import replace

import pytest

from o2o.core.codes import Doubt, PaymentKind, Source, Status
from o2o.core.errors import InvalidRequest, NotFound
from o2o.core.notifications import KeptFor, Notification, OrderState
from o2o.core.payments import Evidence
from o2o.usecases.record_message import NotificationOutcome
from o2o.usecases.resolve_notifications import ResolveNotifications
from o2o.usecases.settle import SettleOutcome
from tests.support.samples import make_report
from tests.support.world import World, sent


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def unmatched(world: World) -> ResolveNotifications:
    return ResolveNotifications(
        inbox=world.inbox, notifications=world.notifications, settle=world.settle
    )


@pytest.fixture
def identity(world: World) -> str:
    """A payment of INV-1 that DOKU reported under a number that nobody knows."""
    world.ask()
    report = replace(world.doku.pay("INV-1"), invoice_number="INV-X")
    assert world.notify(report).outcome is NotificationOutcome.UNMATCHED
    (kept,) = world.notifications.list_kept(limit=5, cursor=None).items
    return kept.identity


def test_an_assigned_payment_pays_its_code(
    world: World, unmatched: ResolveNotifications, identity: str
) -> None:
    payment = unmatched.assign(identity[:8], "INV-1").payment
    assert payment is not None
    assert payment.kind is PaymentKind.PAID
    assert world.code().status is Status.PAID
    assert world.notifications.list_kept(limit=5, cursor=None).items == []
    with pytest.raises(NotFound):
        unmatched.assign(identity, "INV-1")


def test_an_assigned_payment_of_a_code_that_was_paid_is_not_swallowed(
    world: World, unmatched: ResolveNotifications, identity: str
) -> None:
    """A status check that named nothing had found the code's own payment."""
    own = replace(make_report("INV-1", payment_code=None), source=Source.STATUS_CHECK)
    own = replace(own, receipt_number=None, store_id=None, agent_id=None, acquirer=None)
    world.settle(replace(own, evidence=Evidence("found by asking")))
    assert unmatched.assign(identity, "INV-1").outcome is SettleOutcome.COMPLETED
    (payment,) = world.codes.list_payments("INV-1", limit=9, cursor=None).items
    assert payment.doubts == (Doubt.MAY_BE_TWO,)


def test_a_wrong_number_leaves_it_where_it_is(
    world: World, unmatched: ResolveNotifications, identity: str
) -> None:
    with pytest.raises(NotFound, match="payment code"):
        unmatched.assign(identity, "INV-2")
    assert unmatched.find(identity).identity == identity


def test_what_tells_of_no_payment_can_be_dismissed_only(
    world: World, unmatched: ResolveNotifications
) -> None:
    world.receive(sent(world.inbox.post(Notification(OrderState.FAILED, None))))
    (kept,) = world.notifications.list_kept(limit=5, cursor=None).items
    assert kept.reason is KeptFor.NOT_SUCCESS
    with pytest.raises(InvalidRequest):
        unmatched.assign(kept.identity, "INV-1")
    with pytest.raises(InvalidRequest, match="blank"):
        unmatched.dismiss(kept.identity, " ")
    assert unmatched.dismiss(kept.identity, "a test").dismissed == "a test"
    (dismissed,) = world.notifications.list_kept(limit=5, cursor=None).items
    assert (dismissed.dismissed, dismissed.due_at) == ("a test", None)


def test_a_dismissed_message_is_not_tried_again(
    world: World, unmatched: ResolveNotifications, identity: str
) -> None:
    unmatched.dismiss(identity, "of another merchant")
    world.clock.advance(days=2)
    assert all(work.identity != identity for work in world.due.due(world.clock(), 50))


def test_two_that_begin_alike_are_told_apart(
    world: World, unmatched: ResolveNotifications, identity: str
) -> None:
    world.receive(sent(world.inbox.post(Notification(OrderState.FAILED, None))))
    with pytest.raises(InvalidRequest, match="2 notifications"):
        unmatched.find("")
