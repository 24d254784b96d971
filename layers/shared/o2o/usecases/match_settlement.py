"""Match a settlement report with the payments on record, for the operator."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from o2o.core.bins import BinTable
from o2o.core.errors import VersionConflict
from o2o.core.pages import all_items
from o2o.core.payments import CodeHistory, Payment
from o2o.core.settlements import (
    Judgement,
    Puzzle,
    SettlementLine,
    Verdict,
    judge,
    should_be_settled,
)
from o2o.core.wib import day_of, end_of_day, start_of_day
from o2o.usecases.ports import CodeStore, PaymentStore, StorefrontStore
from o2o.usecases.retry_on_conflict import ATTEMPTS
from o2o.usecases.settle import HISTORY, Settle, SettleOutcome

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchSettlement:
    """The use case. A report that is matched twice changes nothing the second time."""

    codes: CodeStore
    payments: PaymentStore
    storefronts: StorefrontStore
    settle: Settle
    bins: BinTable

    def __call__(
        self,
        lines: Sequence[SettlementLine],
        *,
        days: Sequence[date] = (),
        write: bool = False,
        decided: Collection[int] = (),
    ) -> Iterator[Judgement]:
        """Each line's judgement, order by order, and then the payments that are missing there.

        ``days``: those in WIB of which the report should have every payment; otherwise all from its
        first payment's to its last one's. ``write``: record what is missing here, and of what is
        ambiguous the lines of which a person has ``decided`` that they are payments of their own.
        Raises VersionConflict in a storm: what was recorded until then is on record.
        """
        orders: dict[str, list[SettlementLine]] = {}
        for line in lines:
            orders.setdefault(line.order_number, []).append(line)
        accounted: set[tuple[str, str]] = set()
        for order_number, of_order in orders.items():
            for judged in self._match(order_number, of_order, decided if write else None):
                if judged.payment is not None:
                    accounted.add((order_number, judged.payment.payment_id))
                yield judged
        dated = [line.day for line in lines if line.day]
        covered = list(days) or dated
        if covered:
            yield from self._missing_there(min(covered), max(covered), set(days), accounted)

    def _match(
        self, order_number: str, lines: Sequence[SettlementLine], decided: Collection[int] | None
    ) -> list[Judgement]:
        """The judgements of an order. None is written unless it is known what was decided."""
        told: dict[int | None, Verdict] = {}
        lost = 0
        while True:
            history = self._history(order_number)
            if history is None:
                return [Judgement(verdict=Verdict.UNKNOWN_ORDER, line=line) for line in lines]
            judged = judge(lines, history)
            if decided is None:
                return judged
            tell = [
                each
                for each in judged
                if each.number not in told and (each.tells or _is_decided(each, decided))
            ]
            if not tell or tell[0].line is None:
                return [_after(each, told) for each in judged]
            # One at a time: each changes the code that the others were judged by.
            found, line = tell[0], tell[0].line
            settled = self.settle(
                line.report(history.code, now=self.settle.clock()),
                version=history.code.version,
                of=found.payment.payment_id if found.tells and found.payment else None,
                only_news=not found.tells,
            )
            if settled.outcome is not SettleOutcome.CHANGED:
                told[line.number] = found.verdict
            elif (lost := lost + 1) >= ATTEMPTS:
                raise VersionConflict("a payment code changed since it was read")

    def _history(self, order_number: str) -> CodeHistory | None:
        """The code and all its payments."""
        history = self.codes.get_history(order_number, HISTORY)
        if history is None or history.code.payments <= HISTORY:
            return history
        payments = all_items(
            lambda cursor: self.codes.list_payments(order_number, limit=_PAGE, cursor=cursor)
        )
        return CodeHistory(history.code, list(payments))

    def _missing_there(
        self, first: date, last: date, only: set[date], accounted: set[tuple[str, str]]
    ) -> Iterator[Judgement]:
        storefronts = all_items(
            lambda cursor: self.storefronts.list_storefronts(limit=_PAGE, cursor=cursor)
        )
        for storefront in storefronts:
            for payment in self._paid(storefront.storefront_id, first, last):
                of_day = not only or day_of(payment.report.paid_at) in only
                key = (payment.code.order_number if payment.code else "", payment.payment_id)
                if of_day and key not in accounted and should_be_settled(payment, self.bins):
                    yield Judgement(verdict=Verdict.MISSING_THERE, payment=payment)

    def _paid(self, storefront_id: str, first: date, last: date) -> Iterator[Payment]:
        return all_items(
            lambda cursor: self.payments.list_paid(
                storefront_id,
                paid_from=start_of_day(first),
                paid_to=end_of_day(last),
                limit=_PAGE,
                cursor=cursor,
            )
        )


def _is_decided(judged: Judgement, decided: Collection[int]) -> bool:
    return judged.verdict is Verdict.AMBIGUOUS and judged.number in decided


def _after(judged: Judgement, told: Mapping[int | None, Verdict]) -> Judgement:
    """A line's judgement after all was recorded that could be, by what was found before."""
    match told.get(judged.number), judged.verdict:
        case Verdict.MISSING_HERE | Verdict.AMBIGUOUS, Verdict.RECORDED_BEFORE:
            return replace(judged, verdict=Verdict.RECORDED)
        case Verdict.MISSING_HERE, Verdict.MISSING_HERE:
            # It would be told again and again.
            return replace(judged, verdict=Verdict.AMBIGUOUS, puzzle=Puzzle.CHANGED)
        case Verdict.MATCHED, Verdict.RECORDED_BEFORE:
            return replace(judged, verdict=Verdict.MATCHED)
    return judged
