"""How long DOKU takes, what it answers, and what is not believed to be its word."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from aws_lambda_powertools.metrics import MetricUnit

from o2o.core.channels import Channel
from o2o.core.codes import DokuCode, PaymentCode
from o2o.core.errors import DokuError, Obstacle, UntrustedMessage
from o2o.core.notifications import OrderStatus
from o2o.entry.observability import count, logger
from o2o.usecases.ports import Doku, TimeLeft

_OBSTACLE_METRICS = {
    Obstacle.CHANNEL_INACTIVE: "DokuChannelInactive",
    Obstacle.PATH_UNKNOWN: "DokuPathUnknown",
    Obstacle.FIREWALL: "DokuFirewall",
    Obstacle.CREDENTIALS: "DokuCredentialsRejected",
    Obstacle.REFUSED: "DokuRefused",
    Obstacle.UNAVAILABLE: "DokuUnavailable",
    Obstacle.OUTCOME_UNKNOWN: "DokuUnavailable",
}


def count_doku_error(error: DokuError | None, channel: Channel | None = None) -> None:
    """Count what DOKU did not do for us, for which channel if that is known."""
    if error is None:
        return
    count(_OBSTACLE_METRICS[error.obstacle])
    logger.warning(
        "DOKU gave no answer to act on",
        error=type(error).__name__,
        obstacle=error.obstacle,
        channel=channel,
        doku_code=error.code,
        reason=str(error),
    )


def log_rejected(error: UntrustedMessage) -> None:
    """Log why a message is not believed to be DOKU's. With our Client-Id it probably is."""
    log = logger.error if error.for_us else logger.warning
    log("message rejected", reason=str(error), for_us=error.for_us)


class ObservedDoku(Doku):
    """A DOKU of which each call is timed, whatever comes of it."""

    def __init__(self, doku: Doku, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._doku = doku
        self._monotonic = monotonic

    def compose(
        self, code: PaymentCode, expires_in_minutes: int, report: Mapping[str, str] | None = None
    ) -> str:
        """See ``Doku``: it is not asked."""
        return self._doku.compose(code, expires_in_minutes, report)

    def generate(self, code: PaymentCode, time_left: TimeLeft) -> DokuCode:
        """Ask for a code."""
        with self._timed("generate", code.channel):
            return self._doku.generate(code, time_left)

    def check_status(self, order_number: str, time_left: TimeLeft) -> OrderStatus:
        """Ask about an order."""
        with self._timed("check_status"):
            return self._doku.check_status(order_number, time_left)

    @contextmanager
    def _timed(self, call: str, channel: Channel | None = None) -> Iterator[None]:
        began = self._monotonic()
        outcome = "failed"
        try:
            yield
            outcome = "answered"
        except DokuError as error:
            outcome = error.obstacle.value
            raise
        finally:
            duration_ms = round((self._monotonic() - began) * 1000)
            count("DokuDuration", duration_ms, MetricUnit.Milliseconds)
            logger.info(
                "DOKU asked", call=call, channel=channel, outcome=outcome, duration_ms=duration_ms
            )
