"""The simulator's own settlement report: nothing is documented about DOKU's columns.

It has what the tills took for orders under an aggregator's BIN; of a direct BIN the acquirer
settles (DOKU protocol, section 10). The fee is made up.
"""

import csv
import io
from datetime import date, datetime, time, timedelta

from simulator.account import Account
from simulator.clock import WIB, instant
from simulator.store.orders import Order

COLUMNS = (
    "Transaction Date", "Order Number", "Channel", "Payment Code", "Receipt Number", "Amount",
    "Fee", "Net", "Status",
)  # fmt: skip

FEE = 5_000
"""Rupiah for each payment."""

_DIRECT = "direct"


def settlement_csv(account: Account, day: date) -> str:
    """Return the report of what was paid on a day in WIB, with a row of totals at its end."""
    begin = datetime.combine(day, time(), WIB)
    end = begin + timedelta(days=1)
    settled = [
        (payment, order)
        for payment in account.store.payments.between(begin.timestamp(), end.timestamp())
        if (order := account.store.orders.get(payment.invoice_number))
        and _is_settled(account, order)
    ]
    # What merchants gave their orders as columns, in the order in which it came.
    more = list(dict.fromkeys(key for _, order in settled for key, _ in order.report))
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow([*COLUMNS, *more])
    for payment, order in settled:
        given = dict(order.report)
        writer.writerow(
            [
                f"{instant(payment.paid_at).astimezone(WIB):%Y-%m-%d %H:%M:%S}",
                order.invoice_number,
                account.catalogue.channel(order.channel).name,
                f"'{order.payment_code}",
                payment.receipt_number or "",
                payment.amount,
                FEE,
                payment.amount - FEE,
                "SUCCESS",
                *(given.get(key, "") for key in more),
            ]
        )
    total, fees = sum(payment.amount for payment, _ in settled), len(settled) * FEE
    writer.writerow(["TOTAL", "", "", "", "", total, fees, total - fees, "", *[""] * len(more)])
    return written.getvalue()


def _is_settled(account: Account, order: Order) -> bool:
    channel = account.catalogue.channel(order.channel)
    merchant_bin = account.catalogue.bin_of(order.payment_code, channel)
    return merchant_bin is not None and merchant_bin.type != _DIRECT
