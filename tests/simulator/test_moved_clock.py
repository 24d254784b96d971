"""A moved clock is business time: signatures keep the machine's, as programs outside do.

The merchant and the client here sign by the machine's clock and nothing else.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulator import Simulator, SimulatorConfig
from tests.simulator.support import ALFA, Client, Merchant, generation, timestamp

CODE = "8899551234567812"
DAY = 86_400


@pytest.fixture
def moved(config: SimulatorConfig, tmp_path: Path) -> Iterator[Client]:
    """A simulator that was restarted after its clock had been moved by a day."""
    config = replace(config, database=tmp_path / "doku.sqlite")
    with Simulator(config) as simulator:
        Client(simulator.url).advance(DAY)
    with Simulator(config) as simulator:
        yield Client(simulator.url)


@pytest.fixture
def shared(config: SimulatorConfig) -> Iterator[Client]:
    """A simulator that shares the clock of a program, which moved it by a day."""
    with Simulator(replace(config, now=lambda: datetime.now(UTC) + timedelta(days=1))) as simulator:
        yield Client(simulator.url)


@pytest.fixture(params=["moved", "shared"])
def ahead(request: pytest.FixtureRequest) -> Client:
    client: Client = request.getfixturevalue(request.param)
    return client


def is_machine_time(text: str) -> bool:
    return abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(hours=1)


def is_a_day_ahead(text: str) -> bool:
    return is_machine_time((datetime.fromisoformat(text) - timedelta(days=1)).isoformat())


def test_a_client_signs_by_the_machines_clock(ahead: Client) -> None:
    made = ahead.post(ALFA, generation())
    assert (made.status, made.is_signed) == (200, True)
    assert is_machine_time(made.headers["Response-Timestamp"])
    assert is_a_day_ahead(made.json["online_to_offline_info"]["created_date_utc"])
    assert ahead.get_status("INV-1").status == 200
    refused = ahead.post(ALFA, generation("INV-2"), at=timestamp(DAY))
    assert refused.json["error"]["code"] == "request_time_out_of_range"


def test_notifications_are_signed_by_it(ahead: Client, merchant: Merchant) -> None:
    ahead.generate()
    ahead.pay()
    (message,) = merchant.wait_for(1)
    assert message.is_genuine
    assert is_machine_time(message.headers["Request-Timestamp"])
    assert is_a_day_ahead(message.json["transaction"]["date"])


def test_inquiries_are_signed_and_their_answers_judged_by_it(
    ahead: Client, merchant: Merchant
) -> None:
    merchant.bills[CODE] = ("INV-DIPC-1", 15_000)
    assert ahead.inquire(CODE)["payable"] is True
    (message,) = merchant.inquiries
    assert is_machine_time(message.headers["Request-Timestamp"])
    assert is_a_day_ahead(message.json["online_to_offline_inquiry"]["date"])
