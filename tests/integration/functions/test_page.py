"""The customer's page behind its address, as the storefront got it."""

import json
import os
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from o2o.core.storefronts import Branding, Storefront
from o2o.entry import wiring
from o2o.entry.settings.codes import ShowSettings
from tests.integration.functions import doku
from tests.integration.functions.shapes import about
from tests.support.world import START

CODE = "8123456789012345"
INVOICE = "INV-20260301-0001"


@pytest.fixture
def storefronts(stack):
    storefronts = wiring._storefronts(wiring.read_settings(ShowSettings))
    storefronts.add_storefront(Storefront("shop", "Toko Sejahtera", START))
    return storefronts


@pytest.fixture
def code(stack, event, storefronts):
    stack.doku.expect_request(
        "/alfa-online-to-offline/v2/payment-code", "POST"
    ).respond_with_handler(lambda request: doku.code(request, CODE, START + timedelta(hours=1)))
    return stack.call("generate_code", event("generate_code/alfa")).body


def split(path: str) -> tuple[str, str]:
    """A path, and the slashes at its end, which API Gateway hands on."""
    bare = path.rstrip("/")
    return bare, path.removeprefix(bare)


@pytest.fixture
def open_page(stack, event):
    """A customer opens an address; the answer's headers have their names in lower case."""

    def call(address: str, case: str = "page", **changes: Any) -> tuple[int, dict[str, str], str]:
        token, slashes = split(urlsplit(address).path.removeprefix("/v1/pay/"))
        loaded = event(f"show_code/{case}", **changes)
        answer = stack.invoke("show_code", about(loaded, slashes, token=token))
        headers = {
            name.lower(): ",".join(values)
            for name, values in answer.get("multiValueHeaders", {}).items()
        }
        return answer["statusCode"], headers, answer["body"]

    return call


def test_the_storefront_gets_the_address_of_the_page(code, stack, event):
    assert re.fullmatch(
        r"https://api\.example\.com/v1/pay/[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}", code["pay_url"]
    )
    again = stack.call("generate_code", event("generate_code/alfa")).body
    assert again["pay_url"] == code["pay_url"]


def test_a_configured_address_is_preferred(stack, event, monkeypatch, storefronts):
    monkeypatch.setenv("PUBLIC_URL", "https://pay.toko.example")
    stack.doku.expect_request(
        "/alfa-online-to-offline/v2/payment-code", "POST"
    ).respond_with_handler(lambda request: doku.code(request, CODE, START + timedelta(hours=1)))
    code = stack.call("generate_code", event("generate_code/alfa")).body
    assert code["pay_url"].startswith("https://pay.toko.example/pay/")


def test_a_customer_opens_it(code, open_page):
    status, headers, body = open_page(code["pay_url"])
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["content-language"] == "id"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert f'data-copy="{CODE}"' in body
    assert "Toko Sejahtera" in body


def test_a_language_is_asked_for(code, open_page):
    _, headers, body = open_page(
        code["pay_url"],
        queryStringParameters={"lang": "en"},
        multiValueQueryStringParameters={"lang": ["en"]},
    )
    assert headers["content-language"] == "en"
    assert "Payment code" in body


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ({"lang": ["klingon" * 100]}, "id"),
        ({"lang": [""]}, "id"),
        ({"lang": ["en", "id"]}, "en"),
        ({"lang": ["", "en"]}, "en"),
        ({"lang": ["en", "en"]}, "en"),
        ({"lang": ["en/"]}, "en"),
        ({"LANG": ["en"]}, "id"),
        ({"fbclid": ["IwAR0"], "utm_source": ["wa", "wa"], "lang": ["en"]}, "en"),
        ({"fbclid": ["IwAR0"], "utm_source": [""], "": [""], "token": ["x"]}, "id"),
    ],
)
def test_any_query_gets_a_page(code, open_page, query, language):
    for case in ("page", "head"):
        status, headers, _ = open_page(
            code["pay_url"],
            case,
            queryStringParameters={name: values[-1] for name, values in query.items()},
            multiValueQueryStringParameters=query,
        )
        assert (status, headers["content-language"]) == (200, language)


def test_a_wrong_address_is_told_in_the_language_that_is_asked_for(code, open_page):
    for address in ("nonsense", '"'):
        _, headers, _ = open_page(
            address,
            queryStringParameters={"lang": "en"},
            multiValueQueryStringParameters={"lang": ["en"]},
        )
        assert headers["content-language"] == "en"


@pytest.mark.parametrize(
    "end", ["/", "//", "%2F", ".", ",", ")", "%20", "%E2%80%8B", "&fbclid=I.x"]
)
def test_an_address_opens_with_what_hangs_on_it(code, open_page, end):
    address = code["pay_url"]
    assert open_page(address + end) == open_page(address)
    assert open_page(address + end, "head")[0] == 200
    assert json.loads(open_page(address + end, "status")[2])["state"] == "active"
    assert open_page(address.replace(".", "%2E") + end)[0] == 200


def test_a_link_leads_to_the_other_page_from_an_address_with_a_slash(code, open_page, stack, event):
    new = "INV-20260301-0099"
    body = json.loads(event("generate_code/alfa")["body"])
    stack.call(
        "generate_code",
        event("generate_code/alfa")
        | {"body": json.dumps(body | {"invoice_number": new, "replaces": INVOICE})},
    )
    for end in ("", "/"):
        base = code["pay_url"] + end
        _, _, page = open_page(base)
        (link,) = re.findall(r'class="button" href="([^"]+)"', page)
        assert open_page(urljoin(base, link))[0] == 200
        assert urlsplit(urljoin(base, link)).path.count("/") == 3


def test_a_link_can_be_checked(code, open_page):
    status, headers, body = open_page(code["pay_url"], "head")
    assert (status, body) == (200, "")
    assert headers == open_page(code["pay_url"])[1]


def test_the_page_asks_whether_it_is_up_to_date(code, open_page, stack):
    stack.clock.advance(minutes=3, milliseconds=250)
    status, headers, body = open_page(code["pay_url"], "status")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert json.loads(body) == {
        "state": "active",
        "payments_count": 0,
        "now": "2026-03-01T03:03:00.250000Z",
        "expires_at": "2026-03-01T04:00:00Z",
        "inquired_at": None,
    }


def test_a_bin_s_biller_is_on_it(code, open_page, stack, monkeypatch):
    assert "melakukan pembayaran DOKU." in open_page(code["pay_url"])[2]
    bins = json.loads(os.environ["BINS"])
    monkeypatch.setenv("BINS", json.dumps([each | {"biller": "Kopi <Senja>"} for each in bins]))
    stack.modules.clear()
    assert "melakukan pembayaran Kopi &lt;Senja&gt;." in open_page(code["pay_url"])[2]


def test_a_look_is_on_it(code, open_page, storefronts):
    storefronts.put_branding(Branding("shop", "Kopi Senja", colour="#ff8800"))
    _, _, body = open_page(code["pay_url"])
    assert "Kopi Senja" in body
    assert "Toko Sejahtera" not in body


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "SU5WLTIwMjYwMzAxLTAwMDE.AAAAAAAAAAAAAAAAAAAAAA",
        "%3Cscript%3E",
        '"><script>',
        "ä",
        "a" * 5000,
    ],
)
def test_any_other_address_gets_a_friendly_page(code, open_page, token):
    for case in ("page", "head"):
        status, headers, body = open_page(token, case)
        assert status == 404
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert ("Halaman ini tidak ada" in body) == (case == "page")
        assert "<script" not in body


def test_its_status_is_a_problem(code, open_page):
    status, headers, body = open_page("SU5WLTE.AAAAAAAAAAAAAAAAAAAAAA", "status")
    assert status == 404
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body)["type"] == "/problems/not-found"


def test_a_forged_address_costs_no_read_of_the_table(code, open_page, monkeypatch):
    reads: list[str] = []

    def count(*_: object, **query: Any) -> list[dict[str, Any]]:
        reads.append(query["KeyConditionExpression"])
        return []

    monkeypatch.setattr("o2o.adapters.dynamodb.store.Store.query", count)
    assert open_page(code["pay_url"][:-1] + "_")[0] == 404
    assert not reads
    assert open_page(code["pay_url"])[0] == 404  # there is nothing any more, but it was read
    assert reads


def test_nothing_of_it_is_logged(code, open_page, logs):
    open_page(code["pay_url"])
    open_page(code["pay_url"], "status")
    token = code["pay_url"].rpartition("/")[2]
    assert not re.search(rf"{re.escape(token)}|{CODE}", logs.getvalue())
