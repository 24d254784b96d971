"""How long DOKU takes, and what it answers: for each call of it a log line and a metric."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aws_lambda_powertools.metrics import MetricUnit

from o2o.core.channels import Channel
from o2o.core.codes import DokuCode, PaymentCode
from o2o.core.errors import DokuError
from o2o.core.notifications import OrderStatus
from o2o.entry.observability import count, logger
from o2o.usecases.ports import Doku, TimeLeft


class ObservedDoku(Doku):
    """A DOKU of which each call is timed, whatever comes of it."""

    def __init__(self, doku: Doku, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._doku = doku
        self._monotonic = monotonic

    def compose(self, code: PaymentCode, expires_in_minutes: int) -> str:
        """See ``Doku``: it is not asked."""
        return self._doku.compose(code, expires_in_minutes)

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
