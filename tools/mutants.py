"""Break the system on purpose, one bug at a time, and see that tests notice: `make mutants`.

    python -m tools.mutants [--only NAME ...] [--tests PATH ...] [--jobs N] [--limit S] [--list]

The bugs are in tests/mutants/*.toml: a file, the text that stands there once, the text that stands
there with the bug, why it matters, and the tests that must find it. Each is applied to a copy of
the project, so that the working tree never holds a bug, not even if this is killed. The tests pass
on the copy without a bug first. A mutant is killed if a test fails on it: a module that can't be
imported or a test that can't begin proves nothing. Exit code 1 unless all are killed.
"""

import argparse
import ast
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatch
from importlib.util import cache_from_source
from pathlib import Path
from queue import SimpleQueue
from xml.etree import ElementTree as ET

from local.options import positive

ROOT = Path(__file__).resolve().parent.parent
LIST = Path("tests/mutants")

_LIMIT = 60
"""Seconds for one mutant."""

_NO_BUG = ("ImportError", "IndentationError", "ModuleNotFoundError", "NameError", "SyntaxError")
"""What a test says of a mutant that no engineer would have got as far as running."""


class Stale(Exception):
    """A mutant that can't be applied to the code as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One deliberate bug. Paths are relative to the project."""

    name: str
    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...]

    def apply_to(self, root: Path) -> str:
        """The text of the file with the bug. Raises Stale."""
        text = (root / self.file).read_text("utf-8")
        found = text.count(self.old)
        if found != 1:
            raise Stale(f"{self.name}: its text is {found} times in {self.file}, not once")
        mutated = text.replace(self.old, self.new)
        try:
            changed = ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(text))
        except SyntaxError as error:
            raise Stale(f"{self.name}: {self.file} would not compile: {error}") from error
        if not changed:
            raise Stale(f"{self.name} changes nothing that runs")
        return mutated


class Verdict(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMEOUT = "timeout"
    BROKEN = "broken"
    """No test came as far as to judge it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant, and what a person needs to know about it."""

    mutant: Mutant
    verdict: Verdict
    seconds: float
    detail: str


def read(folder: Path | None = None) -> list[Mutant]:
    """All mutants, in the order of the files."""
    found = []
    for path in sorted((folder or ROOT / LIST).glob("*.toml")):
        for name, entry in tomllib.loads(path.read_text("utf-8")).items():
            found.append(Mutant(name=name, **entry | {"tests": tuple(entry["tests"])}))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the mutants; exit code 1 unless every one is killed."""
    parser = argparse.ArgumentParser(
        prog="make mutants", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these; * stands for anything")
    parser.add_argument("--list", action="store_true", help="only say which mutants there are")
    parser.add_argument(
        "--jobs", type=positive, default=os.cpu_count() or 1, help="side by side (%(default)s)"
    )
    parser.add_argument(
        "--limit", type=positive, default=_LIMIT, help="seconds for each mutant (%(default)s)"
    )
    parser.add_argument(
        "--tests", nargs="+", metavar="PATH", help="run these, to learn which ones find a mutant"
    )
    options = parser.parse_args(arguments)
    mutants = read()
    if options.only:
        mutants = [each for each in mutants if any(fnmatch(each.name, n) for n in options.only)]
        if not mutants:
            parser.error("there is no such mutant")
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name}  ({mutant.file})\n    {mutant.why}")
        return
    if options.tests:
        mutants = [replace(each, tests=tuple(options.tests)) for each in mutants]
    began = time.monotonic()
    # As if by Ctrl-C: the copies and what runs on them go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        results = list(judge(mutants, options.jobs, options.limit))
    except (Stale, UnreadyTests) as error:
        sys.exit(str(error))
    found = Counter(result.verdict for result in results)
    told = ", ".join(f"{number} {verdict}" for verdict, number in sorted(found.items()))
    print(f"{len(results)} mutants in {time.monotonic() - began:.0f} s: {told}.")
    if set(found) != {Verdict.KILLED}:
        sys.exit(1)


class UnreadyTests(Exception):
    """The tests fail without any bug."""


def judge(mutants: Sequence[Mutant], jobs: int, limit: int) -> Iterator[Result]:
    """Each mutant's result, told as it comes. Raises Stale and UnreadyTests before the first."""
    mutated = [mutant.apply_to(ROOT) for mutant in mutants]
    width = max(len(mutant.name) for mutant in mutants)
    with copies(jobs) as free, ThreadPoolExecutor(jobs) as threads:
        _pass_without_bug(mutants, free, jobs)
        work = [
            threads.submit(_judge, mutant, text, free, limit)
            for mutant, text in zip(mutants, mutated, strict=True)
        ]
        try:
            for done in as_completed(work):
                result = done.result()
                told = f"{result.mutant.name:{width}}  {result.verdict:8}  {result.seconds:5.1f} s"
                print(f"{told}  {result.detail}", flush=True)
                yield result
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            for process in [*_running]:
                _kill(process)
            raise


@contextmanager
def copies(number: int) -> Iterator["SimpleQueue[Path]"]:
    """Copies of the project as it is, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    with tempfile.TemporaryDirectory(prefix="o2o-mutants-") as folder:
        free: SimpleQueue[Path] = SimpleQueue()
        for count in range(number):
            copy = Path(folder) / str(count)
            for name in filter(None, listed.split("\0")):
                if (ROOT / name).is_file():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(ROOT / name, copy / name)
            if (ROOT / "node_modules").is_dir():
                (copy / "node_modules").symlink_to(ROOT / "node_modules")
            free.put(copy)
        yield free


def _pass_without_bug(mutants: Sequence[Mutant], free: "SimpleQueue[Path]", jobs: int) -> None:
    copy = free.get()
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    began = time.monotonic()
    done = _pytest(copy, [*tests, "--numprocesses", str(jobs), "--dist", "worksteal"], None)
    if done.code != 0:
        raise UnreadyTests(f"{done.output}\nThese tests fail without any mutant.")
    print(f"Without a mutant the tests pass, in {time.monotonic() - began:.0f} s.", flush=True)
    free.put(copy)


def _judge(mutant: Mutant, text: str, free: "SimpleQueue[Path]", limit: int) -> Result:
    copy = free.get()
    path = copy / mutant.file
    try:
        with _replaced(path, text):
            began = time.monotonic()
            report = copy.with_suffix(".xml")
            report.unlink(missing_ok=True)
            done = _pytest(copy, [*mutant.tests, "--exitfirst", f"--junit-xml={report}"], limit)
            verdict, detail = _read_verdict(done, report)
            return Result(mutant, verdict, time.monotonic() - began, detail)
    finally:
        free.put(copy)


@contextmanager
def _replaced(path: Path, text: str) -> Iterator[None]:
    """A file of a copy has another text for a while."""
    former = path.read_bytes()
    compiled = Path(cache_from_source(str(path)))
    try:
        # Python takes byte-code for fresh if the source's size and its second are the same.
        compiled.unlink(missing_ok=True)
        path.write_text(text, "utf-8")
        yield
    finally:
        path.write_bytes(former)
        compiled.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Done:
    code: int | None
    """None: there was no time left."""
    output: str


_running: "set[subprocess.Popen[str]]" = set()


def _kill(process: "subprocess.Popen[str]") -> None:
    """End a run with all that its tests have started, such as a database engine."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _pytest(copy: Path, arguments: Sequence[str], limit: int | None) -> _Done:
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    command += ["--hypothesis-profile", "mutants", *arguments]
    # The environment has the project itself on its path, after what stands here.
    places = os.pathsep.join([str(copy), str(copy / "layers" / "shared")])
    with subprocess.Popen(
        command,
        cwd=copy,
        env={**os.environ, "PYTHONPATH": places},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        _running.add(process)
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return _Done(None, "")
        finally:
            _kill(process)
            _running.discard(process)
    return _Done(process.returncode, output)


def _read_verdict(done: _Done, report: Path) -> tuple[Verdict, str]:
    if done.code is None:
        return Verdict.TIMEOUT, ""
    if done.code == 0:
        return Verdict.SURVIVED, ""
    cases = ET.parse(report).iter("testcase") if report.exists() else ()  # noqa: S314 - ours
    for case in cases:
        failure = case.find("failure")
        if failure is not None and not (failure.get("message") or "").startswith(_NO_BUG):
            return Verdict.KILLED, f"{case.get('classname')}::{case.get('name')}"
    return Verdict.BROKEN, done.output[-2000:]


if __name__ == "__main__":
    main()
