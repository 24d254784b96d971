"""Settlements over any truth: payments of a code, what DOKU told of them, and reports of them.

A report has each payment once. Whatever the order of its lines, and however often it is matched,
nothing that it tells is lost and nothing counts twice.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2o.core.bins import Bin, BinTable
from o2o.core.channels import BinType, Channel, Feature, Partnership
from o2o.core.codes import Doubt, PaymentCode, PaymentKind, Source
from o2o.core.payments import CodeHistory, Evidence, Payment, PaymentReport
from o2o.core.settlements import Judgement, Puzzle, SettlementLine, Verdict, judge, pair, sums
from o2o.core.storefronts import Storefront
from o2o.core.wib import day_of, end_of_day, start_of_day
from o2o.usecases.match_settlement import MatchSettlement
from tests.support.examples import examples
from tests.support.memory import MemoryPaymentStore, MemoryStorefrontStore
from tests.support.samples import NOW, at, make_own_code
from tests.support.world import BINS, World

LIFE = timedelta(days=20)
DIRECT = BinTable.of([Bin(Channel.ALFA, Partnership.DIRECT, BinType.DIRECT, "88995")])


@dataclass(frozen=True)
class Taken:
    """Cash that was taken at a till: the truth."""

    number: int
    hours: int

    @property
    def receipt(self) -> str:
        return f"00A{self.number}"

    def notification(self) -> PaymentReport:
        return PaymentReport(
            invoice_number="INV-1",
            payment_code="8899551234567890",
            amount=Decimal("150000.00"),
            paid_at=at(hours=self.hours, seconds=self.number),
            source=Source.NOTIFICATION,
            evidence=Evidence(f"notification {self.number}"),
            agent_id="ALFAMART",
            store_id=f"S{self.number}",
            receipt_number=self.receipt,
        )

    def status(self, *, named: bool) -> PaymentReport:
        return replace(
            self.notification(),
            payment_code=None,
            source=Source.STATUS_CHECK,
            evidence=Evidence(f"status {self.number} {named}"),
            agent_id=None,
            store_id=None,
            receipt_number=self.receipt if named else None,
            paid_at=NOW,
            dated=False,
        )

    def line(self, file: str, number: int, *, named: bool, timed: bool) -> SettlementLine:
        paid_at = self.notification().paid_at
        day = day_of(paid_at)
        return SettlementLine(
            file=file,
            number=number,
            order_number="INV-1",
            amount=Decimal(150_000),
            fee=Decimal(5_000),
            net=Decimal(145_000),
            paid_at=paid_at if timed else start_of_day(day),
            paid_until=None if timed else end_of_day(day),
            receipt_number=self.receipt if named else None,
        )


class Books:
    """A shop's code, and the operator's command."""

    def __init__(self, code: PaymentCode, bins: BinTable = BINS) -> None:
        self.world = World()
        self.world.clock.now = at(days=19)
        self.world.codes.create(code)
        table = self.world.table
        storefronts = MemoryStorefrontStore(table)
        storefronts.add_storefront(Storefront(code.storefront_id, "Shop", NOW))
        self.match = MatchSettlement(
            codes=self.world.codes,
            payments=MemoryPaymentStore(table),
            storefronts=storefronts,
            settle=self.world.settle,
            bins=bins,
        )

    def judge(
        self, lines: list[SettlementLine], *, write: bool = False, decided: Collection[int] = ()
    ) -> list[Judgement]:
        return list(self.match(lines, write=write, decided=decided))

    @property
    def payments(self) -> list[Payment]:
        history = self.world.codes.get_history("INV-1", 1000)
        assert history is not None
        assert history.code.payments == len(history.payments)
        return list(history.payments)

    @property
    def certain(self) -> list[Payment]:
        return [each for each in self.payments if Doubt.MAY_BE_KNOWN not in each.doubts]


def verdicts(judged: list[Judgement]) -> list[Verdict]:
    return [each.verdict for each in judged]


TRUTH = st.lists(st.integers(1, 60), min_size=1, max_size=5).map(
    lambda hours: [Taken(number, each) for number, each in enumerate(hours, start=1)]
)
FEATURES = st.sampled_from([Feature.DGPC, Feature.MGPC, Feature.DIPC])


def reusable(feature: Feature = Feature.MGPC) -> PaymentCode:
    return make_own_code(feature=feature, reusable=True, expires_at=NOW + LIFE)


@given(
    truth=TRUTH,
    feature=FEATURES,
    named=st.booleans(),
    timed=st.booleans(),
    checked=st.sampled_from([None, False, True]),
    data=st.data(),
)
@settings(max_examples=examples(200))
def test_what_was_lost_is_recorded_once_and_what_comes_later_is_the_same(
    truth: list[Taken],
    feature: Feature,
    *,
    named: bool,
    timed: bool,
    checked: bool | None,
    data: st.DataObject,
) -> None:
    books = Books(reusable(feature))
    told = data.draw(st.sets(st.sampled_from(truth)))
    for taken in sorted(told, key=lambda each: each.number):
        books.world.settle(taken.notification())
    if checked is not None:
        # A status check shows the newest.
        books.world.settle(max(truth, key=lambda each: each.hours).status(named=checked))
    lines = [
        taken.line("a", number, named=named, timed=timed) for number, taken in enumerate(truth, 2)
    ]
    before = len(books.payments)

    dry = books.judge(lines)
    assert len(books.payments) == before
    assert verdicts(dry).count(Verdict.MISSING_HERE) <= len(truth) - before

    books.judge(data.draw(st.permutations(lines)), write=True)
    after = books.payments
    assert len(after) >= len(truth)
    assert len(books.certain) <= len(truth)
    if named:
        assert sorted(str(each.report.receipt_number) for each in after) == [
            each.receipt for each in truth
        ]

    again = books.judge(lines, write=True)
    assert books.payments == after
    assert all(each.verdict.agrees for each in again)
    corrected = [replace(line, file="b", number=line.number + 1) for line in lines]
    assert all(each.verdict.agrees for each in books.judge(corrected, write=True))
    assert len(books.payments) == len(after)

    for taken in data.draw(st.permutations(truth)):
        books.world.settle(taken.notification())
    assert len(books.certain) <= len(truth)
    if checked and not named:
        # A status check without date, a report without receipts: which line it showed is a guess.
        return
    assert len(books.payments) == len(after)
    assert sorted(
        str(each.report.receipt_number) for each in books.payments if each.report.receipt_number
    ) == [each.receipt for each in truth]
    assert all(each.verdict.agrees for each in books.judge(lines, write=True))


@given(feature=FEATURES, told=st.booleans(), named=st.booleans(), timed=st.booleans())
def test_a_code_for_one_payment_has_one(
    feature: Feature, *, told: bool, named: bool, timed: bool
) -> None:
    books = Books(make_own_code(feature=feature, expires_at=NOW + LIFE))
    taken = Taken(1, 2)
    line = taken.line("a", 2, named=named, timed=timed)
    if told:
        books.world.settle(taken.notification())
    (judged,) = books.judge([line], write=True)
    assert judged.verdict is (Verdict.MATCHED if told else Verdict.RECORDED)
    books.world.settle(taken.notification())
    books.world.settle(taken.status(named=False))
    (payment,) = books.payments
    assert payment.report.source is Source.NOTIFICATION
    assert payment.report.paid_at == taken.notification().paid_at
    assert (payment.report.paid_until, payment.doubts) == (None, ())
    assert [each.verdict.agrees for each in books.judge([line], write=True)] == [True]


OTHER_RECEIPT = replace(Taken(1, 2).line("a", 2, named=False, timed=True), receipt_number="00A9")
NEAR = Taken(9, 5).line("a", 2, named=False, timed=True)


@pytest.mark.parametrize(
    ("line", "puzzle", "doubts"),
    [
        (OTHER_RECEIPT, Puzzle.OTHER_RECEIPT, ()),
        (NEAR, Puzzle.NEAR, (Doubt.MAY_BE_KNOWN,)),
    ],
)
def test_what_nobody_can_know_by_rule_is_recorded_if_a_person_decides(
    line: SettlementLine, puzzle: Puzzle, doubts: tuple[Doubt, ...]
) -> None:
    books = Books(reusable())
    books.world.settle(Taken(1, 2).notification())
    for decided in ((), (3,)):
        (judged,) = books.judge([line], write=True, decided=decided)
        assert (judged.verdict, judged.puzzle) == (Verdict.AMBIGUOUS, puzzle)
    (judged,) = books.judge([line], decided=[2])
    assert (judged.verdict, len(books.payments)) == (Verdict.AMBIGUOUS, 1)

    judged, *_ = books.judge([line], write=True, decided=[2])
    assert judged.verdict is Verdict.RECORDED
    first, second = books.payments
    assert (first.doubts, first.report.source) == ((), Source.NOTIFICATION)
    assert (second.doubts, second.report.source) == (doubts, Source.SETTLEMENT)

    for decided in ((), (2,)):
        judged, *_ = books.judge([line], write=True, decided=decided)
        assert judged.verdict is Verdict.RECORDED_BEFORE
    assert len(books.payments) == 2


@pytest.mark.parametrize("named", [False, True])
def test_a_second_line_of_a_code_that_can_be_paid_once_is_one_more_only_by_its_receipt(
    *, named: bool
) -> None:
    books = Books(make_own_code(feature=Feature.MGPC, expires_at=NOW + LIFE))
    books.world.settle(Taken(1, 2).notification())
    lines = [Taken(number, 2).line("a", number, named=named, timed=True) for number in (1, 2)]
    judged = books.judge(lines, write=True, decided=[1, 2])
    outcome = Verdict.RECORDED if named else Verdict.AMBIGUOUS
    assert verdicts(judged) == [Verdict.MATCHED, outcome]
    kinds = [PaymentKind.PAID, PaymentKind.PAID_AGAIN]
    assert [each.kind for each in books.payments] == kinds[: 1 + named]


def test_what_a_person_decides_about_a_line_changes_no_payment_that_it_is_not() -> None:
    books = Books(make_own_code(feature=Feature.MGPC, expires_at=NOW + LIFE))
    books.world.settle(Taken(1, 2).status(named=False))
    before = books.payments
    lines = [Taken(number, number).line("a", number, named=False, timed=True) for number in (1, 2)]
    books.judge(lines, write=True, decided=[2])
    assert books.payments == before


@given(truth=TRUTH, named=st.booleans(), data=st.data())
def test_the_order_of_the_lines_changes_no_judgement(
    truth: list[Taken], *, named: bool, data: st.DataObject
) -> None:
    books = Books(reusable())
    for taken in data.draw(st.sets(st.sampled_from(truth))):
        books.world.settle(taken.notification())
    timed = st.booleans()
    lines = [
        replace(
            taken.line("a", number, named=named, timed=data.draw(timed)),
            amount=Decimal(data.draw(st.sampled_from([150_000, 149_000]))),
        )
        for number, taken in enumerate(truth, 2)
    ]

    def found(given_lines: list[SettlementLine]) -> dict[int | None, tuple[object, ...]]:
        history = CodeHistory(books.world.code("INV-1"), books.payments)
        return {
            each.number: (each.verdict, each.puzzle, each.payment)
            for each in judge(given_lines, history)
        }

    assert found(lines) == found(data.draw(st.permutations(lines)))


@given(
    wanted=st.dictionaries(
        st.integers(0, 6), st.lists(st.sampled_from("abcdef"), unique=True), max_size=7
    )
)
def test_as_many_as_possible_are_paired(wanted: dict[int, list[str]]) -> None:
    def most(numbers: list[int], taken: frozenset[str]) -> int:
        if not numbers:
            return 0
        first, *others = numbers
        free = (name for name in wanted[first] if name not in taken)
        return max(most(others, taken), *(1 + most(others, taken | {name}) for name in free), 0)

    paired = pair(list(wanted), wanted)
    assert len(set(paired.values())) == len(paired) == most(list(wanted), frozenset())
    assert all(name in wanted[number] for number, name in paired.items())


def test_many_payments_of_one_day_are_paired_without_depth() -> None:
    numbers = list(range(3000))
    names = [f"{number}" for number in numbers[:-1]]
    assert len(pair(numbers, dict.fromkeys(numbers, names))) == len(names)


def test_payments_of_an_aggregator_are_missing_there() -> None:
    for bins, missing in ((BINS, 1), (DIRECT, 1)):
        books = Books(reusable(), bins)
        one, other = Taken(1, 2), Taken(2, 3)
        for taken in (one, other):
            books.world.settle(taken.notification())
        judged = books.judge([one.line("a", 2, named=True, timed=False)])
        assert verdicts(judged).count(Verdict.MISSING_THERE) == missing
        assert judged[-1].payment == books.payments[-1]


def test_payments_of_the_stores_own_contract_are_not_looked_for() -> None:
    books = Books(replace(reusable(), bin="88995", payment_code="889951234567890"), DIRECT)
    books.world.settle(replace(Taken(1, 2).notification(), payment_code=None))
    books.world.settle(replace(Taken(2, 3).notification(), payment_code=None))
    judged = books.judge([Taken(1, 2).line("a", 2, named=True, timed=False)])
    assert verdicts(judged) == [Verdict.MATCHED]


def test_only_the_days_that_were_asked_for_must_be_there() -> None:
    books = Books(reusable())
    for number, hours in ((1, 2), (2, 26), (3, 50)):
        books.world.settle(Taken(number, hours).notification())
    lines = [Taken(1, 2).line("a", 2, named=True, timed=False)]
    days = [day_of(at(hours=26))]
    judged = list(books.match(lines, days=days))
    assert verdicts(judged) == [Verdict.MATCHED, Verdict.MISSING_THERE]
    assert judged[-1].payment == books.payments[1]


def test_sums_are_those_of_the_file() -> None:
    lines = [
        Taken(number, hours).line("a", number, named=True, timed=True)
        for number, hours in ((1, 2), (2, 3), (3, 26))
    ]
    undated = replace(lines[0], paid_at=None, fee=None)
    none, first, second = sums([*lines, undated])
    assert (none.day, none.lines, int(none.fee)) == (None, 1, 0)
    assert (first.day, first.lines) == (day_of(at(hours=2)), 2)
    assert [int(each) for each in (first.amount, first.fee, first.net)] == [
        300_000,
        10_000,
        290_000,
    ]
    assert (second.lines, int(second.net)) == (1, 145_000)
