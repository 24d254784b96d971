"""A small share of `make day`, and what its comparison says of a table that was tampered with."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import dynoxide
from tools.day.compare import differences
from tools.day.plan import make_plan
from tools.day.run import Day
from tools.day.shop import NAMES

CODES = 60
KILLS = 2

Item = dict[str, Any]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A day that is over; its stack still runs."""
    dynoxide.need()
    plan = make_plan(codes=CODES, seed=1, kills=KILLS, shops=len(NAMES))
    with Day(tmp_path_factory.mktemp("day"), plan, step_minutes=30) as over:
        over.live()
        yield over


def found(day: Day) -> list[str]:
    return [str(each) for each in differences(day.look())]


def test_each_paid_code_is_paid_once_whatever_happened(day: Day) -> None:
    record = day.look()
    assert list(differences(record)) == []
    figures = day.figures(record)
    assert (figures.codes, figures.kills, figures.away_minutes) == (CODES + 1, KILLS, 144)
    assert figures.paid_codes > CODES / 2
    assert min(figures.lost, figures.doubled, figures.repeats) > 0


def test_what_somebody_changes_in_the_table_is_named(day: Day) -> None:
    payment = a_payment(day)
    report = payment["report"]["M"]
    receipt = report["receipt_number"]["S"]
    with_other_amount = {**payment, "report": {"M": {**report, "amount": {"S": "1.00"}}}}
    again = {**payment, "sk": {"S": f"{payment['sk']['S']}1"}}
    put(day, with_other_amount)
    assert named(day, "amount is 1, the till has ")
    put(day, payment, again)
    assert named(day, f"a payment is on record 2 times, receipt {receipt}")
    drop(day, payment, again)
    assert named(day, f"is missing, receipt {receipt}")
    put(day, payment)
    assert found(day) == []


def named(day: Day, sentence: str) -> bool:
    said = found(day)
    assert any(sentence in each for each in said), said
    return True


def a_payment(day: Day) -> Item:
    """A payment of a code that was paid once, as the table has it."""
    table = day.stack.about["outputs"]["TableName"]
    items = [
        item
        for page in day.stack.dynamodb().get_paginator("scan").paginate(TableName=table)
        for item in page["Items"]
        if item["pk"]["S"].startswith("CODE#")
    ]
    code = next(each for each in items if each.get("status") == {"S": "paid"})
    payments: list[Item] = [
        each
        for each in items
        if each["pk"] == code["pk"] and each["sk"]["S"].startswith("PAYMENT#")
    ]
    return payments[0]


def put(day: Day, *items: Mapping[str, Any]) -> None:
    for item in items:
        day.stack.dynamodb().put_item(TableName=day.stack.about["outputs"]["TableName"], Item=item)


def drop(day: Day, *items: Mapping[str, Any]) -> None:
    for item in items:
        day.stack.dynamodb().delete_item(
            TableName=day.stack.about["outputs"]["TableName"],
            Key={"pk": item["pk"], "sk": item["sk"]},
        )
