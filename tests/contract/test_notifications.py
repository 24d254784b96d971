"""What every notification box does."""

from dataclasses import replace

import pytest

from o2o.core.payments import Evidence
from o2o.usecases.ports import KeptFor, Page, Work, WorkKind
from tests.contract.conftest import Stores
from tests.support.samples import at, make_kept


@pytest.mark.parametrize("reason", list(KeptFor))
def test_what_is_kept_is_found_whole(stores: Stores, reason: KeptFor) -> None:
    kept = make_kept(reason=reason, evidence=Evidence("\udcff{", {"Signature": "x"}), due_at=None)
    assert stores.box.keep(kept)
    assert stores.box.find("INV-9", "0a1b") == kept
    assert stores.box.find("INV-9", "0a1c") is None
    assert stores.box.find("INV-8", "0a1b") is None


def test_the_first_of_the_same_is_kept(stores: Stores) -> None:
    kept = make_kept()
    assert stores.box.keep(kept)
    assert not stores.box.keep(kept)
    assert not stores.box.keep(replace(kept, received_at=at(hours=1)))
    assert stores.box.keep(make_kept(identity="0a1c", received_at=at(hours=1)))
    assert stores.box.find("INV-9", "0a1b") == kept


def test_postponed_is_due_then_or_never(stores: Stores) -> None:
    kept = make_kept()
    stores.box.keep(kept)
    stores.box.postpone(kept, at(hours=1))
    assert stores.box.find("INV-9", "0a1b") == replace(kept, due_at=at(hours=1))
    assert stores.ledger.due(at(minutes=59), 10) == []
    assert stores.ledger.due(at(hours=1), 10) == [
        Work(WorkKind.NOTIFICATION, "INV-9", "0a1b", at(hours=1))
    ]
    stores.box.postpone(kept, None)
    assert stores.box.find("INV-9", "0a1b") == replace(kept, due_at=None)
    assert stores.ledger.due(at(days=1000), 10) == []


def test_what_is_dropped_stays_dropped(stores: Stores) -> None:
    kept = make_kept()
    stores.box.keep(kept)
    stores.box.drop(kept)
    stores.box.drop(kept)
    stores.box.postpone(kept, at(hours=1))
    assert stores.box.find("INV-9", "0a1b") is None
    assert stores.ledger.due(at(days=1), 10) == []
    assert stores.box.list_kept(limit=10, cursor=None) == Page([], None)


@pytest.mark.parametrize("odd", ["", "-", "a#b", "x" * 3000, "\ud800"])
def test_the_work_finds_a_message_however_odd_its_number(stores: Stores, odd: str) -> None:
    kept = make_kept(odd, odd)
    stores.box.keep(kept)
    (work,) = stores.ledger.due(at(hours=1), 10)
    assert work.kind is WorkKind.NOTIFICATION
    assert stores.box.find(work.invoice_number, work.identity) == kept
    assert stores.box.list_kept(limit=10, cursor=None).items == [kept]
