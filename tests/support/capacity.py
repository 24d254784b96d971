"""What a DynamoDB client consumes, as DynamoDB itself says.

with CapacityMeter(client) as meter:
    codes.get("INV-1")
assert meter.operations == ["GetItem"]
assert meter.read_units == 1
"""

from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READS = {"BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems"}
_TABLE = "table"


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its operation, and units by ``table`` or name of the index.

    A request that was refused has consumed something too, but DynamoDB does not say what.
    """

    operation: str
    units: Counter[str]
    error: str | None = None

    @property
    def is_read(self) -> bool:
        """Whether the units are read units."""
        return self.operation in _READS


@dataclass
class CapacityMeter:
    """Meters a client while it is entered. Not for clients that threads share."""

    client: "DynamoDBClient"
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        events = self.client.meta.events
        events.register("provide-client-params.dynamodb", self._ask)  # type: ignore[arg-type]
        events.register("after-call.dynamodb", self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        events = self.client.meta.events
        events.unregister("provide-client-params.dynamodb", self._ask)  # type: ignore[arg-type]
        events.unregister("after-call.dynamodb", self._note)

    @property
    def operations(self) -> list[str]:
        """The operations, in the order of the answers."""
        return [request.operation for request in self.requests]

    @property
    def read_units(self) -> float:
        """All read units."""
        return sum(request.units.total() for request in self.requests if request.is_read)

    @property
    def write_units(self) -> float:
        """All write units, those of the indexes included."""
        return sum(request.units.total() for request in self.requests if not request.is_read)

    def units_of(self, name: str) -> float:
        """The units of ``table`` or of an index."""
        return sum(request.units[name] for request in self.requests)

    @staticmethod
    def _ask(params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any]:
        knows = "ReturnConsumedCapacity" in model.input_shape.members
        return {**params, "ReturnConsumedCapacity": "INDEXES"} if knows else params

    def _note(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        units: Counter[str] = Counter()
        for entry in consumed if isinstance(consumed, list) else [consumed]:
            units[_TABLE] += entry["Table"]["CapacityUnits"]
            for index, used in entry.get("GlobalSecondaryIndexes", {}).items():
                units[index] += used["CapacityUnits"]
        error = parsed.get("Error", {}).get("Code")
        self.requests.append(Request(model.name, units, error))
