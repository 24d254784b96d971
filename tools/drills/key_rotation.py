"""Every key is changed while customers pay: DOKU's, the storefront's, and what signs webhooks.

DOKU's key is changed twice: here first, as the runbook has it, and at DOKU first, as it happens.
The shop believes a webhook only by the secrets that it has been given so far.
"""

import json
from pathlib import Path
from typing import Any

from local.aws import client
from tests.support.patience import until
from tools.drills.frame import Drill
from tools.drills.shop import Shop

PAID = "payment_code.paid"
KINDS: tuple[dict[str, Any], ...] = ({}, {"feature": "dipc", "bin": "889955"})
"""DOKU makes the first and asks about the second while a cashier waits."""
FIVE_MINUTES = 5 + 1
"""After which every function has read its secrets again."""


def walk(drill: Drill) -> None:
    """Walk it."""
    drill.start()
    sale = Sale(drill)
    sale("before")
    _storefronts_key(drill, sale)
    _webhook_secret(drill, sale)
    _dokus_key(drill, sale)
    _dokus_key_there_first(drill, sale)
    _webhook_root(drill, sale)
    pages = [drill.stack.call("GET", "/pay/" + each).status_code for each in sale.tokens]
    drill.expect(f"{len(pages)} customers' pages", {200}, set(pages))
    drill.expect("notifications that DOKU could not deliver in the end", 0, sale.undelivered())
    sale.shop.compare()


class Sale:
    """Sells codes of both kinds, one after the other."""

    def __init__(self, drill: Drill) -> None:
        self.shop = Shop(drill)
        self.tokens: list[str] = []
        self._stack = drill.stack

    def __call__(self, _when: str) -> None:
        """Sell, and wait until the shop has heard of it."""
        for kind in KINDS:
            self.pays(self._stack.create(**kind))

    def pays(self, code: dict[str, Any]) -> None:
        """A customer pays, and the shop hears of it."""
        self.tokens.append(code["pay_url"].rpartition("/pay/")[2])
        self._stack.pay(code)
        self.shop.hears(code, PAID)

    def undelivered(self) -> int:
        """How many notifications DOKU still tries to deliver, or has given up."""
        orders = self._stack.doku("GET", "/orders?limit=1000")["orders"]
        return sum(
            each["state"] != "delivered"
            for order in orders
            for each in self._stack.doku("GET", f"/orders/{order['invoice_number']}")[
                "notifications"
            ]
        )


def _storefronts_key(drill: Drill, sale: Sale) -> None:
    stack = drill.stack
    with drill.step("The storefront's API key: a second one is issued, the first is revoked"):
        (first,) = drill.runbook("key list shop")
        former = stack.about["api_key"]
        stack.about["api_key"] = drill.runbook("key issue shop")["api_key"]
        sale("with the second key")
        drill.runbook("key revoke <key id>", **{"<key id>": first["key_id"]})
        stack.advance(minutes=FIVE_MINUTES)
        refused = stack.call("GET", "/channels", headers={"Authorization": f"Bearer {former}"})
        drill.expect("the former key after five minutes", 401, refused.status_code)
        sale("without the first key")


def _webhook_secret(drill: Drill, sale: Sale) -> None:
    shop = sale.shop
    with drill.step("The storefront's webhook secret: the former one signs, too, for a day"):
        drill.runbook("webhooks rotate shop --hours 24")
        sale("before the shop has the new one")
        shop.learn_secrets()
        drill.expect("secrets that the shop has for a day", 2, len(shop.secrets))
        drill.stack.advance(hours=25)
        shop.learn_secrets()
        drill.expect("secrets a day later", 1, len(shop.secrets))
        sale("with the new one alone")


def _asks_in_vain(drill: Drill, what: str) -> str:
    """A code that DOKU does not make now; its invoice number."""
    asked = drill.stack.call("POST", "/payment-codes", json=drill.stack.order())
    told = asked.json()
    drill.expect(what, (202, "requested"), (asked.status_code, told["status"]))
    return str(told["invoice_number"])


def _dokus_key(drill: Drill, sale: Sale) -> None:
    stack = drill.stack
    old = stack.about["doku"]["secret_key"]
    with drill.step("DOKU's key, as in the runbook: both keys here. The other side waits too long"):
        open_ = stack.create()
        _write_secret(drill, "SK-second", old)
        stack.advance(minutes=FIVE_MINUTES)
        sale.pays(open_)  # DOKU signs with the former key
        waiting = _asks_in_vain(drill, "a code that DOKU refuses to make meanwhile")
    with drill.step("Then at DOKU; the former key is removed after 18 hours"):
        _change_at_doku(drill, "SK-second")
        _write_secret(drill, "SK-second", old)
        stack.advance(minutes=16)
        sale.pays(stack.becomes(waiting, "active"))
        sale("with the new key")
        stack.advance(hours=18)
        _write_secret(drill, "SK-second")
        stack.advance(minutes=FIVE_MINUTES)
        sale("without the former key")


def _dokus_key_there_first(drill: Drill, sale: Sale) -> None:
    stack = drill.stack
    with drill.step("DOKU's key, at DOKU first: its notifications are refused, new codes wait"):
        open_ = stack.create()
        _change_at_doku(drill, "SK-third")
        _write_secret(drill, "SK-second")
        stack.advance(minutes=FIVE_MINUTES)
        stack.pay(open_)
        until(lambda: stack.attempts(open_["invoice_number"]))
        waiting = _asks_in_vain(drill, "a new code")
        found = stack.get(open_["invoice_number"])["status"]
        drill.expect("a code whose notification was refused", "active", found)
    with drill.step("The key comes here, too: DOKU tries again, the timetable asks again"):
        _write_secret(drill, "SK-third", "SK-second")
        stack.advance(minutes=31)
        sale.shop.hears(open_, PAID)
        sale.pays(stack.becomes(waiting, "active"))
        sale("with the third key")


def _webhook_root(drill: Drill, sale: Sale) -> None:
    shop = sale.shop
    with drill.step("The root of all webhooks' secrets"):
        drill.runbook("webhooks root change")
        sale("before the shop has the new one")
        drill.stack.advance(minutes=FIVE_MINUTES)
        sale("while both sign")
        shop.learn_secrets()
        drill.expect("secrets that the shop has meanwhile", 2, len(shop.secrets))
        shop.secrets = shop.secrets[:1]
        sale("with the new one alone, while both sign")
        drill.runbook("webhooks root forget")
        drill.stack.advance(minutes=FIVE_MINUTES)
        shop.learn_secrets()
        drill.expect("secrets after the former one was forgotten", 1, len(shop.secrets))
        sale("with the new one alone")


def _write_secret(drill: Drill, key: str, previous: str | None = None) -> None:
    """What the runbook does with the AWS command line."""
    stack = drill.stack
    entry = {"client_id": stack.about["doku"]["client_id"], "secret_key": key}
    if previous is not None:
        entry["previous_secret_key"] = previous
    client("secretsmanager", stack.about["aws_url"]).put_secret_value(
        SecretId=stack.about["outputs"]["DokuSecretName"], SecretString=json.dumps(entry)
    )


def _change_at_doku(drill: Drill, key: str) -> None:
    """Start the simulator with another key. The stack starts again, too, and its key is DOKU's."""
    stack = drill.stack
    credentials = Path(stack.folder / "credentials.json")
    stack.stop()
    changed = json.loads(credentials.read_text()) | {"secret_key": key}
    credentials.write_text(json.dumps(changed))
    stack.start()
