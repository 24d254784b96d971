"""The table's operations: conditional writes, consistent reads, and patience with contention."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import ClientError

from o2o.adapters.aws import THROTTLED, error_code
from o2o.adapters.dynamodb.codec import Attributes, compress
from o2o.adapters.dynamodb.listing import Span
from o2o.adapters.dynamodb.table import INDEXED, Condition, Key, Update, due_as_in_01
from o2o.core.errors import Busy, InvalidConfiguration
from o2o.core.pages import Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from o2o.core.timetable import Retention

Result = TypeVar("Result")
Record = TypeVar("Record")

_ATTEMPTS = 6
_FIRST_PAUSE_MS = 25
"""A pause is up to this long before the second attempt, and doubles its bound each time."""

_BATCH = 100
"""BatchGetItem takes this many keys."""

_CONTENTION = THROTTLED | {
    # As the reasons of a cancelled transaction have it.
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
}


class ConditionFailed(Exception):
    """A write's condition does not hold.

    ``items`` has, for each write of the request, the item that made its condition fail:
    None where the condition held, empty where there is no item at all.
    """

    def __init__(self, items: Sequence[Attributes | None]) -> None:
        super().__init__("a condition does not hold")
        self.items = items


class Store:
    """One table behind a client that is passed in. Errors of DynamoDB's are ClientErrors.

    Contention (a transaction in the way, throttling) is met by trying again a few times,
    with full jitter, and then raises Busy. Without a ``retention`` it is for reading codes
    and messages only. ``readable_by_01``: items are written so that version 0.1.0 can read them.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        retention: "Retention | None" = None,
        *,
        readable_by_01: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        randbelow: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._readable_by_01 = readable_by_01
        self._client = client
        self._table_name = table_name
        self._retention = retention
        self._sleep = sleep
        self._randbelow = randbelow

    @property
    def retention(self) -> "Retention":
        """How long items are kept. Raises InvalidConfiguration if it was not configured."""
        if self._retention is None:
            raise InvalidConfiguration("the retention of codes and evidence is not set")
        return self._retention

    # --- Writes ---

    def put(self, item: Attributes, condition: Condition | None = None) -> None:
        """Write a whole item. Raises ConditionFailed."""
        request = {"Item": self._written(item), **(condition.parameters if condition else {})}
        self._patiently(lambda: self._client.put_item(TableName=self._table_name, **request))

    def put_all(
        self,
        *puts: tuple[Attributes, Condition | None],
        checks: Sequence[tuple[Key, Condition]] = (),
    ) -> None:
        """Write whole items, all or none, and only if the ``checks`` hold, too.

        Raises ConditionFailed, with the items of the puts first.
        """
        table = {"TableName": self._table_name}
        writes: Any = [
            {
                "Put": {
                    **table,
                    "Item": self._written(item),
                    **(condition.parameters if condition else {}),
                }
            }
            for item, condition in puts
        ]
        writes += [
            {"ConditionCheck": {**table, "Key": key.attributes, **condition.parameters}}
            for key, condition in checks
        ]
        self._patiently(lambda: self._client.transact_write_items(TransactItems=writes))

    def _written(self, item: Attributes) -> Attributes:
        """An item as it is written: what a key or an index is made of stays as it is."""
        if self._readable_by_01:
            return due_as_in_01(item)
        return compress(item) | {name: item[name] for name in INDEXED if name in item}

    def update(self, key: Key, update: Update, condition: Condition) -> None:
        """Change some attributes of an item and no others. Raises ConditionFailed."""
        parameters = condition.parameters
        names = {**parameters.pop("ExpressionAttributeNames", {}), **update.names}
        values = {**parameters.pop("ExpressionAttributeValues", {}), **update.values}
        request: Any = {
            "Key": key.attributes,
            "UpdateExpression": update.expression,
            **parameters,
            **({"ExpressionAttributeNames": names} if names else {}),
            **({"ExpressionAttributeValues": values} if values else {}),
        }
        self._patiently(lambda: self._client.update_item(TableName=self._table_name, **request))

    def delete(self, key: Key, condition: Condition | None = None) -> None:
        """Delete an item that may be there. Raises ConditionFailed."""
        request: Any = {"Key": key.attributes, **(condition.parameters if condition else {})}
        self._patiently(lambda: self._client.delete_item(TableName=self._table_name, **request))

    # --- Reads ---

    def get(self, key: Key) -> Attributes | None:
        """An item, read consistently."""
        answer = self._patiently(
            lambda: self._client.get_item(
                TableName=self._table_name, Key=key.attributes, ConsistentRead=True
            )
        )
        return cast("Attributes | None", answer.get("Item"))

    def query(self, limit: int, **query: Any) -> list[Attributes]:
        """The first ``limit`` items or index entries of a query."""
        found: list[Attributes] = []
        while len(found) < limit:
            request = {"TableName": self._table_name, "Limit": limit - len(found), **query}
            answer = self._patiently(partial(self._client.query, **request))
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                break
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return found

    def scan(
        self,
        condition: str,
        *,
        names: Mapping[str, str] | None = None,
        values: Attributes | None = None,
    ) -> Iterator[Attributes]:
        """Every item that a filter lets through. It reads the whole table: for the operator."""
        request: dict[str, Any] = {
            "TableName": self._table_name,
            "FilterExpression": condition,
            **({"ExpressionAttributeNames": names} if names else {}),
            **({"ExpressionAttributeValues": values} if values else {}),
        }
        while True:
            answer = self._patiently(partial(self._client.scan, **request))
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def page(
        self,
        span: Span,
        read: Callable[[Mapping[str, Any]], Record],
        limit: int,
        cursor: str | None,
    ) -> Page[Record]:
        """The newest ``limit`` of a list, before the cursor's. Raises InvalidRequest.

        The index says which; the items themselves are read consistently. One that is
        gone since, or that belongs to another list by now, is passed over.
        """
        start = None if cursor is None else span.read_cursor(cursor)
        if span.is_empty:
            return Page([])
        query = span.query
        if start is not None:
            query["ExclusiveStartKey"] = span.start_after(start)
        entries = self.query(limit + 1, **query)
        positions = [span.read_position(entry) for entry in entries[:limit]]
        items = self.get_all([position.key for position in positions])
        return Page(
            [
                read(item)
                for position in positions
                if (item := items.get(position.key)) and span.lists(item)
            ],
            span.write_cursor(positions[-1]) if len(entries) > limit else None,
        )

    def get_all(self, keys: Sequence[Key]) -> dict[Key, Attributes]:
        """The items of keys, read consistently; those that are gone are left out."""
        found: dict[Key, Attributes] = {}
        for start in range(0, len(keys), _BATCH):
            wanted: Any = [key.attributes for key in keys[start : start + _BATCH]]
            for attempt in range(_ATTEMPTS):
                if attempt:
                    self._pause(attempt)
                request: Any = {self._table_name: {"Keys": wanted, "ConsistentRead": True}}
                answer = self._patiently(partial(self._client.batch_get_item, RequestItems=request))
                found |= {Key.of(item): item for item in answer["Responses"][self._table_name]}
                if not answer["UnprocessedKeys"]:
                    break
                wanted = answer["UnprocessedKeys"][self._table_name]["Keys"]
            else:
                raise Busy(f"the table withholds {len(wanted)} items")
        return found

    # --- Patience ---

    def _patiently(self, call: Callable[[], Result]) -> Result:
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._pause(attempt)
            try:
                return _translate(call)
            except ClientError as error:
                if not _is_contention(error):
                    raise
        raise Busy("the table is busy")

    def _pause(self, attempt: int) -> None:
        self._sleep(self._randbelow(_FIRST_PAUSE_MS * 2 ** (attempt - 1) + 1) / 1000)


def _translate(call: Callable[[], Result]) -> Result:
    try:
        return call()
    except ClientError as error:
        response = cast("dict[str, Any]", error.response)
        reasons = response.get("CancellationReasons") or [
            {"Code": response["Error"]["Code"], "Item": response.get("Item")}
        ]
        failed = [reason.get("Code", "").startswith("ConditionalCheckFailed") for reason in reasons]
        if any(failed):
            raise ConditionFailed(
                [
                    (reason.get("Item") or {}) if fails else None
                    for reason, fails in zip(reasons, failed, strict=True)
                ]
            ) from error
        raise


def _is_contention(error: ClientError) -> bool:
    response = cast("dict[str, Any]", error.response)
    codes = {error_code(error)}
    codes |= {reason.get("Code") for reason in response.get("CancellationReasons", [])}
    return not codes.isdisjoint(_CONTENTION)
