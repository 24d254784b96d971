"""Change the rules by a tool, operator by operator, and see what no test notices: `make mutate`.

    python -m tools.mutate [--jobs N] [MODULE ...]

runs mutmut over modules of the core (payments, next_step, ...; all of them if none is named) in a
copy of the project, with the unit tests of rules and use cases. A person judges what survives: a
test is missing and gets written, or the change makes no difference and is entered, with the reason,
in tests/mutants/judged. Exit code 1 if something survives that is not there. All of the core takes
hours.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from local.options import positive
from tools.mutants import LIST, ROOT, copies

JUDGED = LIST / "judged" / "core.toml"
MUTMUT = ROOT / ".venv-mutate" / "bin" / "mutmut"

TESTS = (
    *(
        f"tests/unit/test_{name}.py"
        for name in (
            *("authorize", "bins", "codes", "completeness", "delivery", "events", "features"),
            *("filtered_page", "forgetting", "life", "namespaces", "next_step", "payments"),
            *("republish_events", "resolve_notifications", "show_code", "time_and_money"),
        )
    ),
    *(
        f"tests/unit/property/test_{name}.py"
        for name in ("bins", "inquiries", "tellings", "transitions")
    ),
)
"""Not the state machines: a survivor would take a minute."""

SETTINGS = f"""
[tool.mutmut]
source_paths = ["o2o"]
only_mutate = ["o2o/core/*"]
# Which words an error has is no rule.
do_not_mutate_patterns = ['raise ']
also_copy = ["tests", "pyproject.toml"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "--hypothesis-profile", "mutants"]
pytest_add_cli_args_test_selection = {json.dumps(TESTS)}
"""


class Survivor(NamedTuple):
    """A change that no test notices: where, and the lines before and after it."""

    function: str
    old: str
    new: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Mutate modules of the core; exit code 1 if a survivor was not judged."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="make mutate", description=description)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="of the core; none: all")
    parser.add_argument("--jobs", type=positive, default=1, help="side by side (%(default)s)")
    options = parser.parse_args(arguments)
    names = [f"o2o.core.{module}.*" for module in options.modules or ["*"]]
    with copies(1) as free:
        copy = free.get()
        prepare(copy)
        mutmut(copy, "run", "--max-children", str(options.jobs), *names)
        results = read_results(mutmut(copy, "results", "--all", "true"))
        survivors = [read_diff(mutmut(copy, "show", name)) for name in results["survived"]]
    for verdict, found in sorted(results.items()):
        print(f"{len(found):6} {verdict}")
    judged = read_judged(ROOT / JUDGED)
    unjudged = [survivor for survivor in survivors if survivor not in judged]
    for function, old, new in unjudged:
        print(f"\n{function}\n{old}\n{new}")
    if unjudged:
        sys.exit(f"\n{len(unjudged)} survivors are not in {JUDGED}.")


def prepare(copy: Path) -> None:
    """Lay a copy out as mutmut wants it: the package beside the tests."""
    shutil.move(copy / "layers" / "shared" / "o2o", copy / "o2o")
    settings = copy / "pyproject.toml"
    text = settings.read_text("utf-8").replace('[".", "layers/shared"]', '["."]')
    settings.write_text(text + SETTINGS, "utf-8")


def mutmut(copy: Path, command: str, *arguments: str) -> str:
    """Run mutmut, and return what it prints."""
    done = subprocess.run(
        [MUTMUT, command, *arguments],
        cwd=copy,
        stdout=subprocess.PIPE if command != "run" else None,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"mutmut {command} failed: {done.stdout or ''}")
    return done.stdout or ""


def read_results(listed: str) -> dict[str, list[str]]:
    """The names of mutants by what became of them, without those that were not asked for."""
    results = defaultdict(list)
    for line in listed.splitlines():
        name, _, verdict = line.strip().partition(": ")
        if verdict and verdict != "not checked":
            results[verdict].append(name)
    return results


def read_diff(shown: str) -> Survivor:
    """A mutant as mutmut shows it."""
    name, *lines = shown.splitlines()
    module, _, function = name.removeprefix("# o2o.core.").partition(":")[0].rpartition(".")
    function = (
        function.partition("__mutmut_")[0].replace("xǁ", "").replace("x_", "", 1).replace("ǁ", ".")
    )
    changed = [line for line in lines if not line.startswith(("---", "+++"))]
    old, new = (
        "\n".join(line[1:].strip() for line in changed if line.startswith(sign)) for sign in "-+"
    )
    return Survivor(f"{module}.{function}", old, new)


def read_judged(path: Path) -> dict[Survivor, str]:
    """The survivors of which a person has said that they make no difference, and why."""
    entries = tomllib.loads(path.read_text("utf-8")).get("survivor", [])
    return {Survivor(each["function"], each["old"], each["new"]): each["why"] for each in entries}


if __name__ == "__main__":
    main()
