"""Settlements: one line, one payment, and what a person has to decide."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from o2o.core.channels import Feature
from o2o.core.codes import CLOCKS_DIFFER, Doubt, PaymentCode, PaymentKind, Source
from o2o.core.payments import (
    SAME_WITHIN,
    CodeHistory,
    Evidence,
    PaymentReport,
    Relation,
    days_apart,
    relate,
)
from o2o.core.payments import settle as settle_report
from o2o.core.settlements import Judgement, Puzzle, SettlementLine, Verdict, judge
from o2o.core.wib import day_of, end_of_day, start_of_day
from o2o.usecases.settle import Settle, SettleOutcome
from tests.support.memory import MemoryCodeStore
from tests.support.samples import NOW, at, make_own_code, make_report
from tests.support.world import TIMETABLE, TurnableClock

TOP_UPS = make_own_code(feature=Feature.MGPC, reusable=True, expires_at=at(days=20))
SINGLE = make_own_code(feature=Feature.MGPC, expires_at=at(days=20))
OWN = make_own_code(expires_at=at(days=20))


def line(number: int = 2, **changes: Any) -> SettlementLine:
    given = SettlementLine(
        file="a",
        number=number,
        order_number="INV-1",
        amount=Decimal(150_000),
        paid_at=at(hours=1),
        receipt_number="R-1",
    )
    return replace(given, **changes)


def of_day(number: int = 2, *, days: int = 0, **changes: Any) -> SettlementLine:
    day = day_of(at(days=days))
    span = {"paid_at": start_of_day(day), "paid_until": end_of_day(day)}
    return line(number, **{"receipt_number": None, **span, **changes})


def told(number: int = 1, **changes: Any) -> PaymentReport:
    report = make_report(
        payment_code=None,
        receipt_number=f"R-{number}",
        paid_at=at(hours=1),
        evidence=Evidence(f"{number}"),
    )
    return replace(report, **changes)


def history(code: PaymentCode, *reports: PaymentReport) -> CodeHistory:
    known = CodeHistory(code)
    for report in reports:
        done = settle_report(known, report, now=at(hours=2), timetable=TIMETABLE)
        assert done is not None
        others = [each for each in known.payments if each.number != done.payment.number]
        known = CodeHistory(done.code, [*others, done.payment])
    return known


def found(judged: list[Judgement]) -> list[tuple[Verdict, Puzzle | None]]:
    return [(each.verdict, each.puzzle) for each in judged]


MATCHED = (Verdict.MATCHED, None)
MISSING = (Verdict.MISSING_HERE, None)
DIFFERS = (Verdict.AMOUNT_DIFFERS, None)


def puzzle(which: Puzzle) -> tuple[Verdict, Puzzle]:
    return Verdict.AMBIGUOUS, which


@pytest.mark.parametrize(
    ("code", "reports", "lines", "expected"),
    [
        (TOP_UPS, [told()], [line(), line(3, receipt_number="R-2")], [MATCHED, MISSING]),
        (TOP_UPS, [told()], [line(paid_at=at(hours=20))], [MATCHED]),
        (TOP_UPS, [told()], [line(receipt_number="0r-1")], [MATCHED]),
        (TOP_UPS, [told()], [line(amount=Decimal(149_000))], [DIFFERS]),
        (TOP_UPS, [told()], [of_day(), of_day(3)], [MATCHED, MISSING]),
        (TOP_UPS, [told()], [of_day(days=2)], [MISSING]),
        (TOP_UPS, [told()], [of_day(days=1)], [puzzle(Puzzle.NEAR)]),
        (TOP_UPS, [told()], [of_day(amount=Decimal(149_000))], [DIFFERS]),
        (TOP_UPS, [told()], [line(receipt_number="X")], [puzzle(Puzzle.OTHER_RECEIPT)]),
        (TOP_UPS, [told()], [line(), line(3)], [MATCHED, puzzle(Puzzle.SAME_RECEIPT)]),
        (TOP_UPS, [], [line(), line(3)], [MISSING, puzzle(Puzzle.SAME_RECEIPT)]),
        (TOP_UPS, [told()], [line(paid_at=at(days=3))], [puzzle(Puzzle.SAME_RECEIPT)]),
        (
            TOP_UPS,
            [],
            [line(paid_at=None, receipt_number=None)],
            [MISSING],
        ),
        (
            TOP_UPS,
            [told(paid_at=at(hours=5)), told(2)],
            [
                line(receipt_number=None),
                line(3, paid_at=None, receipt_number=None),
                line(4, paid_at=None, receipt_number=None),
            ],
            [MATCHED, puzzle(Puzzle.NEAR), puzzle(Puzzle.NO_DATE)],
        ),
        (TOP_UPS, [], [line(paid_at=at(days=-2))], [puzzle(Puzzle.OLDER_ORDER)]),
        (SINGLE, [told()], [of_day(days=5)], [MATCHED]),
        (SINGLE, [], [of_day(), of_day(3)], [MISSING, puzzle(Puzzle.PAID_ONCE)]),
        (SINGLE, [told()], [of_day(), of_day(3)], [MATCHED, puzzle(Puzzle.PAID_ONCE)]),
        (SINGLE, [told()], [of_day(amount=Decimal(1))], [DIFFERS]),
        (
            SINGLE,
            [told()],
            [line(receipt_number="X", paid_at=at(days=1))],
            [puzzle(Puzzle.PAID_ONCE)],
        ),
        (OWN, [told()], [of_day(), of_day(3, days=3)], [MATCHED, MISSING]),
    ],
)
def test_what_a_line_is(
    code: PaymentCode,
    reports: list[PaymentReport],
    lines: list[SettlementLine],
    expected: list[Any],
) -> None:
    known = history(code, *reports)
    assert found(judge(lines, known)) == expected
    turned = judge(list(reversed(lines)), known)
    assert sorted(map(str, found(turned))) == sorted(map(str, expected))


def test_a_day_is_as_near_as_its_nearest_moment() -> None:
    payment = history(TOP_UPS, told()).payments[0]
    report = of_day(days=1).report(TOP_UPS, now=NOW)
    next_day = start_of_day(day_of(at(days=1)))
    assert days_apart(payment, report) == next_day - at(hours=1)
    assert days_apart(payment, of_day().report(TOP_UPS, now=NOW)) == timedelta()
    undated = line(paid_at=None).report(TOP_UPS, now=NOW)
    assert days_apart(payment, undated) is None


def settlement(changed: SettlementLine, code: PaymentCode = TOP_UPS) -> PaymentReport:
    return changed.report(code, now=at(days=3))


@pytest.mark.parametrize(
    ("known", "report", "relation"),
    [
        # A notification after the line: its day is the payment, any other is not.
        (settlement(of_day()), told(), Relation.SAME),
        (settlement(line(receipt_number=None)), told(paid_at=at(hours=1.05)), Relation.SAME),
        (settlement(line(receipt_number=None)), told(paid_at=at(hours=3)), Relation.UNCERTAIN),
        (settlement(of_day(days=1)), told(), Relation.UNCERTAIN),
        (settlement(of_day(days=3)), told(), Relation.OTHER),
        (settlement(of_day(amount=Decimal(1))), told(), Relation.OTHER),
        (settlement(line(paid_at=None, receipt_number=None)), told(), Relation.UNCERTAIN),
        (settlement(line(receipt_number="R-2")), told(), Relation.OTHER),
        (settlement(line(paid_at=at(hours=24))), told(), Relation.SAME),
        (settlement(line(paid_at=at(hours=26))), told(), Relation.UNCERTAIN),
        (settlement(line(paid_at=None)), told(), Relation.SAME),
        # The line after: it is none of the payments, unless a receipt number says so.
        (told(), settlement(of_day()), Relation.UNCERTAIN),
        (told(), settlement(of_day(days=3)), Relation.OTHER),
        (told(), settlement(line()), Relation.SAME),
        (
            told(source=Source.STATUS_CHECK, receipt_number=None, store_id=None),
            settlement(of_day()),
            Relation.UNCERTAIN,
        ),
        (
            told(source=Source.STATUS_CHECK, receipt_number=None, store_id=None),
            settlement(line()),
            Relation.SAME,
        ),
        # A status check shows one of the payments, whichever.
        (
            settlement(of_day()),
            told(source=Source.STATUS_CHECK, receipt_number=None, paid_at=at(days=9)),
            Relation.SAME,
        ),
    ],
)
def test_what_settlements_and_other_words_are_to_each_other(
    known: PaymentReport, report: PaymentReport, relation: Relation
) -> None:
    (payment,) = history(TOP_UPS, known).payments
    assert relate(TOP_UPS, payment, report) is relation
    assert timedelta(minutes=3) < CLOCKS_DIFFER < SAME_WITHIN


def test_a_day_makes_nobody_late_and_is_never_before_the_code() -> None:
    code = replace(TOP_UPS, expires_at=at(hours=2))
    (payment,) = history(code, settlement(of_day(), code)).payments
    assert (payment.kind, payment.doubts) == (PaymentKind.PAID, ())
    assert payment.report.paid_at == code.created_at
    (late,) = history(code, settlement(of_day(days=1), code)).payments
    assert late.kind is PaymentKind.PAID_LATE


def test_the_better_date_and_source_stand_whatever_comes_first() -> None:
    check = told(source=Source.STATUS_CHECK, paid_at=at(hours=9))
    words = [settlement(line(paid_at=at(hours=2))), check, told()]
    for first, second in ((0, 1), (1, 0)):
        (payment,) = history(SINGLE, words[first], words[second]).payments
        assert payment.report.paid_at == at(hours=2)
        assert payment.report.source is Source.SETTLEMENT
    for order in ((0, 2), (2, 0)):
        known = history(SINGLE, words[order[0]])
        more = settle_report(known, words[order[1]], now=at(hours=3), timetable=TIMETABLE)
        payment = more.payment if more else known.payments[0]
        assert (payment.report.paid_at, payment.report.source) == (at(hours=1), told().source)


def test_a_line_is_recorded_beside_what_a_status_check_has_shown() -> None:
    check = told(source=Source.STATUS_CHECK, receipt_number=None, store_id=None, dated=False)
    known = history(TOP_UPS, check)
    (judged, other) = judge([of_day(), of_day(3)], known)
    assert (judged.verdict, judged.tells) == (Verdict.MATCHED, True)
    assert (other.verdict, other.tells) == (Verdict.MISSING_HERE, True)
    done = settle_report(known, settlement(of_day()), now=at(days=1), timetable=TIMETABLE, of="1")
    assert done is not None
    assert (done.is_new, done.payment.doubts) == (False, ())
    dated = CodeHistory(done.code, [done.payment])
    assert found(judge([of_day(days=3)], dated)) == [MISSING]
    beside = settle_report(known, settlement(of_day(3)), now=at(days=1), timetable=TIMETABLE)
    assert beside is not None
    assert (beside.is_new, beside.payment.doubts) == (True, (Doubt.MAY_BE_KNOWN,))
    (single,) = judge([of_day()], history(SINGLE, check))
    assert (single.verdict, single.tells) == (Verdict.MATCHED, False)


def test_what_was_judged_by_another_version_is_not_recorded() -> None:
    store = MemoryCodeStore()
    store.create(TOP_UPS)
    settle = Settle(codes=store, clock=TurnableClock(at(days=1)), timetable=TIMETABLE)
    report = settlement(line())
    assert settle(report, version=TOP_UPS.version + 1).outcome is SettleOutcome.CHANGED
    assert settle(report, version=TOP_UPS.version).outcome is SettleOutcome.RECORDED
    assert settle(report, version=TOP_UPS.version).outcome is SettleOutcome.CHANGED


def test_of_two_lines_the_notification_is_of_the_one_of_its_day() -> None:
    # Two seconds into the second day: near enough to the first one's end to be of either.
    midnight = start_of_day(day_of(at(days=1)))
    known = history(TOP_UPS, settlement(of_day()), settlement(of_day(3, days=1)))
    report = told(paid_at=midnight + timedelta(seconds=2))
    done = settle_report(known, report, now=at(days=2), timetable=TIMETABLE)
    assert done is not None
    assert (done.is_new, done.payment.number) == (False, 2)


def test_a_payment_just_after_midnight_is_of_the_line_of_its_day() -> None:
    midnight = start_of_day(day_of(at(days=1)))
    known = history(TOP_UPS, told(paid_at=midnight + timedelta(seconds=3)))
    lines = [of_day(), of_day(3, days=1)]
    assert found(judge(lines, known)) == [MISSING, MATCHED]
    assert found(judge(lines[:1], known)) == [MATCHED]
