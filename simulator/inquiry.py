"""Asks the merchant about codes that live there, while a cashier waits.

Every inquiry is kept with what came of it. A question that was spoiled on demand counts as one.
"""

import http.client
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from simulator.channels import Catalogue, Channel
from simulator.clock import Clock, utc_text, wib_compact
from simulator.config import SimulatorConfig
from simulator.faults import Faults
from simulator.outgoing import Message, connect, interrupt, make_message, not_reached, path_of
from simulator.protocol import inquiries
from simulator.protocol.inquiries import RawAnswer, Unusable
from simulator.state import Inquiry, State
from simulator.wire import json_bytes

_MAX_ANSWER = 64 * 1024
_REFUSED = "the merchant's answer is refused"
NO_URL = "no inquiry URL is configured"


class Inquirer:
    """Sends inquiries and judges the answers."""

    def __init__(
        self,
        config: SimulatorConfig,
        catalogue: Catalogue,
        clock: Clock,
        state: State,
        faults: Faults,
        inquiry_url: Callable[[str], str | None],
    ) -> None:
        self._config = config
        self._catalogue = catalogue
        self._clock = clock
        self._state = state
        self._faults = faults
        self._inquiry_url = inquiry_url
        self._lock = threading.Lock()
        self._connections: set[http.client.HTTPConnection] = set()
        self._stopping = False

    def stop(self) -> None:
        """End what is under way; nobody is asked any more."""
        with self._lock:
            self._stopping = True
            for connection in self._connections:
                interrupt(connection)

    def can_ask(self, channel: Channel) -> bool:
        """Whether there is somebody to ask."""
        return self._inquiry_url(channel.name) is not None

    def ask(self, channel: Channel, payment_code: str) -> Inquiry:
        """Ask once; the inquiry that comes back is kept, whatever came of it."""
        at = self._clock.now()
        url = self._inquiry_url(channel.name)
        asked = Inquiry(
            at=at.timestamp(),
            channel=channel.name,
            payment_code=payment_code,
            url=url,
            request_id=str(uuid.uuid4()),
        )
        if url is None:
            return self._state.add_inquiry(replace(asked, problem=NO_URL))
        known = self._state.last_payable(payment_code=payment_code)
        fault = self._faults.take("inquiry", known.invoice_number if known else None)
        kind, values = (fault.kind, fault.parameters) if fault else (None, {})
        asked = replace(asked, fault=kind)

        said_at = at - timedelta(seconds=values["seconds"] if kind == "late_date" else 0)
        date = wib_compact(said_at) if kind == "compact_date" else utc_text(said_at)
        named = self._other(channel) if kind == "wrong_channel" else channel
        body = json_bytes(inquiries.question(named, payment_code, date), pretty=True)
        message = make_message(self._config, body, kind, values)
        stamp = said_at if values.get("timestamp") else at
        headers = message.headers(url, asked.request_id, utc_text(stamp))

        begun = time.monotonic()
        try:
            answer = self._send(url, message, headers)
        except Unusable as error:
            return self._state.add_inquiry(replace(asked, problem=str(error)))
        asked = replace(
            asked,
            http_status=answer.status,
            latency_ms=round((time.monotonic() - begun) * 1000),
        )
        return self._judge(asked, answer, path_of(url), headers.get("Request-Id"))

    def _other(self, channel: Channel) -> Channel:
        """Return another channel, to name it by mistake."""
        others = (other for other in self._catalogue.channels.values() if other is not channel)
        return next(others, channel)

    # --- the answer ----------------------------------------------------------------------

    def _judge(
        self, asked: Inquiry, answer: RawAnswer, target: str, request_id: str | None
    ) -> Inquiry:
        try:
            inquiries.verify(
                answer, self._config, target=target, request_id=request_id, now=self._clock.now()
            )
            told = inquiries.read(answer, asked.payment_code)
        except Unusable as error:
            return self._state.add_inquiry(replace(asked, problem=f"{_REFUSED}: {error}"))
        made = replace(
            asked,
            status=told.status,
            invoice_number=told.invoice_number,
            amount=told.amount,
            customer_name=told.customer_name,
            info=told.info,
        )
        with self._state.transaction():
            problem = self._contradiction(made)
            if problem is not None:
                made = replace(made, problem=f"{_REFUSED}: {problem}")
            return self._state.add_inquiry(made)

    def _contradiction(self, made: Inquiry) -> str | None:
        """Say what in a success does not agree with what DOKU knows already."""
        if made.status != "success":
            return None
        order = self._state.order(made.invoice_number or "")
        if order is not None and (order.feature, order.payment_code) != (
            "dipc",
            made.payment_code,
        ):
            return f"{made.invoice_number} is the invoice number of {order.payment_code}"
        last = self._state.last_taken(made.payment_code)
        if (
            last is None
            or last.status != "success"
            or last.invoice_number == made.invoice_number
            or made.at - last.at > self._config.inquiry_binds_seconds
            or any(p.paid_at >= last.at for p in self._state.payments(last.invoice_number or ""))
        ):
            return None
        return f"its invoice number was {last.invoice_number} and is {made.invoice_number}"

    # --- the wire ------------------------------------------------------------------------

    def _send(self, url: str, message: Message, headers: dict[str, str]) -> RawAnswer:
        """Send and read a whole answer, in time; raises ``Unusable``."""
        seconds = self._config.inquiry_timeout_seconds
        connection = connect(url, seconds)
        late = threading.Event()

        def give_up() -> None:
            late.set()
            interrupt(connection)

        with self._lock:
            if self._stopping:
                raise Unusable("the simulator is stopping")
            self._connections.add(connection)
        timer = threading.Timer(seconds, give_up)
        timer.daemon = True
        timer.start()
        try:
            connection.connect()
            raw: Any = connection.sock
            connection.request(
                "POST", path_of(url), message.sent_body, {**headers, "Connection": "close"}
            )
            response = connection.getresponse()
            # The response took the socket over: the timer still has to find it.
            connection.sock = raw
            body = response.read(_MAX_ANSWER + 1)
            missing = response.length
            response.close()
        except (OSError, http.client.HTTPException) as error:
            if late.is_set() or isinstance(error, TimeoutError):
                raise Unusable(f"no answer within {seconds:g} s") from None
            raise Unusable(not_reached(error)) from None
        finally:
            timer.cancel()
            with self._lock:
                self._connections.discard(connection)
            connection.close()
        if late.is_set():
            raise Unusable(f"no answer within {seconds:g} s")
        flaw = "it breaks off" if missing else None
        return RawAnswer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=body,
            flaw="it is too long" if len(body) > _MAX_ANSWER else flaw,
        )
