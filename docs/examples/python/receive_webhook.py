"""Receive webhooks: verify each, enter it into the books once, then answer.

    python receive_webhook.py PORT

Needs the package standardwebhooks; in the environment O2O_WEBHOOK_SECRET (whsec_…) and O2O_BOOKS,
a folder for the books.
"""

import json
import os
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

# Money that came in another way than the shop expects, or went back.
FOR_A_PERSON = {
    "payment_code.paid_late",
    "payment_code.paid_again",
    "payment_code.amount_mismatch",
    "payment_code.digits_mismatch",
    "payment.refunded",
}

try:
    webhook = Webhook(os.environ["O2O_WEBHOOK_SECRET"])
    books = Path(os.environ["O2O_BOOKS"])
    port = int(sys.argv[1])
except (KeyError, IndexError, RuntimeError, ValueError):
    sys.exit("Set O2O_WEBHOOK_SECRET and O2O_BOOKS, and give a port: receive_webhook.py PORT")


def entry_of(event: dict[str, Any]) -> str | None:
    """What belongs in the books. Other types, also those to come, are nothing to this shop."""
    code, payment = event["data"], event["data"].get("payment")
    told = f"{event['type']} {code['invoice_number']}"
    if event["type"] == "payment_code.paid":
        as_agreed = payment["certain"] and not payment["had_ended"]
        # Compare it with the order's amount, too: the order is yours.
        if as_agreed and payment["amount"] == code["amount"]:
            return f"credit {told} {payment['amount']}"
        return f"review {told}"
    return f"review {told}" if event["type"] in FOR_A_PERSON else None


def enter(event_id: str, entry: str) -> None:
    """Write the entry and that the event is handled, in one step: both happen or neither.

    In your shop: one transaction that inserts the event's id under a unique key and does the work.
    A mark before the work loses a payment if the program ends in between; one after it pays twice.
    """
    with tempfile.NamedTemporaryFile("w", dir=books, encoding="utf-8") as fresh:
        fresh.write(entry + "\n")
        fresh.flush()
        os.fsync(fresh.fileno())
        try:
            os.link(fresh.name, books / event_id)
        except FileExistsError:
            return  # the same event again, or twice at once
    print(entry, flush=True)


class Receiver(BaseHTTPRequestHandler):
    """Your web framework stands here."""

    def do_POST(self) -> None:
        """One webhook."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            # Over the bytes as they came, not over JSON that was read and written again.
            webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.answer(400)
            return
        event = json.loads(body)
        try:
            if entry := entry_of(event):
                enter(event["id"], entry)
        except Exception:
            self.answer(500)  # it will be sent again
            raise
        self.answer(204)  # any 2xx means: it is on record here

    def answer(self, status: int) -> None:
        """Without a body, which nobody would read."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print("listening", flush=True)
    server.serve_forever()
