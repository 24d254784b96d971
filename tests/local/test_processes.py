"""Ports, the clock, the lock, and processes that are never left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.clock import SharedClock
from local.errors import StackError
from local.ports import HOST, PortChoice, port_of, release
from local.processes import Children, only_one
from tests.support.patience import until

# --- clock -----------------------------------------------------------------------------------


def test_the_clock_tells_real_time_until_it_is_moved(tmp_path: Path) -> None:
    clock = SharedClock(tmp_path / "clock")
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    clock.advance(3600.5)
    clock.advance(60)
    assert clock.offset_seconds == 3660.5
    assert SharedClock(tmp_path / "clock").now() >= before + timedelta(seconds=3660.5)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e12])
def test_the_clock_goes_forward_only_and_not_to_the_end_of_time(
    tmp_path: Path, seconds: float
) -> None:
    clock = SharedClock(tmp_path / "clock")
    with pytest.raises(ValueError, match="clock"):
        clock.advance(seconds)
    assert clock.offset_seconds == 0


# --- ports -----------------------------------------------------------------------------------


def test_a_configured_port_goes_before_the_previous_one() -> None:
    first, second = (release(PortChoice(what="x", option="").listen()) for _ in range(2))
    with PortChoice(what="x", option="", configured=first, previous=second).listen() as bound:
        assert port_of(bound) == first
    with PortChoice(what="x", option="", previous=second).listen() as bound:
        assert port_of(bound) == second


def test_a_previous_port_that_is_taken_is_let_go() -> None:
    with (
        PortChoice(what="x", option="").listen() as taken,
        PortChoice(what="x", option="", previous=port_of(taken)).listen() as bound,
    ):
        assert port_of(bound) != port_of(taken)


def test_a_configured_port_that_is_taken_is_named_with_its_option() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=f"Port {port} for the API .* --api-port"):
            PortChoice(what="API", option="--api-port", configured=port).listen()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(StackError, match="--api-port"):
        PortChoice(what="API", option="--api-port", configured=port).listen()


# --- one stack in a folder -------------------------------------------------------------------


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(StackError, match="already"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


# --- children --------------------------------------------------------------------------------

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPER[-1],
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path


def exists(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process_id}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def only_process(folder: Path) -> int:
    ((process_id, _),) = json.loads((folder / "processes.json").read_text())
    return int(process_id)


@pytest.mark.parametrize("command", [SLEEPER, STUBBORN])
def test_children_end_with_their_supervisor(
    folder: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.processes._STOP_SECONDS", 0.5)
    children = Children(folder, print)
    _, told = children.start("sleeper", command)
    assert told.readline() == "up\n"
    process_id = only_process(folder)
    children.stop()
    assert not exists(process_id)
    assert not (folder / "processes.json").exists()


def test_a_child_that_ends_by_itself_is_told_with_its_log(folder: Path) -> None:
    deaths: list[str] = []
    children = Children(folder, deaths.append)
    children.start("short", [sys.executable, "-c", "raise SystemExit(7)"])
    children.watch()
    until(lambda: deaths)
    assert deaths == [f"short ended unexpectedly (exit code 7); see {folder}/logs/short.log."]
    children.stop()


def test_what_a_killed_supervisor_left_behind_is_ended_by_the_next(folder: Path) -> None:
    children = Children(folder, print)
    _, told = children.start("sleeper", SLEEPER)
    assert told.readline() == "up\n"
    left = only_process(folder)
    Children(folder, print).end_leftovers()
    until(lambda: not exists(left))
    assert not (folder / "processes.json").exists()
    children.stop()


def test_a_process_that_only_has_the_number_of_a_leftover_is_spared(folder: Path) -> None:
    with subprocess.Popen(SLEEPER, stdout=subprocess.PIPE, text=True) as stranger:
        (folder / "processes.json").write_text(json.dumps([[stranger.pid, "at another time"]]))
        Children(folder, print).end_leftovers()
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="no Linux: it ends children with their parent")
def test_children_die_with_a_supervisor_that_is_killed(folder: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from local.processes import Children\n"
        f"children = Children(pathlib.Path({str(folder)!r}), print)\n"
        f"_, told = children.start('sleeper', {SLEEPER!r})\n"
        "print(told.readline(), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "up\n"
        child = only_process(folder)
        supervisor.send_signal(signal.SIGKILL)
    until(lambda: not exists(child))
