"""Turns ``template.yaml`` into plain resources: SAM's own translator, then moto's CloudFormation.

Nothing about the system is declared a second time for the local stack. Types that hold state
(queues, secrets, tables, buses) are created in moto. All others get a name and an ARN only, which
is all that references to them need, whether moto supports the type or not.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from moto.cloudformation.parsing import ResourceMap, clean_json
from moto.core.common_models import CloudFormationModel
from moto.secretsmanager.models import secretsmanager_backends
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from local.aws import ACCOUNT, REGION, function_arn
from local.errors import StackError

# The types that moto creates, and the property that holds the name. Names are the same at each
# start, so that the table survives a restart and queues are easy to find.
_STATEFUL = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::KMS::Key": None,
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::SecretsManager::Secret": "Name",
}
# The translator accepts folders of functions and layers only as if they were uploaded to S3.
_FOLDER_PROPERTIES = ("CodeUri", "ContentUri")
_NO_BUCKET = "folder"

Resources = dict[str, dict[str, Any]]
"""Per logical id: ``Type``, ``Properties`` and ``Ref``, all references resolved."""


class _NoManagedPolicies:
    """Keeps the translator from asking AWS for managed policies, which have no effect here."""

    def load(self) -> dict[str, str]:
        return {}


def translate(path: Path, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The CloudFormation template that SAM makes from the one at ``path``."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)  # the translator needs one
    source = yaml_parse(path.read_text(encoding="utf-8"))
    for resource in source["Resources"].values():
        for name in _FOLDER_PROPERTIES:
            folder = resource.get("Properties", {}).get(name)
            if isinstance(folder, str):
                resource["Properties"][name] = f"s3://{_NO_BUCKET}/{folder}"
    translated: dict[str, Any] = transform(source, dict(parameters), _NoManagedPolicies())
    return translated


class _Secret(CloudFormationModel):
    """Creates secrets, which moto's CloudFormation does not support.

    moto finds it among the subclasses of ``CloudFormationModel``.
    """

    def __init__(self, arn: str) -> None:
        self.physical_resource_id = arn

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::SecretsManager::Secret"

    @staticmethod
    def cloudformation_name_type() -> str:
        return "Name"

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Mapping[str, Any],
        account_id: str,
        region_name: str,
        **_: object,
    ) -> Self:
        properties = cloudformation_json["Properties"]
        value = properties.get("SecretString", "{}")
        if generate := properties.get("GenerateSecretString"):
            value = secrets.token_urlsafe(generate.get("PasswordLength", 32))
            if key := generate.get("GenerateStringKey"):
                value = json.dumps({**json.loads(generate["SecretStringTemplate"]), key: value})
        created = secretsmanager_backends[account_id][region_name].create_secret(
            name=resource_name,
            secret_string=value,
            secret_binary=None,
            description=None,
            tags=None,
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return cls(json.loads(created)["ARN"])

    def get_cfn_attribute(self, name: str) -> str:
        return f"{self.physical_resource_id}.{name}"


class _Name:
    """A resource that is not created: it has a name, and an ARN for any attribute that is one."""

    def __init__(self, logical_id: str, declared: Mapping[str, Any]) -> None:
        service, kind = declared["Type"].split("::")[1:3]
        self.arn = f"arn:aws:{service.lower()}:{REGION}:{ACCOUNT}:{kind.lower()}:{logical_id}"
        self.physical_resource_id = logical_id
        if declared["Type"] in {"AWS::Lambda::LayerVersion", "AWS::SNS::Topic"}:
            self.physical_resource_id = self.arn  # here Ref is the ARN

    def get_cfn_attribute(self, name: str) -> str:
        return self.arn if name.endswith("Arn") else f"{self.physical_resource_id}.{name}"


class _Alias(_Name):
    """A published version or alias: the ARN of its function and a qualifier."""

    def __init__(self, logical_id: str, declared: Mapping[str, Any], function: str) -> None:
        super().__init__(logical_id, declared)
        qualifier = declared["Properties"].get("Name", "1")
        self.arn = f"{function_arn(function)}:{qualifier}"
        self.physical_resource_id = self.arn


class _ResourceMap(ResourceMap):
    """moto's lazy map of resources, limited to those that hold state."""

    def __getitem__(self, key: str) -> Any:
        declared = self._resource_json_map.get(key)
        if declared is None:
            return super().__getitem__(key)
        if declared["Type"] in _STATEFUL:
            resource: Any = super().__getitem__(key)
            if not hasattr(resource, "physical_resource_id"):  # moto's event buses lack it
                resource.physical_resource_id = resource.name
            return resource
        if declared["Type"] in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}:
            function = clean_json(declared["Properties"]["FunctionName"], self)
            return _Alias(key, declared, function)
        return _Name(key, declared)

    def existing(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The declared resources whose condition is true, by logical id."""
        for logical_id, declared in self._resource_json_map.items():
            condition = declared.get("Condition")
            if condition is None or self.lazy_condition_map[condition]:
                yield logical_id, declared


def resolve(template: dict[str, Any], parameters: Mapping[str, str], name: str) -> Resources:
    """Create the resources that hold state in this process's moto, and resolve every reference.

    ``name`` is the stack's, and the prefix of resource names. Raises ``StackError`` if a parameter
    has no value or a resource can't be resolved; the message names it.
    """
    needed = {
        key
        for key, declared in template.get("Parameters", {}).items()
        if "Default" not in declared and key not in parameters
    }
    if needed:
        raise StackError(f"The template needs values for {', '.join(sorted(needed))}.")
    for logical_id, declared in template["Resources"].items():
        name_property = _STATEFUL.get(declared["Type"])
        if name_property:
            properties = declared.setdefault("Properties", {})
            physical = f"{name}-{logical_id}"
            bucket = declared["Type"] == "AWS::S3::Bucket"  # whose names have no capitals
            properties.setdefault(name_property, physical.lower() if bucket else physical)
    # Without outputs: moto rejects attributes that it does not support.
    template = {key: value for key, value in template.items() if key != "Outputs"}
    resources = _ResourceMap(
        f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/local",
        name,
        dict(parameters),
        {},
        REGION,
        ACCOUNT,
        template,
        None,
    )
    resources.load()
    resolved: Resources = {}
    for logical_id, declared in resources.existing():
        try:
            resolved[logical_id] = {
                "Type": declared["Type"],
                "Properties": clean_json(declared.get("Properties", {}), resources),
                "Ref": clean_json({"Ref": logical_id}, resources),
            }
        except Exception as error:
            raise StackError(f"{logical_id} in the template can't be resolved: {error}") from error
    return resolved
