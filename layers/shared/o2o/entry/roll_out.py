"""A roll-out asks a function whether its new version can do its work, before it gets calls.

CodeDeploy calls the function itself as the hook of its own roll-out, with the new code, settings
and role (decision 0065).
"""

import functools
from collections.abc import Callable
from typing import Any

from o2o.entry.observability import Handler, instrument, log_failure, logger

_ASKED_WITH = {"DeploymentId", "LifecycleEventHookExecutionId"}
_OTHERS = {"httpMethod", "requestContext", "Records"}
"""API Gateway and Lambda's queues put these into every event of theirs, whatever a caller sends."""

Report = Callable[[str, str, str], None]
"""Tells CodeDeploy, by its two ids, whether the check has ``Succeeded`` or ``Failed``."""


def is_roll_out(event: dict[str, Any]) -> bool:
    """Whether CodeDeploy asks: nobody outside can make an event look like it."""
    return event.keys() >= _ASKED_WITH and not event.keys() & _OTHERS


def answers_roll_outs(check: Callable[[], None], report: Report) -> Callable[[Handler], Handler]:
    """Let a handler answer its own roll-out, too. ``check`` raises whatever is in the way."""

    def decorate(handler: Handler) -> Handler:
        @instrument
        def answer(event: dict[str, Any], _: Any) -> None:
            status = "Succeeded"
            try:
                check()
            except Exception as error:  # noqa: BLE001 - whatever it is, the version gets no calls
                log_failure(error)
                status = "Failed"
            logger.info("roll-out checked", status=status)
            report(event["DeploymentId"], event["LifecycleEventHookExecutionId"], status)

        @functools.wraps(handler)
        def either(event: dict[str, Any], context: Any) -> Any:
            return answer(event, context) if is_roll_out(event) else handler(event, context)

        return either

    return decorate
