"""DOKU's API over HTTP."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from http import HTTPStatus
from urllib.parse import quote

import requests
import urllib3

from o2o.adapters.doku import messages, signature
from o2o.adapters.doku.credentials import CredentialsSource, DokuCredentials
from o2o.adapters.doku.messages import STATUS_PATH, Complaint
from o2o.adapters.doku.transport import USER_AGENT, BareSession, NotConnected
from o2o.core.channels import Channel, Feature
from o2o.core.codes import DokuCode, PaymentCode
from o2o.core.errors import (
    DokuBlocked,
    DokuError,
    DokuOutcomeUnknown,
    DokuRefused,
    DokuUnavailable,
    InvalidConfiguration,
    Obstacle,
    UnreadableMessage,
)
from o2o.core.notifications import DokuMessage, OrderState, OrderStatus
from o2o.core.payments import Evidence
from o2o.usecases.ports import Doku, Entropy, MachineClock, TimeLeft

_BASE_URL = re.compile(r"https?://[^/?#\s]+", re.ASCII)
_LONGEST_MESSAGE = 200
_KEEP_IDLE_FOR = timedelta(seconds=20)
"""A connection that was idle for longer may be dead without our knowing: a Lambda function
is frozen between two invocations, and does not notice."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long a call may take, in seconds.

    ``total`` is for one call, and ``connect`` for a connection to one address; ``reserve``
    is what the invocation keeps for its own write afterwards; a call for which ``least``
    is not left is not begun.
    """

    total: float = 8.0
    connect: float = 2.0
    reserve: float = 2.0
    least: float = 1.0


DEFAULT_LIMITS = TimeLimits()


class _Trust(Enum):
    SIGNED = auto()
    UNSIGNED = auto()
    FORGED = auto()


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    request_id: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    trust: _Trust
    body: str = field(repr=False)
    raw: bytes = field(repr=False)
    """The body as it travelled."""
    headers: dict[str, str] = field(repr=False)
    complaint: Complaint | None

    sent_before: bool = False
    """Whether the same request went out before, so that DOKU may have done what it asks for."""

    @property
    def is_success(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def rejects_credentials(self) -> bool:
        """Whether DOKU does not know us by these credentials.

        Such an answer counts if its signature does not hold: if our key is wrong, DOKU's own
        can't hold for us either. Without a signature it must be in one of DOKU's shapes.
        """
        if self.status in _TURNED_AWAY:
            return self.complaint is not None or self.trust is not _Trust.UNSIGNED
        return (
            HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR
            and self.complaint is not None
            and self.complaint.names(*_BEFORE_THE_BODY)
        )

    @property
    def knows_no_path(self) -> bool:
        """Whether the path leads nowhere: not at DOKU, or not even to it."""
        if self.complaint is None:
            return self.status in _NOT_ROUTED and self.trust is _Trust.UNSIGNED
        return self.complaint.says("no static resource") or (
            self.status == HTTPStatus.METHOD_NOT_ALLOWED
        )

    @property
    def knows_no_order(self) -> bool:
        """Whether DOKU itself says that it has no such order: any router can say 404."""
        return (
            self.status == HTTPStatus.NOT_FOUND
            and self.trust is _Trust.SIGNED
            and not self.knows_no_path
        )


_TURNED_AWAY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_NOT_ROUTED = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
"""With these DOKU refuses what an order says (DOKU protocol, section 8)."""

_BEFORE_THE_BODY = ("invalid_header_request", "invalid_client_id", "invalid_signature")
"""What DOKU checks before it looks at an order: it concerns every order alike."""

_OUR_CLOCK = "request_time_out_of_range"
"""Checked before the order, too; a fresh timestamp may mend it."""


class DokuClient(Doku):
    """``Doku`` over HTTP. ``paths`` has the path for a new code, by channel and feature.

    Raises InvalidConfiguration for a base URL with a path, and for a path that would not
    be sent as it stands, so that its signature could never hold.

    One attempt a call: repetition is the timetable's. The exception is a rejected
    credential, which is read anew and tried once more if it has changed.
    """

    def __init__(
        self,
        *,
        base_url: str,
        paths: Mapping[tuple[Channel, Feature], str],
        credentials: CredentialsSource,
        clock: MachineClock,
        entropy: Entropy,
        limits: TimeLimits = DEFAULT_LIMITS,
        notification_url: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._paths = dict(paths)
        self._check_addresses()
        self._credentials = credentials
        self._clock = clock
        self._entropy = entropy
        self._limits = limits
        self._notification_url = notification_url
        self._monotonic = monotonic
        self._session = BareSession()
        self._last_used: datetime | None = None

    def _check_addresses(self) -> None:
        if not _BASE_URL.fullmatch(self._base_url):
            raise InvalidConfiguration("DOKU's base URL must be a scheme and a host, without path")
        for path in ("/", *self._paths.values()):
            try:
                sent = requests.Request("GET", self._base_url + path).prepare().path_url
            except requests.RequestException as error:
                raise InvalidConfiguration("DOKU's base URL has no valid host") from error
            if sent != path:
                raise InvalidConfiguration(f"DOKU's path {path!r} would be sent as {sent!r}")

    def compose(
        self, code: PaymentCode, expires_in_minutes: int, report: Mapping[str, str] | None = None
    ) -> str:
        return messages.compose(code, expires_in_minutes, self._notification_url, report)

    def generate(self, code: PaymentCode, time_left: TimeLeft) -> DokuCode:
        path = self._paths.get((code.channel, code.feature))
        if path is None or code.intent is None:
            raise DokuUnavailable(f"no path is configured for {code.channel} {code.feature}")
        request = _Request("POST", path, code.intent.request_id, code.intent.body.encode())
        answer = self._call(request, time_left)
        sent = messages.parse_sent(code.intent.body)
        # A repeated request is answered with 409 and the first answer's body (section 8).
        if answer.is_success or (
            answer.status == HTTPStatus.CONFLICT and messages.holds_code(answer.body)
        ):
            _require_signature(answer)
            try:
                made = messages.parse_code(answer.body, sent.invoice_number)
            except UnreadableMessage as error:
                raise DokuOutcomeUnknown(f"DOKU's answer: {error}") from error
            if code.merchant_made and made.payment_code != code.payment_code:
                raise DokuOutcomeUnknown("DOKU's answer has other digits than were registered")
            return made
        raise _error(answer, sent.personal)

    def check_status(self, order_number: str, time_left: TimeLeft) -> OrderStatus:
        path = STATUS_PATH + quote(order_number, safe="")
        answer = self._call(_Request("GET", path, self._entropy.request_id()), time_left)
        if answer.is_success:
            _require_signature(answer)
            evidence = Evidence(answer.body, answer.headers)
            try:
                status = messages.parse_order_status(evidence, order_number)
            except UnreadableMessage as error:
                raise DokuOutcomeUnknown(f"DOKU's answer: {error}") from error
            if not (status.payment or status.unreadable):
                return status
            return replace(status, message=DokuMessage(path, answer.headers, answer.raw))
        if answer.knows_no_order:
            return OrderStatus(OrderState.UNKNOWN)
        raise _error(answer, None)

    def _call(self, request: _Request, time_left: TimeLeft) -> _Answer:
        deadline = self._monotonic() + min(self._limits.total, time_left() - self._limits.reserve)
        credentials = self._read_credentials(refresh=False)
        answer = self._exchange(request, credentials, deadline)
        if answer.rejects_credentials:
            renewed = self._read_credentials(refresh=True)
            if renewed != credentials:
                answer = replace(self._exchange(request, renewed, deadline), sent_before=True)
        return answer

    def _read_credentials(self, *, refresh: bool) -> DokuCredentials:
        try:
            return self._credentials(refresh=refresh)
        except InvalidConfiguration as error:
            raise DokuBlocked(f"DOKU's credentials: {error}", Obstacle.CREDENTIALS) from error
        except Exception as error:
            # Whatever keeps us from them, nothing was sent.
            raise DokuUnavailable("DOKU's credentials can't be read") from error

    def _exchange(
        self, request: _Request, credentials: DokuCredentials, deadline: float
    ) -> _Answer:
        prepared = self._prepare(request, credentials)
        self._drop_stale_connections()
        left = deadline - self._monotonic()
        if left < self._limits.least:
            raise DokuUnavailable("no time is left to ask DOKU")
        timeout = urllib3.Timeout(total=left, connect=min(self._limits.connect, left), read=left)
        try:
            with self._session.send(
                prepared,
                stream=True,
                allow_redirects=False,
                timeout=timeout,  # type: ignore[arg-type]  # requests takes urllib3's, too
            ) as response:
                # Undecoded: the signature is over what travelled, and a bomb stays small.
                body = response.raw.read(messages.MAX_BODY_BYTES + 1, decode_content=False)
        except NotConnected as error:
            raise DokuUnavailable("DOKU can't be reached") from error
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
        ) as error:
            raise DokuOutcomeUnknown(
                f"no whole answer came from DOKU: {type(error).__name__}"
            ) from error
        if len(body) > messages.MAX_BODY_BYTES:
            raise DokuOutcomeUnknown("DOKU's answer is too large")
        return _read_answer(request, credentials, response, body)

    def _prepare(self, request: _Request, credentials: DokuCredentials) -> requests.PreparedRequest:
        prepared = requests.Request(
            request.method, self._base_url + request.path, data=request.body
        ).prepare()
        if (prepared.path_url, prepared.body) != (request.path, request.body):
            raise DokuRefused("the request can't be sent as it is signed")
        timestamp = self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        text = signature.component(
            client_id=credentials.client_id,
            request_id=request.request_id,
            timestamp=timestamp,
            target=request.path,
            body=request.body,
        )
        prepared.headers.update(
            {
                "Accept": "application/json",
                "User-Agent": USER_AGENT,
                signature.CLIENT_ID: credentials.client_id,
                signature.REQUEST_ID: request.request_id,
                signature.REQUEST_TIMESTAMP: timestamp,
                signature.SIGNATURE: signature.sign(credentials.secret_key, text),
            }
        )
        if request.body is not None:
            prepared.headers["Content-Type"] = "application/json"
        return prepared

    def _drop_stale_connections(self) -> None:
        now = self._clock()
        if self._last_used and now - self._last_used > _KEEP_IDLE_FOR:
            self._session.close()
        self._last_used = now


def _read_answer(
    request: _Request,
    credentials: DokuCredentials,
    response: requests.Response,
    body: bytes,
) -> _Answer:
    """What came back. It is signed only if it answers this very request."""
    signed = response.headers.get(signature.SIGNATURE)
    timestamp = response.headers.get(signature.RESPONSE_TIMESTAMP, "")
    text = signature.component(
        client_id=credentials.client_id,
        request_id=request.request_id,
        timestamp=timestamp,
        target=request.path,
        body=body,
        timestamp_name=signature.RESPONSE_TIMESTAMP,
    )
    keys = (credentials.secret_key, credentials.previous_secret_key)
    if signed is None:
        trust = _Trust.UNSIGNED
    else:
        trust = _Trust.SIGNED if signature.verify(signed, text, keys) else _Trust.FORGED
    headers = {
        signature.CLIENT_ID: credentials.client_id,
        signature.REQUEST_ID: request.request_id,
        signature.RESPONSE_TIMESTAMP: timestamp,
        signature.SIGNATURE: signed or "",
    }
    content = messages.to_text(body)
    complaint = messages.parse_complaint(content)
    return _Answer(response.status_code, trust, content, body, headers, complaint)


def _require_signature(answer: _Answer) -> None:
    if answer.trust is not _Trust.SIGNED:
        raise DokuOutcomeUnknown(f"HTTP {answer.status}: DOKU's signature does not hold")


def _error(answer: _Answer, personal: tuple[str, ...] | None) -> DokuError:
    """The error that an answer is (DOKU protocol, section 8; decision 0040).

    ``personal`` may not appear in the message; None leaves the message out.
    """
    complaint = answer.complaint or Complaint()
    if answer.trust is _Trust.FORGED and not answer.rejects_credentials:
        return DokuOutcomeUnknown(f"HTTP {answer.status}: DOKU's signature does not hold")
    code = _quotable(complaint.code, personal or ()) or None
    parts = [f"HTTP {answer.status}", code, _quotable(complaint.message, personal)]
    message = ": ".join(part for part in parts if part)
    if (obstacle := _obstacle(answer)) is not None:
        return DokuBlocked(message, obstacle, code=code)
    return _kind(answer, complaint)(message, code=code)


def _obstacle(answer: _Answer) -> Obstacle | None:
    """What stands in the way of every order, if that is what the answer says."""
    if answer.rejects_credentials:
        return Obstacle.CREDENTIALS
    if answer.status in _TURNED_AWAY:
        return Obstacle.FIREWALL
    if answer.knows_no_path:
        return Obstacle.PATH_UNKNOWN
    if answer.complaint is not None and answer.complaint.says("channel is inactive"):
        return Obstacle.CHANNEL_INACTIVE
    return None


def _kind(answer: _Answer, complaint: Complaint) -> type[DokuError]:
    """What an answer says about this order.

    A refusal must be in one of DOKU's shapes; it need not be signed. After a 5xx the request
    may have been accepted, and so it may after ``idempotent_request``: ours is the same each
    time, so DOKU has met it before and does not say what came of it.
    """
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or complaint.names(_OUR_CLOCK):
        return DokuUnavailable
    refuses = answer.status in _REFUSALS and answer.complaint is not None
    if not refuses or answer.sent_before or complaint.names("idempotent_request"):
        return DokuOutcomeUnknown
    return DokuRefused


def _quotable(message: str | None, personal: tuple[str, ...] | None) -> str | None:
    if message is None or personal is None:
        return None
    words = _printable(message)
    if any(_printable(text).casefold() in words.casefold() for text in personal):
        return None
    return words[:_LONGEST_MESSAGE]


def _printable(text: str) -> str:
    kept = (character if character.isprintable() else " " for character in text)
    return " ".join("".join(kept).split())
