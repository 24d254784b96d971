"""The small application, running in its parts."""

import contextlib
import json
import sys
from collections.abc import Iterator

import pytest

from local import engine
from local.aws import client
from local.blueprint import read_blueprint
from local.clock import SharedClock
from local.functions import SharedSettings, make_pool, prepare
from local.ports import PortChoice, release
from local.processes import Children
from local.stack import ROOT
from tests.local.shop import FIXTURES, Shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "logs").mkdir()
    children = Children(folder, print)
    with contextlib.ExitStack() as undo:
        undo.callback(children.stop)
        ask, told = children.start("cloud", [sys.executable, "-m", "local.cloud"])
        request = {
            "template": str(FIXTURES / "template.yaml"),
            "parameters": {"Stage": "dev", "Greeting": "Selamat datang"},
            "name": "shop",
            "objects": str(folder / "objects"),
        }
        ask.write(json.dumps(request) + "\n")
        ask.flush()
        program = engine.find_dynoxide(ROOT)
        dynamodb_url = None
        if program is not None:
            port = release(PortChoice(what="engine", option="").listen())
            dynamodb_url = engine.start_dynoxide(children, program, folder / "db.sqlite", port)
        prepare()
        answer = json.loads(told.readline())
        dynamodb_url = dynamodb_url or answer["url"]
        blueprint = read_blueprint(answer["resources"], FIXTURES)
        for table in blueprint.tables:
            engine.create_table(client("dynamodb", dynamodb_url), table)
        shared = SharedSettings(
            aws_url=answer["url"],
            dynamodb_url=dynamodb_url,
            clock=folder / "clock",
            logs=folder / "logs",
        )
        pools = {}
        for name, function in blueprint.functions.items():
            pools[name] = make_pool(function, shared, limit=2)
            undo.callback(pools[name].close)
        yield Shop(
            folder=folder,
            resources=answer["resources"],
            blueprint=blueprint,
            pools=pools,
            shared=shared,
            clock=SharedClock(folder / "clock"),
        )
