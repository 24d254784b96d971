"""template.yaml, read and translated once."""

import copy
import json
import os
from typing import Any

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from o2o.version import VERSION
from tests.template.model import TEMPLATE, Template


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="session")
def template() -> Template:
    source: dict[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))
    local = copy.deepcopy(source)
    for resource in local["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://bucket/key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "AWS_DEFAULT_REGION", "ap-southeast-3")
        parameters = {
            "Stage": "prod",
            "BuildHash": "0123456789" * 6 + "abcd",
            "Version": VERSION,
        }
        translated = transform(local, parameters, _NoManagedPolicies())
    # Through JSON: plain types, and proof that nothing else hides in there.
    return Template(source, json.loads(json.dumps(translated))["Resources"])
