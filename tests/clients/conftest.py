"""Generated clients: `make clients` runs these tests, and `make test` leaves them out.

A language that this machine lacks is skipped.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clients.making import KINDS, Client, Shop
from tests.support.local_stack import LocalStack, started
from tests.support.machine import lack
from tests.support.patience import PATIENCE_SECONDS

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not asked for."""
    if "O2O_CLIENTS" in os.environ:
        return
    ours = [item for item in items if HERE in item.path.parents]
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if item not in ours]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with started(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def clients(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Client]]]:
    """All clients that are asked for, two at a time in the making: a generator fills a core."""
    ours = [item for item in request.session.items if HERE in item.path.parents]
    wanted = {
        str(item.callspec.params["kind"]): None
        for item in ours
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    }
    with ThreadPoolExecutor(2) as workers:
        yield {
            kind: workers.submit(KINDS[kind].make, tmp_path_factory.mktemp(kind))
            for kind in wanted
            if all(need.is_there for need in KINDS[kind].needs)
        }
        workers.shutdown(cancel_futures=True)


@pytest.fixture
def client(kind: str, clients: dict[str, Future[Client]]) -> Client:
    for need in KINDS[kind].needs:
        if not need.is_there:
            lack(need.program, f"install {need.package}, for a {kind} client")
    return clients[kind].result(2 * PATIENCE_SECONDS)


@pytest.fixture
def open_shop(client: Client) -> Iterator[Callable[[str, str], Shop]]:
    """Starts the client's program against an address with a key."""
    opened: list[Shop] = []

    def start(url: str, key: str) -> Shop:
        opened.append(Shop(client, url, key))
        return opened[-1]

    yield start
    for each in opened:
        each.close()
