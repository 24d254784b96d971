"""Contention: what DynamoDB answers when others are busy with the same items."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from o2o.adapters.dynamodb.codes import DynamoCodeStore
from o2o.adapters.dynamodb.store import Store
from o2o.core.channels import Channel
from o2o.core.errors import Busy, VersionConflict
from o2o.core.pages import Page
from o2o.core.payments import CodeHistory
from o2o.usecases.ports import CodeStore
from tests.contract.conftest import Table
from tests.support.memory import RETENTION
from tests.support.samples import (
    at,
    make_code,
    make_completion,
    make_own_code,
    make_report,
    make_settlement,
)


@dataclass
class Trouble:
    """Answers in the engine's stead, as often as it is told to."""

    table: Table
    slept: list[float] = field(default_factory=list)
    bounds: list[int] = field(default_factory=list)
    _left: list[dict[str, Any]] = field(default_factory=list)

    @property
    def codes(self) -> CodeStore:
        """A codes that sleeps on paper, as long as it may."""
        store = Store(
            self.table.client,
            self.table.name,
            RETENTION,
            sleep=self.slept.append,
            randbelow=self._longest,
        )
        return DynamoCodeStore(store)

    def answer(self, times: int, code: str, *reasons: str) -> None:
        """Answer the next requests with an error."""
        error: dict[str, Any] = {"Error": {"Code": code, "Message": "busy"}}
        if reasons:
            error["CancellationReasons"] = [{"Code": reason} for reason in reasons]
        self._left += [error] * times

    def intervene(self, **_: Any) -> Any:
        """What botocore asks before each request; None lets it through."""
        if not self._left:
            return None
        return SimpleNamespace(status_code=400), self._left.pop()

    def _longest(self, bound: int) -> int:
        self.bounds.append(bound)
        return bound - 1


@pytest.fixture
def trouble(dynoxide_table: Table) -> Iterator[Trouble]:
    trouble = Trouble(dynoxide_table)
    events = dynoxide_table.client.meta.events
    events.register("before-call.dynamodb", trouble.intervene, "trouble")
    yield trouble
    events.unregister("before-call.dynamodb", unique_id="trouble")


CONTENTION: list[tuple[str, ...]] = [
    ("ThrottlingException",),
    ("ProvisionedThroughputExceededException",),
    ("RequestLimitExceeded",),
    ("TransactionConflictException",),
    ("TransactionInProgressException",),
    ("TransactionCanceledException", "TransactionConflict", "None"),
    ("TransactionCanceledException", "None", "TransactionConflict"),
    ("TransactionCanceledException", "ThrottlingError", "None"),
    ("TransactionCanceledException", "None", "ProvisionedThroughputExceeded"),
]


@pytest.mark.parametrize("error", CONTENTION, ids="-".join)
def test_contention_is_waited_out(trouble: Trouble, error: tuple[str, ...]) -> None:
    code = make_code()
    trouble.codes.create(code)
    settlement = make_settlement(code)
    trouble.answer(3, *error)
    trouble.codes.record(settlement)
    assert trouble.codes.get("INV-1") == settlement.code
    assert len(trouble.slept) == 3


def test_pauses_have_full_jitter_and_double_their_bound(trouble: Trouble) -> None:
    trouble.answer(5, "ThrottlingException")
    trouble.codes.create(make_code())
    # randbelow leaves its bound out: a pause of 0 ms to 25 ms, and so on.
    assert trouble.bounds == [26, 51, 101, 201, 401]
    assert trouble.slept == [0.025, 0.05, 0.1, 0.2, 0.4]


@pytest.mark.parametrize("error", CONTENTION, ids="-".join)
def test_patience_has_an_end(trouble: Trouble, error: tuple[str, ...]) -> None:
    code = make_code()
    trouble.codes.create(code)
    steps: list[Callable[[CodeStore], Any]] = [
        lambda codes: codes.get("INV-1"),
        lambda codes: codes.get_history("INV-1", 1),
        lambda codes: codes.find_alike(make_report(), 1),
        lambda codes: codes.find_by_digits(Channel.ALFA, "8"),
        lambda codes: codes.list_payments("INV-1", limit=1, cursor=None),
        lambda codes: codes.create(make_own_code("INV-2"), replaced=code.wait(None)),
        lambda codes: codes.save(code.wait(None)),
        lambda codes: codes.record(make_settlement(code)),
        lambda codes: codes.record(make_completion(code, make_settlement(code).payment)),
    ]
    for step in steps:
        trouble.slept.clear()
        trouble.answer(6, *error)
        with pytest.raises(Busy):
            step(trouble.codes)
        assert len(trouble.slept) == 5
    assert trouble.codes.get_history("INV-1", 1) == CodeHistory(code, [])
    assert trouble.codes.get("INV-2") is None


@pytest.mark.parametrize(
    "error",
    [
        ("ValidationException",),
        ("AccessDeniedException",),
        ("TransactionCanceledException", "ValidationError", "None"),
    ],
    ids="-".join,
)
def test_other_errors_are_nobodys_business_here(trouble: Trouble, error: tuple[str, ...]) -> None:
    code = make_code()
    trouble.codes.create(code)
    trouble.answer(1, *error)
    with pytest.raises(ClientError, match=error[0]):
        trouble.codes.record(make_settlement(code))
    assert trouble.slept == []


def test_a_condition_that_fails_is_an_answer_whoever_else_is_busy(trouble: Trouble) -> None:
    code = make_code()
    trouble.codes.create(code)
    trouble.answer(
        1, "TransactionCanceledException", "TransactionConflict", "ConditionalCheckFailed"
    )
    with pytest.raises(VersionConflict):
        trouble.codes.record(make_settlement(code))
    assert trouble.slept == []


def test_a_claim_in_the_making_is_waited_out(trouble: Trouble) -> None:
    code = make_own_code()
    trouble.answer(2, "TransactionCanceledException", "None", "TransactionConflict")
    assert trouble.codes.create(code) is None
    assert trouble.codes.find_by_digits(Channel.ALFA, code.payment_code or "") == code
    assert len(trouble.slept) == 2


def withhold(trouble: Trouble, times: int) -> Any:
    """Leave all but one of a batch unprocessed, so many times."""
    left = [None] * times

    def after_batch(parsed: dict[str, Any], **_: Any) -> None:
        name = trouble.table.name
        if left and len(parsed["Responses"][name]) > 1:
            left.pop()
            processed, *others = parsed["Responses"][name]
            parsed["Responses"][name] = [processed]
            keys = [{"pk": item["pk"], "sk": item["sk"]} for item in others]
            parsed["UnprocessedKeys"] = {name: {"Keys": keys, "ConsistentRead": True}}

    return after_batch


@pytest.fixture
def withholding(trouble: Trouble) -> Iterator[Any]:
    events = trouble.table.client.meta.events
    yield lambda times: events.register(
        "after-call.dynamodb.BatchGetItem", withhold(trouble, times), "withhold"
    )
    events.unregister("after-call.dynamodb.BatchGetItem", unique_id="withhold")


def list_all(trouble: Trouble) -> Page[Any]:
    return trouble.codes.list_codes(
        "shop", created_from=None, created_to=None, limit=10, cursor=None
    )


def test_what_a_batch_leaves_out_is_asked_for_again(trouble: Trouble, withholding: Any) -> None:
    codes = [make_code(f"INV-{number}", created_at=at(minutes=-number)) for number in range(5)]
    for code in codes:
        trouble.codes.create(code)
    withholding(3)
    assert list_all(trouble).items == codes
    assert len(trouble.slept) == 3


def test_a_list_is_never_silently_short(trouble: Trouble, withholding: Any) -> None:
    for number in range(10):
        trouble.codes.create(make_code(f"INV-{number}"))
    withholding(6)
    with pytest.raises(Busy, match="withholds"):
        list_all(trouble)
    assert len(trouble.slept) == 5
