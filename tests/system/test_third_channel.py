"""A third channel: one entry in the core's table, configuration, and the simulator's own table.

The recipe of docs/architecture.md is carried out on a copy of the project, which is then run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.stack import ROOT
from tests.support.local_stack import LocalStack

COPIED = ("functions", "layers", "local", "simulator", "template.yaml", "samconfig.toml")
CORE = Path("layers/shared/o2o/core/channels.py")
SIMULATOR = Path("simulator/channels.py")

RECIPE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def steps() -> list[str]:
    """The blocks of the recipe: member, facts, settings, BIN, and the simulator's entry."""
    section = RECIPE.partition("### Add a channel\n")[2].partition("\n### ")[0]
    return re.findall(r"^```(?:python|json)\n(.+?)^```$", section, re.MULTILINE | re.DOTALL)


MEMBER, FACTS, SETTINGS, BINS, SIMULATED = steps()


def insert(path: Path, before: str, text: str) -> None:
    content = path.read_text("utf-8")
    assert content.count(before) == 1, (path, before)
    path.write_text(content.replace(before, text + before), "utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a third channel."""
    copy = tmp_path_factory.mktemp("kiosk")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name)
        else:
            shutil.copy(ROOT / name, copy / name)
    if (ROOT / "node_modules").exists():
        (copy / "node_modules").symlink_to(ROOT / "node_modules")
    insert(copy / CORE, "\n    @property\n    def facts(", MEMBER)
    insert(copy / CORE, "    Channel.INDOMARET: ChannelFacts(\n", FACTS)
    insert(copy / SIMULATOR, '    Channel(\n        name="indomaret",\n', SIMULATED)
    # What a deployment has in samconfig.toml, the local stack has in these two places.
    channels = json.dumps(json.loads(SETTINGS))[1:-1]
    insert(copy / "template.yaml", '      "indomaret":{"path"', f"      {channels},\n")
    (entry,) = json.loads(BINS)
    insert(
        copy / "local/stack.py",
        '    {"channel": "alfa", "partnership": "direct"',
        f"    {entry},\n",
    )
    return copy


@pytest.fixture(scope="module")
def kiosk(copy: Path) -> Iterator[LocalStack]:
    environment = {"PYTHONPATH": f"{copy}:{copy / 'layers' / 'shared'}"}
    stack = LocalStack(folder=copy / ".local", root=copy, environment=environment)
    stack.start()
    yield stack
    stack.stop()


COMPOSE = """\
from o2o.adapters.doku.messages import compose
from o2o.core.channels import Channel
from o2o.core.codes import Receipt
from tests.support.samples import make_code
print(compose(make_code(channel=Channel.KIOSK, receipt=Receipt(None, "Terima kasih")), 60))
"""


def test_doku_gets_its_receipt_in_the_channel_s_own_field(copy: Path) -> None:
    path = f"{copy / 'layers' / 'shared'}:{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", COMPOSE],
        env={**os.environ, "PYTHONPATH": path},
        cwd=copy,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["kiosk_info"] == {"receipt": {"footer_message": "Terima kasih"}}


def test_nothing_else_of_the_layer_knows_a_channel() -> None:
    """Or a third one would be forgotten there."""
    for path in (ROOT / "layers" / "shared" / "o2o").rglob("*.py"):
        if path != ROOT / CORE:
            named = re.findall(
                r"(?i)channel\.(?:alfa|indomaret)|[\"'](?:alfa|indomaret)", path.read_text()
            )
            assert named == [], path


def paid(stack: LocalStack, code: dict[str, Any]) -> dict[str, Any]:
    stack.pay(code)
    return stack.becomes(code["invoice_number"], "paid")


def test_it_is_offered(kiosk: LocalStack) -> None:
    offers = {each["channel"]: each for each in kiosk.call("GET", "/channels").json()["items"]}
    assert offers["kiosk"]["brands"] == ["Kiosk Nusantara"]
    assert (offers["kiosk"]["max_amount"], offers["kiosk"]["features"]) == (
        5_000_000,
        ["dgpc", "dipc"],
    )


def test_a_code_that_doku_makes_is_paid(kiosk: LocalStack) -> None:
    receipt = {"footer": "Terima kasih"}
    code = kiosk.create(channel="kiosk", feature="dgpc", receipt=receipt)
    assert code["payment_code"].startswith("61234")
    view = paid(kiosk, code)
    assert (view["payments"][0]["agent_id"], view["receipt"]["footer"]) == (
        "KIOSK",
        "Terima kasih",
    )


def test_a_code_that_lives_here_is_asked_about_and_paid(kiosk: LocalStack) -> None:
    view = paid(kiosk, kiosk.create(channel="kiosk", feature="dipc"))
    assert view["payments_count"] == 1


def test_its_customer_reads_where_to_pay(kiosk: LocalStack) -> None:
    code = kiosk.create(channel="kiosk", feature="dgpc")
    answer = kiosk.call("GET", f"/payment-codes/{code['invoice_number']}/how-to-pay").json()
    assert [each["place"] for each in answer["en"]] == ["Kiosk Nusantara"]
    assert len(answer["doku"]) == 1
    page = kiosk.http.get(code["pay_url"], params={"lang": "en"}, timeout=40).text
    assert "Kiosk Nusantara" in page


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"amount": 5_000_001}, "amount"),
        ({"receipt": {"description": "x"}}, "receipt.description"),
        ({"feature": "mgpc"}, "feature"),
        ({"feature": "dipc", "unique_part": "1" * 21}, "unique_part"),
    ],
)
def test_its_own_limits_hold(kiosk: LocalStack, wish: dict[str, Any], field: str) -> None:
    answer = kiosk.call("POST", "/payment-codes", json=kiosk.order(channel="kiosk", **wish))
    assert answer.status_code == 400
    assert [param["name"] for param in answer.json()["invalid_params"]] == [field]
