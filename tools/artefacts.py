"""Import a handler from the artefacts of `make build`, as Lambda would.

Only the function's folder, the layer and the runtime's boto3 can be imported. The environment is
what template.yaml declares for that function, and what Lambda adds. One thing differs from Lambda:
the layer's compiled modules are for Lambda's machine, so each package that has any is replaced by
the same version's wheel for this machine.
"""

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
from samtranslator.yaml_helper import yaml_parse

from o2o.version import VERSION
from tools.build import BUILT, LAYER, ROOT, WHEELS

RUNTIME_BRINGS = ("boto3", "botocore", "dateutil", "s3transfer", "six.py")
LAYER_FOLDER = BUILT / LAYER / "python"
PROBE = Path(__file__).with_name("probe.py")

# For parameters without a default; any valid value will do for an import.
_PARAMETERS = {
    "Stage": "dev",
    "BuildHash": "0" * 64,
    "Version": VERSION,
    "DokuBaseUrl": "https://api-sandbox.doku.com",
    "Bins": '[{"channel":"alfa","partnership":"aggregator","bin_type":"general","bin":"8"}]',
    "CodeRetentionDays": "90",
    "EvidenceRetentionDays": "1825",
    "AWS::StackName": "o2o-dev",
}


@dataclass(frozen=True)
class Function:
    """A function of template.yaml: logical id, folder and environment variables."""

    name: str
    folder: str
    variables: dict[str, str]
    """What the template declares for this function alone."""
    shared: dict[str, str]
    """What the template declares for all functions."""

    @property
    def environment(self) -> dict[str, str]:
        """All environment variables of the handler's process."""
        return {
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_DEFAULT_REGION": "ap-southeast-3",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_REGION": "ap-southeast-3",
            "AWS_SECRET_ACCESS_KEY": "none",
            "TZ": ":UTC",
            **self.shared,
            **self.variables,
        }


def read_functions(template: Path = ROOT / "template.yaml") -> dict[str, Function]:
    """The functions of the template, by logical id."""
    source = yaml_parse(template.read_text(encoding="utf-8"))
    defaults = {
        name: str(each["Default"])
        for name, each in source["Parameters"].items()
        if "Default" in each
    }
    known = defaults | _PARAMETERS

    def resolve(variables: dict[str, Any]) -> dict[str, str]:
        return {name: text(value) for name, value in variables.items()}

    def text(value: Any) -> str:
        # What is made of AWS's own ids is any text, as are the names of resources.
        name = value.get("Ref", "made-by-CloudFormation") if isinstance(value, dict) else value
        return known.get(str(name), str(name)) if isinstance(value, dict) else str(value)

    shared = resolve(source["Globals"]["Function"]["Environment"]["Variables"])
    return {
        name: Function(
            name,
            resource["Properties"]["CodeUri"],
            resolve(resource["Properties"].get("Environment", {}).get("Variables", {})),
            shared,
        )
        for name, resource in source["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def snapshot_functions(template: Path = ROOT / "template.yaml") -> set[str]:
    """The logical ids of the functions that start from a snapshot."""
    resources = yaml_parse(template.read_text(encoding="utf-8"))["Resources"]
    return {name for name, each in resources.items() if "SnapStart" in each["Properties"]}


def lay_out(folder: Path) -> list[Path]:
    """Set up in an empty folder what follows the function's own folder on Lambda's import path."""
    runtime, native = folder / "runtime", folder / "native"
    runtime.mkdir()
    native.mkdir()
    installed = Path(botocore.session.__file__).parents[1]
    for name in RUNTIME_BRINGS:
        (runtime / name).symlink_to(installed / name)
    unpack_native(native)
    return [native, LAYER_FOLDER, runtime]


def unpack_native(folder: Path) -> None:
    """Unpack into a folder, for this machine, the packages that have compiled modules."""
    for package in {path.relative_to(LAYER_FOLDER).parts[0] for path in LAYER_FOLDER.rglob("*.so")}:
        for wheel in WHEELS.glob(f"{package}-*.whl"):
            if "aarch64" not in wheel.name:
                zipfile.ZipFile(wheel).extractall(folder)


def start(
    function: Function, path: list[Path], *python_options: str
) -> subprocess.CompletedProcess[str]:
    """Import the handler in a new Python process; its output is that of tools/probe.py."""
    return subprocess.run(
        [sys.executable, "-I", "-S", *python_options, PROBE, os.pathsep.join(map(str, path))],
        env=function.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
