"""Look for bytes from outside that break a promise, guided by coverage: `make fuzz-inputs`.

Each target of `tests/fuzz` runs under atheris in turn, round after round, until there were enough
executions; what a target has learnt it keeps for its next round. What breaks a promise is kept in
`tests/fuzz/found`, which the tests replay from then on, and the exit code is 1.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from local.options import positive

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-atheris" / "bin" / "python"
TARGETS = ROOT / "tests" / "fuzz" / "targets"
FOUND = ROOT / "tests" / "fuzz" / "found"

_PROGRESS = re.compile(r"^#(\d+)\t.*?cov: (\d+) ft: (\d+)", re.MULTILINE)
_LONGEST = 20_000
"""Bytes of an input: no header, token or setting comes near it, and bodies are cut there."""
_HANGS_AFTER = 60
"""Seconds for one input, on however busy a machine."""


@dataclass
class Run:
    """What became of one target."""

    name: str
    folder: Path
    executions: int = 0
    coverage: int = 0
    features: int = 0
    seconds: float = 0.0
    found: list[Path] = field(default_factory=list)
    told: str = ""

    def go_on(self, seed: int, seconds: int) -> None:
        """One more round."""
        began = time.monotonic()
        done = subprocess.run(
            [
                *(PYTHON, "-m", "tests.fuzz.run", self.name, self.folder),
                *(f"-max_total_time={seconds}", f"-seed={seed}", f"-timeout={_HANGS_AFTER}"),
                f"-max_len={_LONGEST}",
            ],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'shared'}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        self.seconds += time.monotonic() - began
        told = done.stderr.decode("utf-8", "replace")
        progress = _PROGRESS.findall(told)
        if progress:
            executions, coverage, features = map(int, progress[-1])
            self.executions += executions
            self.coverage, self.features = coverage, features
        if done.returncode:
            self.told = told
            self._keep()

    def _keep(self) -> None:
        """Keep what was found where the tests replay it."""
        for kind in ("crash-*", "timeout-*", "oom-*"):
            for path in self.folder.glob(kind):
                data = path.read_bytes()
                kept = FOUND / self.name / sha256(data).hexdigest()[:16]
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(data)
                self.found.append(kept)


def fuzz(runs: Sequence[Run], executions: int, seconds: int, seed: int) -> None:
    """Go round and round. A target that has found something, or failed, rests from then on."""
    number = 0
    while sum(run.executions for run in runs) < executions:
        sound = [run for run in runs if not run.told]
        if not sound:
            return
        for run in sound:
            run.go_on(seed + number, seconds)
            print(f"{run.name:16}{run.executions:>10,} executions", file=sys.stderr, flush=True)
        number += 1


def report(runs: Sequence[Run]) -> str:
    """The table."""
    row = "{:16}{:>12}{:>10}{:>10}{:>9}{:>9}{:>10}"
    lines = [
        row.format("target", "executions", "edges", "features", "seconds", "a second", "found")
    ]
    lines += [
        row.format(
            run.name,
            f"{run.executions:,}",
            run.coverage,
            run.features,
            round(run.seconds),
            round(run.executions / max(run.seconds, 1)),
            len(run.found),
        )
        for run in runs
    ]
    total = sum(run.executions for run in runs)
    spent = sum(run.seconds for run in runs)
    found = sum(len(run.found) for run in runs)
    lines.append(row.format("all", f"{total:,}", "", "", round(spent), "", found))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz; exit code 1 if something is found."""
    names = sorted(path.stem for path in TARGETS.glob("*.py"))
    parser = argparse.ArgumentParser(
        prog="make fuzz-inputs", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--executions", type=positive, default=100_000, help="at least (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=positive, default=10, help="for a target's round (default: %(default)s)"
    )
    parser.add_argument("--seed", type=positive, default=1, help="default: %(default)s")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(names)}")
    options = parser.parse_args(arguments)
    for name in options.targets:
        if name not in names:
            parser.error(f"{name} is no target")
    folder = Path(tempfile.mkdtemp(prefix="o2o-fuzz-inputs-"))
    try:
        runs = [Run(name, folder / name) for name in options.targets or names]
        for run in runs:
            run.folder.mkdir()
        fuzz(runs, options.executions, options.seconds, options.seed)
    finally:
        shutil.rmtree(folder)
    print(report(runs))
    for run in runs:
        if run.told:
            print(f"\n{run.name}:\n{run.told[-3000:]}", file=sys.stderr)
            for path in run.found:
                print(f"Kept: {path.relative_to(ROOT)}", file=sys.stderr)
    if any(run.told for run in runs):
        sys.exit(1)


if __name__ == "__main__":
    main()
