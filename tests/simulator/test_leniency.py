"""What DOKU's own plug-ins and Postman collection send (DOKU protocol, section 3) is taken.

The requests are written from that section's description, as the bytes that travel, and signed as
DOKU's code signs: the digest is over those bytes, the target is the path without a query string.
"""

from dataclasses import dataclass, replace

import pytest

from simulator import ConfigError, Simulator, SimulatorConfig
from tests.simulator.support import ALFA, INDOMARET, Client, Merchant, generation

INVALID_JSON = {"message": "Invalid JSON Format"}


@dataclass(frozen=True)
class Sent:
    """A request of DOKU's own code, and how a strict DOKU would refuse it."""

    path: str
    body: str
    refusal: object


CORPUS = {
    "WooCommerce, Alfa": Sent(
        ALFA,
        '{"order":{"invoice_number":"INV-1","amount":"250000"},'
        '"online_to_offline_info":{"expired_time":"60","reusable_status":false,'
        '"info1":"Toko Anton","info2":"Terima kasih","info3":"Selamat berbelanja"},'
        '"customer":{"name":"Anton Budiman","email":"anton@example.com"},'
        '"alfa_info":{"receipt":{"footer_message":"Call Center 021 555-0525"}}}',
        INVALID_JSON,
    ),
    "Magento, Indomaret, with Alfa's receipt": Sent(
        INDOMARET,
        '{"order":{"invoice_number":"INV-1","amount":"250000.00"},'
        '"online_to_offline_info":{"expired_time":"60","reusable_status":false,"info1":"Toko",'
        '"info2":"","info3":""},'
        '"customer":{"name":"Anton Budiman","email":"anton@example.com"},'
        '"alfa_info":{"receipt":{"footer_message":"Call Center 021 555-0525"}}}',
        INVALID_JSON,
    ),
    "PrestaShop, Alfa, a float": Sent(
        ALFA,
        '{"order":{"invoice_number":"INV-1","amount":250000.0},'
        '"online_to_offline_info":{"expired_time":60,"reusable_status":false,"info":"Toko"},'
        '"customer":{"name":"Anton Budiman"}}',
        {"error_messages": ["order.amount must be an integer"]},
    ),
    "OpenCart, Indomaret, minutes as text": Sent(
        INDOMARET,
        '{"order":{"invoice_number":"INV-1","amount":250000},'
        '"online_to_offline_info":{"expired_time":"60","reusable_status":false},'
        '"customer":{"name":"Anton Budiman","email":"anton@example.com"},'
        '"indomaret_info":{"receipt":{"description":"Toko","footer_message":"Terima kasih"}}}',
        {"error_messages": ["online_to_offline_info.expired_time must be an integer"]},
    ),
    "an amount as text": Sent(
        ALFA,
        '{"order":{"invoice_number":"INV-1","amount":"250000.00"},'
        '"customer":{"name":"Anton Budiman"}}',
        {"error_messages": ["order.amount must be an integer"]},
    ),
    "Postman, Indomaret": Sent(
        INDOMARET,
        """{
    "order": {
        "invoice_number": "INV-1",
        "amount": 250000
    },
    "online_to_offline_info": {
        "expired_time": 60,
        "reusable_status": false,
        "info": "Merchant Demo Store"
    },
    "customer": {
        "name": "Anton Budiman",
        "email": "anton@example.com"
    },
    "alfa_info": {
        "receipt": {
            "footer_message": "Call Center 021 555-0525"
        }
    }
}""",
        INVALID_JSON,
    ),
}


@pytest.mark.parametrize("name", CORPUS)
def test_dokus_own_requests_are_taken(doku: Client, name: str) -> None:
    sent = CORPUS[name]
    reply = doku.post(sent.path, sent.body.encode())
    assert (reply.status, reply.is_signed) == (200, True), reply.body
    order = doku.order()
    assert (order["amount"], order["status"]) == (250_000, "PENDING")
    info = reply.json["online_to_offline_info"]
    assert int(info["expired_date"]) > int(info["created_date"])


@pytest.mark.parametrize("name", CORPUS)
def test_a_strict_doku_refuses_them(strict: Client, name: str) -> None:
    sent = CORPUS[name]
    reply = strict.post(sent.path, sent.body.encode())
    assert (reply.status, reply.json, reply.is_signed) == (400, sent.refusal, True)
    assert strict.did("GET", "/orders")["orders"] == []


def test_a_notification_url_with_a_query_string_is_signed_without_it(
    config: SimulatorConfig, merchant: Merchant
) -> None:
    url = f"{merchant.url}?fc=module&controller=notify"
    with Simulator(replace(config, notification_urls={"alfa": url})) as simulator:
        doku = Client(simulator.url)
        doku.generate()
        doku.generate(
            "INV-2",
            additional_info__override_notification_url=url.replace("127.0.0.1", "localhost"),
        )
        doku.pay("INV-1")
        doku.pay("INV-2")
        messages = merchant.wait_for(2)
    for message in messages:
        path, _, query = message.path.partition("?")
        assert query == "fc=module&controller=notify"
        assert replace(message, path=path).is_genuine
        assert not message.is_genuine


def test_a_strict_doku_has_no_query_strings(config: SimulatorConfig, strict: Client) -> None:
    with pytest.raises(ConfigError, match="no query string"):
        replace(config, strict=True, notification_urls={"alfa": "https://shop.example/?x=1"})
    reply = strict.control("POST", "/notification-urls", {"alfa": "https://shop.example/?x=1"})
    assert reply.status == 400


def test_other_amounts_are_refused_by_both(doku: Client, strict: Client) -> None:
    for client in (doku, strict):
        for amount in ("250000.50", 250_000.5, "Rp250000", ""):
            refused = client.post(ALFA, generation(order__amount=amount))
            assert refused.json == {"error_messages": ["order.amount must be an integer"]}
