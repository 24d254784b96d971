"""Asks the merchant about codes that live there (DOKU protocol, section 5).

Every inquiry is kept with its outcome, including one that a fault has spoiled.
"""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from simulator.account import Account
from simulator.channels import Channel
from simulator.clock import instant, utc_text, wib_compact
from simulator.outgoing import (
    Connections,
    SignedMessage,
    Stopping,
    interrupt,
    make_message,
    not_reached,
    path_of,
    target_of,
)
from simulator.protocol import bodies, direct_inquiry
from simulator.protocol.direct_inquiry import RawResponse, UnusableAnswer
from simulator.store.inquiries import Inquiry
from simulator.wire import json_bytes

_MAX_ANSWER = 64 * 1024
_REFUSED = "the merchant's answer is refused"
NO_URL = "no inquiry URL is configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An inquiry that is ready to be sent."""

    asked: Inquiry
    """How it is kept if no answer comes."""
    url: str
    message: SignedMessage
    headers: dict[str, str]


class Inquirer:
    """Sends inquiries and judges the answers."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._config = account.config
        self._store = account.store
        self._connections = Connections()

    def stop(self) -> None:
        """End what is under way; no merchant is asked from now on."""
        self._connections.stop()

    def can_ask(self, channel: Channel) -> bool:
        """Whether the channel has an inquiry URL."""
        return self._account.inquiry_urls.get(channel.name) is not None

    def ask(self, channel: Channel, payment_code: str) -> Inquiry:
        """Ask once, and return the inquiry with its outcome; it is kept in any case."""
        question = self.compose(channel, payment_code)
        if question is None:
            return self._store.inquiries.add(self._asked(channel, payment_code, None))
        begun = time.monotonic()
        try:
            answer = self._send(question.url, question.message, question.headers)
        except UnusableAnswer as error:
            return self._store.inquiries.add(replace(question.asked, problem=str(error)))
        return self.judge(question, answer, round((time.monotonic() - begun) * 1000))

    def compose(self, channel: Channel, payment_code: str) -> Question | None:
        """Return a question to send; ``None`` if the channel has no inquiry URL."""
        url = self._account.inquiry_urls.get(channel.name)
        if url is None:
            return None
        known = self._store.inquiries.last_payable(payment_code=payment_code)
        fault = self._account.faults.take(
            "inquiry", known.invoice_number if known else None, channel.name
        )
        kind, values = (fault.kind, fault.parameters) if fault else (None, {})
        asked = replace(self._asked(channel, payment_code, url), fault=kind)

        late = timedelta(seconds=values["seconds"] if kind == "late_date" else 0)
        at = instant(asked.at)
        date = wib_compact(at - late) if kind == "compact_date" else utc_text(at - late)
        named = self._other(channel) if kind == "wrong_channel" else channel
        body = json_bytes(bodies.inquiry(named, payment_code, date), pretty=True)
        message = make_message(self._config, body, kind, values)
        stamp = self._config.machine_now() - (late if values.get("timestamp") else timedelta())
        return Question(
            asked=asked,
            url=url,
            message=message,
            headers=message.headers(url, asked.request_id, utc_text(stamp)),
        )

    def _asked(self, channel: Channel, payment_code: str, url: str | None) -> Inquiry:
        return Inquiry(
            at=self._account.clock.now().timestamp(),
            channel=channel.name,
            payment_code=payment_code,
            url=url,
            request_id=self._config.request_id(),
            problem=NO_URL if url is None else None,
        )

    def _other(self, channel: Channel) -> Channel:
        """Return another channel, for a fault that names the wrong one."""
        channels = self._account.catalogue.channels.values()
        return next((other for other in channels if other is not channel), channel)

    # --- the answer ----------------------------------------------------------------------

    def judge(
        self, question: Question, answer: RawResponse, latency_ms: int | None = None
    ) -> Inquiry:
        """Return the inquiry with what the merchant answered; it is kept."""
        asked = replace(question.asked, http_status=answer.status, latency_ms=latency_ms)
        try:
            direct_inquiry.verify(
                answer,
                self._config,
                target=path_of(question.url),
                request_id=question.headers.get("Request-Id"),
                now=self._config.machine_now(),
            )
            answered = direct_inquiry.read(answer, asked.payment_code)
        except UnusableAnswer as error:
            return self._store.inquiries.add(replace(asked, problem=f"{_REFUSED}: {error}"))
        made = replace(asked, **asdict(answered))
        with self._store.transaction():
            problem = self._contradiction(made)
            if problem is not None:
                made = replace(made, problem=f"{_REFUSED}: {problem}")
            return self._store.inquiries.add(made)

    def _contradiction(self, made: Inquiry) -> str | None:
        """Return what in a success contradicts what DOKU knows already, if anything."""
        if made.status != "success":
            return None
        order = self._store.orders.get(made.invoice_number or "")
        if order is not None and (order.feature, order.payment_code) != (
            "dipc",
            made.payment_code,
        ):
            return f"{made.invoice_number} is the invoice number of {order.payment_code}"
        last = self._store.inquiries.last_answered(made.payment_code)
        if last is None or last.status != "success" or last.invoice_number == made.invoice_number:
            return None
        payments = self._store.payments.of_order(last.invoice_number or "")
        if made.at - last.at > self._config.inquiry_binds_seconds or any(
            payment.paid_at >= last.at for payment in payments
        ):
            return None
        return f"its invoice number was {last.invoice_number} and is {made.invoice_number}"

    # --- the wire ------------------------------------------------------------------------

    def _send(self, url: str, message: SignedMessage, headers: dict[str, str]) -> RawResponse:
        """Send and read a whole answer, in time; raises ``UnusableAnswer``."""
        seconds = self._config.inquiry_timeout_seconds
        late = threading.Event()
        try:
            with (
                self._connections.to(url, seconds) as connection,
                _time_limit(connection, seconds, late),
            ):
                connection.connect()
                raw: Any = connection.sock
                connection.request(
                    "POST", target_of(url), message.sent_body, {**headers, "Connection": "close"}
                )
                response = connection.getresponse()
                # The response took the socket over: the time limit still has to find it.
                connection.sock = raw
                body = response.read(_MAX_ANSWER + 1)
                missing = response.length
                response.close()
        except Stopping:
            raise UnusableAnswer("the simulator is stopping") from None
        except (OSError, http.client.HTTPException) as error:
            if late.is_set() or isinstance(error, TimeoutError):
                raise UnusableAnswer(f"no answer within {seconds:g} s") from None
            raise UnusableAnswer(not_reached(error)) from None
        if late.is_set():
            raise UnusableAnswer(f"no answer within {seconds:g} s")
        flaw = "it breaks off" if missing else None
        return RawResponse(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=body,
            flaw="it is too long" if len(body) > _MAX_ANSWER else flaw,
        )


@contextmanager
def _time_limit(
    connection: http.client.HTTPConnection, seconds: float, late: threading.Event
) -> Iterator[None]:
    """Interrupt the connection after that time, and set ``late``."""

    def give_up() -> None:
        late.set()
        interrupt(connection)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
