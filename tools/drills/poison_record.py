"""No event can be made of two records of the stream: the others go on, and a way leads back.

The fault is planted: the metadata on two codes is no JSON any more, as a faulty version might have
left it. Payments of these codes are recorded, and no webhook can be written about them.
"""

import json
from collections.abc import Mapping
from typing import Any

from o2o.adapters.dynamodb.table import code_key
from tests.support.patience import until
from tools.drills.frame import Drill, DrillFailed
from tools.drills.shop import Shop

PAID = "payment_code.paid"


def walk(drill: Drill) -> None:
    """Walk it."""
    stack = drill.start()
    shop = Shop(drill)
    with drill.step("A shop is open. Two of its codes are spoilt in the table"):
        spoilt = [stack.create(metadata={"order": number}) for number in (1, 2)]
        good = [stack.create() for _ in range(6)]
        for each in (*spoilt, *good):
            shop.hears(each, "payment_code.activated")
        for each in spoilt:
            _write_metadata(drill, each, "{")
        names = {each["invoice_number"] for each in spoilt}
    with drill.step("Customers pay all codes, the spoilt ones first and in between"):
        for each in (spoilt[0], *good[:3], spoilt[1], *good[3:]):
            stack.pay(each)
        for each in good:
            shop.hears(each, PAID)
        drill.expect(
            "the other codes' webhooks came", 6, sum(shop.has_heard(e, PAID) for e in good)
        )
    with drill.step("EventDeadLetters rings. Letters and log name the codes"):
        letters = until(lambda: _both(drill.runbook("deadletters list")))
        drill.expect("queues with letters", {"event"}, {each["queue"] for each in letters})
        drill.expect("codes that the letters name", names, _named(letters))
        unmade = {
            each["invoice_number"]
            for each in stack.log("PublishEventsFunction")
            if each.get("message") == "no event can be made"
        }
        drill.expect("codes that the log names", names, unmade)
    with drill.step("One code is mended, and the letters are redriven"):
        mended, other = spoilt
        _write_metadata(drill, mended, json.dumps(mended["metadata"]))
        try:
            drill.runbook("deadletters redrive event")
        except DrillFailed as reason:
            told = str(reason)
        else:
            told = "nothing"
        drill.note(
            "the command names what it could not do",
            other["invoice_number"],
            told,
            holds=other["invoice_number"] in told,
        )
        shop.hears(mended, PAID)
        left = _named(drill.runbook("deadletters list"))
        drill.expect("letters that are left", {other["invoice_number"]}, left)
    with drill.step("The other one is mended, too"):
        _write_metadata(drill, other, json.dumps(other["metadata"]))
        drill.runbook("deadletters redrive event")
        shop.hears(other, PAID)
        drill.expect("letters that are left in the end", [], drill.runbook("deadletters list"))
    shop.compare()


def _both(letters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return letters if len(letters) == 2 else []  # noqa: PLR2004 - the codes that are spoilt


def _named(letters: list[dict[str, Any]]) -> set[str]:
    return {json.loads(each["body"])["invoice_number"] for each in letters}


def _write_metadata(drill: Drill, code: Mapping[str, Any], text: str) -> None:
    """Write into the table, which only a fault or its mending does."""
    stack = drill.stack
    stack.dynamodb().update_item(
        TableName=stack.about["outputs"]["TableName"],
        Key=code_key(code["invoice_number"]).attributes,
        UpdateExpression="SET metadata = :text",
        ExpressionAttributeValues={":text": {"S": text}},
    )
