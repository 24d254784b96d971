"""Settlements on a local stack: what notifications lost, the report of DOKU's side brings back."""

import csv
import io
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl

from tests.support.documents import ROOT
from tests.support.local_stack import LocalStack, run_module
from tests.support.patience import CALL_SECONDS, until

if TYPE_CHECKING:
    from subprocess import CompletedProcess

MAPPING = ROOT / "docs/examples/settlement/simulator.toml"
WIB = timezone(timedelta(hours=7))


def run_match(stack: LocalStack, file: Path, *options: str) -> "CompletedProcess[str]":
    return run_module(
        "admin", "--json", "--state-dir", str(stack.folder), "settlement", "match", str(file),
        "--mapping", str(MAPPING), *options,
    )  # fmt: skip


def match(stack: LocalStack, file: Path, *options: str) -> tuple[int, dict[str, Any], list[Any]]:
    """What the command comes to: its exit code, its counts, and its result by order number."""
    result = file.with_suffix(".result")
    done = run_match(stack, file, "--result", str(result), *options)
    assert (done.returncode in (0, 3), done.stderr) == (True, ""), done.stderr
    with result.open(newline="") as rows:
        outcomes = [(row["order_number"], row["outcome"]) for row in csv.DictReader(rows)]
    return done.returncode, json.loads(done.stdout), outcomes


def report_of(stack: LocalStack, folder: Path) -> Path:
    """The simulator's report of today, by the clock that both share."""
    now = datetime.fromisoformat(stack.doku("GET", "/clock")["now"])
    url = f"{stack.about['doku']['base_url']}/_control/settlement"
    answer = stack.http.get(
        url, params={"day": f"{now.astimezone(WIB):%Y-%m-%d}"}, timeout=CALL_SECONDS
    )
    assert answer.status_code == 200, answer.text
    file = folder / "report.csv"
    file.write_bytes(answer.content)
    return file


def to_workbook(file: Path) -> Path:
    """The same as XLSX, with amounts as numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in csv.reader(io.StringIO(file.read_text())):
        sheet.append([int(cell) if cell.isdigit() and len(cell) < 8 else cell for cell in row])
    book.save(file.with_suffix(".xlsx"))
    return file.with_suffix(".xlsx")


def has_payments(stack: LocalStack, invoice: str, number: int) -> None:
    until(lambda: stack.get(invoice)["payments_count"] == number)


def test_lost_notifications_of_a_reusable_code_come_back(
    fresh_stack: LocalStack, tmp_path: Path
) -> None:
    stack = fresh_stack
    top_ups, single, indomaret = (
        stack.create(reusable=True), stack.create(), stack.create(channel="indomaret"),
    )  # fmt: skip
    name = top_ups["invoice_number"]
    for notify in ("send", "none", "none"):
        stack.pay(top_ups, notify=notify)
    stack.pay(single)
    stack.pay(indomaret)
    for paid in (top_ups, single, indomaret):
        has_payments(stack, paid["invoice_number"], 1)

    file = report_of(stack, tmp_path)
    code, counts, outcomes = match(stack, file)
    assert (code, counts["missing_here"], counts["matched"]) == (3, 2, 2)
    assert outcomes.count((name, "missing_here")) == 2
    assert counts["missing_there"] == 0
    assert counts["days"][0]["net"] == "80000"
    assert stack.get(name)["payments_count"] == 1

    code, counts, _ = match(stack, to_workbook(file), "--write")
    assert (code, counts["recorded"], counts["matched"]) == (3, 2, 2)
    view = stack.get(name)
    assert [each["source"] for each in view["payments"]] == [
        "notification", "settlement", "settlement",
    ]  # fmt: skip
    assert all(each["certain"] and each["kind"] == "paid" for each in view["payments"])

    code, counts, _ = match(stack, to_workbook(file), "--write")
    assert (code, counts["recorded"]) == (0, 0)
    code, counts, _ = match(stack, file, "--write")
    assert (code, counts["matched"]) == (0, 4)
    assert stack.get(name)["payments_count"] == 3

    # A notification that comes after all is of the same payment.
    lost = view["payments"][1]["receipt_number"]
    stack.doku("POST", "/notify", {"invoice_number": name, "receipt_number": lost})
    until(lambda: stack.get(name)["payments"][1]["source"] == "notification")
    assert stack.get(name)["payments_count"] == 3

    rows = file.read_text().splitlines()
    planted = [
        rows[0],
        rows[1].replace(",25000,", ",24000,"),
        rows[2].replace(name, "NOBODY"),
        *rows[3:-2],
        rows[-1],
    ]
    file.write_text("\n".join(planted))
    code, counts, outcomes = match(stack, file, "--write")
    assert code == 3
    assert (counts["amount_differs"], counts["unknown_order"]) == (1, 1)
    assert counts["missing_there"] == 2
    assert sorted(each for each in outcomes if each[1] == "missing_there") == sorted(
        [(name, "missing_there"), (single["invoice_number"], "missing_there")]
    )
    assert stack.get(name)["payments_count"] == 3

    # Somebody asked DOKU: the line with another receipt is a payment of its own.
    ours = next(number for number, row in enumerate(rows, 1) if lost in row)
    file.write_text("\n".join(rows).replace(lost, "0" + lost[1:] + "9"))
    code, counts, _ = match(stack, file, "--write")
    assert (code, counts["ambiguous"], stack.get(name)["payments_count"]) == (3, 1, 3)
    code, counts, _ = match(stack, file, "--write", "--record", str(ours))
    assert (counts["recorded"], stack.get(name)["payments_count"]) == (1, 4)
    for options, sentence in (
        (("--record", str(ours)), "--record needs --write"),
        (("--write", "--record", "99"), "no payment in line 99"),
    ):
        done = run_match(stack, file, *options)
        assert (done.returncode, sentence in done.stderr) == (1, True), done.stderr
