"""The API against its OpenAPI document: schemathesis on a local stack of its own (`make fuzz`).

It passes if, in so many cases at the least, no answer was a 5xx, every answer was one that the
document describes, nothing wrong was let in, and no function met an unexpected error behind it.

The document alone would nearly never lead beyond "no such code", so what schemathesis gets says
more: which invoice numbers, tokens, BINs and amounts exist here.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from local.demo import own_stack

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "openapi.json"
SCHEMATHESIS = ROOT / ".venv-fuzz" / "bin" / "schemathesis"

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "ensure_resource_availability",
    "ignored_auth",
)
# Not checked: that whatever fits the schema is taken (amounts and BINs have limits of each
# deployment), and 405 (API Gateway knows no other answer to a wrong method than to a wrong path).

CODES: tuple[Json, ...] = (
    {"channel": "alfa"},
    {"channel": "indomaret", "reusable": True},
    {"channel": "alfa", "feature": "mgpc", "bin": "889955"},
    {"channel": "alfa", "feature": "dipc", "bin": "889955"},
)
"""What the local stack's BINs allow."""

_PRINTABLE = r"^[ -~]*[!-~][ -~]*$"
_EACH = 8
_ROUNDS = (
    ("--max-time", "45"),
    # So much can be said in a new order that it gets a round of its own.
    ("--max-time", "15", "--phases", "fuzzing", "--include-operation-id", "create_payment_code"),
)
_FURTHER_ROUND = ("--max-time", "15", "--phases", "fuzzing,stateful")
"""The phases that are left out do not depend on the seed."""

_MAX_ROUNDS = 20
_PATIENCE_SECONDS = 300


def prepare(about: Mapping[str, Any]) -> dict[str, list[str]]:
    """Give the stack something to find; what exists then, by the parameter that asks for it."""
    found: dict[str, list[str]] = {"invoice_number": [], "token": [], "event_id": []}
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {about['api_key']}"
        for number, more in enumerate(CODES * _EACH):
            order = {
                "invoice_number": f"FUZZ-{number}",
                "amount": 25_000,
                "customer": {"name": "Anton Budiman"},
                **more,
            }
            answer = session.post(f"{about['api_url']}/payment-codes", json=order, timeout=120)
            answer.raise_for_status()
            code = answer.json()
            found["invoice_number"].append(code["invoice_number"])
            found["token"].append(code["pay_url"].rpartition("/")[2])
        paid = {"invoice_number": found["invoice_number"][0]}
        doku = about["doku"]["base_url"]
        session.post(f"{doku}/_control/pay", json=paid, timeout=120).raise_for_status()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(found["event_id"]) <= len(CODES) * _EACH:
            if time.monotonic() > deadline:
                raise TimeoutError("the events of the first codes did not appear")
            events = session.get(f"{about['api_url']}/events?limit=100", timeout=120).json()
            found["event_id"] = [event["id"] for event in events["items"]]
    return found


def inform(document: Json, found: Mapping[str, list[str]]) -> Json:
    """The document with what exists here beside what is possible."""
    slugs = re.findall(r'"/problems/([a-z-]+)"', json.dumps(document))
    found = {**found, "slug": sorted(set(slugs))}
    for path, item in document["paths"].items():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                # Some stay active, so that there is something to say about them.
                values = found.get(parameter["name"], [])[:: 2 if "/cancel" in path else 1]
                if values and parameter["in"] == "path":
                    parameter["schema"] = {"enum": values}
                elif values:
                    parameter["schema"] = either({"enum": values}, parameter["schema"])
    schemas = document["components"]["schemas"]
    for schema in ("NewPaymentCode", "NewCustomer", "NewReceipt"):
        for name in ("name", "info", "description", "footer"):
            told = schemas[schema]["properties"].get(name, {})
            for part in (told, *told.get("anyOf", ())):
                if part.get("type") == "string":
                    part["pattern"] = _PRINTABLE
    widen(
        document["paths"]["/payment-codes"]["post"],
        *(payable(schemas["NewPaymentCode"], kind) for kind in CODES),
    )
    instant = {"type": "string", "format": "date-time"}
    ids = {"type": "array", "minItems": 1, "items": {"enum": found["event_id"]}}
    widen(
        document["paths"]["/events/redeliver"]["post"],
        closed({"event_ids": ids}),
        closed({"created_from": instant, "created_to": instant}),
    )
    return document


def widen(operation: Json, *schemas: Json) -> None:
    """Let the operation's body be one of these, too."""
    content = operation["requestBody"]["content"]["application/json"]
    content["schema"] = either(*schemas, content["schema"])


def closed(properties: Json, optional: Sequence[str] = ()) -> Json:
    """An object of these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def payable(order: Json, kind: Json) -> Json:
    """The schema of a request that should be taken: one of these kinds, within their limits."""
    names = ("invoice_number", "customer", "info", "metadata")
    return closed(
        {
            **{name: order["properties"][name] for name in names},
            "amount": {"type": "integer", "minimum": 10_000, "maximum": 2_500_000},
            "expires_in_minutes": {"type": "integer", "minimum": 1, "maximum": 43_200},
            **{name: {"const": value} for name, value in kind.items()},
        },
        optional=("expires_in_minutes", "info", "metadata"),
    )


def either(*schemas: Json) -> Json:
    """Any of these."""
    return {"anyOf": list(schemas)}


def run(document: Path, about: Mapping[str, Any], seed: int, *options: str) -> Json:
    """One round of schemathesis: its report. What it finds ends the program."""
    folder = document.parent
    report = folder / f"report-{seed}.json"
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "run", document, "--url", about["api_url"]),
            *("--header", f"Authorization: Bearer {about['api_key']}"),
            *("--checks", ",".join(CHECKS), "--seed", str(seed), "--workers", "4"),
            *("--request-timeout", "35", *options),
            *("--warnings", "off", "--report-json-path", report, "--no-color"),
        ],
        cwd=folder,
        env=os.environ | {"NO_PROXY": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    told: Json = json.loads(report.read_text("utf-8")) if report.exists() else {}
    if done.returncode or not told.get("complete") or told.get("errors"):
        sys.exit(f"{done.stdout}\nschemathesis found something (seed {seed}).")
    return told


def unexpected(logs: Path) -> Iterable[str]:
    """What functions logged of errors that nobody thought of."""
    for log in sorted(logs.glob("*.log")):
        for line in log.read_text("utf-8").splitlines():
            if '"unexpected error"' in line or '"The function' in line:
                yield f"{log.stem}: {line}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz until there were enough cases, or something is found: exit code 1."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cases", type=int, default=2000, help="at the least")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    cases = 0
    accepted: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="o2o-fuzz-") as name, own_stack() as about:
        folder = Path(name)
        document = folder / "openapi.json"
        found = prepare(about)
        document.write_text(json.dumps(inform(json.loads(DOCUMENT.read_text("utf-8")), found)))
        for number in range(_MAX_ROUNDS):
            limits = _ROUNDS[number] if number < len(_ROUNDS) else _FURTHER_ROUND
            told = run(document, about, options.seed + number, *limits)
            cases += told["test_cases"]["generated"]
            for operation, phases in told["valid_rates"].items():
                taken = sum(phase["accepted"] for phase in phases.values())
                accepted[operation] = accepted.get(operation, 0) + taken
            if cases >= options.cases and number >= len(_ROUNDS) - 1:
                break
        surprises = list(unexpected(Path(about["state_dir"]) / "logs"))
    if surprises:
        sys.exit("\n".join([*surprises[:20], f"{len(surprises)} unexpected errors in the logs."]))
    if cases < options.cases:
        sys.exit(f"Only {cases} cases in {_MAX_ROUNDS} rounds.")
    for operation, taken in accepted.items():
        print(f"{taken:6} accepted  {operation}")
    print(f"{cases} cases in {time.monotonic() - began:.0f} s: every answer is in the document.")


if __name__ == "__main__":
    main()
