"""Collecting the tests builds nothing that a test could be given instead of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import pytest
from o2o.entry import wiring


class Collected:
    def pytest_collection_finish(self, session):
        assert session.items
        assert not wiring._client.cache_info().currsize, "a client of AWS's was made"


raise SystemExit(pytest.main(["--collect-only", "-qq"], plugins=[Collected()]))
"""


def test_no_client_is_made_while_tests_are_collected():
    """It would have no fake below it, and a test that is given it calls AWS."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if "PYTEST" not in name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
