"""What every notification notifications does."""

from dataclasses import replace

import pytest

from o2o.core.notifications import KeptFor
from o2o.core.pages import Page
from o2o.core.payments import Evidence
from o2o.core.work import Work, WorkKind
from tests.contract.conftest import Stores
from tests.support.samples import at, make_kept


@pytest.mark.parametrize("reason", list(KeptFor))
def test_what_is_kept_is_found_whole(stores: Stores, reason: KeptFor) -> None:
    kept = make_kept(reason=reason, evidence=Evidence("\udcff{", {"Signature": "x"}), due_at=None)
    assert stores.notifications.keep(kept)
    assert stores.notifications.find("INV-9", "0a1b") == kept
    assert stores.notifications.find("INV-9", "0a1c") is None
    assert stores.notifications.find("INV-8", "0a1b") is None


def test_the_first_of_the_same_is_kept(stores: Stores) -> None:
    kept = make_kept()
    assert stores.notifications.keep(kept)
    assert not stores.notifications.keep(kept)
    assert not stores.notifications.keep(replace(kept, received_at=at(hours=1)))
    assert stores.notifications.keep(make_kept(identity="0a1c", received_at=at(hours=1)))
    assert stores.notifications.find("INV-9", "0a1b") == kept


def test_postponed_is_due_then_or_never(stores: Stores) -> None:
    kept = make_kept()
    stores.notifications.keep(kept)
    stores.notifications.postpone(kept, at(hours=1))
    assert stores.notifications.find("INV-9", "0a1b") == replace(kept, due_at=at(hours=1))
    assert stores.due.due(at(minutes=59), 10) == []
    assert stores.due.due(at(hours=1), 10) == [
        Work(WorkKind.NOTIFICATION, "INV-9", "0a1b", at(hours=1))
    ]
    stores.notifications.postpone(kept, None)
    assert stores.notifications.find("INV-9", "0a1b") == replace(kept, due_at=None)
    assert stores.due.due(at(days=1000), 10) == []


def test_what_is_dropped_stays_dropped(stores: Stores) -> None:
    kept = make_kept()
    stores.notifications.keep(kept)
    stores.notifications.drop(kept)
    stores.notifications.drop(kept)
    stores.notifications.postpone(kept, at(hours=1))
    assert stores.notifications.find("INV-9", "0a1b") is None
    assert stores.due.due(at(days=1), 10) == []
    assert stores.notifications.list_kept(limit=10, cursor=None) == Page([], None)


@pytest.mark.parametrize("odd", ["", "-", "a#b", "x" * 3000, "\ud800"])
def test_the_work_finds_a_message_however_odd_its_number(stores: Stores, odd: str) -> None:
    kept = make_kept(odd, odd)
    stores.notifications.keep(kept)
    (work,) = stores.due.due(at(hours=1), 10)
    assert work.kind is WorkKind.NOTIFICATION
    assert stores.notifications.find(work.invoice_number, work.identity) == kept
    assert stores.notifications.list_kept(limit=10, cursor=None).items == [kept]
