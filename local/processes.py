"""The supervisor's child processes: starts, watches and stops them, and leaves none behind."""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from local.errors import StackError

_STOP_SECONDS = 3.0
_PR_SET_PDEATHSIG = 1
_ROOT = Path(__file__).parent.parent
_LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Ask Linux to kill this process when the thread that started it ends.

    Other systems can't do that: there, the next start ends the processes that are left.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Lock the folder: a second stack in it would use the same data.

    Raises ``StackError`` if another process has the lock. The system releases it when this process
    ends, even if it is killed.
    """
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"A local stack is already running in {folder}: stop it, or choose another folder"
                " with --state-dir."
            ) from None
        yield


class Children:
    """The processes that one supervisor starts; to be used from its main thread.

    ``on_death`` gets a sentence when a watched process ends unexpectedly.
    """

    def __init__(self, folder: Path, on_death: Callable[[str], None]) -> None:
        self._record = folder / "processes.json"
        self._logs = folder / "logs"
        self._on_death = on_death
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._stopping = threading.Event()

    def end_leftovers(self) -> None:
        """Kill the processes that an earlier supervisor of this folder left when it was killed."""
        try:
            recorded = [(int(id_), start) for id_, start in json.loads(self._record.read_text())]
        except (FileNotFoundError, TypeError, ValueError):
            return
        for process_id, started in recorded:
            # Another process may have the id by now; it has another start time.
            if started is not None and _start_of(process_id) == started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process_id, signal.SIGKILL)
        self._record.unlink()

    def start(self, name: str, command: Sequence[str]) -> tuple[IO[str], IO[str]]:
        """Start a process and return its standard input and output; standard error is logged."""
        with (self._logs / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=_ROOT,
                process_group=0,  # Ctrl-C must reach the supervisor only
                preexec_fn=die_with_parent,  # noqa: PLW1509 (no other thread runs yet)
            )
        self._running[name] = process
        self._record.write_text(
            json.dumps([(each.pid, _start_of(each.pid)) for each in self._running.values()])
        )
        if process.stdin is None or process.stdout is None:
            raise AssertionError("Both are pipes.")
        return process.stdin, process.stdout

    def watch(self) -> None:
        """Report every process that ends unexpectedly from now on."""
        for name, process in self._running.items():
            threading.Thread(target=self._watch, args=(name, process), daemon=True).start()

    def ended(self, name: str) -> bool:
        """Whether the process of this name has ended."""
        return self._running[name].poll() is not None

    def stop(self) -> None:
        """End all processes: with SIGTERM, and after 3 seconds with SIGKILL."""
        self._stopping.set()
        processes = list(self._running.values())
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in processes:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
        self._record.unlink(missing_ok=True)

    def _watch(self, name: str, process: subprocess.Popen[str]) -> None:
        code = process.wait()
        if not self._stopping.is_set():
            self._on_death(
                f"{name} ended unexpectedly (exit code {code}); see {self._logs}/{name}.log."
            )


def _start_of(process_id: int) -> str | None:
    """When a process started, as text to compare; ``None`` if there is no such process."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        pass
    with contextlib.suppress(OSError):
        result = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(process_id)],
            capture_output=True,
            text=True,
            check=False,
        )
        return result.stdout.strip() or None
    return None
