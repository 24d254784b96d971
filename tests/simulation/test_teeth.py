"""The simulation bites: bugs on purpose, each found within a few seeds."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from o2o.core import events, next_step, payments
from o2o.core.codes import PaymentCode
from o2o.core.errors import UntrustedMessage
from o2o.core.notifications import OrderState
from o2o.core.payments import Relation
from o2o.core.timetable import Timetable
from o2o.core.wib import day_span
from o2o.usecases import read_day
from o2o.usecases.deliver_webhooks import DeliverWebhooks
from o2o.usecases.publish_events import Published, PublishEvents
from o2o.usecases.receive_notification import ReceiveNotification
from tests.simulation.plan import Plan, Step
from tests.simulation.run import Run
from tests.simulation.world import Letters
from tests.support.memory import MemoryCodeStore, MemoryMessageArchive

SEEDS = range(60)

SAYS_FAILED = Plan(
    seed=1,
    steps=(
        Step(
            1.0,
            "create",
            {
                "number": "shop-0",
                "feature": "dgpc",
                "reusable": False,
                "minutes": 600,
                "unique_part": None,
                "replaces": None,
                "patience": 3,
            },
        ),
        Step(120.0, "refresh", {"number": "shop-0"}),
    ),
    doku={"failed": 1.0},
    faults=0.0,
    clocks_differ=0.0,
)
"""Few seeds have a DOKU that says so of a code that is open."""

Patch = pytest.MonkeyPatch


def acknowledges_what_it_failed_to_keep(patch: Patch) -> None:
    receive = ReceiveNotification.__call__

    def broken(self: ReceiveNotification, message: Any) -> Any:
        try:
            return receive(self, message)
        except UntrustedMessage:
            raise
        except Exception:  # noqa: BLE001 - the bug
            return None

    patch.setattr(ReceiveNotification, "__call__", broken)


def archives_nothing(patch: Patch) -> None:
    patch.setattr(MemoryMessageArchive, "keep", lambda *_: None)


def hands_on_what_was_not_kept(patch: Patch) -> None:
    def broken(self: PublishEvents, event: Any) -> Published:
        return Published(self._record(event), is_new=True)

    patch.setattr(PublishEvents, "keep_one", broken)


def writes_over_what_somebody_else_wrote(patch: Patch) -> None:
    save = MemoryCodeStore.save

    def broken(self: MemoryCodeStore, code: Any) -> None:
        known = self._table.codes[code.order_number]
        self._table.codes[code.order_number] = replace(known, version=code.version - 1)
        save(self, code)

    patch.setattr(MemoryCodeStore, "save", broken)


def _taken_for_expired(patch: Patch, word: OrderState) -> None:
    after_status = next_step.after_status

    def broken(code: Any, state: OrderState, **more: Any) -> Any:
        return after_status(code, OrderState.EXPIRED if state is word else state, **more)

    patch.setattr(next_step, "after_status", broken)


def takes_failed_for_the_end(patch: Patch) -> None:
    _taken_for_expired(patch, OrderState.FAILED)


def takes_an_unknown_word_for_the_end(patch: Patch) -> None:
    _taken_for_expired(patch, OrderState.OTHER)


def never_looks_again_after_the_end(patch: Patch) -> None:
    patch.setattr(Timetable, "after_end", lambda *_, **__: None)


def waits_for_ever_while_doku_is_silent(patch: Patch) -> None:
    patch.setattr(next_step, "after_silence", lambda code, **_: code.wait(None))


def plans_no_next_try_of_a_webhook(patch: Patch) -> None:
    write = DeliverWebhooks._write

    def broken(self: DeliverWebhooks, record: Any, outcome: Any) -> Any:
        return write(self, replace(record, due_at=None), outcome)

    patch.setattr(DeliverWebhooks, "_write", broken)


def loses_dead_letters(patch: Patch) -> None:
    patch.setattr(Letters, "put", lambda *_: None)


def counts_each_message_as_a_payment(patch: Patch) -> None:
    patch.setattr(payments, "relate", lambda *_: Relation.OTHER)


def counts_all_messages_as_one_payment(patch: Patch) -> None:
    patch.setattr(payments, "relate", lambda *_: Relation.SAME)


def tells_of_the_first_payment_only(patch: Patch) -> None:
    def broken(before: PaymentCode | None, *_: object) -> bool:
        return before is None or before.last_payment is None

    patch.setattr(events, "_is_news", broken)


def closes_days_of_utc(patch: Patch) -> None:
    def span(day: date) -> tuple[datetime, datetime]:
        first, last = day_span(day)
        return first + timedelta(hours=7), last + timedelta(hours=7)

    patch.setattr(read_day, "day_span", span)


def reads_the_first_page_alone(patch: Patch) -> None:
    patch.setattr(read_day, "_PAGE", 1)
    patch.setattr(read_day, "_following", lambda place, _: next_list(place))


def next_list(place: read_day.Place) -> read_day.Place | None:
    """The list behind, whatever is left of this one."""
    behind = read_day._STEPS.index(place.step) + 1
    return read_day.Place(read_day._STEPS[behind]) if behind < len(read_day._STEPS) else None


BUGS: list[Callable[[Patch], None]] = [
    closes_days_of_utc,
    reads_the_first_page_alone,
    acknowledges_what_it_failed_to_keep,
    archives_nothing,
    hands_on_what_was_not_kept,
    writes_over_what_somebody_else_wrote,
    takes_failed_for_the_end,
    takes_an_unknown_word_for_the_end,
    never_looks_again_after_the_end,
    waits_for_ever_while_doku_is_silent,
    plans_no_next_try_of_a_webhook,
    loses_dead_letters,
    counts_each_message_as_a_payment,
    counts_all_messages_as_one_payment,
    tells_of_the_first_payment_only,
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_it_is_found(bug: Callable[[Patch], None], monkeypatch: Patch) -> None:
    bug(monkeypatch)
    plans = chain([SAYS_FAILED], map(Plan.draw, SEEDS))
    assert any(Run(plan)().violations for plan in plans)
