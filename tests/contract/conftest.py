"""The stores that the same tests run over: in memory, on a real engine, and on moto."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.notifications import DynamoNotificationStore
from o2o.adapters.dynamodb.payments import DynamoPaymentStore
from o2o.adapters.dynamodb.search import DynamoSearchIndex
from o2o.adapters.dynamodb.store import Store
from o2o.adapters.dynamodb.storefronts import DynamoStorefrontStore
from o2o.core.codes import PaymentCode
from o2o.core.payments import Payment
from o2o.usecases.ports import (
    CodeStore,
    DueIndex,
    NotificationStore,
    PaymentStore,
    SearchIndex,
    StorefrontStore,
)
from tests.support import dynoxide, tables
from tests.support.due import of_codes
from tests.support.memory import (
    RETENTION,
    MemoryCodeStore,
    MemoryNotificationStore,
    MemoryPaymentStore,
    MemorySearchIndex,
    MemoryStorefrontStore,
    MemoryTable,
)
from tests.support.samples import make_settlement

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "ap-southeast-3"
_TABLE_NUMBERS = count(1)
_definition = cache(tables.definition)
"""Reading the template takes longer than most tests."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The ports over one table, whatever it is made of."""

    codes: CodeStore
    notifications: NotificationStore
    storefronts: StorefrontStore
    payments: PaymentStore
    search: SearchIndex

    @property
    def due(self) -> DueIndex:
        """What is due of it, whether anybody waits for it or not."""
        return of_codes(self.codes)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of an engine, for tests that look inside."""

    client: "DynamoDBClient"
    name: str

    @property
    def stores(self) -> Stores:
        """The ports over this table."""
        store = Store(self.client, self.name, RETENTION)
        return Stores(
            DynamoCodeStore(store),
            DynamoNotificationStore(store),
            DynamoStorefrontStore(store),
            DynamoPaymentStore(store),
            DynamoSearchIndex(store),
        )


def memory_stores() -> Stores:
    """The ports over a table in memory."""
    table = MemoryTable()
    return Stores(
        MemoryCodeStore(table),
        MemoryNotificationStore(table),
        MemoryStorefrontStore(table),
        MemoryPaymentStore(table),
        MemorySearchIndex(table),
    )


def new_table(client: "DynamoDBClient") -> Table:
    """An empty table that no other test sees."""
    table = Table(client, f"o2o-{next(_TABLE_NUMBERS)}")
    client.create_table(TableName=table.name, **_definition())
    return table


def pay(stores: Stores, code: PaymentCode, receipts: Sequence[str]) -> tuple[Payment, ...]:
    """The payments of a new code, one for each receipt."""
    stores.codes.create(code)
    payments = []
    for receipt_number in receipts:
        settlement = make_settlement(code, receipt_number)
        stores.codes.record(settlement)
        payments.append(settlement.payment)
        code = settlement.code
    return tuple(payments)


@pytest.fixture(scope="session")
def dynoxide_client() -> Iterator["DynamoDBClient"]:
    """A client of the real engine."""
    with dynoxide.run(dynoxide.need()) as url:
        client = boto3.client(
            "dynamodb",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(max_pool_connections=50),
        )
        yield client
        client.close()


@pytest.fixture(scope="module")
def moto_client(aws: None) -> "DynamoDBClient":
    """A client of moto's."""
    return boto3.client("dynamodb", region_name=REGION)


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """An AWS of moto's. Its fakes end with the module: other tests use real sockets."""
    with mock_aws():
        yield


@pytest.fixture
def dynoxide_table(dynoxide_client: "DynamoDBClient") -> Table:
    """An empty table of the real engine."""
    return new_table(dynoxide_client)


@pytest.fixture
def moto_table(moto_client: "DynamoDBClient") -> Table:
    """An empty table of moto's."""
    return new_table(moto_client)


@pytest.fixture(params=["memory", "dynoxide", "moto"])
def stores(request: pytest.FixtureRequest) -> Stores:
    """The ports, over each kind of table."""
    if request.param == "memory":
        return memory_stores()
    table: Table = request.getfixturevalue(f"{request.param}_table")
    return table.stores


@pytest.fixture(params=["dynoxide", "moto"])
def table(request: pytest.FixtureRequest) -> Table:
    """A table to look into, of each engine."""
    table: Table = request.getfixturevalue(f"{request.param}_table")
    return table
