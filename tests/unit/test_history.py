"""The checker of histories has teeth: what can't have been is refused, what can is not."""

from typing import Any

import pytest

from tests.support.code_history import CodeHistory

ONE, OTHER = "25000 at alfa", "30000 at alfa"


def view(status: str, sequence: int, digits: str | None = "8123", *paid: str) -> dict[str, Any]:
    return {
        "status": status,
        "sequence": sequence,
        "payment_code": digits,
        "payments": [{"receipt_number": each} for each in paid],
        "payments_count": len(paid),
    }


@pytest.fixture
def history() -> CodeHistory:
    """A code that was made from second 0 to 1."""
    made = CodeHistory("INV-1")
    made.made(0, 1, ONE, 201, view("active", 2))
    return made


def is_refused(history: CodeHistory) -> bool:
    return history.find_fault() is not None


def test_the_life_of_a_code_is_explained(history: CodeHistory) -> None:
    history.seen("GET", 2, 3, view("active", 2))
    history.paid(4, "R1")
    history.seen("GET", 4.5, 5, view("active", 2))
    history.seen("GET", 6, 7, view("paid", 3, "8123", "R1"))
    history.made(8, 9, ONE, 200, view("paid", 3, "8123", "R1"))
    history.made(8, 9, OTHER, 409, None)
    history.cancelled(10, 11, 409, None)
    assert history.find_fault() is None


def test_a_lost_update_is_refused(history: CodeHistory) -> None:
    history.cancelled(2, 3, 200, view("cancelled", 3))
    history.seen("GET", 4, 5, view("active", 2))
    assert is_refused(history)


def test_a_stale_read_is_refused(history: CodeHistory) -> None:
    history.paid(2, "R1")
    history.seen("GET", 4, 5, view("paid", 3, "8123", "R1"))
    history.seen("GET", 6, 7, view("active", 2))
    assert is_refused(history)


def test_at_the_same_time_either_is_right(history: CodeHistory) -> None:
    history.paid(2, "R1")
    history.seen("GET", 4, 7, view("paid", 3, "8123", "R1"))
    history.seen("GET", 6, 7, view("active", 2))
    assert not is_refused(history)


def test_two_codes_for_one_number_are_refused(history: CodeHistory) -> None:
    history.made(0, 1, ONE, 200, view("active", 2, "8999"))
    assert is_refused(history)


def test_two_bodies_for_one_number_are_refused(history: CodeHistory) -> None:
    history.made(0, 1, OTHER, 201, view("active", 2))
    assert is_refused(history)


def test_paid_and_then_unpaid_is_refused(history: CodeHistory) -> None:
    history.paid(2, "R1")
    history.seen("GET", 4, 5, view("paid", 3, "8123", "R1"))
    history.seen("GET", 6, 7, view("active", 4))
    assert is_refused(history)


def test_a_payment_that_nobody_made_is_refused(history: CodeHistory) -> None:
    history.seen("GET", 4, 5, view("paid", 3, "8123", "R1"))
    assert is_refused(history)


def test_a_payment_before_it_was_made_is_refused(history: CodeHistory) -> None:
    history.seen("GET", 2, 3, view("paid", 3, "8123", "R1"))
    history.paid(4, "R1")
    assert is_refused(history)


def test_a_payment_that_counts_twice_is_refused(history: CodeHistory) -> None:
    history.paid(2, "R1")
    history.seen("GET", 4, 5, view("paid", 3, "8123", "R1", "R1"))
    assert is_refused(history)


def test_a_payment_that_goes_is_refused(history: CodeHistory) -> None:
    history.paid(2, "R1")
    history.paid(2, "R2")
    history.seen("GET", 4, 5, view("paid", 4, "8123", "R1", "R2"))
    history.seen("GET", 6, 7, view("paid", 5, "8123", "R2"))
    assert is_refused(history)


def test_a_code_that_has_gone_is_refused(history: CodeHistory) -> None:
    history.missing(2, 3)
    assert is_refused(history)


def test_a_sequence_that_goes_back_is_refused(history: CodeHistory) -> None:
    history.seen("GET", 2, 3, view("active", 5))
    history.seen("GET", 4, 5, view("active", 4))
    assert is_refused(history)


def test_an_end_without_a_cause_is_refused(history: CodeHistory) -> None:
    history.seen("GET", 2, 3, view("expired", 3))
    assert is_refused(history)
    history.may_expire(1.5)
    assert not is_refused(history)


def test_an_inquiry_that_says_yes_after_the_cancel_is_refused(history: CodeHistory) -> None:
    history.cancelled(2, 3, 200, view("cancelled", 3))
    history.inquired(4, 5, "decline")
    assert not is_refused(history)
    history.inquired(6, 7, "success")
    assert is_refused(history)


@pytest.mark.parametrize("status", ["active", "cancelled"])
def test_what_was_never_answered_may_have_happened_or_not(
    history: CodeHistory, status: str
) -> None:
    history.cancelled(2, 3, 0, None)
    history.seen("GET", 4, 5, view(status, 3))
    assert not is_refused(history)


def test_what_was_never_answered_happened_once_at_most() -> None:
    history = CodeHistory("INV-1")
    history.made(0, 1, ONE, 0, None)
    history.made(2, 3, ONE, 201, view("active", 2))
    assert not is_refused(history)  # the first came to nothing
    history.made(0, 1, OTHER, 200, view("active", 2))
    assert is_refused(history)


def test_a_refusal_says_how_far_it_could_be_explained(history: CodeHistory) -> None:
    history.cancelled(2, 3, 200, view("cancelled", 3))
    history.seen("GET", 4, 5, view("active", 2))
    told = str(history.find_fault()).splitlines()
    assert told[0] == "  POST 25000 at alfa: 201"
    assert told[-1].startswith("  impossible now: GET: active")
