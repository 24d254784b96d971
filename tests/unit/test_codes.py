"""What a code says of itself, and what is said of its digits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from o2o.core.codes import (
    CLOCKS_DIFFER,
    NO_RECEIPT,
    TILL_SESSION,
    DokuCode,
    Doubt,
    Failure,
    Intent,
    Refund,
    Status,
)
from o2o.core.inquiries import InquiryStatus, judge
from o2o.core.pages import Page, all_items
from tests.support.samples import NOW, at, make_code, make_own_code, make_settlement
from tests.support.world import TIMETABLE

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("since", "stops"), [(SECOND, False), (TILL_SESSION, False), (TILL_SESSION + SECOND, True)]
)
def test_as_long_as_a_till_may_take_the_money_an_end_stops_no_payment(since, stops):
    asked = make_own_code(inquired_at=NOW)
    assert asked.cancel(now=NOW + since, timetable=TIMETABLE).stops_payment is stops


@pytest.mark.parametrize(
    ("later", "is_longer"),
    [(-CLOCKS_DIFFER + SECOND, False), (CLOCKS_DIFFER, False), (CLOCKS_DIFFER + SECOND, True)],
)
def test_doku_s_expiry_is_another_only_if_no_clock_explains_it(later, is_longer):
    code = make_code()
    answer = DokuCode("8000000000000021", code.expires_at + later, "https://page", "https://api")
    active = code.activate(answer, now=at(seconds=1), timetable=TIMETABLE)
    assert active.expires_at == code.expires_at + later
    assert active.asked_until == (code.expires_at if is_longer else None)
    assert (active.how_to_pay_page, active.how_to_pay_api) == ("https://page", "https://api")


def test_an_end_says_when_and_leaves_no_request_behind():
    code = make_code(intent=Intent("1", "{}"))
    cancelled = code.cancel(now=NOW, timetable=TIMETABLE)
    assert (cancelled.cancelled_at, cancelled.intent) == (NOW, None)
    failed = code.fail(Failure("refused"), now=NOW, look_again_at=None)
    assert (failed.ended_at, failed.intent, failed.unconfirmed) == (NOW, None, False)


def test_nothing_personal_stays():
    receipt = replace(NO_RECEIPT, description="Thank you, Anton")
    code = replace(
        make_code(status=Status.EXPIRED, ended_at=NOW, receipt=receipt),
        how_to_pay_api="https://doku.example/8000000000000021",
        intent=Intent("1", '{"name": "Anton"}'),
    )
    forgotten = code.forget(NOW)
    assert (forgotten.receipt, forgotten.how_to_pay_api) == (NO_RECEIPT, None)
    assert forgotten.intent is None


def test_without_doku_s_word_nobody_knows_that_there_was_no_payment():
    ended = make_code(status=Status.EXPIRED, ended_at=at(hours=1), due_at=None)
    assert ended.payments_complete
    assert not replace(ended, unconfirmed=True).payments_complete
    assert not replace(ended, disputed=True).payments_complete


def test_what_went_back_unseen_or_may_be_two_is_not_complete():
    ended = make_code(status=Status.EXPIRED, ended_at=at(hours=1), due_at=None)
    assert not replace(ended, refund=Refund(NOW)).payments_complete
    paid = make_settlement(make_code(status=Status.ACTIVE, activated_at=NOW)).code
    assert paid.payments_complete
    assert replace(paid, refund=Refund(NOW)).payments_complete
    assert paid.last_payment is not None
    doubtful = replace(paid.last_payment, doubts=(Doubt.MAY_BE_TWO,))
    assert not replace(paid, last_payment=doubtful).payments_complete


def test_a_till_hears_nothing_of_digits_that_are_not_the_code_s_own():
    """A claim on digits may outlive the code that it was made for."""
    code = make_own_code(payment_code="8899551234567890")
    assert judge(code, "8899551234567890", NOW) is InquiryStatus.SUCCESS
    assert judge(code, "8899551234567899", NOW) is InquiryStatus.NOT_FOUND


def test_a_list_is_read_to_its_end():
    pages = {None: Page([1, 2], "a"), "a": Page([], "b"), "b": Page([3])}
    assert list(all_items(pages.__getitem__)) == [1, 2, 3]
