"""A receiver is away for days, a code can't be read, queue and bus are away: all comes back.

The receiver refuses one event until it is given up, then all until its endpoint is paused. An item
that no function can read is planted in the table. Then webhook queue and event bus are taken away.
"""

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from local.aws import client
from local.clock import SharedClock
from o2o.adapters.dynamodb.codec import parse_instant
from o2o.adapters.dynamodb.table import code_key
from tests.support.patience import until
from tools.drills.frame import Drill
from tools.drills.shop import Shop

ACTIVATED, PAID = "payment_code.activated", "payment_code.paid"
LONG = 30 * 24 * 60
"""Minutes until a code expires, so that none does meanwhile."""


def walk(drill: Drill) -> None:
    """Walk it."""
    stack = drill.start()
    shop = Shop(drill)
    with drill.step("A shop is open"):
        codes = [stack.create(expires_in_minutes=LONG) for _ in range(5)]
        for each in codes:
            shop.hears(each, ACTIVATED)
    refused, kept, broken, unqueued, unannounced = codes
    _event_is_refused(drill, shop, refused)
    _receiver_is_away(drill, shop, kept)
    _code_is_broken(drill, shop, broken)
    _queue_and_bus_are_away(drill, shop, unqueued, unannounced)
    # The schedule queued the broken item each minute: the last of these became letters since.
    drill.runbook("deadletters redrive reconcile")
    drill.expect("letters that are left in the end", [], drill.runbook("deadletters list"))
    shop.compare()


def _event_is_refused(drill: Drill, shop: Shop, refused: dict[str, Any]) -> None:
    stack = drill.stack
    with drill.step("The receiver refuses one event for more than three days, and takes others"):
        shop.refuses = refused["invoice_number"]
        stack.pay(refused)
        until(lambda: shop.delivery(refused, PAID)["attempts"])
        while _is_pending(shop, refused):
            shop.hears(stack.create(expires_in_minutes=LONG), ACTIVATED)
            _move_to_next_attempt(drill, shop, refused)
    with drill.step("WebhookDeadLetters rings"):
        delivery = shop.delivery(refused, PAID)
        found = delivery["status"], len(delivery["attempts"])
        drill.expect("the event, and its attempts", ("dead", 10), found)
        drill.expect(
            "letters", ["webhook"], [e["queue"] for e in drill.runbook("deadletters list")]
        )
    with drill.step("The receiver is mended, the letter is redriven"):
        shop.refuses = None
        drill.runbook("deadletters redrive webhook")
        shop.hears(refused, PAID)


def _receiver_is_away(drill: Drill, shop: Shop, kept: dict[str, Any]) -> None:
    with drill.step("The receiver fails altogether: after three days its endpoint is paused"):
        shop.answer = HTTPStatus.INTERNAL_SERVER_ERROR
        drill.stack.pay(kept)
        until(lambda: shop.delivery(kept, PAID)["attempts"])
        while _is_pending(shop, kept):
            _move_to_next_attempt(drill, shop, kept, at_least=timedelta(hours=8))
    with drill.step("WebhookEndpointsPaused rings. The receiver is mended, its endpoint resumed"):
        (endpoint,) = drill.runbook("webhooks show shop")
        drill.expect("the endpoint", "paused (dead)", endpoint["status"])
        shop.answer = HTTPStatus.NO_CONTENT
        drill.runbook("webhooks resume shop")
        drill.runbook("deadletters redrive webhook")  # if its last attempt came before the pause
        shop.hears(kept, PAID)


def _is_pending(shop: Shop, code: dict[str, Any]) -> bool:
    return bool(shop.delivery(code, PAID)["status"] == "pending")


def _move_to_next_attempt(
    drill: Drill, shop: Shop, code: dict[str, Any], at_least: timedelta = timedelta()
) -> None:
    due = shop.delivery(code, PAID)["next_attempt_at"]
    wait = parse_instant(due) - SharedClock(drill.stack.folder / "clock").now()
    drill.stack.advance(seconds=max(wait, at_least, timedelta()).total_seconds() + 1)
    drill.rest()


def _code_is_broken(drill: Drill, shop: Shop, broken: dict[str, Any]) -> None:
    stack = drill.stack
    with drill.step("An item is broken, its customer pays, the notification is lost"):
        drill.queue("ReconcileQueue").hurry()
        expires_at = _write_expiry(drill, broken, "soon")
        stack.pay(broken, notify="lost")
        stack.advance(hours=25)  # it is looked at once a day by now
    with drill.step("ReconcileDeadLetters and EventDeadLetters ring"):
        letters = until(lambda: _of_both(drill.runbook("deadletters list")))
        drill.expect("codes that the letters name", {broken["invoice_number"]}, _named(letters))
    with drill.step("The item is mended, all letters are redriven"):
        _write_expiry(drill, broken, expires_at)
        until(lambda: drill.queue("EventDeadLetterQueue").depth() == 2)  # noqa: PLR2004 - the mending is a record, too
        drill.runbook("deadletters redrive reconcile")
        drill.runbook("deadletters redrive event")
        stack.advance(hours=1)
        shop.hears(broken, PAID)


def _queue_and_bus_are_away(
    drill: Drill, shop: Shop, unqueued: dict[str, Any], unannounced: dict[str, Any]
) -> None:
    stack = drill.stack
    with drill.step("The webhook queue is away while a customer pays, and comes back empty"):
        queue = drill.queue("WebhookQueue")
        attributes = queue.remove()
        stack.pay(unqueued)
        until(lambda: shop.delivery(unqueued, PAID)["status"] == "pending")
        queue.restore(attributes)
        stack.advance(minutes=3)
        shop.hears(unqueued, PAID)
    with drill.step("The event bus is away while a customer pays: EventsUnannounced rings"):
        bus, name = client("events", stack.about["aws_url"]), stack.about["outputs"]["EventBusName"]
        bus.delete_event_bus(Name=name)
        stack.pay(unannounced)
        shop.hears(unannounced, PAID)
        until(lambda: unannounced["invoice_number"] in _unannounced(drill))
        drill.expect(
            "events that the log calls not announced",
            {unannounced["invoice_number"]},
            _unannounced(drill),
        )
        bus.create_event_bus(Name=name)
        number = unannounced["invoice_number"]
        done = drill.runbook("events republish INV-1", **{"INV-1": number})
        drill.expect("made and announced again", (0, 2), (done["made"], done["announced"]))


def _unannounced(drill: Drill) -> set[str]:
    return {
        each["invoice_number"]
        for each in drill.stack.log("PublishEventsFunction")
        if each.get("message") == "event not announced"
    }


def _of_both(letters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return letters if {each["queue"] for each in letters} == {"reconcile", "event"} else []


def _named(letters: list[dict[str, Any]]) -> set[str]:
    return {json.loads(each["body"])["invoice_number"] for each in letters}


def _write_expiry(drill: Drill, code: dict[str, Any], text: str) -> str:
    """Write into the table, which only a fault or its mending does; what stood there."""
    stack = drill.stack
    answer = stack.dynamodb().update_item(
        TableName=stack.about["outputs"]["TableName"],
        Key=code_key(code["invoice_number"]).attributes,
        UpdateExpression="SET expires_at = :text",
        ExpressionAttributeValues={":text": {"S": text}},
        ReturnValues="UPDATED_OLD",
    )
    return str(answer["Attributes"]["expires_at"]["S"])
