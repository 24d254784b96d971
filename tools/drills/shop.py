"""The shop of a drill: a storefront with a receiver of its own, and the comparison at the end."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.patience import until
from tests.support.receivers import Handler, receiver, status
from tools.drills.frame import Drill


class Shop:
    """The storefront ``demo``. Its receiver believes a webhook by the secrets that it has."""

    def __init__(self, drill: Drill) -> None:
        self.secrets: list[str] = []
        self.answer = HTTPStatus.NO_CONTENT
        """What it answers what it believes."""
        self.refuses: str | None = None
        """The invoice number of events that it answers with 500 all the same."""
        self.heard: list[dict[str, Any]] = []
        """What it believed and took, in order, and as often as it came."""
        self.unbelieved = 0
        self._drill = drill
        self._stack = drill.stack
        end = drill.undo.enter_context(receiver(self._take))
        drill.runbook(
            "webhooks set shop https://shop.example/hooks/o2o",
            **{"https://shop.example/hooks/o2o": end.url},
        )
        self.learn_secrets()

    def learn_secrets(self) -> None:
        """Take over the secrets that the operator hands out."""
        self.secrets = [each["secret"] for each in self._drill.runbook("webhooks secret shop")]

    def _take(self, request: Handler) -> None:
        event = self._believed(request)
        if event is None:
            self.unbelieved += 1
            status(HTTPStatus.UNAUTHORIZED)(request)
            return
        answer = self.answer
        if event["data"].get("invoice_number") == self.refuses:
            answer = HTTPStatus.INTERNAL_SERVER_ERROR
        if answer == HTTPStatus.NO_CONTENT:
            self.heard.append(event)
        status(answer)(request)

    def _believed(self, request: Handler) -> dict[str, Any] | None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        for secret in self.secrets:
            with suppress(WebhookVerificationError):
                return dict(Webhook(secret).verify(request.body, headers))
        return None

    def has_heard(self, code: Mapping[str, Any], type_: str) -> bool:
        """Whether it took an event of that type about a code."""
        number = code["invoice_number"]
        return any(
            (each["type"], each["data"].get("invoice_number")) == (type_, number)
            for each in list(self.heard)
        )

    def hears(self, code: Mapping[str, Any], type_: str) -> None:
        """Wait until it has."""
        until(lambda: self.has_heard(code, type_), f"{type_} of {code['invoice_number']}")

    def delivery(self, code: Mapping[str, Any], type_: str) -> dict[str, Any]:
        """The delivery of an event, once there is one, as the API shows it."""
        query = f"invoice_number={code['invoice_number']}&type={type_}"
        found = until(lambda: self._stack.call("GET", f"/events?{query}").json()["items"])
        return dict(found[0]["delivery"])

    # --- from outside ------------------------------------------------------------------------

    def till(self) -> set[tuple[str, str]]:
        """What DOKU's till took: invoice numbers and receipts."""
        return {(each["invoice_number"], each["receipt_number"]) for each in self._stack.taken()}

    def here(self) -> set[tuple[str, str]]:
        """The same as the API shows it."""
        return {
            (code["invoice_number"], each["receipt_number"])
            for code in self._all("/payment-codes")
            for each in self._all(f"/payment-codes/{code['invoice_number']}/payments")
        }

    def events(self) -> list[dict[str, Any]]:
        """The shop's events, newest first."""
        return list(self._all("/events"))

    def _all(self, path: str) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"limit": 100}
        while True:
            answer = self._stack.call("GET", path, params=query)
            if not answer.ok:
                raise AssertionError(f"GET {path}: {answer.status_code} {answer.text}")
            page = answer.json()
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def compare(self) -> None:
        """Note what must hold at the end of every drill, between till, API and receiver.

        Waits until nothing is on its way to the receiver any more.
        """
        until(lambda: all(each["delivery"]["status"] != "pending" for each in self.events()))
        till, here, events = self.till(), self.here(), self.events()
        ids = defaultdict(set)
        for each in self.heard:
            payment = each["data"].get("payment") or {}
            about = each["data"].get("invoice_number"), payment.get("receipt_number")
            ids[each["type"], *about].add(each["id"])
        told = {(invoice, receipt) for _, invoice, receipt in ids if receipt}
        expect = self._drill.expect
        expect(f"of {len(till)} payments at the till, not in the API", 0, len(till - here))
        expect("payments in the API that no till took", 0, len(here - till))
        expect("payments at the till that the shop was not told", 0, len(till - told))
        known = {each["id"] for each in self.heard}
        expect(
            f"of {len(events)} events in the API, not heard by the shop",
            0,
            sum(each["id"] not in known for each in events),
        )
        expect("events that the shop heard under two ids", 0, sum(len(e) > 1 for e in ids.values()))
        expect("webhooks that the shop could not verify", 0, self.unbelieved)
