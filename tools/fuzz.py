"""The API against its OpenAPI document: schemathesis on a local stack of its own (`make fuzz`).

It passes if, in at least the given number of cases, no response was a 5xx, every response matched
the document, every invalid request was refused, and no function logged an unexpected error.

With the document alone nearly every request would end at "no such code", so schemathesis gets one
that also has the invoice numbers, tokens, BINs and amounts that exist here.
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
from local.options import positive

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
# Not checked: that every request that fits the schema is accepted (each deployment has its own
# limits of amounts and BINs), and 405 (API Gateway answers a wrong method like a wrong path).

CODES: tuple[Json, ...] = (
    {"channel": "alfa"},
    {"channel": "indomaret", "reusable": True},
    {"channel": "alfa", "feature": "mgpc", "bin": "889955"},
    {"channel": "alfa", "feature": "dipc", "bin": "889955"},
)
"""Types of codes that the local stack's BINs allow."""

HEAD_TOO_LARGE = "431"
"""API Gateway's own answer, which no document of ours can shape."""

SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = ["4xx", "5xx"]
"""
ANY_TEXT: Json = {"type": "string"}
BLANK: Json = {"anyOf": [{"type": "string", "pattern": r"^\s*$"}, {"type": "null"}]}
_EACH = 8
_ROUNDS = (
    ("--max-time", "45"),
    # A new code has by far the most fields, so it gets a round of its own.
    ("--max-time", "15", "--phases", "fuzzing", "--include-operation-id", "create_payment_code"),
)
_FURTHER_ROUND = ("--max-time", "15", "--phases", "fuzzing,stateful")
"""Without the phases that do not depend on the seed."""

_MAX_ROUNDS = 20
_PATIENCE_SECONDS = 300


def prepare(about: Mapping[str, Any]) -> dict[str, list[str]]:
    """Create codes and a payment; returns existing values by the name of their parameter."""
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
    """The document with the existing values as alternatives to what its schemas allow."""
    slugs = re.findall(r'"/problems/([a-z-]+)"', json.dumps(document))
    found = {**found, "slug": sorted(set(slugs))}
    for path, item in document["paths"].items():
        for operation in item.values():
            operation["responses"][HEAD_TOO_LARGE] = {"description": "by API Gateway"}
            for parameter in operation.get("parameters", ()):
                # Only every other code is cancelled, so that some stay active.
                values = found.get(parameter["name"], [])[:: 2 if "/cancel" in path else 1]
                # Others may come to exist: schemathesis makes codes, too.
                if values:
                    parameter["schema"] = either({"enum": values}, parameter["schema"])
    schemas = document["components"]["schemas"]
    for name in ("PaymentCodeRequest", "CustomerRequest", "ReceiptRequest"):
        be_generous(schemas[name])
    widen(
        document["paths"]["/payment-codes"]["post"],
        *(payable(schemas["PaymentCodeRequest"], kind) for kind in CODES),
    )
    instant = {"type": "string", "format": "date-time"}
    ids = {"type": "array", "minItems": 1, "items": {"enum": found["event_id"]}}
    widen(
        document["paths"]["/events/redeliver"]["post"],
        closed({"event_ids": ids}),
        closed({"created_from": instant, "created_to": instant}),
    )
    return document


def be_generous(schema: Json) -> None:
    """Let a schema take what the API takes beyond its document: people's texts as they come."""
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        is_for_till = name in ("name", "info", "description", "footer")
        beyond = [*([ANY_TEXT] if is_for_till else ()), *([BLANK] if name not in required else ())]
        schema["properties"][name] = either(field, *beyond) if beyond else field


def widen(operation: Json, *schemas: Json) -> None:
    """Add these schemas as alternatives to the operation's request body."""
    content = operation["requestBody"]["content"]["application/json"]
    content["schema"] = either(*schemas, content["schema"])


def closed(properties: Json, optional: Sequence[str] = ()) -> Json:
    """The schema of an object with these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def payable(order: Json, kind: Json) -> Json:
    """The schema of a request that the API accepts: a code of this kind, within the limits."""
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
    """The schema of a value that fits any of these."""
    return {"anyOf": list(schemas)}


def run(document: Path, about: Mapping[str, Any], seed: int, *options: str) -> Json:
    """Run one round of schemathesis and return its report. Exits if it finds something."""
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
    result: Json = json.loads(report.read_text("utf-8")) if report.exists() else {}
    if done.returncode or not result.get("complete") or result.get("errors"):
        sys.exit(f"{done.stdout}\nschemathesis found something (seed {seed}).")
    return result


def unexpected(logs: Path) -> Iterable[str]:
    """The log lines of unexpected errors in functions, each after its function's name."""
    for log in sorted(logs.glob("*.log")):
        for line in log.read_text("utf-8").splitlines():
            if '"unexpected error"' in line or '"The function' in line:
                yield f"{log.stem}: {line}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz until there were enough cases; exit code 1 if something is found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--cases", type=positive, default=2000, help="minimum number (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="of the first round (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    began = time.monotonic()
    cases = 0
    accepted: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="o2o-fuzz-") as name, own_stack() as about:
        folder = Path(name)
        document = folder / "openapi.json"
        found = prepare(about)
        (folder / "schemathesis.toml").write_text(SETTINGS)
        document.write_text(json.dumps(inform(json.loads(DOCUMENT.read_text("utf-8")), found)))
        for number in range(_MAX_ROUNDS):
            limits = _ROUNDS[number] if number < len(_ROUNDS) else _FURTHER_ROUND
            report = run(document, about, options.seed + number, *limits)
            cases += report["test_cases"]["generated"]
            for operation, phases in report["valid_rates"].items():
                taken = sum(phase["accepted"] for phase in phases.values())
                accepted[operation] = accepted.get(operation, 0) + taken
            if cases >= options.cases and number >= len(_ROUNDS) - 1:
                break
        errors = list(unexpected(Path(about["state_dir"]) / "logs"))
    if errors:
        sys.exit("\n".join([*errors[:20], f"{len(errors)} unexpected errors in the logs."]))
    if cases < options.cases:
        sys.exit(f"Only {cases} cases in {_MAX_ROUNDS} rounds.")
    for operation, taken in accepted.items():
        print(f"{taken:6} accepted  {operation}")
    print(
        f"{cases} cases in {time.monotonic() - began:.0f} s: every response matches the document."
    )


if __name__ == "__main__":
    main()
