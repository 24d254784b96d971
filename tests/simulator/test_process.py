"""The simulator as a process: killed, started again, stopped, refused."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from simulator import Bin, ConfigError, SimulatorConfig, StartError
from simulator.app import Simulator
from tests.simulator.support import (
    ALFA,
    CLIENT_ID,
    DEADLINE,
    SECRET_KEY,
    Client,
    Merchant,
    eventually,
    generation,
)

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "simulator", *arguments]


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DOKU_SECRET_KEY": SECRET_KEY}


@contextmanager
def running(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", Client]]:
    """A simulator in a process of its own, once it answers."""
    process = subprocess.Popen(
        command("--port", "0", "--client-id", CLIENT_ID, *arguments),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:2] == ["DOKU", "simulator"]
        yield process, Client(words[2])
    finally:
        process.kill()
        process.communicate()


def test_everything_survives_a_kill(tmp_path: Path) -> None:
    database = str(tmp_path / "doku.sqlite")
    with Merchant() as merchant:
        merchant.statuses = [503]
        with running("--database", database, "--notify-url", f"alfa={merchant.url}") as (
            process,
            doku,
        ):
            first = doku.post(ALFA, generation("INV-1"), request_id="R-1")
            doku.generate("INV-2")
            doku.generate("INV-3")
            doku.pay("INV-2")
            doku.pay("INV-3", notify={"kind": "late", "seconds": 600})
            doku.add_fault("error_5xx", operation="status", times=3)
            doku.add_fault("hang_after_accept", invoice_number="INV-4")
            doku.advance(120)
            eventually(lambda: len(doku.attempts("INV-2")) == 1, "the first attempt is noted")
            lost = threading.Thread(target=_ask_in_vain, args=(doku,))
            lost.start()
            eventually(lambda: doku.did("GET", "/faults")["hanging"] == 1, "INV-4 is kept")
            process.send_signal(signal.SIGKILL)
            process.wait()
            lost.join(DEADLINE)

        with running("--database", database, "--notify-url", f"alfa={merchant.url}") as (_, doku):
            assert doku.did("GET", "/clock")["offset_seconds"] == 120
            again = doku.post(ALFA, generation("INV-1"), request_id="R-1")
            assert (again.status, again.body) == (409, first.body)
            kept = doku.post(ALFA, generation("INV-4"), request_id="R-4")
            assert kept.status == 409
            assert kept.code == doku.order("INV-4")["payment_code"]
            fault = doku.did("GET", "/faults")["faults"][0]
            assert (fault["kind"], fault["remaining"]) == ("error_5xx", 3)
            assert len(doku.order("INV-2")["payments"]) == 1
            doku.advance(1800)
            messages = merchant.wait_for(3)
    assert {message.invoice_number for message in messages[1:]} == {"INV-2", "INV-3"}
    assert all(message.is_genuine for message in messages)


def _ask_in_vain(doku: Client) -> None:
    """Ask a simulator that ends meanwhile."""
    with suppress(OSError):
        doku.post(ALFA, generation("INV-4"), request_id="R-4")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_clean_stop(number: int, tmp_path: Path) -> None:
    with running("--database", str(tmp_path / "doku.sqlite")) as (process, doku):
        doku.generate()
        doku.add_fault("hang_after_accept", invoice_number="INV-4")
        hanging = threading.Thread(target=_ask_in_vain, args=(doku,))
        hanging.start()
        eventually(lambda: doku.did("GET", "/faults")["hanging"] == 1, "a request hangs")
        process.send_signal(number)
        _, errors = process.communicate(timeout=DEADLINE)
        hanging.join(DEADLINE)
    assert process.returncode == 0
    assert errors == ""


def refusal(*arguments: str) -> str:
    """What a start that fails says."""
    done = subprocess.run(
        command("--client-id", CLIENT_ID, *arguments),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    return sentence


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        sentence = refusal("--port", str(port))
    assert sentence == (
        f"simulator: Port {port} of 127.0.0.1 is taken:"
        " stop what uses it or choose another with --port."
    )


def test_a_database_in_use(tmp_path: Path) -> None:
    database = str(tmp_path / "doku.sqlite")
    with running("--database", database):
        assert "Another simulator is using" in refusal("--port", "0", "--database", database)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "99999"], "not between 0 and 65535"),
        (["--bin", "alfa=8"], "is not CHANNEL:TYPE:DIGITS"),
        (["--bin", "giro:general:8"], "no channel 'giro'"),
        (["--bin", "alfa:special:8"], "no type 'special'"),
        (["--bin", "alfa:general:x"], "has to consist of digits"),
        (["--bin", "alfa:general:88"], "general BINs have 1 digits"),
        (["--bin", "alfa:exclusive:88996"], "exclusive BINs have 6 to 11 digits"),
        (
            ["--bin", "alfa:exclusive:889955:dgpc"],
            "the features of exclusive BINs are dipc, mgpc, no others",
        ),
        (["--bin", "indomaret:direct:88899:sipc"], "are dgpc, dipc, mgpc, no others"),
        (["--bin", "alfa:general:8:dgpc+dipc"], "are dgpc, no others"),
        (["--bin", "indomaret:exclusive:889955"], "no type 'exclusive'"),
        (["--bin", "alfa:direct:70014", "--bin", "alfa:direct:70014"], "configured twice"),
        (["--inquiry-url", "alfa=example.com"], "is not an http or https URL"),
        (["--inquiry-url", "giro=http://127.0.0.1/"], "no channel 'giro'"),
        (["--inquiry-timeout", "0"], "inquiry_timeout_seconds"),
        (["--notify-url", "alfa=example.com"], "is not an http or https URL"),
        (["--notify-url", "alfa=https://example.com/#x"], "nothing else"),
        (["--strict", "--notify-url", "alfa=https://example.com/?x"], "no query string"),
        (["--time-scale", "0"], "time_scale"),
        (["--status-delay", "nan"], "status_delay_seconds"),
        (["--port", "0", "--database", "/nowhere/at/all.sqlite"], "can't be opened"),
        (["--port", "0", "--host", "192.0.2.1"], "Can't listen on 192.0.2.1"),
    ],
)
def test_settings_that_can_not_be(arguments: list[str], sentence: str) -> None:
    assert sentence in refusal(*arguments)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("nothing of the kind " * 500)
    with pytest.raises(StartError, match="can't be used"):
        Simulator(config(database=file)).start()


def test_a_database_of_the_version_before(tmp_path: Path) -> None:
    file = tmp_path / "doku.sqlite"
    with Simulator(config(database=file)) as simulator:
        Client(simulator.url).add_fault("lost")
        Client(simulator.url).generate()
    older = sqlite3.connect(file)
    older.execute("ALTER TABLE faults DROP COLUMN channel")
    older.execute("ALTER TABLE orders DROP COLUMN report")
    older.execute("DROP INDEX notifications_held")
    older.execute("PRAGMA user_version = 2")
    older.close()
    with Simulator(config(database=file)) as simulator:
        (fault,) = Client(simulator.url).did("GET", "/faults")["faults"]
        assert (fault["kind"], fault["channel"]) == ("lost", None)
        assert Client(simulator.url).order()["report"] == []
    with Simulator(config(database=file)):
        pass


def test_what_is_looked_for_at_each_notification_is_found_by_an_index(tmp_path: Path) -> None:
    file = tmp_path / "doku.sqlite"
    with Simulator(config(database=file)):
        pass
    with closing(sqlite3.connect(file)) as database:
        for query in (
            "SELECT id FROM notifications WHERE due_at IS NOT NULL ORDER BY due_at, id",
            "SELECT id FROM notifications WHERE held > 0 AND id <> 1",
        ):
            steps = [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + query)]
            assert any("INDEX notifications_" in step for step in steps), steps


def test_a_database_of_another_version(tmp_path: Path) -> None:
    file = tmp_path / "doku.sqlite"
    other = sqlite3.connect(file)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StartError, match="another version"):
        Simulator(config(database=file)).start()


def config(**more: object) -> SimulatorConfig:
    return SimulatorConfig(client_id=CLIENT_ID, secret_key=SECRET_KEY, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "MCH 1"},
        {"secret_key": ""},
        {"secret_key": "SK-é"},
        {"amount_form": "float"},
        {"credentials_error_status": 403},
        {"retry_after_seconds": (-1,)},
        {"inquiry_binds_seconds": -1},
        {"inquiry_urls": {"alfa": "https://example.com/#x"}},
        {"inquiry_urls": {"alfa": "https://example.com/?x"}, "strict": True},
        {"public_url": "https://example.com/?x"},
        {"bins": (Bin(channel="alfa", type="general", digits="8", code_length=21),)},
        {"notification_urls": {"giro": "https://example.com"}},
        {"public_url": "example.com"},
    ],
    ids=str,
)
def test_configurations_that_can_not_be(wrong: dict[str, object]) -> None:
    values = {"client_id": CLIENT_ID, "secret_key": SECRET_KEY, **wrong}
    with pytest.raises(ConfigError):
        SimulatorConfig(**values)  # type: ignore[arg-type]


def test_a_configuration_does_not_show_its_key() -> None:
    assert SECRET_KEY not in repr(config())


def test_a_simulator_starts_and_stops_again() -> None:
    simulator = Simulator(config())
    simulator.stop()
    with pytest.raises(RuntimeError):
        _ = simulator.url
    for _ in range(2):
        with simulator as same:
            assert same.start() is simulator
            same.set_notification_url("alfa", "http://127.0.0.1:1/x")
            index = Client(simulator.url).did("GET", "")
            assert index["channels"][0]["notification_url"] == "http://127.0.0.1:1/x"
            same.set_inquiry_url("alfa", "http://127.0.0.1:1/y")
            urls = Client(simulator.url).did("GET", "/inquiry-urls")
            assert urls == {"alfa": "http://127.0.0.1:1/y", "indomaret": None}
    simulator.stop()


def test_a_public_address_for_the_links() -> None:
    with Simulator(config(public_url="https://doku.example/sim/")) as simulator:
        info = Client(simulator.url).generate().json["online_to_offline_info"]
    assert info["how_to_pay_page"].startswith("https://doku.example/sim/how-to-pay/v1/alfa/8")
