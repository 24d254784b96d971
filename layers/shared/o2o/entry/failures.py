"""Errors of a route: counted, logged if a person should know, and answered as problems."""

from http import HTTPStatus

from o2o.adapters.aws import is_outage
from o2o.core.errors import Busy, DokuError, O2OError, UntrustedMessage
from o2o.entry import problems
from o2o.entry.answer import Answer
from o2o.entry.observability import count, log_failure
from o2o.entry.observe_doku import count_doku_error, log_rejected


def answer_error(error: O2OError) -> Answer:
    """The answer for an error that a use case means."""
    if isinstance(error, DokuError):
        count_doku_error(error)
    if isinstance(error, UntrustedMessage):
        count("NotificationRejected")
        if error.for_us:
            count("NotificationForUsRejected")
        log_rejected(error)
    answer = problems.of_error(error)
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, Busy):
        log_failure(error)
    return answer


def answer_failure(error: Exception) -> Answer:
    """The answer for any other error: an outage of AWS's, or a bug."""
    log_failure(error)
    if is_outage(error):
        return problems.of_error(Busy("a service of AWS did not answer"))
    return problems.respond(problems.INTERNAL)
