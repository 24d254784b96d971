"""How long each handler's import takes, from the artefacts of `make build`.

    python -m benchmarks.cold_start [--starts 15]

Milliseconds are this machine's, not Lambda's: compare the ratio to a bare boto3 with one client.
Exits with 1 if a handler is over its budget.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from local.options import positive
from tools import artefacts, build

# Multiples of a bare boto3 with a DynamoDB client; without pydantic and routes, imports are faster.
BUDGET = 2.5
BUDGETS = {"authorize_storefront": 1.6, "expire_codes": 1.6}

BARE = "import boto3\nboto3.client('dynamodb')\ndef lambda_handler(event, context): ...\n"


def main() -> None:
    """Measure all handlers, print a table, and compare with the budgets."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--starts", type=positive, default=15, help="starts of each handler")
    starts: int = parser.parse_args().starts
    if not build.is_up_to_date():
        sys.exit("The artefacts are out of date: run `make build` first.")
    table = Table("handler", "ms", "times bare boto3", "budget", "modules")
    over = False
    with tempfile.TemporaryDirectory() as folder:
        path = artefacts.lay_out(Path(folder))
        bare = Path(folder, "bare")
        bare.mkdir()
        (bare / "app.py").write_text(BARE)
        functions = artefacts.read_functions()
        reference, modules = measure(next(iter(functions.values())), [bare, *path], starts)
        table.add_row("bare boto3", f"{reference:.0f}", "1.0", "", str(modules))
        for function in functions.values():
            spent, modules = measure(function, [build.BUILT / function.name, *path], starts)
            name = function.folder.removeprefix("functions/")
            budget = BUDGETS.get(name, BUDGET)
            ratio = spent / reference
            over |= ratio > budget
            table.add_row(name, f"{spent:.0f}", f"{ratio:.1f}", str(budget), str(modules))
    Console().print(table)
    sys.exit(over)


def measure(function: artefacts.Function, path: list[Path], starts: int) -> tuple[float, int]:
    """The median of several imports in milliseconds, and the number of modules that one loads."""
    results = []
    for _ in range(starts):
        done = artefacts.start(function, path)
        if done.returncode:
            sys.exit(done.stderr)
        results.append(json.loads(done.stdout))
    return median(each["milliseconds"] for each in results), len(results[0]["modules"])


if __name__ == "__main__":
    main()
