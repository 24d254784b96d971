"""The whole system behind a custom domain with a base path, as API Gateway would serve it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.local_stack import LocalStack, started
from tests.support.patience import CALL_SECONDS

BASE = "/base"
DOMAIN = "pay.example.com"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("behind")
    with started(folder, "--base-path", BASE) as behind:
        yield behind


@pytest.fixture(scope="module")
def code(stack: LocalStack) -> dict[str, Any]:
    """A code that a storefront has made at the custom domain."""
    order = stack.order()
    answer = stack.call("POST", "/payment-codes", json=order, headers={"Host": DOMAIN})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{BASE}/payment-codes/{order['invoice_number']}"
    view: dict[str, Any] = answer.json()
    return view


def visit(stack: LocalStack, path: str) -> requests.Response:
    """What a customer's browser gets at the custom domain."""
    host = "http://" + urlsplit(stack.about["api_url"]).netloc
    return requests.get(host + path, headers={"Host": DOMAIN}, timeout=CALL_SECONDS)


def test_the_customer_s_page_opens_with_a_slash_and_without(
    stack: LocalStack, code: dict[str, Any]
) -> None:
    page = urlsplit(code["pay_url"])
    assert (page.netloc, page.path.startswith(f"{BASE}/pay/")) == (DOMAIN, True)
    for path in (page.path, f"{page.path}/", page.path.replace("/pay/", "//pay/")):
        answer = visit(stack, path)
        assert answer.status_code == 200
        assert code["payment_code"] in answer.text.replace("\N{NO-BREAK SPACE}", "").replace(
            " ", ""
        )
    assert visit(stack, f"{page.path}/status").json()["state"] == "active"
    assert visit(stack, page.path.removeprefix(BASE)).status_code == 403


def test_doku_s_signed_notification_is_taken(stack: LocalStack, code: dict[str, Any]) -> None:
    stack.pay(code)
    paid = stack.becomes(code["invoice_number"], "paid")
    assert [payment["source"] for payment in paid["payments"]] == ["notification"]
    assert [each["status"] for each in stack.attempts(code["invoice_number"])] == [200]


def test_doku_s_signed_inquiry_is_answered_and_signed(stack: LocalStack) -> None:
    code = stack.create(bin="70014", feature="dipc")
    stack.pay(code)
    paid = stack.becomes(code["invoice_number"], "paid")
    assert paid["inquired_at"] is not None
    assert [payment["source"] for payment in paid["payments"]] == ["notification"]


def test_the_document_names_the_address_with_the_base_path(stack: LocalStack) -> None:
    url = stack.about["api_url"]
    assert url.endswith(BASE)
    document = requests.get(f"{url}/openapi.json", timeout=CALL_SECONDS).json()
    assert [server["url"] for server in document["servers"]] == [url]


@pytest.mark.parametrize("path", ["/doku/notification", "/o2o/doku/notifications"])
def test_a_wrong_path_at_doku_reaches_no_function(stack: LocalStack, path: str) -> None:
    answer = requests.post(stack.about["api_url"] + path, data=b"{}", timeout=CALL_SECONDS)
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"
