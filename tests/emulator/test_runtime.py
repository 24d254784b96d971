"""The moved clock of functions, in a Python of its own as the emulator starts one."""

import os
import subprocess
import sys
from pathlib import Path

from emulator.server import RUNTIME

_SHOW = "import o2o.entry.wiring as w; print((w.clock() - w.system_clock()).total_seconds())"


def ahead(clock: Path) -> float:
    shown = subprocess.run(
        [sys.executable, "-c", _SHOW],
        env={**os.environ, "PYTHONPATH": str(RUNTIME), "O2O_EMULATOR_CLOCK": str(clock)},
        capture_output=True,
        text=True,
        check=True,
    )
    return round(float(shown.stdout))


def test_a_function_s_business_time_is_the_stack_s(tmp_path):
    clock = tmp_path / "clock"
    assert ahead(clock) == 0
    clock.write_text("360.0")
    assert ahead(clock) == 360
