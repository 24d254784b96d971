"""Find secrets that were committed by accident: `make secrets`.

    python -m tools.find_secrets [--update] [FILE ...]

scans these files, or all that git tracks, with detect-secrets and the settings in
.secrets.baseline. That file also has the hashes of the fake keys in tests and examples; --update
regenerates it from the present files. Unlike detect-secrets' own hook, this one never writes the
baseline unless asked to, and ignores that a line has moved. It makes no network requests.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / ".secrets.baseline"
_TOGETHER = 25
"""Files that a process scans at a time."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Report secrets that are not in the baseline, or update the baseline."""
    parser = argparse.ArgumentParser(description="Find secrets that were committed by accident.")
    parser.add_argument(
        "--update", action="store_true", help="add everything that is found to the baseline"
    )
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    for name in options.files:
        if not Path(name).is_file():  # it would count as free of secrets
            parser.error(f"{name} is no file")
    known = load()
    if options.update:
        found = scan(tracked())
        baseline.save_to_file(baseline.format_for_output(found, is_slim_mode=True), str(BASELINE))
        return
    found = scan(options.files or tracked()) - known
    lines = [f"{secret.filename}:{secret.line_number}: {secret.type}" for _, secret in found]
    if lines:
        advice = "If they are fake: .venv/bin/python -m tools.find_secrets --update"
        sys.exit("\n".join(["These look like secrets:", *sorted(lines), advice]))


def load() -> SecretsCollection:
    """The known secrets; also makes this process scan with the baseline's settings."""
    return baseline.load(json.loads(BASELINE.read_text("utf-8")))


def tracked() -> list[str]:
    """All files that git tracks and that exist."""
    command = ("git", "-C", ROOT, "ls-files", "-z")
    names = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [name for name in names.split("\0") if name and (ROOT / name).is_file()]


def scan(files: Sequence[str]) -> SecretsCollection:
    """Everything in these files that looks like a secret."""
    groups = [files[start : start + _TOGETHER] for start in range(0, len(files), _TOGETHER)]
    if len(groups) == 1:
        return SecretsCollection.load_from_baseline({"results": _scan(files)})
    results: dict[str, Any] = {}
    with ProcessPoolExecutor(initializer=load) as processes:
        for found in processes.map(_scan, groups):
            results |= found
    return SecretsCollection.load_from_baseline({"results": results})


def _scan(files: Sequence[str]) -> dict[str, Any]:
    found = SecretsCollection()
    for file in files:
        found.scan_file(file)
    results: dict[str, Any] = found.json()
    return results


if __name__ == "__main__":
    main()
