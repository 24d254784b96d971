"""The AWS account and region of the local stack, and clients for its stand-ins of AWS."""

from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"


def function_arn(name: str) -> str:
    """The ARN of the function with this name, without a qualifier."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def client(service: Any, url: str, **options: Any) -> Any:
    """A boto3 client for ``url`` with fixed credentials, never those of the developer.

    It makes one attempt, patiently: the server is on the same machine. ``options`` are more of
    botocore's Config, or other values.
    """
    session = boto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 (no server checks it)
        region_name=REGION,
    )
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=60,
        max_pool_connections=50,
        proxies={},
    )
    return session.client(service, endpoint_url=url, config=config.merge(Config(**options)))
