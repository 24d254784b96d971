"""What really happened to a code is explained, however it overlaps; with one lie it is not."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.code_history import CodeHistory
from tests.support.examples import examples

ONE, OTHER = "25000 at alfa", "30000 at alfa"
DIGITS = "8123"
LIES = ("digits", "payment", "stale", "gone", "made twice", "unpaid")


@dataclass
class Reality:
    """A code as it is, one action after the other; it shares nothing with the model."""

    history: CodeHistory
    status: str = ""
    sequence: int = 0
    known: list[str] = field(default_factory=list)
    on_the_way: list[str] = field(default_factory=list)
    receipts: int = 0

    def view(self) -> dict[str, Any]:
        payments = [{"receipt_number": each} for each in self.known]
        return {
            "status": self.status,
            "sequence": self.sequence,
            "payment_code": DIGITS,
            "payments": payments,
            "payments_count": len(payments),
        }

    def become(self, status: str) -> None:
        self.status, self.sequence = status, self.sequence + 1

    def make(self, called: float, answered: float) -> None:
        status = 200 if self.status else 201
        if not self.status:
            self.become("active")
        self.history.made(called, answered, ONE, status, self.view())

    def make_another(self, called: float, answered: float) -> None:
        self.history.made(called, answered, OTHER, 409, None)

    def read(self, called: float, answered: float) -> None:
        self.history.seen("GET", called, answered, self.view())

    def cancel(self, called: float, answered: float) -> None:
        if self.status == "active":
            self.become("cancelled")
        if self.status == "cancelled":
            self.history.cancelled(called, answered, 200, self.view())
        else:
            self.history.cancelled(called, answered, 409, None)

    def pay(self, called: float, answered: float) -> None:  # noqa: ARG002 - as the others
        self.receipts += 1
        self.on_the_way.append(f"R{self.receipts}")
        self.history.paid(called, self.on_the_way[-1])

    def learn(self, called: float, answered: float) -> None:  # noqa: ARG002 - as the others
        if self.on_the_way:
            self.known.append(self.on_the_way.pop())
            self.become("paid")

    def expire(self, called: float, answered: float) -> None:  # noqa: ARG002 - as the others
        if self.status == "active":
            self.history.may_expire(called)
            self.become("expired")

    def inquire(self, called: float, answered: float) -> None:
        said = {"active": "success", "paid": "billing_already_paid", "cancelled": "decline"}
        answer = said.get(self.status, "billing_was_expired")
        self.history.inquired(called, answered, answer)


ACTIONS = (
    *(Reality.make, Reality.make_another, Reality.read, Reality.cancel),
    *(Reality.pay, Reality.learn, Reality.expire, Reality.inquire),
)


@st.composite
def real(draw: st.DrawFn) -> tuple[CodeHistory, Reality, float]:
    """A history, the code in the end, and when all was answered."""
    history = CodeHistory("INV-1")
    history.missing(-9, -8)
    code, end = Reality(history), 0.0
    reach = st.floats(0, 3)
    actions = draw(st.lists(st.sampled_from(ACTIONS), max_size=14))
    for moment, action in enumerate([Reality.make, *actions]):
        called, answered = moment - draw(reach), moment + draw(reach)
        end = max(end, answered)
        action(code, called, answered)
    return history, code, end


@settings(max_examples=examples(150))
@given(real())
def test_what_really_happened_is_explained(found):
    history, code, end = found
    history.seen("GET", end + 1, end + 2, code.view())
    assert history.find_fault() is None


@settings(max_examples=examples(150))
@given(real(), st.sampled_from(LIES))
def test_one_lie_is_found(found, lie):
    history, code, end = found
    after = (end + 1, end + 2)
    truth = code.view()
    if lie == "digits":
        history.seen("GET", *after, truth)
        history.seen("GET", 0, end + 2, {**truth, "payment_code": "8999"})
    elif lie == "payment":
        payments = [*truth["payments"], {"receipt_number": "R99"}]
        more = {"status": "paid", "payments": payments, "payments_count": len(payments)}
        history.seen("GET", *after, {**truth, **more})
    elif lie == "stale":
        history.seen("GET", *after, truth)
        history.seen("GET", end + 3, end + 4, {**truth, "sequence": truth["sequence"] - 1})
    elif lie == "gone":
        history.missing(*after)
    elif lie == "made twice":
        history.made(-3, end, ONE, 201, None)
    else:
        history.paid(end, "R99")
        paid = [*truth["payments"], {"receipt_number": "R99"}]
        later = {
            **truth,
            "status": "paid",
            "payments": paid,
            "payments_count": len(paid),
            "sequence": truth["sequence"] + 1,
        }
        history.seen("GET", *after, later)
        fewer = {"payments": truth["payments"], "payments_count": len(truth["payments"])}
        history.seen("GET", end + 3, end + 4, {**later, **fewer})
    assert history.find_fault() is not None
