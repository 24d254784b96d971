"""The custom domain: none by default, and all of it if there is one."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.template.model import Template

if TYPE_CHECKING:
    from collections.abc import Callable

DOMAIN = {"CustomDomain", "CustomDomainMapping", "CustomDomainRecord"}
GIVEN = {
    "DomainName": "pay.example.com",
    "CertificateArn": "arn",
    "HostedZoneId": "",
    "BasePath": "",
}

_VARIABLE = re.compile(r"\$\{([\w:]+)\}")


class Stack:
    """The template's conditions, rules and values, as CloudFormation takes them for parameters."""

    def __init__(self, template: Template, **given: str) -> None:
        self._template = template
        defaults = {
            name: str(each["Default"])
            for name, each in template.source["Parameters"].items()
            if "Default" in each
        }
        self._known = {
            "Api": "a1b2c3",
            "AWS::Region": "ap-southeast-3",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": None,
            **defaults,
            **given,
        }

    def value(self, written: Any) -> Any:
        """What a value comes to; attributes of resources stay as they are written."""
        if not isinstance(written, dict):
            return written
        ((function, argument),) = written.items()
        functions: dict[str, Callable[[], Any]] = {
            "Ref": lambda: self._known.get(argument, argument),
            "Fn::Sub": lambda: _VARIABLE.sub(lambda found: str(self._known[found[1]]), argument),
            "Fn::If": lambda: self.value(argument[1 if self.holds(argument[0]) else 2]),
            "Fn::Split": lambda: str(self.value(argument[1])).split(argument[0]),
            "Fn::Select": lambda: self.value(argument[1])[argument[0]],
            "Fn::Equals": lambda: self.value(argument[0]) == self.value(argument[1]),
            "Fn::Not": lambda: not self.value(argument[0]),
        }
        return functions[function]() if function in functions else written

    def holds(self, condition: str) -> bool:
        """Whether a condition holds."""
        return bool(self.value(self._template.source["Conditions"][condition]))

    def refusals(self) -> list[str]:
        """What CloudFormation says of these parameters before it begins."""
        return [
            assertion["AssertDescription"]
            for name, rule in self._template.source["Rules"].items()
            if name.startswith("Domain") and self.value(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self.value(assertion["Assert"])
        ]

    def resources(self) -> set[str]:
        """The resources of the domain that are made."""
        return {
            name
            for name in DOMAIN
            if self.holds(self._template.source["Resources"][name]["Condition"])
        }

    def output(self, name: str) -> Any:
        """An output."""
        return self.value(self._template.source["Outputs"][name]["Value"])


def test_by_default_there_is_none(template: Template) -> None:
    stack = Stack(template)
    assert (stack.refusals(), stack.resources()) == ([], set())
    own = "https://a1b2c3.execute-api.ap-southeast-3.amazonaws.com/v1"
    assert stack.output("ApiUrl") == own
    assert stack.output("NotificationUrl") == f"{own}/doku/notifications"
    assert stack.output("InquiryUrl") == f"{own}/doku/inquiries"


@pytest.mark.parametrize(("base_path", "mapped"), [("", None), ("/o2o", "o2o")])
def test_the_addresses_follow_the_domain(
    template: Template, base_path: str, mapped: str | None
) -> None:
    stack = Stack(template, **{**GIVEN, "BasePath": base_path})
    assert (stack.refusals(), stack.resources()) == ([], DOMAIN - {"CustomDomainRecord"})
    assert stack.output("ApiUrl") == f"https://pay.example.com{base_path}"
    assert (
        stack.output("NotificationUrl") == f"https://pay.example.com{base_path}/doku/notifications"
    )
    assert stack.output("InquiryUrl") == f"https://pay.example.com{base_path}/doku/inquiries"
    mapping = template.of_type("AWS::ApiGateway::BasePathMapping")["CustomDomainMapping"]
    assert stack.value(mapping["BasePath"]) == mapped


def test_the_mapping_names_the_stage(template: Template) -> None:
    mapping = template.of_type("AWS::ApiGateway::BasePathMapping")["CustomDomainMapping"]
    (stage,) = template.of_type("AWS::ApiGateway::Stage")
    assert mapping["Stage"] == {"Ref": stage}
    assert mapping["RestApiId"] == {"Ref": "Api"}


def test_a_hosted_zone_gets_the_record(template: Template) -> None:
    assert Stack(template, **{**GIVEN, "HostedZoneId": "Z1"}).resources() == DOMAIN


def test_the_api_s_own_address_stays_open(template: Template) -> None:
    (api,) = template.of_type("AWS::ApiGateway::RestApi").values()
    assert not api.get("DisableExecuteApiEndpoint")


@pytest.mark.parametrize(
    "given",
    [
        {"DomainName": "pay.example.com"},
        {"CertificateArn": "arn"},
        {"HostedZoneId": "Z1"},
        {"BasePath": "/o2o"},
    ],
)
def test_half_a_domain_is_refused(template: Template, given: dict[str, str]) -> None:
    assert len(Stack(template, **given).refusals()) == 1
