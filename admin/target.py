"""Which stack a command speaks to: the local one, or one on AWS."""

import json
import os
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

from local.aws import client as local_client
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.adapters.system import SystemEntropy, system_clock
from o2o.adapters.usage_plan import UsagePlan
from o2o.usecases.limit_storefronts import LimitStorefronts
from o2o.usecases.manage_storefronts import ManageStorefronts

_PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


class UnreachableStack(Exception):
    """The stack can't be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A stack: ``stack`` names one on AWS, otherwise ``state_dir`` is the local one's."""

    stack: str | None
    region: str | None
    profile: str | None
    state_dir: Path

    def store(self) -> Store:
        """This stack's table. Raises UnreachableStack."""
        try:
            return self._on_aws(self.stack) if self.stack else self._local()
        except botocore.exceptions.ClientError as error:
            raise UnreachableStack(str(error)) from error
        except botocore.exceptions.BotoCoreError as error:
            raise UnreachableStack(f"AWS can't be used: {error}") from error

    def storefronts(self) -> ManageStorefronts:
        """The use cases on this stack's table. Raises UnreachableStack."""
        return ManageStorefronts(
            storefronts=DynamoStorefrontStore(self.store()),
            clock=system_clock,
            entropy=SystemEntropy(),
        )

    def limits(self) -> LimitStorefronts:
        """The use cases on this stack's table and usage plan. Raises UnreachableStack."""
        store = self.store()
        if self.stack:
            session = self.session()
            client: Any = session.client("apigateway", config=_PATIENCE)
            outputs = self.outputs(session)
        else:
            about = self.local_stack()
            client, outputs = local_client("apigateway", about["aws_url"]), about["outputs"]
        if "UsagePlanId" not in outputs:
            raise UnreachableStack("the stack has no output UsagePlanId: it is of an older version")
        plan = UsagePlan(client, outputs["UsagePlanId"], self.stack or "local")
        return LimitStorefronts(storefronts=DynamoStorefrontStore(store), limits=plan)

    def caller(self) -> str:
        """The ARN that AWS knows you by, or who you are on this machine."""
        if not self.stack:
            try:
                return f"local:{getuser()}"
            except OSError:  # a container's user may have no name
                return f"local:{os.getuid()}"
        client = self.session().client("sts", config=_PATIENCE)
        return str(client.get_caller_identity()["Arn"])

    def _on_aws(self, stack: str) -> Store:
        session = self.session()
        outputs = self.outputs(session)
        if "TableName" not in outputs:
            raise UnreachableStack(f"stack {stack} has no output TableName: is it O2O's?")
        return Store(session.client("dynamodb", config=_PATIENCE), outputs["TableName"])

    def session(self) -> boto3.session.Session:
        """With your credentials, in the region and profile that were named."""
        return boto3.session.Session(
            profile_name=self.profile or None, region_name=self.region or None
        )

    def outputs(self, session: boto3.session.Session) -> dict[str, str]:
        """What the stack on AWS puts out."""
        stacks = session.client("cloudformation", config=_PATIENCE).describe_stacks(
            StackName=self.stack or ""
        )["Stacks"]
        return {
            output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])
        }

    def local_stack(self) -> dict[str, Any]:
        """What the local stack wrote about itself and its functions. Raises UnreachableStack."""
        try:
            described = json.loads((self.state_dir / "stack.json").read_text("utf-8"))
            described["dynamodb_url"], described["outputs"]["TableName"]
            described["functions"] = json.loads(
                (self.state_dir / "functions.json").read_text("utf-8")
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnreachableStack(
                f"no local stack runs in {self.state_dir}: start one with `make run`,"
                " or name one on AWS with --stack"
            ) from error
        return dict(described)

    def _local(self) -> Store:
        about = self.local_stack()
        return Store(local_client("dynamodb", about["dynamodb_url"]), about["outputs"]["TableName"])
