"""What may happen to one payment code, as its storefront and the till see it.

Each request, with what it was answered, becomes operations of ``linearizable`` on one small state.
What the system does by itself is in the history too, as something that may happen at any time from
its cause on: a payment becomes known, an unclear answer of DOKU's becomes clear, a code expires.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.support.linearizable import NEVER, Operation, Unexplained, find_fault


@dataclass(frozen=True, slots=True)
class Code:
    """A payment code; before it is made it has no ``body``.

    ``sequence`` is the least that the next view of it must have: each change raises it.
    """

    body: str | None = None
    status: str | None = None
    digits: str | None = None
    payments: frozenset[str] = frozenset()
    sequence: int = 0

    def change(self, **changes: Any) -> "Code":
        """The code after one change."""
        return replace(self, sequence=self.sequence + 1, **changes)


GET = "GET"
OPEN = frozenset({"requested", "active"})
ABSENT = Code()
CodeOperation = Operation[Code]


class CodeHistory:
    """What was done to the codes of one invoice number."""

    def __init__(self, invoice_number: str) -> None:
        self.invoice_number = invoice_number
        self.operations: list[CodeOperation] = []

    def find_fault(self) -> Unexplained[Code] | None:
        """Why no order of all this explains what was answered, or None: one does."""
        return find_fault(self.operations, ABSENT)

    # --- requests ----------------------------------------------------------------------------

    def made(
        self, called: float, answered: float, body: str, status: int, view: Mapping[str, Any] | None
    ) -> None:
        """``POST /payment-codes``; without an answer the status is 0, or that of a 5xx."""

        def effect(code: Code) -> Iterator[Code]:
            if status == _CONFLICT:
                if code.body not in {None, body}:
                    yield code
                return
            if code.body is None and status != _OK:
                yield code.change(body=body, status="requested")
            if code.body == body and status != _CREATED:
                yield code

        if status in _KNOWN:
            self._add(f"POST {body}: {status}", called, answered, effect)
        else:
            self._add(f"POST {body}: no answer", called, NEVER, effect)
        self._add("the code is made at DOKU", called, NEVER, _activate)
        if view is not None:
            self.seen("POST", called, answered, view)

    def seen(self, what: str, called: float, answered: float, view: Mapping[str, Any]) -> None:
        """A view of the code, in whatever answer it came; only ``GET`` lists the payments."""
        digits, sequence, status = view["payment_code"], view["sequence"], view["status"]
        receipts = sorted(each["receipt_number"] for each in view["payments"])

        def effect(code: Code) -> Iterator[Code]:
            if (
                code.status == status
                and len(code.payments) == view["payments_count"]
                and (sorted(code.payments) == receipts or what != GET)
                and code.digits in {digits, *_TO_COME}
                and (digits is None) == (code.digits is None)
                and code.sequence <= sequence
            ):
                yield replace(code, digits=digits, sequence=sequence)

        shown = f"{what}: {status}, digits {digits}, paid {view['payments_count']}, {sequence}"
        self._add(shown, called, answered, effect)

    def missing(self, called: float, answered: float) -> None:
        """A 404."""
        self._add("404", called, answered, lambda code: [code] if code.body is None else [])

    def cancelled(
        self, called: float, answered: float, status: int, view: Mapping[str, Any] | None
    ) -> None:
        """``POST …/cancel``, answered 200, 404, 409 because of the code's status, or not (0)."""

        def effect(code: Code) -> Iterator[Code]:
            if status == _NOT_FOUND:
                if code.body is None:
                    yield code
            elif status == _CONFLICT:
                if code.status not in {None, "cancelled", *OPEN}:
                    yield code
            elif code.status in OPEN:
                yield code.change(status="cancelled")
            elif code.status == "cancelled":
                yield code

        known = status in _KNOWN
        what = f"cancel: {status if known else 'no answer'}"
        self._add(what, called, answered if known else NEVER, effect)
        if view is not None:
            self.seen("cancel", called, answered, view)

    def inquired(self, called: float, answered: float, said: str) -> None:
        """DOKU asked about the code; ``said`` is the status of the answer."""
        wanted = _OF_INQUIRY.get(said)
        if wanted is not None:
            self._add(
                f"inquiry: {said}",
                called,
                answered,
                lambda code: [code] if code.status == wanted else [],
            )

    # --- what happens by itself --------------------------------------------------------------

    def paid(self, called: float, receipt_number: str) -> None:
        """The till took money from then on: once, at some time, it becomes known."""

        def effect(code: Code) -> Iterator[Code]:
            if code.body is not None and receipt_number not in code.payments:
                payments = code.payments | {receipt_number}
                yield code.change(payments=payments, status="paid")

        self._add(f"the payment {receipt_number} becomes known", called, NEVER, effect)

    def may_expire(self, since: float) -> None:
        """The code's time may be over from then on."""

        def effect(code: Code) -> Iterator[Code]:
            if code.status in OPEN:
                yield code.change(status="expired")

        self._add("the code expires", since, NEVER, effect)

    def _add(self, what: str, called: float, answered: float, effect: Any) -> None:
        self.operations.append(Operation(what, called, answered, effect))


_OK, _CREATED, _ACCEPTED, _NOT_FOUND, _CONFLICT = 200, 201, 202, 404, 409
_KNOWN = {_OK, _CREATED, _ACCEPTED, _NOT_FOUND, _CONFLICT}
_TO_COME = ("to come",)
"""Digits that are there and that nobody has seen yet."""
_OF_INQUIRY = {"success": "active", "billing_already_paid": "paid"}
"""What an answer says of the code. ``decline`` says nothing: it is the answer to a failure, too."""


def _activate(code: Code) -> Iterator[Code]:
    if code.body is not None and code.digits is None:
        status = "active" if code.status == "requested" else code.status
        # No change of its own: codes that are made here have their digits from the beginning.
        yield replace(code, status=status, digits=_TO_COME[0])
