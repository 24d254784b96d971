"""Explain the archive's messages of a day: what is on record of each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from o2o.core import books, payments
from o2o.core.archive import parse_key
from o2o.core.books import Difference, DifferenceKind, Explained, Outcome, Told
from o2o.core.closed_days import Closing
from o2o.core.codes import PaymentCode
from o2o.core.errors import UnreadableMessage
from o2o.core.notifications import NO_INVOICE_NUMBER, KeptNotification, OrderState
from o2o.core.pages import all_items
from o2o.core.payments import CodeHistory, PaymentReport
from o2o.core.wib import day_span
from o2o.usecases.ports import (
    ArchiveReader,
    CodeStore,
    MessageArchive,
    NotificationStore,
    TimeLeft,
)
from o2o.usecases.read_day import ENOUGH, SLICE, Place, Slice
from o2o.usecases.settle import HISTORY

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainMessages:
    """The use case. Keys tell bodies by their SHA-256, and only few messages must be opened."""

    codes: CodeStore
    notifications: NotificationStore
    archive: MessageArchive
    reader: ArchiveReader

    def of_day(self, closing: Closing, told: Callable[[], Iterable[Told]]) -> "DayOfMessages":
        """The messages of a day. ``told`` reads those that its payments have, when needed."""
        return DayOfMessages(self, date.fromisoformat(closing.day), told)


class DayOfMessages:
    """The messages of a day, slice by slice."""

    def __init__(
        self, ports: ExplainMessages, day: date, told: Callable[[], Iterable[Told]]
    ) -> None:
        self._ports = ports
        self._span = day_span(day)
        self._tell = told
        self._told: dict[str, tuple[str, str]] | None = None
        self._kept: dict[str, KeptNotification] = {}

    def __call__(self, place: Place | None, time_left: TimeLeft) -> Slice:
        """A slice, from a place on; None is the beginning."""
        told = self._read_told()
        differences: set[Difference] = set()
        if place is None:
            found = map(books.compare_kept, self._kept.values())
            differences.update(each for each in found if each is not None)
        messages: list[Explained] = []
        for key in self._keys(place and place.cursor):
            if messages and (len(messages) == SLICE or time_left() < ENOUGH):
                return Slice(_shown(messages, differences), Place("messages", messages[-1].key))
            explained, difference = self._explain(key, told)
            messages.append(explained)
            if difference:
                differences.add(difference)
        return Slice(_shown(messages, differences), None)

    def _keys(self, after: str | None) -> Iterator[str]:
        since, until = self._span
        for key in self._ports.archive.keys(_received_at(after) or since, until):
            if after is None or key > after:
                yield key

    def _read_told(self) -> dict[str, tuple[str, str]]:
        if self._told is None:
            self._told = {
                digest: (order_number, payment) for digest, order_number, payment in self._tell()
            }
            self._kept = {each.identity: each for each in self._read_kept()}
        return self._told

    def _read_kept(self) -> Iterator[KeptNotification]:
        since, until = self._span
        store = self._ports.notifications
        for kept in all_items(lambda cursor: store.list_kept(limit=_PAGE, cursor=cursor)):
            if kept.received_at < since:
                return
            if kept.received_at <= until:
                yield kept

    def _explain(
        self, key: str, told: Mapping[str, tuple[str, str]]
    ) -> tuple[Explained, Difference | None]:
        try:
            digest = parse_key(key).body_sha256
        except UnreadableMessage:
            return _unexplained(key, DifferenceKind.MESSAGE_UNREADABLE)
        if digest in told:
            return Explained(key, *told[digest], Outcome.ON_RECORD), None
        if digest in self._kept:
            return Explained(key, self._kept[digest].invoice_number, "", Outcome.KEPT), None
        return self._open(key)

    def _open(  # noqa: PLR0911 - one answer a line
        self, key: str
    ) -> tuple[Explained, Difference | None]:
        try:
            archived = self._ports.archive.get(key)
        except UnreadableMessage:
            return _unexplained(key, DifferenceKind.MESSAGE_UNREADABLE)
        evidence = self._ports.reader.evidence(archived)
        asked_about = self._ports.reader.order_number(archived)
        named = asked_about or NO_INVOICE_NUMBER
        try:
            read = self._ports.reader.read(archived)
        except UnreadableMessage:
            return self._kept_or_not(key, named, evidence.digest)
        report = read.payment
        named = report.invoice_number if report else read.unreadable_order or named
        if read.state is not OrderState.SUCCESS:
            return Explained(key, named, "", Outcome.NO_PAYMENT), None
        if report is None:
            return self._kept_or_not(key, named, evidence.digest)
        history = self._history(report)
        if history is None:
            return self._kept_or_not(key, report.invoice_number, evidence.digest)
        payment = payments.find_told(history, report)
        if payment is not None:
            order_number = report.invoice_number
            return Explained(key, order_number, payment.payment_id, Outcome.ON_RECORD), None
        return self._kept_or_not(key, report.invoice_number, evidence.digest, history.code)

    def _history(self, report: PaymentReport) -> CodeHistory | None:
        history = self._ports.codes.get_history(report.invoice_number, HISTORY)
        if history and history.code.payments > HISTORY:
            alike = self._ports.codes.find_alike(report, HISTORY)
            return CodeHistory(history.code, alike)
        return history

    def _kept_or_not(
        self, key: str, order_number: str, digest: str, code: PaymentCode | None = None
    ) -> tuple[Explained, Difference | None]:
        if self._ports.notifications.find(order_number, digest):
            return Explained(key, order_number, "", Outcome.KEPT), None
        return _unexplained(key, DifferenceKind.MESSAGE_WITHOUT_PAYMENT, order_number, code)


def _unexplained(
    key: str, kind: DifferenceKind, order_number: str = "", code: PaymentCode | None = None
) -> tuple[Explained, Difference]:
    difference = Difference(kind, order_number=order_number, message=key)
    if code is not None:
        difference = difference._replace(
            storefront_id=code.storefront_id, invoice_number=code.invoice_number
        )
    return Explained(key, order_number, "", Outcome.UNEXPLAINED), difference


def _received_at(key: str | None) -> datetime | None:
    if key is None:
        return None
    try:
        return parse_key(key).received_at
    except UnreadableMessage:
        return None


def _shown(messages: list[Explained], differences: set[Difference]) -> dict[str, Any]:
    return {"messages": messages, "differences": sorted(differences)}
