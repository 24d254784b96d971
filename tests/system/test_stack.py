"""What the person at the terminal meets: start, stop, refusals, the console, the demo."""

import json
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from local.demo import UnexpectedResult, expect
from local.ports import PortChoice, release
from tests.support import dynoxide, tables
from tests.support.dynoxide import halfway
from tests.support.local_stack import LocalStack
from tests.support.local_stack import run_module as run
from tests.support.patience import CALL_SECONDS
from tests.support.receivers import receiver

# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("--api-port", "O2O_API_PORT"),
        ("--simulator-port", "O2O_SIMULATOR_PORT"),
        ("--console-port", "O2O_CONSOLE_PORT"),
    ],
)
def test_a_port_that_is_taken_is_told_in_one_sentence(
    tmp_path: Path, option: str, variable: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for ended in (
            run("local", "--state-dir", str(tmp_path), option, port),
            run("local", "--state-dir", str(tmp_path), **{variable: port}),
        ):
            assert ended.returncode == 1
            assert ended.stderr.startswith(f"local stack: Port {port} for the ")
            assert option in ended.stderr
            assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "stack.json").exists()


def test_a_second_stack_in_the_same_folder_is_refused(stack: LocalStack) -> None:
    ended = run("local", "--state-dir", str(stack.folder))
    assert ended.returncode == 1
    assert "already" in ended.stderr
    assert "--state-dir" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert stack.call("GET", "/channels").status_code == 200


def test_a_port_that_is_no_number_is_told(tmp_path: Path) -> None:
    ended = run("local", "--state-dir", str(tmp_path), O2O_API_PORT="eighty")
    assert (ended.returncode, ended.stderr) == (
        1,
        "local stack: O2O_API_PORT must be a port number, not 'eighty'.\n",
    )


def refuses(folder: Path, *arguments: str, **environment: str) -> str:
    """The one sentence that a stack ends with which can't start; nothing of it is left."""
    ended = run("local", "--state-dir", str(folder), *arguments, **environment)
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    (sentence,) = ended.stderr.splitlines()
    for name in ("stack.json", "processes.json"):
        assert not folder.is_dir() or not (folder / name).exists()
    return sentence.removeprefix("local stack: ")


def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    nobody = release(PortChoice(what="nobody", option="").listen())
    told = refuses(tmp_path, "--dynamodb-url", f"http://127.0.0.1:{nobody}")
    assert told.startswith(f"No DynamoDB engine answers at http://127.0.0.1:{nobody}: "), told
    for given in ({"O2O_DYNAMODB_URL": "localhost:8000"}, {}):
        told = refuses(tmp_path, *(() if given else ("--dynamodb-url", "")), **given)
        assert " is no address of a DynamoDB engine: --dynamodb-url takes one like " in told


def test_an_engine_that_can_not_do_all(tmp_path: Path) -> None:
    with receiver(halfway("DescribeTimeToLive")) as other:
        url = other.url.removesuffix("/hook")
        told = refuses(tmp_path, "--dynamodb-url", url)
    assert told == (
        f"What answers at {url} is no DynamoDB engine, or not all of one: it refuses"
        " DescribeTimeToLive (UnknownOperationException)."
    )


def test_an_engine_of_ones_own(own_stack: LocalStack) -> None:
    with dynoxide.run(dynoxide.need()) as url:
        own_stack.arguments = ("--dynamodb-url", url)
        own_stack.start()
        own_stack.create()
        assert not (own_stack.folder / "dynamodb.sqlite").exists()
        tables.create(own_stack.dynamodb(), "of-somebody-else")
        listed = run("admin", "--state-dir", str(own_stack.folder), "storefront", "list")
        assert (listed.returncode, "demo" in listed.stdout) == (0, True), listed.stderr
        own_stack.stop()


@pytest.mark.parametrize("below", [(), ("folder",)])
def test_a_folder_that_can_not_be_used(tmp_path: Path, below: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path.joinpath("file", *below)
    told = refuses(folder)
    assert told.startswith(f"{folder} can't be used ("), told


@pytest.mark.parametrize("module", ["local", "local.demo"])
def test_no_folder_is_not_the_working_directory(module: str) -> None:
    ended = run(module, "--state-dir", "")
    assert ended.returncode == 2
    assert ended.stderr.endswith("error: argument --state-dir: it is empty\n")


def test_a_clock_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("soon")
    assert refuses(tmp_path).startswith(f"{tmp_path}/clock must hold the seconds by which ")


def test_damaged_notes_of_a_former_stack_do_no_harm(own_stack: LocalStack) -> None:
    own_stack.folder.mkdir()
    for name, text in {
        "ports.json": '{"api": "x", "console": 70000, "simulator": -1, "dynamodb": [1]}',
        "credentials.json": '{"secret_key": 5, "api_key": 7, "signing_secret": null}',
        "processes.json": '{"a": 1}',
    }.items():
        (own_stack.folder / name).write_text(text)
    own_stack.start()
    own_stack.create()
    code, printed = own_stack.stop()
    assert (code, "Traceback" in printed) == (0, False)


# --- a running stack -------------------------------------------------------------------------


def test_stack_json_says_where_everything_is(stack: LocalStack) -> None:
    about = stack.about
    assert set(about) == {
        "api_url",
        "api_key",
        "doku",
        "notification_url",
        "inquiry_url",
        "console_url",
        "dynamodb_url",
        "aws_url",
        "outputs",
    }
    assert set(about["doku"]) == {"base_url", "client_id", "secret_key"}
    assert about["notification_url"] == f"{about['api_url']}/doku/notifications"
    assert about["inquiry_url"] == f"{about['api_url']}/doku/inquiries"
    assert (stack.folder / "env").read_text() == (
        f"export O2O_URL={about['api_url']} O2O_KEY={about['api_key']}"
        f" O2O_DOKU={about['doku']['base_url']}\n"
    )
    for name in ("stack.json", "env", "credentials.json"):
        assert stat.S_IMODE((stack.folder / name).stat().st_mode) == 0o600


def test_no_secret_reaches_a_log(stack: LocalStack) -> None:
    stack.create(customer={"name": "Bambang Pamungkas", "email": "bambang@example.com"})
    for path in (stack.folder / "logs").glob("*.log"):
        written = path.read_text()
        for secret in (stack.about["api_key"], stack.about["doku"]["secret_key"]):
            assert secret not in written, path
        assert "Bambang" not in written, path
        assert "bambang@" not in written, path


def test_the_console_shows_where_things_are_and_the_logs(stack: LocalStack) -> None:
    console = stack.about["console_url"]
    page = stack.http.get(console, timeout=CALL_SECONDS)
    assert page.headers["Content-Type"].startswith("text/html")
    about = stack.http.get(f"{console}/_local/about", timeout=CALL_SECONDS).json()
    assert about["api_url"] == stack.about["api_url"]
    assert about["cashier_url"] == f"{stack.about['doku']['base_url']}/cashier"
    stack.create()
    log = stack.http.get(f"{console}/logs/GenerateCodeFunction", timeout=CALL_SECONDS)
    assert log.status_code == 200
    for name in ("nothing", "..%2Fcredentials", "../credentials"):
        assert stack.http.get(f"{console}/logs/{name}", timeout=CALL_SECONDS).status_code == 404


def test_the_console_listens_to_its_own_name_only(stack: LocalStack) -> None:
    answer = stack.http.get(
        f"{stack.about['console_url']}/_local/clock",
        headers={"Host": "attacker.example"},
        timeout=CALL_SECONDS,
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"advance_seconds": -1}', 400),
        ('{"advance_seconds": "a while"}', 400),
        ('{"advance_seconds": NaN}', 400),
        ('{"advance_seconds": null}', 400),
        ('{"other": 1}', 400),
        ("[]", 400),
        ("{", 400),
    ],
)
def test_the_clock_refuses_what_is_no_duration(stack: LocalStack, body: str, status: int) -> None:
    url = f"{stack.about['console_url']}/_local/clock"
    before = stack.http.get(url, timeout=CALL_SECONDS).json()["offset_seconds"]
    answer = stack.http.post(
        url, data=body, headers={"Content-Type": "application/json"}, timeout=CALL_SECONDS
    )
    assert answer.status_code == status
    assert answer.json()["error"]
    assert stack.http.get(url, timeout=CALL_SECONDS).json()["offset_seconds"] == before


def test_a_page_of_another_site_cannot_move_the_clock(stack: LocalStack) -> None:
    url = f"{stack.about['console_url']}/_local/clock"
    answer = stack.http.post(
        url,
        data='{"advance_seconds": 1}',
        headers={"Content-Type": "text/plain"},
        timeout=CALL_SECONDS,
    )
    assert answer.status_code == 415


def test_the_schedules_can_be_run(stack: LocalStack) -> None:
    answer = stack.http.post(
        f"{stack.about['console_url']}/_local/run-schedules", timeout=CALL_SECONDS
    )
    assert (answer.status_code, answer.json()["failed_schedules"]) == (200, [])


def test_one_clock_for_all(stack: LocalStack) -> None:
    stack.advance(hours=1)
    told = stack.http.get(
        f"{stack.about['console_url']}/_local/clock", timeout=CALL_SECONDS
    ).json()["now"]
    code = stack.create()
    assert told[:19] <= code["created_at"][:19]
    assert stack.doku("GET", f"/orders/{code['invoice_number']}")["created_at"] >= told[:19]


# --- the demo --------------------------------------------------------------------------------


def test_the_demo_tells_its_story_on_a_running_stack(stack: LocalStack) -> None:
    ended = run("local.demo", "--state-dir", str(stack.folder))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert stack.about["api_url"] in ended.stdout
    assert "Every step had the expected result." in ended.stdout


def test_the_demo_says_what_it_expected_and_saw(stack: LocalStack, tmp_path: Path) -> None:
    wrong: dict[str, Any] = {**stack.about, "api_key": "o2o_nobody"}
    (tmp_path / "stack.json").write_text(json.dumps(wrong))
    ended = run("local.demo", "--state-dir", str(tmp_path))
    assert ended.returncode == 1
    assert "The status of GET /channels: expected 200, got 401." in ended.stdout


def test_an_unexpected_result_is_a_sentence() -> None:
    expect("One", 1, 1)
    with pytest.raises(UnexpectedResult, match=r"^The number: expected 1, got 2\.$"):
        expect("The number", 1, 2)
