"""The how-to-pay page and API, to which an answer links (DOKU protocol, section 3)."""

from urllib.parse import quote

from simulator.account import Account
from simulator.channels import Channel
from simulator.clock import instant
from simulator.pages import how_to_pay_page
from simulator.store.orders import Order
from simulator.wire import Answer, Request, json_answer

_PAGE_PATH = "/how-to-pay/v1/"
_API_PATH = "/how-to-pay-api/v1/"


def links(base_url: str, order: Order) -> tuple[str, str]:
    """Return the links of an order: page and API."""
    rest = f"{order.channel}/{quote(order.payment_code)}"
    return f"{base_url}{_PAGE_PATH}{rest}", f"{base_url}{_API_PATH}{rest}"


class HowToPay:
    """Answers requests for both links; they carry no signature."""

    def __init__(self, account: Account) -> None:
        self._catalogue = account.catalogue
        self._orders = account.store.orders

    def find(self, request: Request) -> Order | None:
        """Return the order of which this is one of the links; ``None`` for any other request."""
        if request.method != "GET":
            return None
        for prefix in (_PAGE_PATH, _API_PATH):
            if request.target.startswith(prefix):
                name, _, payment_code = request.target.removeprefix(prefix).partition("/")
                order = self._orders.by_code(payment_code)
                if order is not None and order.channel == name:
                    return order
        return None

    def show(self, request: Request, order: Order) -> Answer:
        """Answer a request for a link of this order."""
        channel = self._catalogue.channel(order.channel)
        if request.target.startswith(_PAGE_PATH):
            return self._page(order, channel)
        return self._api(order, channel, request)

    @staticmethod
    def _steps(channel: Channel, language: str, order: Order) -> list[str]:
        return [step.format(payment_code=order.payment_code) for step in channel.steps[language]]

    def _api(self, order: Order, channel: Channel, request: Request) -> Answer:
        wanted = request.headers.get("accept-language", "").strip().lower()
        language = "en" if wanted.startswith("en") else "id"
        steps = self._steps(channel, language, order)
        document = {"payment_instruction": [{"channel": channel.label, "step": steps}]}
        return json_answer(200, document).with_headers({"Content-Language": language})

    def _page(self, order: Order, channel: Channel) -> Answer:
        return how_to_pay_page(
            channel=channel.label,
            payment_code=order.payment_code,
            amount=order.amount,
            expires=instant(order.expires_at or 0),  # every code with a link has one
            steps=self._steps(channel, "id", order),
        )
