"""Protect a stack from being deleted, and its table, archive and secrets from being replaced.

    .venv/bin/python -m tools.protect prod [--lift]

The stage's section of samconfig.toml names stack and region. `make deploy STAGE=prod` does this
each time. --lift takes the policy away, for a restore that has to take the table out of the stack.
"""

import argparse
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import botocore.exceptions

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

ROOT = Path(__file__).parent.parent
POLICY = Path(__file__).with_name("stack-policy.json")
_NO_POLICY = (
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}]}'
)


def protect(client: "CloudFormationClient", stack: str, *, lift: bool) -> str:
    """Protect the stack, or lift its policy; a sentence about it. Raises what the client raises."""
    body = _NO_POLICY if lift else POLICY.read_text("utf-8")
    client.set_stack_policy(StackName=stack, StackPolicyBody=body)
    if lift:
        return (
            f"{stack}: an update may replace table, archive and secrets until the next deployment."
        )
    client.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
    return f"{stack} can't be deleted, and its table, archive and secrets can't be replaced."


def main() -> None:
    """Protect the stack of a stage."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("stage", choices=("dev", "staging", "prod"))
    parser.add_argument("--lift", action="store_true", help="let an update replace them")
    options = parser.parse_args()
    samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    deployed = samconfig[options.stage]["deploy"]["parameters"]
    try:
        client = boto3.client("cloudformation", region_name=deployed["region"])
        print(protect(client, deployed["stack_name"], lift=options.lift))
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        sys.exit(f"protect: {error}")


if __name__ == "__main__":
    main()
