"""The simulator's own settlement report: nothing is documented about DOKU's columns.

It has what the tills took for orders under an aggregator's BIN; of a direct BIN the acquirer
settles (DOKU protocol, section 10). The fee is made up.
"""

import csv
import io
from datetime import date, datetime, time, timedelta

from simulator.account import Account
from simulator.clock import WIB, instant

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
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    total = number = 0
    for payment in account.store.payments.between(begin.timestamp(), end.timestamp()):
        order = account.store.orders.get(payment.invoice_number)
        if order is None:
            continue
        channel = account.catalogue.channel(order.channel)
        merchant_bin = account.catalogue.bin_of(order.payment_code, channel)
        if merchant_bin is None or merchant_bin.type == _DIRECT:
            continue
        number += 1
        total += payment.amount
        writer.writerow(
            [
                f"{instant(payment.paid_at).astimezone(WIB):%Y-%m-%d %H:%M:%S}",
                order.invoice_number,
                channel.name,
                f"'{order.payment_code}",
                payment.receipt_number or "",
                payment.amount,
                FEE,
                payment.amount - FEE,
                "SUCCESS",
            ]
        )
    writer.writerow(["TOTAL", "", "", "", "", total, number * FEE, total - number * FEE, ""])
    return written.getvalue()
