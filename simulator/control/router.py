"""Finds the route of a control request, and turns errors into sentences."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from simulator.account import Account
from simulator.control.account_routes import AccountRoutes
from simulator.control.call import Call
from simulator.control.fault_routes import FaultRoutes
from simulator.control.notify_route import NotifyRoute
from simulator.control.record_routes import RecordRoutes
from simulator.control.till_routes import TillRoutes
from simulator.errors import ControlError
from simulator.notifier import Notifier
from simulator.till import Till
from simulator.wire import Answer, Request, json_answer

PREFIX = "/_control"

Route = Callable[[Call], object]


class Control:
    """Answers the control API."""

    def __init__(
        self,
        account: Account,
        till: Till,
        notifier: Notifier,
        about: Callable[[], dict[str, Any]],
    ) -> None:
        self._account_routes = AccountRoutes(account, notifier, about)
        at_till = TillRoutes(account, till, notifier)
        records = RecordRoutes(account, till)
        faults = FaultRoutes(account)
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", ""): self._overview,
            ("GET", "/clock"): self._account_routes.show_clock,
            ("POST", "/clock"): self._account_routes.advance_clock,
            ("POST", "/inquiry"): at_till.inquire,
            ("POST", "/pay"): at_till.pay,
            ("POST", "/notify"): NotifyRoute(account, till, notifier).notify,
            ("GET", "/inquiries"): records.inquiries,
            ("GET", "/notification-urls"): self._account_routes.show_notification_urls,
            ("POST", "/notification-urls"): self._account_routes.set_notification_urls,
            ("GET", "/inquiry-urls"): self._account_routes.show_inquiry_urls,
            ("POST", "/inquiry-urls"): self._account_routes.set_inquiry_urls,
            ("GET", "/orders"): records.orders,
            ("GET", "/orders/*"): records.order,
            ("POST", "/orders/*/status"): records.force_status,
            ("GET", "/faults"): faults.show,
            ("POST", "/faults"): faults.add,
            ("DELETE", "/faults"): faults.clear,
            ("DELETE", "/faults/*"): faults.remove,
            ("POST", "/faults/release"): faults.release,
            ("GET", "/payments"): records.payments,
            ("GET", "/requests"): records.requests,
            ("GET", "/settlement"): records.settlement,
            ("POST", "/reset"): self._account_routes.reset,
        }

    def answer(self, request: Request) -> Answer:
        """Answer a request below ``/_control``."""
        try:
            _refuse_other_sites(request)
            route, name = self._route(request)
            document = route(Call(request, name))
        except ControlError as error:
            return json_answer(error.status, {"error": error.sentence, **error.more}, pretty=True)
        if isinstance(document, Answer):
            return document
        return json_answer(HTTPStatus.OK, document, pretty=True)

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

    def _overview(self, call: Call) -> object:
        routes = [f"{method} {PREFIX}{path}" for method, path in self._routes]
        return {**self._account_routes.overview(call), "routes": routes}


def _refuse_other_sites(request: Request) -> None:
    """Keep web pages of other sites from using a browser to drive the simulator."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ControlError("Requests of another site are refused.", HTTPStatus.FORBIDDEN)
