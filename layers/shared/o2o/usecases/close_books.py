"""Close the books: each WIB day once DOKU's last retry has passed, and again if something is late.

A day is worked off in slices: so many payments, events, codes or messages at a time. What a slice
found is kept in a file that is written once, so that a run that ends, or is killed, leaves its work
to the next, and two runs at once find the same. From the slices follow the day's files, byte for
byte the same whoever makes them; then its items, one edition each; then the state moves on.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import islice
from typing import Any

from o2o.core import books, payments_csv
from o2o.core.books import (
    Difference,
    DifferenceKind,
    Edition,
    Explained,
    Findings,
    Told,
)
from o2o.core.closed_days import BooksState, ClosedDay, Closing
from o2o.core.errors import InvalidRequest, VersionConflict
from o2o.core.merkle import merkle_root
from o2o.core.pages import all_items
from o2o.core.payments import Payment
from o2o.core.storefronts import Storefront
from o2o.core.wib import day_of, day_span
from o2o.usecases.explain_messages import ExplainMessages
from o2o.usecases.ports import (
    BooksFiles,
    BooksStore,
    Clock,
    PaymentStore,
    StorefrontStore,
    TimeLeft,
)
from o2o.usecases.read_day import ENOUGH, Place, ReadDay, Slice

ENOUGH_FOR_FILES = 300.0
"""Seconds that must be left to make a day's files, of a million payments too."""

NEWEST = 7
"""So many days are looked at for differences that nobody has closed again."""

MANY = 1_000
"""Payments that call for a person are counted up to this many."""

_PAGE = 100
_LOOK = timedelta(hours=1)
"""Late payments are looked for in so much time at once."""

_MESSAGES = "-messages"
"""The chain of the archive's messages: no storefront's id begins so."""

_Read = Callable[[Place | None, TimeLeft], Slice]
"""Reads a slice, from a place on."""


@dataclass(frozen=True, slots=True)
class BooksRun:
    """What a run did, and how the books stand after it.

    ``differences`` are those of the newest books; ``open_for`` is since when the oldest day is over
    that has no book; ``unresolved`` counts payments that have called for a person for too long.
    """

    closed: Sequence[ClosedDay]
    differences: int
    open_for: timedelta
    unresolved: int


@dataclass(frozen=True, slots=True)
class _Day:
    """The day that is being closed, and its slices that there are, by their chain."""

    closing: Closing
    slices: dict[str, list[str]]

    @property
    def day(self) -> date:
        return date.fromisoformat(self.closing.day)

    @property
    def span(self) -> tuple[datetime, datetime]:
        return day_span(self.day)

    @property
    def prefix(self) -> str:
        return f"slices/{self.closing.day}/{self.closing.edition:04}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseBooks:
    """The use case. Twice at once, or broken off anywhere, it does no harm."""

    books: BooksStore
    files: BooksFiles
    storefronts: StorefrontStore
    payments: PaymentStore
    read_day: ReadDay
    explain_messages: ExplainMessages
    clock: Clock

    def __call__(self, time_left: TimeLeft) -> BooksRun:
        """Do what there is time for, and tell how the books stand."""
        closed: list[ClosedDay] = []
        # Another run is under way: it goes on with the work.
        with suppress(VersionConflict):
            self._run(closed, time_left)
        return BooksRun(closed, self._differences(), self._open_for(), self._unresolved())

    def _run(self, closed: list[ClosedDay], time_left: TimeLeft) -> None:
        state = self._look(self._state(), time_left)
        while time_left() > ENOUGH:
            begun = self._begin(state)
            if begun is None or begun.closing is None:
                return
            try:
                done = self._close(begun.closing, time_left)
            except _Overtaken:
                closing = begun.closing
                following = replace(closing, edition=closing.edition + 1, began_at=self.clock())
                state = self._save(begun, closing=following)
                continue
            if done is None:
                return
            last = max(begun.closing.day, begun.last_day or begun.closing.day)
            state = self._save(begun, closing=None, last_day=last)
            closed.append(done)

    def again(self, day: date) -> None:
        """Have a closed day closed again. Raises InvalidRequest if it has no book."""
        state = self._state()
        if not state.has(day):
            raise InvalidRequest.of("day", "has no book that could be closed again")
        if str(day) not in state.again:
            self.books.save_state(state.next(again=(*state.again, str(day))))

    # --- Where closing stands ---

    def _state(self) -> BooksState:
        state = self.books.get_state()
        if state is not None:
            return state
        now = self.clock()
        first = BooksState(first_day=str(day_of(now) - timedelta(days=1)), looked_at=now)
        self.books.save_state(first)
        return first

    def _begin(self, state: BooksState) -> BooksState | None:
        """The state with a day that is being closed; None: there is none to close."""
        if state.closing is not None:
            return state
        now = self.clock()
        if now >= books.closes_at(state.next_day):
            return self._save(
                state, closing=Closing(day=str(state.next_day), edition=1, began_at=now)
            )
        if state.again:
            day, *others = state.again
            former = self.books.get(None, day)
            edition = former.edition + 1 if former else 1
            closing = Closing(day=day, edition=edition, began_at=now)
            # What becomes known from here on puts the day among them once more.
            return self._save(state, closing=closing, again=tuple(others))
        return None

    def _save(self, state: BooksState, **changes: Any) -> BooksState:
        changed = state.next(**changes)
        self.books.save_state(changed)
        return changed

    def _look(self, state: BooksState, time_left: TimeLeft) -> BooksState:
        """Look for payments that became known since the last look and are of a closed day."""
        until = self.clock() - books.SETTLED_AFTER
        while state.looked_at < until and time_left() > ENOUGH:
            to = min(until, state.looked_at + _LOOK)
            late = {str(day) for day in self._late(state, to)}
            again = tuple(sorted({*state.again, *late}))
            state = self._save(state, looked_at=to, again=again)
        return state

    def _late(self, state: BooksState, until: datetime) -> Iterator[date]:
        since = state.looked_at + timedelta(microseconds=1)
        for storefront in self._storefronts():
            for payment in self._recorded(storefront.storefront_id, since, until):
                day = day_of(payment.report.paid_at)
                as_of = self._closed_as_of(state, day)
                if as_of and payment.recorded_at >= as_of - books.SETTLED_AFTER:
                    yield day

    def _recorded(self, storefront: str, since: datetime, until: datetime) -> Iterator[Payment]:
        return all_items(
            lambda cursor: self.payments.list_recorded(
                storefront, recorded_from=since, recorded_to=until, limit=_PAGE, cursor=cursor
            )
        )

    def _closed_as_of(self, state: BooksState, day: date) -> datetime | None:
        """As of when a day is, or is being, closed; what was recorded before is in every list."""
        if state.closing and state.closing.day == str(day):
            return state.closing.began_at
        book = self.books.get(None, str(day)) if state.has(day) else None
        return book.closed_at if book else None

    # --- How the books stand ---

    def _differences(self) -> int:
        newest = self.books.list_days(None, limit=NEWEST, cursor=None)
        return sum(each.differences for each in newest.items)

    def _open_for(self) -> timedelta:
        state = self.books.get_state()
        if state is None:
            return timedelta()
        _, last = day_span(state.next_day)
        return max(self.clock() - last, timedelta())

    def _unresolved(self) -> int:
        until = self.clock() - books.UNRESOLVED_AFTER
        calls = (
            payment
            for storefront in self._storefronts()
            for payment in self._calling(storefront.storefront_id, until)
        )
        return sum(1 for _ in islice(calls, MANY))

    def _calling(self, storefront: str, until: datetime) -> Iterator[Payment]:
        return all_items(
            lambda cursor: self.payments.list_attention(
                storefront, recorded_to=until, limit=_PAGE, cursor=cursor
            )
        )

    def _storefronts(self) -> list[Storefront]:
        found = all_items(
            lambda cursor: self.storefronts.list_storefronts(limit=_PAGE, cursor=cursor)
        )
        return sorted(found, key=lambda each: each.storefront_id)

    # --- Slices ---

    def _close(self, closing: Closing, time_left: TimeLeft) -> ClosedDay | None:
        """Close a day; None: there was not the time."""
        day = self._day(closing)
        # One that was added since has nothing to do with the slices that there are.
        storefronts = [each for each in self._storefronts() if each.created_at <= closing.began_at]
        for storefront in storefronts:
            read = partial(self.read_day, closing, storefront)
            if not self._go_on(day, storefront.storefront_id, read, time_left):
                return None
        messages = self.explain_messages.of_day(closing, lambda: self._told(day, storefronts))
        if not self._go_on(day, _MESSAGES, messages, time_left):
            return None
        if time_left() < ENOUGH_FOR_FILES:
            return None
        return self._write(day, storefronts)

    def _day(self, closing: Closing) -> _Day:
        day = _Day(closing, {})
        for key in self.files.keys(day.prefix):
            chain, _, _ = key.removeprefix(day.prefix).partition("/")
            day.slices.setdefault(chain, []).append(key)
        return day

    def _go_on(self, day: _Day, chain: str, read: _Read, time_left: TimeLeft) -> bool:
        """Go on with a chain of slices; whether it is complete."""
        written = day.slices.setdefault(chain, [])
        place = self._following(written[-1]) if written else None
        while not written or place is not None:
            if time_left() < ENOUGH:
                return False
            found = read(place, time_left)
            key = f"{day.prefix}{chain}/{len(written) + 1:06}.json"
            content = json.dumps({"next": found.following, "found": found.found})
            self.files.write(key, [content.encode()])
            written.append(key)
            # Another run may have been faster, and have come to another place.
            place = self._following(key)
        return True

    def _following(self, key: str) -> Place | None:
        """Where the slice behind one begins."""
        following = self._slice(key)["next"]
        return None if following is None else Place(*following)

    def _told(self, day: _Day, storefronts: Iterable[Storefront]) -> Iterator[Told]:
        for storefront in storefronts:
            for found in self._found(day, storefront.storefront_id):
                yield from (Told(*each) for each in found["told"])

    def _slice(self, key: str) -> Mapping[str, Any]:
        content = self.files.read(key)
        if content is None:
            raise LookupError("a slice of the day is gone")
        found: Mapping[str, Any] = json.loads(content)
        return found

    def _found(self, day: _Day, chain: str) -> Iterator[Any]:
        """What the slices of a chain found, the last one first: lists begin with the newest."""
        for key in reversed(day.slices.get(chain, ())):
            yield self._slice(key)["found"]

    # --- The files and the items ---

    def _write(self, day: _Day, storefronts: Sequence[Storefront]) -> ClosedDay:
        former = self.books.get(None, day.closing.day)
        edition = self._edition(day, former)
        names = [each.storefront_id for each in storefronts]
        files = {
            "messages.csv": self._file(edition, "messages.csv", self._messages_csv(day)),
            "payments.csv": self._file(edition, "payments.csv", self._payments_csv(day, names)),
        }
        stack = self._stack_findings(day, edition, former)
        by_storefront: dict[str, list[Difference]] = {}
        for difference in stack.differences:
            by_storefront.setdefault(difference.storefront_id, []).append(difference)
        summaries: dict[str, Mapping[str, Any]] = {}
        for name in names:
            found = Findings()
            found.differences.update(by_storefront.get(name, ()))
            for each in self._found(day, name):
                found.add(Findings.from_json(each))
            book = books.storefront_document(edition, name, found)
            csv = self._payments_csv(day, [name])
            files[f"storefronts/{name}.csv"] = self._file(edition, f"storefronts/{name}.csv", csv)
            digest = self._book(edition, f"storefronts/{name}.json", book)
            files[f"storefronts/{name}.json"] = digest
            summaries[name] = {
                "totals": book["totals"],
                "difference_count": book["difference_count"],
            }
            short = books.storefront_document(edition, name, found, listed=books.LISTED)
            self.books.add(_closed(edition, name, found, digest, short))
            stack.add(found)
        book = books.stack_document(edition, stack, summaries, files)
        digest = self._book(edition, "books.json", book)
        short = {**book, "differences": book["differences"][: books.LISTED]}
        del short["storefronts"], short["files"]
        closed = _closed(edition, None, stack, digest, short)
        return self.books.add(closed) or closed

    def _file(self, edition: Edition, name: str, parts: Iterable[bytes]) -> str:
        return self.files.write(edition.prefix + name, parts)

    def _book(self, edition: Edition, name: str, book: Mapping[str, Any]) -> str:
        content = books.to_text(book).encode()
        digest = self._file(edition, name, [content])
        if digest != sha256(content).hexdigest():
            raise _Overtaken
        return digest

    def _edition(self, day: _Day, former: ClosedDay | None) -> Edition:
        before = day.day - timedelta(days=1)
        book = self.books.get(None, str(before))
        previous = former.previous_root if former else book.messages_root if book else None
        count = 0

        def keys() -> Iterator[str]:
            nonlocal count
            for each in self._messages(day):
                count += 1
                yield each.key

        root = merkle_root(books.leaves(previous, keys())).hex()
        return Edition(
            day=day.day,
            number=day.closing.edition,
            closed_at=day.closing.began_at,
            messages=count,
            root=root,
            previous_day=before if previous else None,
            previous_root=previous,
        )

    def _messages(self, day: _Day) -> Iterator[Explained]:
        for key in day.slices[_MESSAGES]:
            for each in self._slice(key)["found"]["messages"]:
                yield Explained(*each)

    def _messages_csv(self, day: _Day) -> Iterator[bytes]:
        yield payments_csv.write([books.MESSAGE_COLUMNS]).encode()
        for key in day.slices[_MESSAGES]:
            yield payments_csv.write(self._slice(key)["found"]["messages"]).encode()

    def _payments_csv(self, day: _Day, names: Sequence[str]) -> Iterator[bytes]:
        yield payments_csv.write([payments_csv.COLUMNS]).encode()
        for name in names:
            for found in self._found(day, name):
                yield payments_csv.write(found["rows"]).encode()

    def _stack_findings(self, day: _Day, edition: Edition, former: ClosedDay | None) -> Findings:
        """What the messages found, and what belongs to no storefront."""
        found = Findings()
        for key in day.slices[_MESSAGES]:
            for each in self._slice(key)["found"]["differences"]:
                found.differences.add(books.read_difference(each))
        if former and former.messages_root != edition.root:
            found.differences.add(Difference(DifferenceKind.MESSAGES_CHANGED))
        return found


class _Overtaken(Exception):
    """The edition has files that were made of other slices, which are gone: the next is begun."""


def _closed(
    edition: Edition,
    storefront_id: str | None,
    found: Findings,
    digest: str,
    document: Mapping[str, Any],
) -> ClosedDay:
    total = found.total
    return ClosedDay(
        storefront_id=storefront_id,
        day=str(edition.day),
        edition=edition.number,
        closed_at=edition.closed_at,
        count=total.payments,
        sum=total.amount,
        differences=len(found.differences),
        messages_root=edition.root,
        previous_root=edition.previous_root,
        sha256=digest,
        document=json.dumps(document),
    )
