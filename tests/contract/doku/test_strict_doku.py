"""What O2O sends to DOKU is the documented form: a strict DOKU takes it, for every row."""

import pytest
import requests

from o2o.adapters.doku.client import DokuClient
from o2o.adapters.doku.credentials import DokuCredentials
from o2o.adapters.system import SystemEntropy, system_clock
from o2o.core.channels import Channel, Feature
from o2o.core.codes import Customer, Intent, Receipt
from o2o.core.notifications import OrderState
from simulator import Bin, Simulator, SimulatorConfig
from tests.support.samples import make_code

CREDENTIALS = DokuCredentials("MCH-0001-10791114622547", "SK-local-test-key-0001")
REGISTERED = {Channel.ALFA: "8899551234567812", Channel.INDOMARET: "8890012345678901"}
REPORT = {"k" * 64: "toko-satu", "Invoice number": "INV-1"}
ROWS = [(channel, feature) for channel in Channel for feature in (Feature.DGPC, Feature.MGPC)]


@pytest.mark.parametrize(("channel", "feature"), ROWS)
def test_a_strict_doku_takes_every_request(channel: Channel, feature: Feature) -> None:
    config = SimulatorConfig(
        client_id=CREDENTIALS.client_id,
        secret_key=CREDENTIALS.secret_key,
        strict=True,
        bins=(
            Bin(channel="alfa", type="general", digits="8"),
            Bin(channel="alfa", type="exclusive", digits="889955"),
            Bin(channel="indomaret", type="direct", digits="88899"),
            Bin(channel="indomaret", type="direct", digits="88900", features=["mgpc"]),
        ),
        notification_urls=dict.fromkeys(Channel, "https://stack.example/v1/doku/notifications"),
    )
    with Simulator(config) as doku:
        client = DokuClient(
            base_url=doku.url,
            paths={
                (each, made): f"/{each}-online-to-offline/v2/{name}"
                for each in Channel
                for made, name in (
                    (Feature.DGPC, "payment-code"),
                    (Feature.MGPC, "merchant-payment-code"),
                )
            },
            credentials=lambda *, refresh=False: CREDENTIALS,  # noqa: ARG005 - the port's
            clock=system_clock,
            entropy=SystemEntropy(),
            notification_url="https://other.example/v1/doku/notifications",
        )
        code = make_code(
            channel=channel,
            feature=feature,
            payment_code=REGISTERED[channel] if feature is Feature.MGPC else None,
            reusable=True,
            customer=Customer("Anton Budiman", "anton@example.com"),
            receipt=Receipt(
                description="Demo Store" if channel is Channel.INDOMARET else None,
                footer="Terima kasih",
            ),
        )
        intent = Intent(SystemEntropy().request_id(), client.compose(code, 90, REPORT))
        code = make_code(
            channel=channel, feature=feature, payment_code=code.payment_code, intent=intent
        )
        made = client.generate(code, lambda: 30.0)
        assert code.payment_code in (None, made.payment_code)
        assert client.check_status(code.invoice_number, lambda: 30.0).state is OrderState.PENDING
        kept = requests.get(f"{doku.url}/_control/orders/{code.invoice_number}", timeout=30).json()
        assert {each["key"]: each["value"] for each in kept["report"]} == REPORT
        client._session.close()
