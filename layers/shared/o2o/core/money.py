"""Money: whole rupiah in ``int``; what DOKU sends in ``Decimal``."""

from decimal import Decimal, InvalidOperation

CURRENCY = "IDR"
"""Rupiah, in which every code is paid."""

MAX_AMOUNT_DIGITS = 12
"""DOKU protocol, section 3: ``order.amount`` has at most 12 digits."""


def parse_doku_amount(value: object) -> Decimal:
    """DOKU's amount, as ``150000``, ``19000.00`` or ``"39000"`` (DOKU protocol, section 6).

    Read JSON with ``parse_float=Decimal`` before, so that no float is ever made.
    Raises ValueError for anything that is not a finite, positive number of sane length.
    """
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError("the amount is not a number")  # noqa: TRY004 - one error for what is read
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise ValueError("the amount is not a number") from error
    if not amount.is_finite() or amount <= 0 or amount.adjusted() >= MAX_AMOUNT_DIGITS:
        raise ValueError("the amount is out of range")
    return amount
