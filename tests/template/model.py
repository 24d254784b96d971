"""The template as a reader of it sees it: written, and as SAM translates it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"

Json = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """What template.yaml says (``source``) and what SAM makes of it (``resources``)."""

    source: Json
    resources: Json

    def of_type(self, kind: str) -> dict[str, Json]:
        """The properties of all resources of a type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    @property
    def functions(self) -> dict[str, Json]:
        """The functions as they are written, Globals included."""
        return self.of_type("AWS::Lambda::Function")

    @property
    def written_functions(self) -> dict[str, Json]:
        """The functions as they are written, without Globals."""
        return {
            name: resource["Properties"]
            for name, resource in self.source["Resources"].items()
            if resource["Type"] == "AWS::Serverless::Function"
        }

    @property
    def api(self) -> Json:
        """The OpenAPI document of the REST API."""
        (api,) = self.of_type("AWS::ApiGateway::RestApi").values()
        body: Json = api["Body"]
        return body
