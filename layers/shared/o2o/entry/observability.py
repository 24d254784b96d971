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
from o2o.core.errors import InvalidConfiguration
from o2o.entry import snapshot

logger = Logger()
metrics = Metrics()

Handler = Callable[[dict[str, Any], Any], Any]

_DEEPEST_FRAMES = 6

_OURS = str(Path(__file__).parents[1])


class HandlerFailed(Exception):
    """A function failed. Its message says nothing, because Lambda prints it."""


def instrument(handler: Handler) -> Handler:
    """Give a Lambda handler its log context and flush its metrics, whatever happens.

    It is the last thing that a function's module does, or nearly so.
    """
    snapshot.settle()

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


def log_unprimed(client: str, error: BaseException) -> None:
    """Log that the first call of a client will take longer than it could."""
    logger.warning("not primed", extra={"client": client, "error": type(error).__qualname__})


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
