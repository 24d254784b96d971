"""WIB, DOKU's dates, DOKU's amounts, and the timetable."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.core.money import parse_doku_amount
from o2o.core.timetable import Retention
from o2o.core.wib import WIB, end_of_day, parse_doku_instant
from tests.support.samples import make_kept
from tests.support.world import TIMETABLE

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_two_forms_of_an_instant_are_one():
    instants = [
        parse_doku_instant(text)
        for text in ("20210124163000", "2021-01-24T09:30:00Z", "2021-01-24T16:30:00+07:00")
    ]
    assert instants == [datetime(2021, 1, 24, 9, 30, tzinfo=UTC)] * 3
    assert all(instant.tzinfo is UTC for instant in instants)


@pytest.mark.parametrize(
    "text", ["2021-01-24T09:30:00", "2021012416300", "20211324163000", "soon", ""]
)
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_doku_instant(text)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_compact_dates_are_wib(naive):
    naive = naive.replace(microsecond=0)
    assert parse_doku_instant(naive.strftime("%Y%m%d%H%M%S")) == naive.replace(tzinfo=WIB)


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2200, 1, 1)))
def test_a_day_ends_one_second_before_the_next_in_wib(day):
    end = end_of_day(day)
    assert end.astimezone(WIB).date() == day
    assert end.tzinfo is UTC
    assert (end + timedelta(seconds=1)).astimezone(WIB).date() == day + timedelta(days=1)


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        (150_000, "150000"),
        (Decimal("19000.00"), "19000"),
        ("39000", "39000"),
        ("1.5", "1.5"),
        ("0.01", "0.01"),
    ],
)
def test_amounts_in_all_of_doku_s_forms(sent, amount):
    assert parse_doku_amount(sent) == Decimal(amount)


@pytest.mark.parametrize(
    "sent", [True, None, [], "NaN", "Infinity", "-1", 0, "1e99", "ten", 1.5, 10**12]
)
def test_what_is_no_amount_is_refused(sent):
    with pytest.raises(ValueError, match="amount"):
        parse_doku_amount(sent)


@pytest.mark.parametrize(
    ("minutes_later", "look_at_minute"),
    [(0, 1), (0.5, 1), (1, 2), (2, 5), (14, 15), (15, 60), (60, 120), (119, 120), (120, 180)],
)
def test_a_requested_code_is_looked_at_on_the_timetable(minutes_later, look_at_minute):
    now = NOON + timedelta(minutes=minutes_later)
    look = TIMETABLE.after_request(NOON, NOON + timedelta(days=9), now)
    assert look == NOON + timedelta(minutes=look_at_minute)


def test_no_look_lies_behind_the_expiry():
    expires_at = NOON + timedelta(minutes=20)
    assert TIMETABLE.after_activation(NOON, expires_at, NOON + timedelta(minutes=16)) == expires_at
    assert TIMETABLE.after_activation(NOON, expires_at, expires_at) == expires_at


@given(st.floats(0, 100_000), st.floats(1, 100_000), st.none() | st.floats(0, 20))
def test_a_look_before_the_expiry_always_lies_ahead(elapsed, life, since_inquiry):
    now = NOON + timedelta(minutes=elapsed)
    inquired_at = None if since_inquiry is None else now - timedelta(minutes=since_inquiry)
    expires_at = NOON + timedelta(minutes=life)
    for look in (
        TIMETABLE.after_request(NOON, expires_at, now),
        TIMETABLE.after_activation(NOON, expires_at, now, inquired_at),
    ):
        assert look >= now
        assert look > now or now >= expires_at


def test_after_the_end_there_are_two_looks_and_then_none():
    looks = []
    now = NOON
    while (look := TIMETABLE.after_end([NOON], now)) is not None:
        looks.append(look - NOON)
        now = look
    assert looks == [timedelta(minutes=35), timedelta(hours=18)]


def test_a_message_without_a_code_is_tried_for_a_week():
    kept = make_kept()
    look, looks = kept.due_at, []
    while look is not None:
        looks.append(look - kept.received_at)
        look = kept.next_look(look, TIMETABLE)
    assert looks[:4] == [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15)]
    assert looks[-1] == timedelta(days=7)


def test_evidence_may_go_with_its_code_and_not_before():
    day = timedelta(days=1)
    assert Retention(codes=day, evidence=day).evidence == day
    with pytest.raises(ValueError, match="evidence"):
        Retention(codes=day, evidence=day - timedelta(microseconds=1))


def test_after_the_end_a_till_may_still_have_taken_the_money():
    asked_at = NOON - timedelta(seconds=30)
    look = TIMETABLE.after_end([NOON], NOON, asked_at)
    assert look == asked_at + TIMETABLE.inquired[0]
    assert TIMETABLE.after_end([NOON], NOON) == NOON + TIMETABLE.look_again[0]


@pytest.mark.parametrize(("seconds_later", "look_at_second"), [(0, 90), (90, 300), (300, 720)])
def test_after_an_inquiry_a_live_code_is_looked_at_soon(seconds_later, look_at_second):
    now = NOON + timedelta(seconds=seconds_later)
    look = TIMETABLE.after_activation(NOON, NOON + timedelta(days=1), now, NOON)
    assert look == NOON + timedelta(seconds=look_at_second)
