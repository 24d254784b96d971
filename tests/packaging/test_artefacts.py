"""What is deployed works where it will run, and holds nothing that has no business there."""

import importlib.util
import json
import marshal
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools import artefacts, build

pytestmark = pytest.mark.usefixtures("built")

FUNCTIONS = artefacts.read_functions()
FOLDERS = {each.folder.removeprefix("functions/") for each in FUNCTIONS.values()}
# On Lambda's side nobody tests, types, serves or speaks to a terminal.
NEVER = {
    "_pytest", "admin", "hypothesis", "local", "moto", "mypy", "pytest", "responses", "rich",
    "samtranslator", "simulator", "starlette", "typer", "unittest", "uvicorn", "yaml",
}  # fmt: skip
# What costs most to import, and who may do so all the same.
ROUTES = {
    *("browse_events", "cancel_code", "describe_api", "explain_payment", "generate_code"),
    *("read_books", "read_codes", "read_payments", "refresh_code", "resolve_payment"),
    "show_code",
}
CODELESS = {"authorize_storefront", "expire_codes"}
DEAR = {
    "aws_lambda_powertools.event_handler": ROUTES,
    "aws_lambda_powertools.utilities.batch": set(),
    "boto3": set(),
    "pydantic": ROUTES | {"publish_events"},
    "requests": {"explain_payment", "generate_code", "reconcile_codes", "refresh_code"},
    "jinja2": {"show_code"},
    "barcode": {"show_code"},
    "aws_xray_sdk": set(),
    # Each dataclass is half a millisecond, and the core has fifty.
    "o2o.core.codes": FOLDERS - CODELESS,
    "o2o.entry.settings.codes": FOLDERS
    - CODELESS
    - {"browse_events", "close_books", "deliver_webhooks", "describe_api", "publish_events"}
    - {"read_books", "read_payments"},
}
READ_BY_LIBRARIES_OR_NOBODY = {
    "BUILD_HASH",  # makes versions differ, and tells which one a log line is from
}


@pytest.fixture(scope="session", params=sorted(FUNCTIONS))
def started(request: pytest.FixtureRequest, import_path: list[Path]) -> dict[str, Any]:
    """What tools/probe.py told of one handler's import."""
    function = FUNCTIONS[request.param]
    done = artefacts.start(function, [build.BUILT / function.name, *import_path])
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "an import must be silent"
    told: dict[str, Any] = json.loads(done.stdout)
    told["function"] = function
    return told


def test_the_handler_is_there(started: dict[str, Any]) -> None:
    assert started["callable"]
    assert started["app"] == str(build.BUILT / started["function"].name / "app.py")


def test_it_runs_on_the_layer_and_the_runtimes_boto3(started: dict[str, Any]) -> None:
    files = started["files"]
    layer = str(artefacts.LAYER_FOLDER)
    assert files["o2o"].startswith(layer)
    assert files["aws_lambda_powertools"].startswith(layer)
    assert (files["pydantic"] or layer).startswith(layer)
    assert Path(files["botocore"]).parents[1].name == "runtime"


def test_its_environment_is_what_it_asks_for(started: dict[str, Any]) -> None:
    """Nothing is missing, or it had not started; nothing is there that nobody reads."""
    function = started["function"]
    declared = {*function.variables, *function.shared} - READ_BY_LIBRARIES_OR_NOBODY
    assert declared <= set(started["asked"])


def test_it_imports_nothing_of_a_developers(started: dict[str, Any]) -> None:
    imported = {name.partition(".")[0] for name in started["modules"]}
    assert imported & NEVER == set()


@pytest.mark.parametrize("module", sorted(DEAR))
def test_it_pays_for_no_import_that_it_does_not_need(started: dict[str, Any], module: str) -> None:
    folder = started["function"].folder.removeprefix("functions/")
    assert (module in started["modules"]) == (folder in DEAR[module])


@pytest.mark.parametrize("name", sorted(artefacts.snapshot_functions()))
def test_it_can_be_primed_for_a_snapshot(name: str, import_path: list[Path]) -> None:
    """With the runtime's botocore, without a connection, and without a word."""
    function = FUNCTIONS[name]
    variables = function.variables | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    done = artefacts.start(
        replace(function, variables=variables), [build.BUILT / name, *import_path]
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_build_holds_the_functions_and_the_layer_and_nothing_else() -> None:
    built = {path.name for path in build.BUILT.iterdir() if path.is_dir()}
    assert built == {*FUNCTIONS, build.LAYER}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_is_one_file(name: str) -> None:
    files = {path.relative_to(build.BUILT / name).as_posix() for path in _files(name)}
    assert files == {"app.py", "__pycache__/app.cpython-313.pyc"}


def test_the_layer_holds_what_its_requirements_pin() -> None:
    pinned = dict(
        re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", build.LAYER_REQUIREMENTS.read_text(), re.MULTILINE)
    )
    installed = dict(
        path.name.removesuffix(".dist-info").replace("_", "-").rsplit("-", 1)
        for path in artefacts.LAYER_FOLDER.glob("*.dist-info")
    )
    assert installed == pinned
    assert (artefacts.LAYER_FOLDER / "o2o" / "py.typed").exists()


def test_the_layer_is_small_and_clean() -> None:
    files = _files(build.LAYER)
    assert sum(path.stat().st_size for path in files) < 60_000_000  # Lambda takes 250 MB
    names = {part for path in files for part in path.relative_to(build.BUILT).parts}
    assert not names & {"boto3", "botocore", ".mypy_cache", ".ruff_cache", ".git"}
    packages = {path.name for path in artefacts.LAYER_FOLDER.iterdir()}
    assert not packages & {"bin", "docs", "requirements.in", "requirements.txt", "tests"}


def test_compiled_modules_are_for_lambdas_machine() -> None:
    modules = [path for path in _files(build.LAYER) if path.suffix == ".so"]
    assert modules
    for path in modules:
        header = path.read_bytes()[:20]
        assert header[:4] == b"\x7fELF", path
        assert struct.unpack_from("<H", header, 18) == (183,), path  # EM_AARCH64


def test_all_byte_code_is_there_and_survives_the_zip() -> None:
    """Hash-based and unchecked: SAM's zip sets all times to 1980."""
    for artefact, prefix in [
        (build.LAYER, "/opt/python/"),
        *((f, "/var/task/") for f in FUNCTIONS),
    ]:
        sources = [path for path in _files(artefact) if path.suffix == ".py"]
        assert sources
        for source in sources:
            compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
            content = compiled.read_bytes()
            assert content[:4] == importlib.util.MAGIC_NUMBER
            assert int.from_bytes(content[4:8], "little") == 0b01, compiled
            # Trace-backs name the file by its path on Lambda.
            assert marshal.loads(content[16:]).co_filename.startswith(prefix)  # noqa: S302


def _files(artefact: str) -> list[Path]:
    return [path for path in (build.BUILT / artefact).rglob("*") if path.is_file()]
