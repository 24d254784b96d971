"""How AWS's services are known, and what they do when they do not do what they are asked."""

from pathlib import Path

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from o2o.core.errors import Busy

AMAZON_ROOTS = str(Path(__file__).with_name("amazon_roots.pem"))
"""The roots of all certificates of AWS's services; see tools/amazon_roots.py."""

_SERVER_ERROR = 500

THROTTLED = {
    "KMSThrottlingException",
    "LimitExceededException",
    "OverLimit",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
"""What services call it when they are asked too often."""


def is_outage(error: BaseException) -> bool:
    """Whether a service did not answer, or said that it can't just now: it will pass.

    What was asked of it may have been done all the same.
    """
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR or error_code(error) in THROTTLED
    return isinstance(error, UnreachableError | HTTPClientError | Busy)


def error_code(error: ClientError) -> str:
    """A service's own name for its error."""
    return str(error.response.get("Error", {}).get("Code", ""))
