"""Find secrets that were committed by accident: `make secrets`.

    python -m tools.find_secrets [--update] [FILE ...]

scans these files, or all that git tracks, with detect-secrets and the settings in
.secrets.baseline, and for keys of a known shape in any file at all. The baseline also has the
hashes of the fake keys in tests and examples; --update regenerates it from the present files.
Unlike detect-secrets' own hook, this one never writes the baseline unless asked to, and ignores
that a line has moved. It makes no network requests.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from detect_secrets.core import baseline
from detect_secrets.core.potential_secret import PotentialSecret
from detect_secrets.core.secrets_collection import SecretsCollection

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / ".secrets.baseline"
SHAPES = {
    "API key of O2O": re.compile(r"o2o_[a-z0-9]{12}_[a-z0-9]{50}"),
    "DOKU Secret Key": re.compile(r"\bSK-(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}"),
    "Webhook Secret": re.compile(r"\bwhsec_[A-Za-z0-9+/]{32,}"),
    "AWS Secret Key": re.compile(r"(?i:secret_?access_?key)\W{1,6}[A-Za-z0-9/+]{40}\b"),
    "AWS Access Key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "Private Key": re.compile(r"BEGIN (?:[A-Z]+ )*PRIVATE KEY"),
}
"""What detect-secrets passes over without quotation marks, a telling name, or in lock files."""

_ALLOWED = "pragma: allowlist secret"
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


def shaped(file: str) -> Iterator[PotentialSecret]:
    """The keys of a known shape in a file."""
    lines = Path(file).read_text("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if _ALLOWED not in line:
            for kind, shape in SHAPES.items():
                for key in shape.findall(line):
                    yield PotentialSecret(kind, file, key, number)


def _scan(files: Sequence[str]) -> dict[str, Any]:
    found = SecretsCollection()
    for file in files:
        found.scan_file(file)
        for secret in shaped(file):
            found[file].add(secret)
    results: dict[str, Any] = found.json()
    return results


if __name__ == "__main__":
    main()
