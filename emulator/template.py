"""The template that is deployed, as far as the emulator can take it.

What it can't take is changed by the resource's type, never by its name, and noted as a difference.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulator.differences import Seen

_GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"
_NUMBERS = {"MaximumConcurrency"}
"""Properties that are numbers on AWS, even if a parameter gives them as text."""
_BATCHES = {
    "sqs:DeleteMessage": "sqs:DeleteMessageBatch",
    "sqs:SendMessage": "sqs:SendMessageBatch",
}
"""Actions that allow a batch on AWS, too, and what the emulator takes for an action."""
_UNKNOWN_TYPES = {"AWS::Logs::QueryDefinition"}
_UNKNOWN_KEYS = {"dynamodb:LeadingKeys", "events:source"}
"""Keys of conditions that the emulator never gives a value."""
_ANY_METRIC: dict[str, Any] = {
    "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Errors"},
    "Period": 60,
}

Template = dict[str, Any]
Resources = dict[str, dict[str, Any]]


def adapt(translated: Mapping[str, Any], parameters: Mapping[str, str], seen: Seen) -> Template:
    """A translated template in the form that the emulator deploys."""
    template: Template = copy.deepcopy(dict(translated))
    if template.pop("Rules", None):
        seen.note("rules", "Rules")
    _replace_resources(template["Resources"], seen)
    _speak_plain_http(template["Resources"], seen)
    _replace_values(template, parameters, seen)
    return template


def _replace_resources(resources: Resources, seen: Seen) -> None:
    for name, resource in list(resources.items()):
        kind, properties = resource["Type"], resource.setdefault("Properties", {})
        if kind.startswith("AWS::CodeDeploy::") or _is_assumed_by(resource, "codedeploy"):
            del resources[name]
            seen.note("deployments", name)
        elif kind in _UNKNOWN_TYPES:
            del resources[name]
            seen.note("unknown-types", f"{name}, {kind}")
        elif _forget_code_deploy(resource):
            seen.note("deployments", name)
        elif kind == "AWS::CloudWatch::Alarm" and "Metrics" in properties:
            _watch_one_metric(properties)
            seen.note("alarms-on-expressions", name)
        elif kind == "AWS::ApiGateway::RestApi":
            if responses := properties["Body"].pop(_GATEWAY_RESPONSES, None):
                _declare_gateway_responses(name, responses, resources)
                seen.note("gateway-responses", name)
            if properties.get("ApiKeySourceType") == "AUTHORIZER":
                _ask_for_no_keys(properties["Body"])
                seen.note("keys-of-the-authorizer", name)


def _replace_values(template: Template, parameters: Mapping[str, str], seen: Seen) -> None:
    resources = template["Resources"]
    secrets = {
        name for name, each in resources.items() if each["Type"] == "AWS::SecretsManager::Secret"
    }
    for place, holder, key in [*_places(resources), *_places(template.get("Outputs", {}))]:
        value = holder[key]
        reference = value.get("Ref") if isinstance(value, dict) else None
        if key == "Action" and (batches := _BATCHES.keys() & set(_listed(value))):
            holder[key] = [*_listed(value), *sorted(_BATCHES[each] for each in batches)]
            seen.note("batches-of-messages", place)
        elif key == "Condition" and isinstance(value, dict) and _known(value) != value:
            holder[key] = _known(value)
            seen.note("condition-keys", place)
        elif reference in secrets:
            holder[key] = {"Fn::GetAtt": [reference, "Id"]}
            seen.note("references-to-secrets", place)
        elif key in _NUMBERS and reference is not None:
            default = template["Parameters"][reference].get("Default", "")
            holder[key] = int(parameters.get(reference, default))
            seen.note("numbers-through-references", place)


def _forget_code_deploy(resource: dict[str, Any]) -> bool:
    """Leave out what shifts an alias and the rights to answer CodeDeploy; whether there was any."""
    if resource["Type"] == "AWS::Lambda::Alias":
        return resource.pop("UpdatePolicy", None) is not None
    if resource["Type"] != "AWS::IAM::Role":
        return False
    found = False
    for policy in resource["Properties"].get("Policies", ()):
        document = policy["PolicyDocument"]
        kept = [each for each in document["Statement"] if "codedeploy:" not in str(each["Action"])]
        found |= len(kept) < len(document["Statement"])
        document["Statement"] = kept
    return found


def _speak_plain_http(resources: Resources, seen: Seen) -> None:
    """Leave out of buckets' policies what refuses requests without TLS."""
    for name, resource in list(resources.items()):
        if resource["Type"] != "AWS::S3::BucketPolicy":
            continue
        document = resource["Properties"]["PolicyDocument"]
        kept = [each for each in document["Statement"] if "aws:SecureTransport" not in str(each)]
        if len(kept) < len(document["Statement"]):
            seen.note("plain-http", name)
            document["Statement"] = kept
            if not kept:
                del resources[name]


def _is_assumed_by(resource: Mapping[str, Any], service: str) -> bool:
    trust = resource["Properties"].get("AssumeRolePolicyDocument")
    return resource["Type"] == "AWS::IAM::Role" and f"{service}." in json.dumps(trust)


def _watch_one_metric(properties: dict[str, Any]) -> None:
    """The alarm is there, and watches the first metric of those that it computes with."""
    metrics = properties.pop("Metrics")
    first = next((each["MetricStat"] for each in metrics if "MetricStat" in each), _ANY_METRIC)
    statistic = first.get("Stat", "Sum")
    properties |= {
        "Namespace": first["Metric"]["Namespace"],
        "MetricName": first["Metric"]["MetricName"],
        "Dimensions": first["Metric"].get("Dimensions", []),
        "Period": first["Period"],
        "ExtendedStatistic" if statistic.startswith("p") else "Statistic": statistic,
    }


def _ask_for_no_keys(body: Mapping[str, Any]) -> None:
    """No operation needs an API key: SAM's name for that is api_key."""
    for operations in body["paths"].values():
        for operation in operations.values():
            if "security" in operation:
                operation["security"] = [
                    each for each in operation["security"] if "api_key" not in each
                ]


def _declare_gateway_responses(
    api: str, responses: Mapping[str, Any], resources: Resources
) -> None:
    """Each as a resource of its own; a deployment takes those that exist when it is made."""
    names = []
    for kind, response in responses.items():
        properties = {
            "RestApiId": {"Ref": api},
            "ResponseType": kind,
            "ResponseParameters": response.get("responseParameters", {}),
            "ResponseTemplates": response.get("responseTemplates", {}),
        }
        if "statusCode" in response:
            properties["StatusCode"] = str(response["statusCode"])
        names.append(f"{api}Response{kind.title().replace('_', '')}")
        resources[names[-1]] = {"Type": "AWS::ApiGateway::GatewayResponse"} | {
            "Properties": properties
        }
    for resource in resources.values():
        if resource["Type"] == "AWS::ApiGateway::Deployment" and resource["Properties"][
            "RestApiId"
        ] == {"Ref": api}:
            before = resource.get("DependsOn", [])
            resource["DependsOn"] = names + ([before] if isinstance(before, str) else before)


def declared(template: Template, parameters: Mapping[str, str]) -> dict[str, str]:
    """The types of the resources that are created with these parameters, by logical id."""
    conditions = template.get("Conditions", {})
    values = {
        name: str(parameters.get(name, each.get("Default", "")))
        for name, each in template.get("Parameters", {}).items()
    }

    functions: dict[str, Callable[[Any], Any]] = {
        "Ref": lambda of: values[of],
        "Condition": lambda of: holds(conditions[of]),
        "Fn::Equals": lambda of: holds(of[0]) == holds(of[1]),
        "Fn::Not": lambda of: not holds(of[0]),
        "Fn::And": lambda of: all(map(holds, of)),
        "Fn::Or": lambda of: any(map(holds, of)),
    }

    def holds(condition: Any) -> Any:
        if not isinstance(condition, dict):
            return condition
        ((function, of),) = condition.items()
        return functions[function](of)

    return {
        name: each["Type"]
        for name, each in template["Resources"].items()
        if "Condition" not in each or holds(conditions[each["Condition"]])
    }


def _known(condition: Mapping[str, Any]) -> dict[str, Any]:
    """A policy's condition without the keys that the emulator does not know."""
    known = {
        operator: {key: value for key, value in keys.items() if key not in _UNKNOWN_KEYS}
        for operator, keys in condition.items()
        if isinstance(keys, dict)
    }
    return {operator: keys for operator, keys in known.items() if keys}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _places(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every place inside a value: its path, what holds it, and its key there."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in list(keys):
        place = f"{path}.{key}" if path else str(key)
        yield place, value, key
        yield from _places(value[key], place)
