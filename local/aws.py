"""The account that the local stack pretends to be, and clients for it."""

from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT = "123456789012"


def function_arn(name: str) -> str:
    """The ARN of a function."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def client(service: Any, url: str, **options: Any) -> Any:
    """A client that talks to ``url`` with made-up credentials, whoever sits at this desk.

    One attempt and no pause: what is asked here is on the same machine.
    """
    session = boto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 (nobody checks it)
        region_name=REGION,
    )
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=60,
        max_pool_connections=50,
        proxies={},
        **options,
    )
    return session.client(service, endpoint_url=url, config=config)
