"""Checks who sends a request, and signs the answers (DOKU protocol, sections 1 and 2)."""

from simulator import signature
from simulator.clock import read_utc_text, utc_text
from simulator.config import SimulatorConfig
from simulator.protocol.error_answers import DokuError, error_object, invalid_header
from simulator.wire import Answer, Request

MAX_REQUEST_ID = 128
MAX_SKEW_SECONDS = 3600


class Authenticator:
    """Checks requests and signs answers with the account's key."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config

    def check_client(self, request: Request) -> None:
        """Check headers, timestamp and Client-Id; raises ``DokuError``.

        DOKU checks these before it can sign an answer.
        """
        for name in signature.HEADERS:
            if not request.headers.get(name.lower(), "").strip():
                raise DokuError(invalid_header(f"Header {name} is required"))
        request_id = request.headers["request-id"]
        if len(request_id) > MAX_REQUEST_ID or not (
            request_id.isascii() and request_id.isprintable()
        ):
            raise DokuError(invalid_header("Header Request-Id is invalid"))
        self._check_timestamp(request.headers["request-timestamp"])
        if request.headers["client-id"] != self._config.client_id:
            raise DokuError(
                error_object(
                    self._config.credentials_error_status,
                    "invalid_client_id",
                    "Header Client-Id is invalid",
                )
            )

    def check_signature(self, request: Request) -> None:
        """Check the signature over the bytes as received; raises ``DokuError``."""
        text = signature.component(
            client_id=self._config.client_id,
            request_id=request.headers["request-id"],
            timestamp=request.headers["request-timestamp"],
            target=request.target,
            body=request.body if request.method == "POST" else None,
        )
        if not signature.matches(self._config.secret_key, text, request.headers["signature"]):
            raise DokuError(
                error_object(
                    self._config.credentials_error_status,
                    "invalid_signature",
                    "Header Signature is invalid",
                )
            )

    def sign(self, request: Request, answer: Answer, *, secret_key: str | None = None) -> Answer:
        """Return the answer with DOKU's headers, signed with the account's key or another."""
        request_id = request.headers["request-id"]
        timestamp = utc_text(self._config.machine_now())
        text = signature.component(
            client_id=self._config.client_id,
            request_id=request_id,
            timestamp_name="Response-Timestamp",
            timestamp=timestamp,
            target=request.target,
            body=answer.body,
        )
        return answer.with_headers(
            {
                "Client-Id": self._config.client_id,
                "Request-Id": request_id,
                "Response-Timestamp": timestamp,
                "Signature": signature.sign(secret_key or self._config.secret_key, text),
            }
        )

    def _check_timestamp(self, text: str) -> None:
        sent_at = read_utc_text(text)
        if sent_at is None:
            raise DokuError(invalid_header("Header Request-Timestamp is invalid"))
        if abs((self._config.machine_now() - sent_at).total_seconds()) > MAX_SKEW_SECONDS:
            raise DokuError(
                error_object(400, "request_time_out_of_range", "Request-Timestamp is out of range")
            )
