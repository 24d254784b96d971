"""Sends notifications, and retries them on DOKU's timetable (DOKU protocol, section 6).

One thread waits for what is due and hands it to a pool of senders. It is woken by new work and by
a moved clock; while something is due later it looks at the clock once a second, because another
program may own the clock.
"""

import http.client
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from simulator import tellings
from simulator.account import Account
from simulator.clock import utc_text
from simulator.outgoing import (
    Connections,
    SignedMessage,
    Stopping,
    make_message,
    not_reached,
    target_of,
)
from simulator.protocol import bodies
from simulator.store.notifications import Attempt, Notification
from simulator.store.orders import Order
from simulator.store.payments import Payment

_LOG = logging.getLogger("simulator")
_SENDERS = 64
_LOOK_AT_CLOCK_SECONDS = 1.0
_DELIVERED = "delivered"
_DRAWN: dict[str, Any] = {"kind": "drawn", "parameters": {}}
"""Marks a postponed notification: its fault has been used."""


class Notifier:
    """Sends what is due and keeps every attempt."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._config = account.config
        self._notifications = account.store.notifications
        self._changed = threading.Condition()
        self._woken = False
        self._in_flight: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="sender")
        self._connections = Connections()

    def start(self) -> None:
        """Start; what an earlier run left over is sent now."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; what is not sent stays in the database."""
        self._connections.stop()
        with self._changed:
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(cancel_futures=True)

    def wake(self) -> None:
        """Look for due notifications now: one is new, or the clock has moved."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def keep(
        self,
        *,
        invoice_number: str,
        channel: str,
        document: dict[str, Any],
        fault: dict[str, Any] | None = None,
    ) -> int:
        """Keep a notification that is due now; call ``wake`` once it is committed.

        ``fault`` is ``{"kind", "parameters"}`` for its first attempt. Returns its ``id``.
        """
        return self._notifications.add(
            invoice_number=invoice_number,
            channel=channel,
            document=document,
            request_id=self._config.request_id(),
            at=self._now(),
            fault=fault,
        )

    def keep_for(
        self, order: Order, payment: Payment | None, status: str, fault: dict[str, Any] | None
    ) -> int:
        """Keep a notification about an order; see ``keep``."""
        channel = self._account.catalogue.channel(order.channel)
        at = self._account.clock.now()
        return self.keep(
            invoice_number=order.invoice_number,
            channel=order.channel,
            document=bodies.notification(order, channel, payment, status, at),
            fault=fault,
        )

    # --- when ----------------------------------------------------------------------------

    def _run(self) -> None:
        with self._changed:
            while not self._connections.stopping:
                pause = self._hand_out()
                if not self._woken:
                    self._changed.wait(pause)
                self._woken = False

    def _hand_out(self) -> float | None:
        """Give what is due to the senders; return how many seconds to wait then, unless woken."""
        now = self._now()
        # Those in flight are read as well, and must not hide the rest.
        for number, due_at in self._notifications.upcoming(len(self._in_flight) + _SENDERS):
            if number in self._in_flight:
                continue
            if due_at > now:
                return min(_LOOK_AT_CLOCK_SECONDS, due_at - now)
            self._in_flight.add(number)
            self._pool.submit(self._deliver, number).add_done_callback(_report)
        return None

    def _now(self) -> float:
        return self._account.clock.now().timestamp()

    def _deliver(self, number: int) -> None:
        try:
            kept = self._notifications.get(number)
            if kept is not None and kept.due_at is not None:
                self._attempt(kept)
        finally:
            with self._changed:
                self._in_flight.discard(number)
            self.wake()

    def _attempt(self, kept: Notification) -> None:
        fault = kept.fault
        if fault is None:
            row = self._account.faults.take("notify", kept.invoice_number, kept.channel)
            fault = {"kind": row.kind, "parameters": row.parameters} if row else _DRAWN
        kind, values = fault["kind"], fault["parameters"]
        now = self._now()
        if kind in {"late", "reordered"}:
            held = values.get("others", 0)
            self._notifications.postpone(
                kept.id, due_at=now + values["seconds"], held=held, fault=_DRAWN
            )
            return
        name = None if fault == _DRAWN else kind
        first = now if kept.first_attempt_at is None else kept.first_attempt_at
        number = kept.attempts + 1
        url = self._url(kept)
        if kind == "lost" or url is None:
            outcome = "lost" if kind == "lost" else "no notification URL is configured"
            results = [
                Attempt(
                    number=number,
                    at=now,
                    url=url,
                    request_id=kept.request_id,
                    fault=name,
                    status=None,
                    duration_ms=None,
                    outcome=outcome,
                )
            ]
        else:
            results = self._send_copies(kept, url, number, kind, values, name)
        delivered = any(result.outcome == _DELIVERED for result in results)
        if self._connections.stopping and not delivered:
            return  # cut short: the next start sends it again
        state, due_at = "given up", None
        if kind == "lost" or delivered:
            state = _DELIVERED if delivered else "lost"
        elif number <= len(self._config.retry_after_seconds):
            wait = self._config.retry_after_seconds[number - 1] / self._config.time_scale
            state, due_at = "pending", first + wait
        with self._account.store.transaction():
            self._notifications.finish_attempt(
                kept.id,
                results,
                attempts=number,
                first_attempt_at=first,
                state=state,
                due_at=due_at,
            )
            self._notifications.release_held(kept.id, self._now())

    def _url(self, kept: Notification) -> str | None:
        order = self._account.store.orders.get(kept.invoice_number)
        if order is not None and order.notification_url is not None:
            return order.notification_url
        return self._account.notification_urls.get(kept.channel)

    # --- how -----------------------------------------------------------------------------

    def _send_copies(
        self,
        kept: Notification,
        url: str,
        number: int,
        kind: str,
        values: dict[str, Any],
        name: str | None,
    ) -> list[Attempt]:
        message = self._message(kept, kind, values)
        copies = values.get("copies", 1)
        keeps_id = number == 1 or self._config.retries_keep_request_id
        request_ids = [kept.request_id if keeps_id else self._config.request_id()]
        for _ in range(copies - 1):
            same = values.get("same_request_id")
            request_ids.append(request_ids[0] if same else self._config.request_id())

        def send(request_id: str) -> Attempt:
            return self._send(message, url, number, request_id, name)

        if copies > 1 and values["concurrent"]:
            with ThreadPoolExecutor(copies) as pool:
                return list(pool.map(send, request_ids))
        return [send(request_id) for request_id in request_ids]

    def _message(self, kept: Notification, kind: str, values: dict[str, Any]) -> SignedMessage:
        document = tellings.spoil(kind, kept.document, values, self._account.store)
        body = bodies.notification_bytes(document, self._config.amount_form)
        return make_message(self._config, body, kind, values)

    def _send(
        self, message: SignedMessage, url: str, number: int, request_id: str, fault: str | None
    ) -> Attempt:
        at = self._account.clock.now()
        headers = message.headers(url, request_id, utc_text(self._config.machine_now()))
        begun = time.monotonic()
        status, outcome = self._post(url, message.sent_body, headers)
        return Attempt(
            number=number,
            at=at.timestamp(),
            url=url,
            request_id=request_id,
            fault=fault,
            status=status,
            duration_ms=round((time.monotonic() - begun) * 1000),
            outcome=outcome,
        )

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, str]:
        """Send once. Any 2xx is delivered; the body is not read, redirects are not followed."""
        timeout = self._config.notification_timeout_seconds
        try:
            with self._connections.to(url, timeout) as connection:
                connection.request("POST", target_of(url), body, {**headers, "Connection": "close"})
                response = connection.getresponse()
                status = response.status
                response.close()
        except Stopping:
            return None, "stopped"
        except TimeoutError:
            return None, "no answer in time"
        except (OSError, http.client.HTTPException) as error:
            return None, not_reached(error)
        accepted = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        return status, _DELIVERED if accepted else "refused"


def _report(done: "Future[None]") -> None:
    """Log what went wrong in a sender, in one line."""
    problem = None if done.cancelled() else done.exception()
    if problem is not None:
        _LOG.error("A notification could not be sent: %r", problem)
