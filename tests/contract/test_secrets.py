"""DOKU's credentials and the master secret, over moto's Secrets Manager."""

import json
import traceback
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.secrets import SecretCredentials
from o2o.adapters.signing import Signing
from o2o.adapters.system import system_clock
from o2o.core.errors import InvalidConfiguration
from o2o.entry import wiring
from tests.contract.conftest import REGION
from tests.support.outages import failing

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

NAME = "doku"
ENTRY = {"client_id": "MCH-0001", "secret_key": "SK-first"}
FIRST = DokuCredentials("MCH-0001", "SK-first")
SECOND = DokuCredentials("MCH-0001", "SK-second", "SK-first")


class Entry:
    """The entry, a clock to turn, and how often the entry was read."""

    def __init__(self, client: "SecretsManagerClient") -> None:
        self.client = client
        self.now = 1000.0
        self.reads = 0
        client.meta.events.register("before-call.secretsmanager.GetSecretValue", self._count)
        self.reported: list[Exception] = []
        self.credentials = SecretCredentials(
            client, NAME, report=self.reported.append, monotonic=lambda: self.now
        )

    def write(self, text: str) -> None:
        self.client.put_secret_value(SecretId=NAME, SecretString=text)

    def change_key(self) -> None:
        changed = ENTRY | {"secret_key": "SK-second", "previous_secret_key": "SK-first"}
        self.write(json.dumps(changed))

    def _count(self, **_: Any) -> None:
        self.reads += 1


@pytest.fixture
def entry(aws: None) -> Any:
    client = boto3.client("secretsmanager", region_name=REGION)
    client.create_secret(Name=NAME, SecretString=json.dumps(ENTRY))
    yield Entry(client)
    client.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)


def test_nothing_is_read_before_it_is_needed(entry: Entry) -> None:
    assert entry.reads == 0
    assert entry.credentials() == FIRST
    assert entry.reads == 1


def test_what_was_read_is_kept_for_its_time(entry: Entry) -> None:
    entry.credentials()
    entry.change_key()
    entry.now += 299
    assert entry.credentials() == FIRST
    assert entry.reads == 1
    entry.now += 1
    assert entry.credentials() == SECOND
    assert entry.reads == 2


def test_a_moved_clock_ages_it(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a local stack whose clock was moved by five minutes."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    moved = [0.0]
    wiring.forget_clients()  # whatever was run in this process before
    wiring.use_clock(system_clock, lambda: moved[0])
    try:
        credentials = wiring._credentials(NAME)
        assert credentials() == FIRST
        entry.change_key()
        assert credentials() == FIRST
        moved[0] += 300
        assert credentials() == SECOND
    finally:
        wiring.use_clock(system_clock)
        wiring.forget_clients()


def test_a_refresh_reads_anew(entry: Entry) -> None:
    entry.credentials()
    entry.change_key()
    entry.now += 30
    assert entry.credentials(refresh=True) == SECOND
    assert entry.credentials() == SECOND
    assert entry.reads == 2


def test_refreshes_read_every_30_seconds_at_most(entry: Entry) -> None:
    for _ in range(60):
        entry.credentials(refresh=True)
        entry.now += 1
    assert entry.reads == 2


def test_a_previous_key_that_is_empty_is_none(entry: Entry) -> None:
    for previous in ("", " ", None):
        entry.write(json.dumps(ENTRY | {"previous_secret_key": previous}))
        entry.now += 300
        assert entry.credentials() == FIRST


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + json.dumps(ENTRY),
        "\n" + json.dumps(ENTRY, indent=2) + "\r\n",
        json.dumps({name: f" {value}\n" for name, value in ENTRY.items()}),
        json.dumps({name: f"\ufeff{value}\u00a0" for name, value in ENTRY.items()}),
        json.dumps({name: f"\u202a{value}\u202c" for name, value in ENTRY.items()}),
    ],
    ids=ascii,
)
def test_what_the_clipboard_and_editors_add_is_taken_off(entry: Entry, text: str) -> None:
    entry.write(text)
    assert entry.credentials() == FIRST


def test_what_is_cached_stays_in_use_while_the_entry_can_t_be_read(entry: Entry) -> None:
    entry.credentials()
    entry.change_key()
    with failing(entry.client, ReadTimeoutError(endpoint_url="https://secretsmanager")):
        entry.now += 300
        assert entry.credentials() == entry.credentials(refresh=True) == FIRST
        assert [type(error) for error in entry.reported] == [ReadTimeoutError]
        # Not with each request: every try would cost it the time-outs.
        entry.now += 29
        assert entry.credentials() == entry.credentials(refresh=True) == FIRST
        assert len(entry.reported) == 1
    entry.now += 1
    assert entry.credentials() == SECOND
    assert len(entry.reported) == 1


def test_what_is_cached_stays_in_use_when_the_entry_is_wrong(entry: Entry) -> None:
    entry.credentials()
    entry.write("{")
    entry.now += 30
    assert entry.credentials(refresh=True) == FIRST
    assert [str(error) for error in entry.reported] == [
        f"the Secrets Manager entry '{NAME}': it is not JSON"
    ]


def test_without_anything_cached_the_time_out_is_told(entry: Entry) -> None:
    with failing(entry.client, ConnectTimeoutError(endpoint_url="https://secretsmanager")):
        for _ in range(2):
            with pytest.raises(ConnectTimeoutError):
                entry.credentials()
    assert entry.reported == []
    assert entry.credentials() == FIRST


SECRET = "SK-do-not-tell"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{" + SECRET, "it is not JSON"),
        (f'["{SECRET}"]', "it is not a JSON object"),
        (f'["{SECRET}",' + "[" * 30_000, "it is not JSON"),
        (json.dumps({"secret_key": SECRET}), "client_id must be"),
        (json.dumps({"client_id": "MCH"}), "secret_key must be"),
        (json.dumps({"client_id": "MCH", "secret_key": ""}), "secret_key must be"),
        (json.dumps({"client_id": 7, "secret_key": SECRET}), "client_id must be"),
        (json.dumps({"client_id": "MCH", "secret_key": "\u200b\n"}), "secret_key must be"),
        (
            json.dumps({"client_id": "M\nCH", "secret_key": SECRET}),
            "client_id is still a placeholder",
        ),
        (json.dumps({"client_id": "…", "secret_key": SECRET}), "client_id is still a placeholder"),
        (json.dumps({"client_id": "<id>", "secret_key": SECRET}), "client_id is still a place"),
        (
            json.dumps({"client_id": "M", "secret_key": SECRET, "previous_secret_key": [SECRET]}),
            "previous_secret_key must be",
        ),
    ],
)
def test_a_wrong_entry_is_named_and_not_told(entry: Entry, text: str, mistake: str) -> None:
    entry.write(text)
    with pytest.raises(InvalidConfiguration, match=mistake) as caught:
        entry.credentials()
    assert f"'{NAME}'" in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    # Once it is mended, it is read at once.
    entry.write(json.dumps(ENTRY))
    assert entry.credentials() == FIRST


def test_an_entry_without_a_value_is_named(entry: Entry) -> None:
    entry.client.create_secret(Name="empty")
    for name in ("empty", "missing"):
        credentials = SecretCredentials(entry.client, name, report=entry.reported.append)
        with pytest.raises(InvalidConfiguration, match=f"'{name}'.* no value"):
            credentials()


def test_other_errors_of_aws_pass(entry: Entry) -> None:
    entry.client.meta.events.register(
        "before-call.secretsmanager.GetSecretValue", lambda **_: _denied(), "denied"
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        entry.credentials()


def _denied() -> Any:
    error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    return SimpleNamespace(status_code=400), error


def test_credentials_tell_no_secret() -> None:
    assert "SK" not in repr(SECOND)
    assert "MCH-0001" in repr(SECOND)


def test_a_missing_master_secret_is_named(aws: None) -> None:
    client = boto3.client("secretsmanager", region_name=REGION)
    with pytest.raises(InvalidConfiguration, match="'absent': it does not exist"):
        Signing(client, "absent").page_token("INV-1")
