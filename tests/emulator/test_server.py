"""The emulator as a process: reached from this machine only, and gone with all that it started."""

import os
import sys
from pathlib import Path

import pytest

from emulator import __main__ as program
from emulator import server
from local.errors import StackError
from tests.support.patience import until

_STAND_IN = """#!{python}
import http.server, os, subprocess, sys
waits = [sys.executable, "-c", "import sys; sys.stdin.read()"]
child = subprocess.Popen(waits, stdin=subprocess.PIPE)
with open(os.path.join(os.environ["HOME"], "child"), "w") as file:
    file.write(str(child.pid))
class Fine(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
address = (os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"]))
http.server.HTTPServer(address, Fine).serve_forever()
"""


@pytest.fixture
def python(tmp_path, monkeypatch):
    """What stands in for the emulator's own Python: a script."""

    def stand_in(text: str) -> None:
        path = tmp_path / "python"
        path.write_text(text.replace("{python}", sys.executable))
        path.chmod(0o700)
        monkeypatch.setattr(server, "PYTHON", path)

    return stand_in


def runs(process: int) -> bool:
    """Whether there is such a process; one that nobody has waited for yet has ended."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return sys.platform != "linux"


def test_it_listens_on_this_machine_only_and_takes_its_children_with_it(tmp_path, python):
    python(_STAND_IN)
    emulator = server.Emulator(tmp_path)
    emulator.start()
    child = int((tmp_path / "child").read_text())
    assert runs(child)
    assert emulator.url.startswith("http://127.0.0.1:")
    emulator.stop()
    until(lambda: not runs(child), "the end of its child")


def test_what_does_not_start_is_told_with_its_log(tmp_path, python):
    python("#!/bin/sh\nexit 3\n")
    with pytest.raises(StackError, match=r"MiniStack did not start; see .*emulator\.log"):
        server.Emulator(tmp_path).start()


def test_its_environment_holds_nobody_s_credentials(tmp_path):
    environment = server.Emulator(tmp_path).environment
    assert not {name for name in environment if name in os.environ and name != "NO_PROXY"}


@pytest.mark.parametrize(
    ("environment", "code"),
    [({"CI": ""}, 0), ({"CI": "true"}, 1), ({"CI": "true", "O2O_LACKS": "npm, python3.13"}, 0)],
)
def test_a_machine_without_lambda_s_python_says_so(
    tmp_path, monkeypatch, capsys, environment, code
):
    monkeypatch.setattr(program, "ROOT", tmp_path)
    monkeypatch.delenv("O2O_LACKS", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert program.main([]) == code
    assert "no python3.13" in capsys.readouterr().out
