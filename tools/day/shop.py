"""Who takes part in a day: the shops with their receiver, and the till. All of them repeat."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from standardwebhooks import Webhook

from o2o.adapters.dynamodb.endpoints import DynamoEndpointStore
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.core.endpoints import Endpoint
from o2o.core.storefronts import to_order_number
from tests.support.local_stack import LocalStack, new_storefront, webhook_secret
from tests.support.patience import CALL_SECONDS, PATIENCE_SECONDS, until
from tests.support.receivers import Handler
from tools.day.compare import Event, Number, Taken
from tools.day.plan import Order, Visit

NAMES = ("demo", "second", "third")
_PAGE = 100
_PAUSE_SECONDS = 0.3


class Refused(Exception):
    """Somebody was answered what can't be repeated away."""


class Postponed(Exception):
    """The code has no digits yet: the customer comes again later."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A storefront."""

    place: int
    api_key: str
    order_prefix: str
    """What DOKU's invoice numbers begin with."""
    secret: str


class Receiver:
    """The shops' webhook receiver: verifies with a library that is not ours, and keeps little."""

    def __init__(self) -> None:
        self.received: dict[Number, list[Event]] = defaultdict(list)
        self.books: dict[tuple[int, str, int], Mapping[str, Any]] = {}
        """What was told of closed days, by shop, day and edition."""
        self.forged = 0
        self._secrets: dict[str, tuple[int, Webhook]] = {}
        self._lock = threading.Lock()

    def expect(self, shop: Shop) -> str:
        """The path of a shop's endpoint."""
        path = f"/shop-{shop.place}"
        self._secrets[path] = (shop.place, Webhook(shop.secret))
        return path

    def take(self, request: Handler) -> None:
        """Keep what an event is about, and answer 204; or 401."""
        request.receiver.posts.clear()
        place, secret = self._secrets[request.path]
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            body = secret.verify(request.body, headers)
        except Exception:  # noqa: BLE001 (the library names none)
            self.forged += 1
            request.send_response(401)
        else:
            with self._lock:
                self._keep(place, body)
            request.send_response(204)
        request.end_headers()

    def _keep(self, place: int, body: Mapping[str, Any]) -> None:
        if body["type"] == "books.closed":
            book = body["data"]["books"]
            self.books[place, book["day"], book["edition"]] = book
        else:
            self.received[place, body["data"]["invoice_number"]].append(event_of(body))

    def types(self, number: Number) -> set[str]:
        """The types of event that came for a code."""
        return {each.type for each in self.received.get(number, ())}


def event_of(body: Mapping[str, Any]) -> Event:
    """What a webhook says, or the API's list of events."""
    payment = body["data"]["payment"] or {}
    return Event(body["id"], body["type"], payment.get("receipt_number"))


@dataclass
class Street:
    """The shops of a stack, and DOKU's till, from outside: HTTP alone."""

    stack: LocalStack
    clients: int
    names: Sequence[str] = NAMES
    shops: list[Shop] = field(default_factory=list)
    ordered: dict[Number, Mapping[str, Any]] = field(default_factory=dict)
    digits: dict[Number, str] = field(default_factory=dict)
    newest: Number | None = None
    """The code that became active last: behind its event, all of before is published."""
    turned_away: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    repeats: int = 0

    def __post_init__(self) -> None:
        """Open connections that stay."""
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.mount("http://", HTTPAdapter(pool_maxsize=self.clients))

    def open(self, receiver: Receiver, url: Callable[[str], str]) -> None:
        """Make the storefronts, and send their events to the receiver."""
        store = Store(self.stack.dynamodb(), self.stack.about["outputs"]["TableName"])
        for place, name in enumerate(self.names):
            key = new_storefront(self.stack, name) if place else self.stack.about["api_key"]
            storefront = DynamoStorefrontStore(store).get_storefront(name)
            if storefront is None:
                raise Refused(f"there is no storefront {name}")
            prefix = to_order_number(storefront.namespace, "")
            shop = Shop(place, key, prefix, webhook_secret(self.stack, name))
            address = url(receiver.expect(shop))
            endpoints = DynamoEndpointStore(store)
            known = endpoints.get_endpoint(name)
            fresh = Endpoint(storefront_id=name, url=address)
            endpoints.save_endpoint(known.point_to(address) if known else fresh)
            self.shops.append(shop)

    # --- a shop, as docs/integration.md tells it ---------------------------------------------

    def create(self, order: Order) -> None:
        """Ask for a code, again and again until there is an answer."""
        number = (order.shop, order.invoice_number)
        answer = self.call("POST", order.shop, "/payment-codes", json=order.body())
        if answer.status_code not in {200, 201, 202}:
            raise Refused(f"{number}: {answer.status_code} {answer.text}")
        self.ordered[number] = order.body()
        code = answer.json()
        if code["status"] == "active":
            self.newest = number
        self._learn(number, code)

    def cancel(self, order: Order) -> None:
        """Cancel a code; whoever was paid meanwhile can't be cancelled any more."""
        self._wait_for(order)
        path = f"/payment-codes/{order.invoice_number}/cancel"
        answer = self.call("POST", order.shop, path)
        if answer.status_code not in {200, 409}:
            raise Refused(f"{order.invoice_number}: {answer.status_code} {answer.text}")

    def call(self, method: str, shop: int, path: str, **options: Any) -> requests.Response:
        """Call the API, and repeat after a broken connection, a 429 or a 5xx."""

        def ask() -> requests.Response | None:
            answer = self.http.request(
                method,
                self.stack.about["api_url"] + path,
                headers={"Authorization": f"Bearer {self.shops[shop].api_key}"},
                timeout=CALL_SECONDS,
                **options,
            )
            again = answer.status_code == 429 or answer.status_code >= 500  # noqa: PLR2004
            return None if again else answer

        return self._persist(ask, path)

    def pages(self, shop: int, path: str) -> Iterator[dict[str, Any]]:
        """All items of a list."""
        cursor = ""
        while cursor is not None:
            sign = "&" if "?" in path else "?"
            query = f"{path}{sign}limit={_PAGE}" + (f"&cursor={cursor}" if cursor else "")
            answer = self.call("GET", shop, query)
            if answer.status_code != 200:  # noqa: PLR2004
                raise Refused(f"{path}: {answer.status_code} {answer.text}")
            page = answer.json()
            yield from page["items"]
            cursor = page["next_cursor"]

    def _wait_for(self, order: Order) -> Number:
        """Until the code is there: a step of the day has its shop and its customer at once."""
        number = (order.shop, order.invoice_number)
        until(lambda: number in self.ordered, f"{number}")
        return number

    def _learn(self, number: Number, code: Mapping[str, Any]) -> None:
        if code["payment_code"]:
            self.digits[number] = code["payment_code"]

    # --- the till ----------------------------------------------------------------------------

    def visit(self, order: Order, visit: Visit) -> None:
        """Pay. Raises Postponed if the shop has no digits yet."""
        digits = self._digits_of(order)
        if digits is None:
            return
        body = {
            "payment_code": digits,
            "receipt_number": visit.receipt_number,
            "notify": visit.notify,
            **({} if visit.amount is None else {"amount": visit.amount}),
        }
        tried = False

        def pay() -> requests.Response | None:
            nonlocal tried
            # A cashier who got no answer looks first: a code may be paid more than once.
            if tried and self._is_taken(digits, visit.receipt_number):
                return requests.Response()
            tried = True
            answer = self.doku("POST", "/pay", body)
            return None if answer.status_code >= 500 else answer  # noqa: PLR2004

        answer = self._persist(pay, "the till")
        if answer.status_code in {404, 409}:
            self.turned_away[answer.json()["error"].replace(digits, "…")] += 1

    def _digits_of(self, order: Order) -> str | None:
        """The digits of a code; None if it has ended without any."""
        number = self._wait_for(order)
        if number not in self.digits:
            code = self.call("GET", order.shop, f"/payment-codes/{order.invoice_number}").json()
            self._learn(number, code)
            if number not in self.digits:
                if code["status"] == "requested":
                    raise Postponed
                self.turned_away["it never got digits"] += 1
        return self.digits.get(number)

    def doku(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Call the simulator's control API, once."""
        return self.http.request(
            method,
            f"{self.stack.about['doku']['base_url']}/_control{path}",
            json=body,
            timeout=CALL_SECONDS,
        )

    def taken(self) -> Iterator[tuple[Number, Taken]]:
        """All that the till took, by its own record."""
        for each in self.stack.taken():
            yield (
                self._number(each["invoice_number"]),
                Taken(
                    each["receipt_number"],
                    each["amount"],
                    each["store_id"],
                    each["agent_id"],
                    each["paid_at"],
                ),
            )

    def _number(self, order_number: str) -> Number:
        for shop in reversed(self.shops):  # the first shop's prefix is empty
            if order_number.startswith(shop.order_prefix):
                return shop.place, order_number.removeprefix(shop.order_prefix)
        raise Refused(f"{order_number} is nobody's")

    def _is_taken(self, digits: str, receipt_number: str) -> bool:
        found = self.doku("GET", f"/payments?payment_code={digits}").json()["payments"]
        return any(each["receipt_number"] == receipt_number for each in found)

    # --- patience ----------------------------------------------------------------------------

    def _persist(self, ask: Callable[[], requests.Response | None], what: str) -> requests.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if (answer := ask()) is not None:
                    return answer
            except (requests.RequestException, json.JSONDecodeError):
                pass
            self.repeats += 1
            time.sleep(_PAUSE_SECONDS)
        raise Refused(f"no answer for {PATIENCE_SECONDS:.0f} s: {what}")
