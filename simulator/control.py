"""The control API: everything that a till, a Back Office and a test do to the simulator.

``docs/simulator.md`` describes it. Errors are ``{"error": "a sentence"}``.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from simulator.channels import Catalogue
from simulator.clock import Clock, utc_text
from simulator.config import check_url
from simulator.documents import Malformed, read_object
from simulator.errors import ConfigError, ControlError
from simulator.faults import Faults, read_fault
from simulator.notify import Notifier
from simulator.protocol import messages
from simulator.protocol.api import DokuApi
from simulator.protocol.messages import MAX_AMOUNT
from simulator.state import FaultRow, Inquiry, Notification, Order, Payment, State, instant
from simulator.till import DEFAULT_STORE_ID, Bill, Receipt, Till
from simulator.wire import Answer, Request, json_answer

PREFIX = "/_control"
STATUSES = ("PENDING", "SUCCESS", "EXPIRED", "FAILED", "REFUNDED")
OFFSET_SETTING = "clock_offset_seconds"
NOTIFICATION_URL_SETTING = "notification_url:"
INQUIRY_URL_SETTING = "inquiry_url:"
_MAX_TEXT = 64
_MAX_LIMIT = 1000

Route = Callable[[Request, str], object]


class Control:
    """Routes and answers the control API."""

    def __init__(  # noqa: PLR0913 - it reaches everything
        self,
        *,
        catalogue: Catalogue,
        clock: Clock,
        state: State,
        faults: Faults,
        notifier: Notifier,
        till: Till,
        api: DokuApi,
        urls: dict[str, dict[str, str]],
        about: Callable[[], dict[str, Any]],
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._state = state
        self._faults = faults
        self._notifier = notifier
        self._api = api
        self._till = till
        self._urls = urls
        self._about = about
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", ""): self._index,
            ("GET", "/clock"): self._show_clock,
            ("POST", "/clock"): self._advance,
            ("POST", "/inquiry"): self._inquire,
            ("POST", "/pay"): self._pay,
            ("POST", "/notify"): self._notify,
            ("GET", "/inquiries"): self._inquiries,
            ("GET", "/notification-urls"): self._show_notification_urls,
            ("POST", "/notification-urls"): self._set_notification_urls,
            ("GET", "/inquiry-urls"): self._show_inquiry_urls,
            ("POST", "/inquiry-urls"): self._set_inquiry_urls,
            ("GET", "/orders"): self._orders,
            ("GET", "/orders/*"): self._order,
            ("POST", "/orders/*/status"): self._force,
            ("GET", "/faults"): self._show_faults,
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): self._clear_faults,
            ("DELETE", "/faults/*"): self._clear_fault,
            ("POST", "/faults/release"): self._release,
            ("GET", "/requests"): self._requests,
            ("POST", "/reset"): self._reset,
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request below ``/_control``."""
        try:
            self._refuse_other_sites(request)
            route, name = self._route(request)
            made = route(request, name)
        except ControlError as error:
            return json_answer(error.status, {"error": error.sentence, **error.more}, pretty=True)
        return json_answer(HTTPStatus.OK, made, pretty=True)

    def _route(self, request: Request) -> tuple[Route, str]:
        path = request.target.removeprefix(PREFIX).rstrip("/")
        parts = path.split("/")
        name = unquote(parts[2]) if len(parts) > 2 else ""  # noqa: PLR2004
        starred = "/".join([*parts[:2], "*", *parts[3:]])
        for candidate in (path, starred):
            route = self._routes.get((request.method, candidate))
            if route is not None:
                return route, name
        methods = [m for m, known in self._routes if known in {path, starred}]
        if methods:
            raise ControlError(
                f"{request.target} takes {' or '.join(methods)}.", HTTPStatus.METHOD_NOT_ALLOWED
            )
        raise ControlError(
            f"The control API has no {request.target}; GET {PREFIX} lists what it has.",
            HTTPStatus.NOT_FOUND,
        )

    @staticmethod
    def _refuse_other_sites(request: Request) -> None:
        """Keep web pages of other sites from using a browser to drive the simulator."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise ControlError("Requests of another site are refused.", HTTPStatus.FORBIDDEN)

    # --- about and clock -----------------------------------------------------------------

    def _index(self, _request: Request, _name: str) -> object:
        return {
            **self._about(),
            **self._clock_view(),
            "channels": [
                {
                    "name": channel.name,
                    "label": channel.label,
                    "notification_url": self._urls[NOTIFICATION_URL_SETTING].get(channel.name),
                    "inquiry_url": self._urls[INQUIRY_URL_SETTING].get(channel.name),
                    "bins": [
                        {
                            "digits": own.digits,
                            "type": own.type,
                            "features": sorted(own.features),
                            "max_free_digits": own.max_free,
                        }
                        for own in self._catalogue.bins_of(channel)
                    ],
                }
                for channel in self._catalogue.channels.values()
            ],
            "routes": [f"{method} {PREFIX}{path}" for method, path in self._routes],
        }

    def _clock_view(self) -> dict[str, Any]:
        return {
            "now": utc_text(self._clock.now()),
            "offset_seconds": self._clock.offset_seconds,
        }

    def _show_clock(self, _request: Request, _name: str) -> object:
        return self._clock_view()

    def _advance(self, request: Request, _name: str) -> object:
        body = _Body(request, {"advance_seconds"})
        seconds = body.value("advance_seconds")
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
            raise ControlError("advance_seconds is a number.")
        with self._state.transaction():
            self._clock.advance(seconds)
            self._state.remember(OFFSET_SETTING, repr(self._clock.offset_seconds))
        self._notifier.wake()
        return self._clock_view()

    # --- the till ------------------------------------------------------------------------

    def _inquire(self, request: Request, _name: str) -> object:
        body = _Body(request, {"payment_code", "invoice_number"})
        bill = self._till.bill(body.text("payment_code"), body.text("invoice_number"))
        return {
            "channel": bill.channel.name,
            "store": bill.channel.label,
            "feature": bill.feature,
            "payment_code": bill.payment_code,
            "invoice_number": bill.invoice_number,
            "amount": bill.amount,
            "customer_name": bill.customer_name,
            "info": bill.info,
            "expires_at": _utc(bill.expires_at),
            "payable": bill.refusal is None,
            "reason": bill.refusal.en if bill.refusal else None,
            "reason_id": bill.refusal.id if bill.refusal else None,
            "inquiry": _inquiry_of(bill),
        }

    def _inquiries(self, request: Request, _name: str) -> object:
        rows = self._state.inquiries(_limit(request), request.query.get("payment_code"))
        return {"inquiries": [_inquiry_view(row) for row in rows]}

    def _pay(self, request: Request, _name: str) -> object:
        body = _Body(
            request,
            {
                "payment_code",
                "invoice_number",
                "amount",
                "notify",
                "receipt_number",
                "store_id",
                "agent_id",
                "force",
                "inquiry",
            },
        )
        fault = self._notify_mode(body)
        receipt = Receipt(
            agent_id=body.text("agent_id"),
            store_id=body.text("store_id") or DEFAULT_STORE_ID,
            receipt_number=body.text("receipt_number"),
            numbered=not ("receipt_number" in body and body.value("receipt_number") is None),
        )
        amount = body.amount("amount")
        force = body.flag("force", default=False)
        bill = self._till.bill(
            body.text("payment_code"),
            body.text("invoice_number"),
            ask=body.flag("inquiry", default=True) and not force,
        )
        if bill.inquiry is not None and bill.refusal is not None:
            raise bill.refusal.error({"inquiry": _inquiry_of(bill)})
        with self._state.transaction():
            order, payment = self._till.pay(bill, amount, receipt, force=force)
            number = None
            if fault != "none":
                number = self._keep_notification(order, payment, "SUCCESS", fault)
        self._notifier.wake()
        return {
            "invoice_number": order.invoice_number,
            "payment_code": order.payment_code,
            "channel": order.channel,
            "store": bill.channel.label,
            "feature": order.feature,
            "customer_name": bill.customer_name,
            **_payment_view(payment),
            "inquiry": _inquiry_of(bill),
            "notification": number,
        }

    # --- notifications -------------------------------------------------------------------

    @staticmethod
    def _notify_mode(body: "_Body") -> Any:
        """``null``/``"send"``, ``"none"``, a fault's kind, or a fault with its parameters."""
        wanted = body.value("notify")
        if wanted in (None, "send"):
            return None
        if wanted == "none":
            return "none"
        if isinstance(wanted, str):
            wanted = {"kind": wanted}
        if not isinstance(wanted, dict) or {"times", "invoice_number"} & wanted.keys():
            raise ControlError(
                'notify is "send", "none", the kind of a notification fault,'
                ' or an object such as {"kind": "duplicate", "copies": 3}.'
            )
        fault = read_fault({**wanted, "operation": "notify"})
        return {"kind": fault.kind, "parameters": fault.parameters}

    def _keep_notification(
        self,
        order: Order,
        payment: Payment | None,
        status: str,
        fault: dict[str, Any] | None,
    ) -> int:
        channel = self._catalogue.channel(order.channel)
        return self._notifier.keep(
            invoice_number=order.invoice_number,
            channel=order.channel,
            document=messages.notification(order, channel, payment, status, self._clock.now()),
            fault=fault,
        )

    def _notify(self, request: Request, _name: str) -> object:
        body = _Body(request, {"invoice_number", "status", "notify", "channel", "document"})
        fault = self._notify_mode(body)
        if fault == "none":
            raise ControlError('notify can\'t be "none" here: nothing would happen.')
        if "document" in body:
            number = self._notify_document(body, fault)
        else:
            number = self._notify_order(body, fault)
        self._notifier.wake()
        return {"notification": number}

    def _notify_document(self, body: "_Body", fault: dict[str, Any] | None) -> int:
        document = body.value("document")
        channel = body.text("channel", required=True) or ""
        if not isinstance(document, dict):
            raise ControlError("document is the JSON object to send.")
        if channel not in self._catalogue.channels:
            raise ControlError(f"channel is one of: {', '.join(self._catalogue.channels)}.")
        order = document.get("order")
        invoice_number = order.get("invoice_number") if isinstance(order, dict) else None
        return self._notifier.keep(
            invoice_number=invoice_number if isinstance(invoice_number, str) else "",
            channel=channel,
            document=document,
            fault=fault,
        )

    def _notify_order(self, body: "_Body", fault: dict[str, Any] | None) -> int:
        invoice_number = body.text("invoice_number", required=True) or ""
        status = body.text("status") or "SUCCESS"
        with self._state.transaction():
            order = self._till.order(invoice_number)
            payments = self._state.payments(order.invoice_number)
            if status == "SUCCESS" and not payments:
                raise ControlError(
                    f"{invoice_number} has no payment to tell of.", HTTPStatus.CONFLICT
                )
            payment = payments[-1] if payments else None
            return self._keep_notification(order, payment, status, fault)

    # --- the merchant's URLs -------------------------------------------------------------

    def _show_notification_urls(self, _request: Request, _name: str) -> object:
        return self._show_urls(NOTIFICATION_URL_SETTING)

    def _set_notification_urls(self, request: Request, _name: str) -> object:
        return self._set_urls(request, NOTIFICATION_URL_SETTING)

    def _show_inquiry_urls(self, _request: Request, _name: str) -> object:
        return self._show_urls(INQUIRY_URL_SETTING)

    def _set_inquiry_urls(self, request: Request, _name: str) -> object:
        return self._set_urls(request, INQUIRY_URL_SETTING)

    def _show_urls(self, setting: str) -> dict[str, str | None]:
        return {name: self._urls[setting].get(name) for name in self._catalogue.channels}

    def _set_urls(self, request: Request, setting: str) -> dict[str, str | None]:
        body = _Body(request, set(self._catalogue.channels))
        urls: dict[str, str] = {}
        for channel in self._catalogue.channels:
            url = body.text(channel, limit=500)
            if url is not None:
                try:
                    urls[channel] = check_url(url)
                except ConfigError as error:
                    raise ControlError(str(error)) from error
        with self._state.transaction():
            for channel, url in urls.items():
                self._state.remember(setting + channel, url)
        self._urls[setting].update(urls)
        return self._show_urls(setting)

    # --- orders --------------------------------------------------------------------------

    def _orders(self, request: Request, _name: str) -> object:
        return {"orders": [self._summary(order) for order in self._state.orders(_limit(request))]}

    def _summary(self, order: Order) -> dict[str, Any]:
        status, _ = self._api.status_of(order)
        return {
            "invoice_number": order.invoice_number,
            "channel": order.channel,
            "feature": order.feature,
            "payment_code": order.payment_code,
            "amount": order.amount,
            "status": status,
            "forced": order.forced_status is not None,
            "reusable": order.reusable,
            "request_id": order.request_id,
            "created_at": utc_text(instant(order.created_at)),
            "expires_at": _utc(order.expires_at),
            "paid": len(self._state.payments(order.invoice_number)),
        }

    def _order(self, _request: Request, name: str) -> object:
        order = self._state.order(name)
        counts = self._state.request_counts(name)
        notifications = [self._notification_view(n) for n in self._state.notifications(name)]
        if order is None:
            if not counts and not notifications:
                raise ControlError(f"Invoice number {name!r} is unknown.", HTTPStatus.NOT_FOUND)
            # DOKU was asked about it, or told of it, but holds no order of that number.
            return {
                "invoice_number": name,
                "status": None,
                "requests": counts,
                "payments": [],
                "notifications": notifications,
            }
        return {
            **self._summary(order),
            "requests": counts,
            "payments": [_payment_view(p) for p in self._state.payments(name)],
            "notifications": notifications,
        }

    def _notification_view(self, kept: Notification) -> dict[str, Any]:
        return {
            "id": kept.id,
            "state": kept.state,
            "due_at": _utc(kept.due_at),
            "attempts": [
                {
                    "number": attempt.number,
                    "at": utc_text(instant(attempt.at)),
                    "url": attempt.url,
                    "request_id": attempt.request_id,
                    "fault": attempt.fault,
                    "status": attempt.status,
                    "duration_ms": attempt.duration_ms,
                    "outcome": attempt.outcome,
                }
                for attempt in self._state.attempts(kept.id)
            ],
        }

    def _force(self, request: Request, name: str) -> object:
        body = _Body(request, {"status"})
        status = body.text("status")
        if status is not None and status not in STATUSES:
            raise ControlError(f"status is one of: {', '.join(STATUSES)}; or null.")
        with self._state.transaction():
            order = self._till.order(name)
            self._state.force_status(
                order.invoice_number, status, int(self._clock.now().timestamp())
            )
        return self._order(request, name)

    # --- faults and requests -------------------------------------------------------------

    def _show_faults(self, _request: Request, _name: str) -> object:
        return {
            "hanging": self._faults.hanging,
            "faults": [_fault_view(fault) for fault in self._state.faults()],
        }

    def _add_fault(self, request: Request, _name: str) -> object:
        return _fault_view(self._faults.add(_Body(request, None).document))

    def _clear_faults(self, _request: Request, _name: str) -> object:
        return {"cleared": self._faults.clear()}

    def _clear_fault(self, _request: Request, name: str) -> object:
        if not (name.isascii() and name.isdigit() and len(name) < 16):  # noqa: PLR2004 - an id
            raise ControlError(f"There is no fault {name!r}.", HTTPStatus.NOT_FOUND)
        return {"cleared": self._faults.clear(int(name))}

    def _release(self, _request: Request, _name: str) -> object:
        return {"released": self._faults.release()}

    def _requests(self, request: Request, _name: str) -> object:
        rows = self._state.requests(_limit(request), request.query.get("invoice_number"))
        return {"requests": [{**row, "at": utc_text(instant(row["at"]))} for row in rows]}

    def _reset(self, _request: Request, _name: str) -> object:
        self._faults.release()
        self._state.reset()
        self._notifier.wake()
        return {"reset": True}


class _Body:
    """A JSON body of which every field is known."""

    def __init__(self, request: Request, known: set[str] | None) -> None:
        try:
            self.document = read_object(request.body)
        except Malformed:
            raise ControlError("The body is a JSON object.") from None
        unknown = set() if known is None else self.document.keys() - known
        if unknown:
            raise ControlError(
                f"There is no field {min(unknown)!r}; there are: {', '.join(sorted(known or ()))}."
            )

    def __contains__(self, name: str) -> bool:
        return name in self.document

    def value(self, name: str, *, default: object = None) -> Any:
        return self.document.get(name, default)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.document.get(name, default)
        if not isinstance(value, bool):
            raise ControlError(f"{name} is true or false.")
        return value

    def text(self, name: str, *, required: bool = False, limit: int = _MAX_TEXT) -> str | None:
        value = self.document.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not 0 < len(value) <= limit or not value.isprintable():
            raise ControlError(f"{name} is text of 1 to {limit} characters.")
        return value

    def amount(self, name: str) -> int | None:
        value = self.document.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_AMOUNT:
            raise ControlError(f"{name} is whole rupiah, 1 to {MAX_AMOUNT}.")
        return value


def _limit(request: Request) -> int:
    text = request.query.get("limit", "100")
    if text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= _MAX_LIMIT:  # noqa: PLR2004
        return int(text)
    raise ControlError(f"limit is 1 to {_MAX_LIMIT}.")


def _utc(seconds: float | None) -> str | None:
    return None if seconds is None else utc_text(instant(seconds))


def _inquiry_of(bill: Bill) -> dict[str, Any] | None:
    return None if bill.inquiry is None else _inquiry_view(bill.inquiry)


def _inquiry_view(inquiry: Inquiry) -> dict[str, Any]:
    return {
        "id": inquiry.id,
        "at": utc_text(instant(inquiry.at)),
        "channel": inquiry.channel,
        "payment_code": inquiry.payment_code,
        "url": inquiry.url,
        "request_id": inquiry.request_id,
        "fault": inquiry.fault,
        "http_status": inquiry.http_status,
        "latency_ms": inquiry.latency_ms,
        "status": inquiry.status,
        "problem": inquiry.problem,
        "invoice_number": inquiry.invoice_number,
        "amount": inquiry.amount,
    }


def _payment_view(payment: Payment) -> dict[str, Any]:
    return {
        "amount": payment.amount,
        "paid_at": utc_text(instant(payment.paid_at)),
        "agent_id": payment.agent_id,
        "store_id": payment.store_id,
        "receipt_number": payment.receipt_number,
    }


def _fault_view(fault: FaultRow) -> dict[str, Any]:
    return {
        "id": fault.id,
        "operation": fault.operation,
        "kind": fault.kind,
        "invoice_number": fault.invoice_number,
        "remaining": fault.remaining,
        "used": fault.used,
        **fault.parameters,
    }
