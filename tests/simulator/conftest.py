"""A fresh simulator and a fresh merchant for every test."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from simulator import Simulator, SimulatorConfig
from tests.simulator.support import CLIENT_ID, SECRET_KEY, Client, Merchant


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with Merchant() as listening:
        yield listening


@pytest.fixture
def config(merchant: Merchant) -> SimulatorConfig:
    return SimulatorConfig(
        client_id=CLIENT_ID,
        secret_key=SECRET_KEY,
        notification_urls={"alfa": merchant.url, "indomaret": merchant.url + "/indomaret"},
        inquiry_urls={"alfa": merchant.inquiry_url},
        notification_timeout_seconds=60,
    )


@pytest.fixture
def strict(config: SimulatorConfig) -> Iterator[Client]:
    """A simulator that refuses what the protocol does not ask for."""
    with Simulator(replace(config, strict=True)) as simulator:
        yield Client(simulator.url)


@pytest.fixture
def doku(config: SimulatorConfig) -> Iterator[Client]:
    with Simulator(config) as simulator:
        yield Client(simulator.url)
