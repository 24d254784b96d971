"""Receive webhooks: verify each, answer at once, and do everything once.

    python receive_webhook.py PORT

Needs the package standardwebhooks; O2O_WEBHOOK_SECRET (whsec_…) in the environment.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["O2O_WEBHOOK_SECRET"])
seen: set[str] = set()  # in your shop: a table with a unique key


class Receiver(BaseHTTPRequestHandler):
    """Your web framework stands here."""

    def do_POST(self) -> None:
        """One webhook."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            # Over the bytes as they came, not over JSON that was read and written again.
            webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.answer(400)
            return
        event = json.loads(body)
        if event["id"] not in seen:  # the same event may come more than once
            seen.add(event["id"])
            code = event["data"]
            # Fulfil the order here, or better: put it on a queue.
            print(event["type"], code["invoice_number"], code["amount"], flush=True)
        self.answer(204)

    def answer(self, status: int) -> None:
        """Any 2xx means: it has arrived."""
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print("listening", flush=True)
    server.serve_forever()
