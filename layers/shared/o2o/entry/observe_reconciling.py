"""Logs and metrics of what DOKU said when it was asked."""

from o2o.entry.observability import count, logger
from o2o.entry.observe_doku import count_doku_error
from o2o.entry.observe_payments import count_payment
from o2o.usecases.reconcile import Finding, Reconciled

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
