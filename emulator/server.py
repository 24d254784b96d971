"""The emulator as a process of its own, that only this machine can reach."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from local.errors import StackError
from local.ports import HOST, PortChoice, release
from local.processes import die_with_parent
from tools.build import ROOT

PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
ACCOUNT = "123456789012"
REGION = "ap-southeast-3"
# An account's number as the access key is its root user; nobody checks the other one.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCOUNT,
    "AWS_SECRET_ACCESS_KEY": ACCOUNT,
    "AWS_DEFAULT_REGION": REGION,
}
_START_SECONDS = 120.0
RUNTIME = Path(__file__).parent / "runtime"


class Emulator:
    """One MiniStack, with all that it writes in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.clock = folder / "clock"
        self.port = release(PortChoice(what="emulator", option="").listen())
        self.url = f"http://{HOST}:{self.port}"

    @property
    def environment(self) -> Mapping[str, str]:
        """What programs of AWS's clients need to speak to it, and to nothing else."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.url, "NO_PROXY": HOST}

    def start(self) -> None:
        """Start it and return once it answers. Raises ``StackError``."""
        if not PYTHON.exists():
            raise StackError("There is no .venv-emulator: run `make emulate`.")
        with (self._folder / "emulator.log").open("wb") as log:
            self._process = subprocess.Popen(
                [PYTHON, "-m", "ministack"],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self._folder),
                    "TMPDIR": str(self._folder),
                    "STATE_DIR": str(self._folder / "state"),
                    "S3_DATA_DIR": str(self._folder / "s3"),
                    "BIND_HOST": HOST,
                    "GATEWAY_PORT": str(self.port),
                    "MINISTACK_ACCOUNT_ID": ACCOUNT,
                    "MINISTACK_REGION": REGION,
                    "AWS_DEFAULT_REGION": REGION,
                    # Functions have what their roles allow, and nothing else.
                    "AUTH": "true",
                    # Functions inherit these two; the log then has the events that they get.
                    "POWERTOOLS_LOGGER_LOG_EVENT": "true",
                    "PYTHONPATH": str(RUNTIME),
                    "O2O_EMULATOR_CLOCK": str(self.clock),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=die_with_parent,  # noqa: PLW1509 (no other thread runs yet)
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"MiniStack did not start; see {self._folder}/emulator.log.")
            time.sleep(0.1)

    def _answers(self) -> bool:
        with requests.Session() as session:
            session.trust_env = False
            try:
                return session.get(f"{self.url}/_ministack/health", timeout=5).ok
            except requests.RequestException:
                return False

    def stop(self) -> None:
        """End it and the functions' workers, which are in its process group."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
