"""Logs and metrics: structured, correlated, and never with anything personal in them."""

import functools
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import ClientError

from o2o.adapters.aws import error_code, is_outage
from o2o.core.channels import Channel
from o2o.core.codes import PaymentKind, Source
from o2o.core.errors import DokuError, InvalidConfiguration, Obstacle, UntrustedMessage
from o2o.core.inquiries import InquiryStatus
from o2o.core.payments import Payment
from o2o.usecases.answer_inquiry import Answered
from o2o.usecases.reconcile import Finding, Reconciled
from o2o.usecases.record_message import NotificationOutcome, ReceivedNotification

logger = Logger()
metrics = Metrics()

Handler = Callable[[dict[str, Any], Any], Any]

_DEEPEST_FRAMES = 6

_OURS = str(Path(__file__).parents[1])

_PAYMENT_METRICS = {
    PaymentKind.PAID: "PaymentOnTime",
    PaymentKind.PAID_LATE: "PaymentLate",
    PaymentKind.PAID_AGAIN: "PaymentAgain",
    PaymentKind.AMOUNT_MISMATCH: "PaymentAmountMismatch",
    PaymentKind.DIGITS_MISMATCH: "PaymentDigitsMismatch",
}

_SOURCE_METRICS = {
    Source.NOTIFICATION: "PaymentNotified",
    Source.STATUS_CHECK: "PaymentFoundByStatusCheck",
}

_NOTIFICATION_METRICS = {
    NotificationOutcome.REFUNDED: "PaymentRefunded",
    NotificationOutcome.UNMATCHED: "NotificationUnmatched",
    NotificationOutcome.UNREADABLE: "NotificationUnreadable",
    NotificationOutcome.NOT_SUCCESS: "NotificationNotSuccess",
}
"""Of the others, the payment is counted."""

_NOT_NEWS = {
    NotificationOutcome.COMPLETED: "NotificationCompleted",
    NotificationOutcome.KNOWN: "NotificationKnown",
}

_INQUIRY_METRICS = {
    InquiryStatus.SUCCESS: "InquirySuccess",
    InquiryStatus.NOT_FOUND: "InquiryBillingNotFound",
    InquiryStatus.ALREADY_PAID: "InquiryBillingAlreadyPaid",
    InquiryStatus.WAS_EXPIRED: "InquiryBillingWasExpired",
    InquiryStatus.DECLINE: "InquiryDecline",
    InquiryStatus.INVALID_SIGNATURE: "InquiryInvalidSignature",
}

_RECONCILED_METRICS = {
    Finding.ACTIVATED: "ReconciledActivated",
    Finding.REFUSED: "ReconciledRefused",
    Finding.SETTLED: "ReconciledSettled",
    Finding.EXPIRED: "ReconciledExpired",
    Finding.FAILED: "ReconciledFailed",
    Finding.DOKU_SILENT: "ReconciledDokuSilent",
    Finding.UNREADABLE: "ReconciledUnreadable",
    Finding.REFUNDED: "PaymentRefunded",
    Finding.OLDER_ORDER: "NotificationUnmatched",
    Finding.UNMATCHED: "ReconciledUnmatched",
    Finding.FORGOTTEN: "ReconciledForgotten",
}
"""Of the others there is nothing to say."""

_NOT_ASKED = (Finding.NOTHING_DUE, Finding.UNMATCHED, Finding.FORGOTTEN)

_OBSTACLE_METRICS = {
    Obstacle.CHANNEL_INACTIVE: "DokuChannelInactive",
    Obstacle.PATH_UNKNOWN: "DokuPathUnknown",
    Obstacle.FIREWALL: "DokuFirewall",
    Obstacle.CREDENTIALS: "DokuCredentialsRejected",
    Obstacle.REFUSED: "DokuRefused",
    Obstacle.UNAVAILABLE: "DokuUnavailable",
    Obstacle.OUTCOME_UNKNOWN: "DokuUnavailable",
}


class HandlerFailed(Exception):
    """A function failed. Its message says nothing, because Lambda prints it."""


def instrument(handler: Handler) -> Handler:
    """Give a Lambda handler its log context and flush its metrics, whatever happens."""

    @functools.wraps(handler)
    def flushing(event: dict[str, Any], context: Any) -> Any:
        try:
            return handler(event, context)
        except Exception as error:  # noqa: BLE001 - nothing may reach Lambda with its words
            log_failure(error)
            # Lambda prints what is raised, so it may say nothing.
            raise HandlerFailed("the log of this request says where") from None
        finally:
            if metrics.metric_set:
                metrics.flush_metrics()

    return logger.inject_lambda_context(
        flushing, correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True
    )


def count(metric: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add to a metric of this invocation."""
    metrics.add_metric(name=metric, unit=unit, value=value)


def log_rejected(error: UntrustedMessage) -> None:
    """Log why a message is not believed to be DOKU's. With our Client-Id it probably is."""
    log = logger.error if error.for_us else logger.warning
    log("message rejected", reason=str(error), for_us=error.for_us)


def count_payment(payment: Payment | None) -> None:
    """Count a payment that was recorded just now, and log what the person on call looks for."""
    if payment is None:
        return
    count(_PAYMENT_METRICS[payment.kind])
    count(_SOURCE_METRICS[payment.report.source])
    if payment.doubts:
        count("PaymentUncertain")
    log = logger.info if payment.kind.matches and not payment.doubts else logger.error
    log(
        "payment recorded",
        invoice_number=payment.report.invoice_number,
        kind=payment.kind,
        doubts=payment.doubts,
        source=payment.report.source,
    )


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


def count_received(received: ReceivedNotification) -> None:
    """Count and log what became of a notification."""
    count_payment(received.payment)
    if received.outcome in _NOT_NEWS:
        count(_NOT_NEWS[received.outcome])
    metric = _NOTIFICATION_METRICS.get(received.outcome)
    if metric is None:
        return
    count(metric)
    logger.error(
        "notification kept", invoice_number=received.invoice_number, outcome=received.outcome
    )


def count_answered(answered: Answered) -> None:
    """Count and log the answer to an inquiry."""
    count(_INQUIRY_METRICS[answered.status])
    if answered.untrusted is not None:
        if answered.untrusted.for_us:
            count("InquiryForUsRejected")
        log_rejected(answered.untrusted)
    logger.info("inquiry answered", status=answered.status, invoice_number=answered.order_number)


def count_reconciled(reconciled: Reconciled) -> None:
    """Count and log what a reconciliation found."""
    count_payment(reconciled.payment)
    code = reconciled.code
    count_doku_error(reconciled.doku_error, code.channel if code else None)
    if reconciled.finding not in _NOT_ASKED and reconciled.doku_error is None:
        count("DokuAnswered")
    invoice_number = code and code.order_number
    if reconciled.unconfirmed:
        count("CodeUnconfirmed")
        logger.error("code unconfirmed", invoice_number=invoice_number)
    metric = _RECONCILED_METRICS.get(reconciled.finding)
    if metric is None:
        return
    count(metric)
    log = logger.error if reconciled.finding is Finding.UNREADABLE else logger.info
    log("reconciled", finding=reconciled.finding, invoice_number=invoice_number)


def log_failure(error: BaseException) -> None:
    """Log what failed and where, not what it says, which may hold personal data.

    An outage of AWS's passes by itself. Everything else is a bug or a wrong setting, and takes a
    roll-out back (decision 0018).
    """
    told = {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "where": [f"{each.filename}:{each.lineno} {each.name}" for each in _frames(error)],
        **_particulars(error),
    }
    if is_outage(error):
        count("AwsUnavailable")
        logger.warning("AWS gave no answer", extra=told)
    else:
        count("UnexpectedError")
        _count_for_roll_out("UnexpectedError")
        logger.error("unexpected error", extra=told)


def _count_for_roll_out(metric: str) -> None:
    """Count for this function and build alone, so that a roll-out hears of its own faults only."""
    function, build = os.environ.get("AWS_LAMBDA_FUNCTION_NAME"), os.environ.get("BUILD_HASH")
    if function and build:
        with single_metric(name=metric, unit=MetricUnit.Count, value=1) as own:
            own.add_dimension(name="function", value=function)
            own.add_dimension(name="build", value=build)


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The deepest frames of ours, and below them the one that raised."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames[:-1] if each.filename.startswith(_OURS)]
    return [*ours[-_DEEPEST_FRAMES:], *frames[-1:]]


def _particulars(error: BaseException) -> dict[str, str]:
    """What is known to hold nothing personal and nothing secret."""
    if isinstance(error, InvalidConfiguration):
        return {"reason": str(error)}
    if isinstance(error, ClientError):
        return {"operation": error.operation_name, "aws_code": error_code(error)}
    return {}
