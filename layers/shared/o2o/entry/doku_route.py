"""The frame of the routes that DOKU calls: a message in, an answer out.

It needs no router and no models, which take longer to import than all the rest: a function that
starts anew keeps a cashier waiting.
"""

from collections.abc import Callable
from typing import Any

from o2o.core.errors import InvalidRequest, O2OError
from o2o.core.notifications import DokuMessage
from o2o.entry.answer import Answer
from o2o.entry.body import called_path, headers_of, raw_body
from o2o.entry.failures import answer_error, answer_failure
from o2o.entry.observability import Handler, instrument


def doku_route(handle: Callable[[DokuMessage], Answer]) -> Handler:
    """The Lambda handler of a route on which DOKU's messages come."""

    def answer(event: dict[str, Any], _: Any) -> dict[str, Any]:
        try:
            answered = handle(_message(event))
        except O2OError as error:
            answered = answer_error(error)
        except Exception as error:  # noqa: BLE001 - nothing may reach DOKU with its words
            answered = answer_failure(error)
        return answered.to_lambda()

    return instrument(answer)


def _message(event: dict[str, Any]) -> DokuMessage:
    """The request as a message of DOKU's."""
    try:
        body = raw_body(event)
    except InvalidRequest:
        body = b""  # which DOKU signed as little as what can't be read
    return DokuMessage(called_path(event), headers_of(event), body)
