"""Codes that the merchant makes and registers (MGPC), and the BINs that they live under."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from simulator import BINS, Bin, Simulator, SimulatorConfig
from tests.simulator.support import (
    ALFA,
    ALFA_MERCHANT,
    Client,
    Merchant,
    generation,
)

CODE = "889955081234567890"
FIELD = "online_to_offline_info.payment_code"


@pytest.mark.parametrize(
    "code",
    [CODE, "8899551", "889955" + "9" * 14, "700140", "70014" + "0" * 20],
    ids=["exclusive", "shortest exclusive", "longest exclusive", "direct", "longest direct"],
)
def test_a_code_of_the_merchant(doku: Client, merchant: Merchant, code: str) -> None:
    reply = doku.register(code)
    assert reply.status == 200
    assert reply.is_signed
    assert reply.code == code
    assert reply.json["order"] == {"invoice_number": "INV-1"}
    assert reply.json.keys() == doku.generate("INV-2").json.keys()
    assert doku.order()["feature"] == "mgpc"
    paid = doku.did("POST", "/pay", {"payment_code": code})
    assert (paid["invoice_number"], paid["feature"], paid["inquiry"]) == ("INV-1", "mgpc", None)
    (message,) = merchant.wait_for(1)
    assert message.json["online_to_offline_info"] == {"payment_code": code}
    assert merchant.inquiries == []
    doku.advance(60)
    assert doku.status() == "SUCCESS"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (None, "is required"),
        ("", "must not be blank"),
        (8899551, "must be a string"),
        ("889955x", "must be digits"),
        ("889955\uff11", "must be digits"),
        ("8123456789012345", "must begin with a BIN of the merchant"),
        ("8889912345678901", "must begin with a BIN of the merchant"),
        ("889955", "must have 1 to 14 digits after the BIN"),
        ("889955" + "9" * 15, "must have 1 to 14 digits after the BIN"),
        ("70014", "must have 1 to 20 digits after the BIN"),
        ("70014" + "0" * 21, "must not be longer than 25 characters"),
    ],
)
def test_digits_that_are_no_code_of_the_merchant(doku: Client, code: object, message: str) -> None:
    body = generation(online_to_offline_info__payment_code=code)
    reply = doku.post(ALFA_MERCHANT, body)
    assert reply.status == 400
    assert f"{FIELD} {message}" in reply.json["error_messages"]
    assert doku.did("GET", "/orders")["orders"] == []


def test_doku_makes_no_code_out_of_the_merchants_digits(doku: Client, strict: Client) -> None:
    assert doku.generate(online_to_offline_info__payment_code=CODE).code != CODE
    reply = strict.post(ALFA, generation(online_to_offline_info__payment_code=CODE))
    assert (reply.status, reply.json) == (400, {"message": "Invalid JSON Format"})


def test_a_registration_repeated(doku: Client) -> None:
    body = generation(online_to_offline_info__payment_code=CODE)
    first = doku.post(ALFA_MERCHANT, body, request_id="R-1")
    again = doku.post(ALFA_MERCHANT, body, request_id="R-1")
    assert (first.status, again.status, again.body) == (200, 409, first.body)
    other = doku.post(ALFA, generation("INV-2"), request_id="R-1")
    assert (other.status, other.json["error"]["code"]) == (409, "idempotent_request")


def in_use(doku: Client, invoice_number: str) -> bool:
    reply = doku.register(CODE, invoice_number)
    if reply.status == 200:
        return False
    assert (reply.status, reply.json["error"]["code"]) == (400, "payment_code_in_use")
    return True


def test_digits_are_free_again_once_they_are_paid(doku: Client, merchant: Merchant) -> None:
    doku.register(CODE, "INV-1")
    assert in_use(doku, "INV-2")
    doku.did("POST", "/pay", {"payment_code": CODE})
    assert not in_use(doku, "INV-2")
    assert doku.did("POST", "/pay", {"payment_code": CODE})["invoice_number"] == "INV-2"
    assert [order["paid"] for order in doku.did("GET", "/orders")["orders"]] == [1, 1]


def test_digits_are_free_again_once_they_expire(doku: Client) -> None:
    doku.register(CODE, "INV-1")
    doku.advance(3599)
    assert in_use(doku, "INV-2")
    doku.advance(2)
    assert not in_use(doku, "INV-2")
    assert doku.status("INV-1") == "EXPIRED"
    assert doku.status("INV-2") == "PENDING"


def test_a_reusable_code_keeps_its_digits(doku: Client, merchant: Merchant) -> None:
    doku.register(CODE, "INV-1", online_to_offline_info__reusable_status=True)
    for _ in range(3):
        doku.did("POST", "/pay", {"payment_code": CODE})
        assert in_use(doku, "INV-2")
    assert {message.invoice_number for message in merchant.wait_for(3)} == {"INV-1"}
    doku.advance(3600)
    assert not in_use(doku, "INV-2")


def test_many_want_the_same_digits(doku: Client) -> None:
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda n: doku.register(CODE, f"INV-{n}"), range(40)))
    assert Counter(reply.status for reply in replies) == {200: 1, 400: 39}


def test_faults_meet_registrations(doku: Client) -> None:
    doku.add_fault("error_5xx", operation="generate", accepted=True)
    body = generation(online_to_offline_info__payment_code=CODE)
    assert doku.post(ALFA_MERCHANT, body, request_id="R-1").status == 503
    assert doku.post(ALFA_MERCHANT, body, request_id="R-1").status == 409
    assert doku.order()["requests"] == {"generate": 2}


# --- BINs --------------------------------------------------------------------------------------


def test_codes_of_doku_keep_away_from_other_bins(
    config: SimulatorConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = iter([899550000000001, 123, 123, 456])
    monkeypatch.setattr(config.chance, "randrange", lambda _: next(draws))
    with Simulator(config) as simulator:
        doku = Client(simulator.url)
        assert doku.generate("INV-1").code == "8000000000000123"
        assert doku.generate("INV-2").code == "8000000000000456"


def test_a_chance_with_a_seed_draws_the_same_codes_again(config: SimulatorConfig) -> None:
    made = []
    for _ in range(2):
        with Simulator(replace(config, chance=random.Random(1))) as simulator:
            doku = Client(simulator.url)
            made.append([doku.generate(f"INV-{number}").code for number in range(3)])
    assert made[0] == made[1]
    assert len(set(made[0])) == 3


def test_a_clock_for_signatures_can_be_shared(config: SimulatorConfig) -> None:
    at = datetime(2035, 1, 1, tzinfo=UTC)
    with Simulator(replace(config, machine_now=lambda: at)) as simulator:
        reply = Client(simulator.url).post(ALFA, generation())
    assert reply.json["error"]["code"] == "request_time_out_of_range"


def test_a_channel_without_a_bin_is_inactive(config: SimulatorConfig) -> None:
    with Simulator(replace(config, bins=())) as simulator:
        doku = Client(simulator.url)
        for reply in (doku.post(ALFA, generation()), doku.register(CODE)):
            assert (reply.status, reply.json) == (
                400,
                {"message": ["PAYMENT CHANNEL IS INACTIVE"]},
            )


def test_a_bin_without_the_feature_takes_no_code(config: SimulatorConfig) -> None:
    bins = (
        *BINS,
        Bin(channel="alfa", type="exclusive", digits="8899551", features=frozenset({"dipc"})),
    )
    with Simulator(replace(config, bins=bins)) as simulator:
        doku = Client(simulator.url)
        assert doku.register("88995510", "INV-1").status == 400
        assert doku.register("88995520", "INV-2").status == 200


def test_the_path_is_a_setting(config: SimulatorConfig) -> None:
    channels = tuple(
        replace(channel, register_path="/mine", code_field="virtual_code")
        if channel.name == "alfa"
        else channel
        for channel in config.channels
    )
    with Simulator(replace(config, channels=channels)) as simulator:
        doku = Client(simulator.url)
        assert doku.register(CODE).status == 404
        body = generation(online_to_offline_info__virtual_code=CODE)
        assert doku.post("/mine", body).code == CODE
        assert doku.send("GET", "/mine", {}).status == 405
