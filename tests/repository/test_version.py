"""The version stands in one file, and everything that tells it tells that one."""

import json
import re
import socket
import tomllib
from contextlib import closing, suppress
from datetime import UTC, datetime

import yaml
from samtranslator.yaml_helper import yaml_parse

from local import stack
from o2o.adapters.doku.client import DokuClient
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.doku.how_to_pay import HowToPayApi
from o2o.adapters.system import SystemEntropy
from o2o.adapters.webhook_sender import HttpsWebhookSender
from o2o.core.errors import DokuError
from o2o.version import VERSION
from tests.support.documents import ROOT, read
from tests.support.receivers import receiver, status
from tests.support.wire import Request, Wire, raw_answer
from tools import artefacts, build, openapi

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def nothing(_: Request, __: socket.socket) -> bytes:
    return raw_answer(404, b"{}")


def credentials(*, refresh: bool = False) -> DokuCredentials:
    return DokuCredentials("client", f"made up, refreshed: {refresh}")


def plenty() -> float:
    return 900.0


def test_it_is_a_version() -> None:
    assert re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", VERSION)


def test_doku_sees_it() -> None:
    with Wire(nothing) as wire:
        client = DokuClient(
            base_url=wire.url,
            paths={},
            credentials=credentials,
            clock=lambda: NOW,
            entropy=SystemEntropy(),
        )
        how_to_pay = HowToPayApi(wire.url)
        with closing(client._session), closing(how_to_pay._session):
            with suppress(DokuError):  # the answer is of no interest
                client.check_status("INV-1", plenty)
            how_to_pay.fetch(f"{wire.url}/how-to-pay/1", plenty)
    assert [request.headers["user-agent"] for request in wire.requests] == [f"o2o/{VERSION}"] * 2


def test_a_storefront_sees_it() -> None:
    sender = HttpsWebhookSender(clock=lambda: NOW, timeout_seconds=60.0, allow_local=True)
    with receiver(status(204)) as shop:
        sender.post(shop.url, {}, b"{}")
    assert shop.posts[0].headers["user-agent"] == f"O2O-Webhooks/{VERSION}"


def test_the_api_tells_it() -> None:
    for path in openapi.FILES:
        if path.name != "openapi.json":
            continue
        assert json.loads(path.read_text("utf-8"))["info"]["version"] == VERSION, path


def test_the_stack_tells_it() -> None:
    template = yaml_parse(read("template.yaml"))
    assert template["Outputs"]["Version"]["Value"] == {"Ref": "Version"}
    assert "Default" not in template["Parameters"]["Version"]
    given = yaml.safe_load(build.parameters("0" * 64))
    assert given == {"BuildHash": "0" * 64, "Version": VERSION}
    assert stack.PARAMETERS["Version"] == artefacts._PARAMETERS["Version"] == VERSION


def test_the_changelog_knows_it() -> None:
    first, *_ = re.findall(r"(?m)^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", read("CHANGELOG.md"))
    assert first == VERSION


def test_nothing_repeats_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "o2o.version.VERSION"}
    for name in ("template.yaml", "samconfig.toml", "Makefile", "package.json"):
        assert VERSION not in read(name).split('"'), name
