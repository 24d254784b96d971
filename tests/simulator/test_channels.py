"""The table of channels: a further one is data alone, and inferred features have to be named."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import simulator
from simulator import BINS, CHANNELS, Bin, Channel, ConfigError, Simulator, SimulatorConfig
from simulator.channels import BinRule
from tests.simulator.support import (
    ALFA,
    INDOMARET,
    INDOMARET_MERCHANT,
    Client,
    Merchant,
    generation,
)

# --- a third channel ---------------------------------------------------------------------------

KIOSK_PATH = "/kiosk-online-to-offline/v2/payment-code"
KIOSK_MERCHANT = "/kiosk-online-to-offline/v2/own-code"
KIOSK = Channel(
    name="kiosk",
    label="Kiosk Nusantara",
    generate_path=KIOSK_PATH,
    register_path=KIOSK_MERCHANT,
    code_field="own_code",
    bin_types={
        "short": BinRule(shortest=3, longest=3, max_free=12, features=frozenset({"dgpc"})),
        "own": BinRule(shortest=4, longest=4, max_free=8, features=frozenset({"mgpc", "dipc"})),
    },
    receipt_object="kiosk_info",
    receipt_fields=frozenset({"slogan"}),
    acquirer_id="KIOSK",
    channel_id="ONLINE_TO_OFFLINE_KIOSK",
    agent_id="WARUNG",
    steps={"id": ("Bayar {payment_code} di kios",), "en": ("Pay {payment_code} at a kiosk",)},
    max_amount=50_000,
)
KIOSK_BINS = (
    Bin(channel="kiosk", type="short", digits="655", code_length=14),
    Bin(channel="kiosk", type="own", digits="6777"),
)


@pytest.fixture
def third(config: SimulatorConfig, merchant: Merchant) -> SimulatorConfig:
    """The table with a third entry."""
    return replace(
        config,
        channels=(*CHANNELS, KIOSK),
        bins=(*BINS, *KIOSK_BINS),
        notification_urls={**config.notification_urls, "kiosk": f"{merchant.url}/kiosk"},
        inquiry_urls={**config.inquiry_urls, "kiosk": merchant.inquiry_url},
    )


@pytest.fixture
def doku(third: SimulatorConfig) -> Iterator[Client]:
    with Simulator(third) as running:
        yield Client(running.url)


def test_a_third_channel_makes_codes_and_is_paid(doku: Client, merchant: Merchant) -> None:
    reply = doku.generate("INV-K", KIOSK_PATH, kiosk_info__receipt__slogan="Dekat dan murah")
    assert reply.is_signed
    assert (reply.code[:3], len(reply.code)) == ("655", 14)
    link = reply.json["online_to_offline_info"]["how_to_pay_api"].removeprefix(doku.url)
    assert doku.send("GET", link, {}).json == {
        "payment_instruction": [
            {"channel": "Kiosk Nusantara", "step": [f"Bayar {reply.code} di kios"]}
        ]
    }

    paid = doku.did("POST", "/pay", {"payment_code": reply.code})
    assert (paid["channel"], paid["store"]) == ("kiosk", "Kiosk Nusantara")
    (message,) = merchant.wait_for(1)
    assert message.is_genuine
    assert message.path == "/v1/doku/notifications/kiosk"
    assert message.json["acquirer"] == {"id": "KIOSK"}
    assert message.json["channel"] == {"id": "ONLINE_TO_OFFLINE_KIOSK"}
    assert message.json["order"] == {"invoice_number": "INV-K", "amount": 19_000.0}
    assert message.json["online_to_offline_info"] == {"payment_code": reply.code}
    identifiers = message.json["online_to_offline_payment"]["identifier"]
    assert identifiers[0] == {"name": "AGENT_ID", "value": "WARUNG"}

    doku.advance(60)
    status = doku.get_status("INV-K").json
    assert (status["transaction"]["status"], status["acquirer"]["id"]) == ("SUCCESS", "KIOSK")


def test_a_third_channel_has_its_own_fields_and_limits(
    third: SimulatorConfig, doku: Client
) -> None:
    with Simulator(replace(third, strict=True)) as running:
        strict = Client(running.url)
        for path, name in (
            (ALFA, "kiosk_info"),
            (INDOMARET, "kiosk_info"),
            (KIOSK_PATH, "alfa_info"),
        ):
            reply = strict.post(path, {**generation(), name: {}})
            assert (reply.status, reply.json) == (400, {"message": "Invalid JSON Format"})
    reply = doku.post(KIOSK_PATH, generation(order__amount=50_001))
    assert reply.json == {"error_messages": ["order.amount must be between 1 and 50000"]}


def test_a_third_channel_registers_codes(doku: Client, merchant: Merchant) -> None:
    body = generation(online_to_offline_info__own_code="677712345678")
    assert doku.post(KIOSK_MERCHANT, body).code == "677712345678"
    doku.did("POST", "/pay", {"payment_code": "677712345678"})
    (message,) = merchant.wait_for(1)
    assert message.json["acquirer"] == {"id": "KIOSK"}


def test_a_third_channel_asks_the_merchant(doku: Client, merchant: Merchant) -> None:
    merchant.bills["67771"] = ("INV-KIOSK-1", 15_000)
    assert doku.inquire("67771")["payable"] is True
    assert merchant.inquiries[0].json["channel"] == {"id": "ONLINE_TO_OFFLINE_KIOSK"}


def test_the_overview_and_the_urls_list_a_third_channel(doku: Client, merchant: Merchant) -> None:
    shown = doku.did("GET", "")["channels"][2]
    assert (shown["name"], shown["label"]) == ("kiosk", "Kiosk Nusantara")
    assert [own["digits"] for own in shown["bins"]] == ["655", "6777"]
    assert doku.did("GET", "/notification-urls")["kiosk"] == f"{merchant.url}/kiosk"


def test_only_the_table_names_a_channel() -> None:
    root = Path(simulator.__file__).parent
    files = [file for kind in ("*.py", "*.html") for file in root.rglob(kind)]
    named = {
        file.relative_to(root).as_posix()
        for file in files
        for channel in CHANNELS
        if channel.name in file.read_text(encoding="utf-8").lower()
    }
    assert named == {"channels.py"}


# --- features that DOKU does not document ------------------------------------------------------

INFERRED = Bin(
    channel="indomaret", type="direct", digits="88899", features=["dgpc", "mgpc", "dipc"]
)
CODE = "8889912345"


@pytest.fixture
def inferred(config: SimulatorConfig, merchant: Merchant) -> Iterator[Client]:
    """A simulator whose Indomaret BIN names the inferred features."""
    urls = {**config.inquiry_urls, "indomaret": f"{merchant.url}/inquiries"}
    with Simulator(replace(config, bins=(*BINS[:3], INFERRED), inquiry_urls=urls)) as running:
        yield Client(running.url)


def test_indomaret_registers_a_code_where_its_bin_says_so(
    inferred: Client, merchant: Merchant
) -> None:
    reply = inferred.register(
        CODE, "INV-1", INDOMARET_MERCHANT, indomaret_info__receipt__description="Pulsa"
    )
    assert (reply.status, reply.is_signed, reply.code) == (200, True, CODE)
    order = inferred.order()
    assert (order["channel"], order["feature"]) == ("indomaret", "mgpc")
    paid = inferred.did("POST", "/pay", {"payment_code": CODE})
    assert (paid["store"], paid["inquiry"]) == ("Indomaret", None)
    (message,) = merchant.wait_for(1)
    assert message.path == "/v1/doku/notifications/indomaret"
    assert message.json["acquirer"] == {"id": "INDOMARET"}
    assert message.json["channel"] == {"id": "ONLINE_TO_OFFLINE_INDOMARET"}


def test_indomaret_asks_the_merchant_where_its_bin_says_so(
    inferred: Client, merchant: Merchant
) -> None:
    merchant.bills[CODE] = ("INV-DIPC-1", 15_000)
    shown = inferred.inquire(CODE)
    assert (shown["channel"], shown["feature"], shown["payable"]) == ("indomaret", "dipc", True)
    (message,) = merchant.inquiries
    assert message.is_genuine
    assert message.path == "/v1/doku/notifications/inquiries"
    assert message.json["acquirer"] == {"id": "INDOMARET"}
    assert message.json["channel"] == {"id": "ONLINE_TO_OFFLINE_INDOMARET"}
    inferred.did("POST", "/pay", {"payment_code": CODE})
    (notified,) = merchant.wait_for(1)
    assert notified.json["channel"] == {"id": "ONLINE_TO_OFFLINE_INDOMARET"}
    assert notified.json["order"] == {"invoice_number": "INV-DIPC-1", "amount": 15_000.0}


def test_indomaret_makes_codes_beside_them(inferred: Client, merchant: Merchant) -> None:
    code = inferred.generate("INV-1", INDOMARET).code
    reply = inferred.register(code, "INV-2", INDOMARET_MERCHANT)
    assert (reply.status, reply.json["error"]["code"]) == (400, "payment_code_in_use")
    assert inferred.inquire(code)["feature"] == "dgpc"
    assert merchant.inquiries == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("8899551234", "must begin with a BIN of the merchant"),
        ("88899", "must have 1 to 20 digits after the BIN"),
    ],
)
def test_indomaret_takes_codes_under_its_own_bin_only(
    inferred: Client, code: str, message: str
) -> None:
    reply = inferred.register(code, "INV-1", INDOMARET_MERCHANT)
    assert reply.json == {"error_messages": [f"online_to_offline_info.payment_code {message}"]}


def test_indomaret_has_no_inferred_feature_by_default(
    config: SimulatorConfig, merchant: Merchant
) -> None:
    urls = {**config.inquiry_urls, "indomaret": merchant.inquiry_url}
    merchant.bills[CODE] = ("INV-DIPC-1", 15_000)
    with Simulator(replace(config, inquiry_urls=urls)) as running:
        doku = Client(running.url)
        assert doku.did("GET", "")["channels"][1]["bins"][0]["features"] == ["dgpc"]
        reply = doku.register(CODE, "INV-1", INDOMARET_MERCHANT)
        assert reply.status == 404
        assert reply.json["message"].startswith("No static resource indomaret-online-to-offline")
        assert doku.control("POST", "/inquiry", {"payment_code": CODE}).status == 404
        assert doku.did("GET", "/orders")["orders"] == []
    assert merchant.inquiries == []


def test_each_inferred_feature_is_named_by_itself(
    config: SimulatorConfig, merchant: Merchant
) -> None:
    only = replace(INFERRED, features=["mgpc"])
    merchant.bills[CODE] = ("INV-DIPC-1", 15_000)
    with Simulator(replace(config, bins=(only,))) as running:
        doku = Client(running.url)
        assert doku.control("POST", "/inquiry", {"payment_code": CODE}).status == 404
        made = doku.post(INDOMARET, generation("INV-1"))
        assert (made.status, made.json) == (400, {"message": ["PAYMENT CHANNEL IS INACTIVE"]})
        assert doku.register(CODE, "INV-2", INDOMARET_MERCHANT).status == 200
    assert merchant.inquiries == []


@pytest.mark.parametrize(
    "wrong",
    [
        Bin(channel="alfa", type="general", digits="8", features=["dgpc", "mgpc"]),
        Bin(channel="alfa", type="direct", digits="70014", features=["dgpc"]),
        Bin(channel="indomaret", type="direct", digits="88899", features=["sipc"]),
        Bin(channel="indomaret", type="direct", digits="88899", features=[]),
    ],
)
def test_features_that_a_bin_can_not_have(config: SimulatorConfig, wrong: Bin) -> None:
    with pytest.raises(ConfigError, match=rf"the features of {wrong.type} BINs are"):
        replace(config, bins=(wrong,))
