"""The customer's page in a customer's browser, on a whole local stack."""

import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from o2o.core.codes import PaymentCode, PaymentKind
from o2o.core.how_to_pay import Language
from o2o.core.payments import Payment
from o2o.core.storefronts import Branding
from o2o.entry.page.render import render, render_missing
from o2o.usecases.show_code import PageState, PageStatus, Shown
from tests.support.local_stack import LocalStack
from tests.support.patience import until
from tests.support.samples import at, make_own_code, make_report
from tests.system.browser.conftest import SOON

PHONE: Any = {"width": 360, "height": 740}
DIGITS = "8123456789012345"
EVERY_15_SECONDS = '<meta http-equiv="refresh" content="15">'

Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, stack: LocalStack) -> Iterator[Open]:
    """Opens an address as a customer does; fails if the page asks elsewhere or complains."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    complaints: list[str] = []

    def load(address: str, *, script: str = "", own_time: bool = False, **options: Any) -> Page:
        settings = {"viewport": PHONE, "device_scale_factor": 2, "locale": "id-ID", **options}
        context = browser.new_context(**settings)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        if own_time:
            page.clock.install()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    yield load
    for context in contexts:
        context.close()
    assert all(url.startswith(f"{stack.about['api_url']}/pay/") for url in asked), asked
    assert not complaints


def title(page: Page) -> Any:
    return page.get_by_role("heading", level=1)


def loads(page: Page) -> list[str]:
    """The addresses that the page is loaded from, from now on."""
    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    return seen


# --- the story -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "channel", "before", "after", "where"),
    [
        ("id-ID", "alfa", "Bayar di kasir Rp150.000", "Pembayaran diterima", "Alfa Group, toko"),
        ("en-GB", "indomaret", "Pay at the till Rp150.000", "Payment received", "Indomaret, store"),
    ],
)
def test_the_page_turns_to_paid_by_itself(
    stack: LocalStack,
    open_page: Open,
    locale: str,
    channel: str,
    before: str,
    after: str,
    where: str,
) -> None:
    code = stack.create(channel=channel, amount=150_000)
    page = open_page(code["pay_url"], locale=locale)
    expect(title(page)).to_have_text(before)
    expect(page.locator("button")).to_have_attribute("data-copy", code["payment_code"])
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"00:59:\d\d"))
    reloads = loads(page)
    stack.pay(code)
    expect(title(page)).to_have_text(after, timeout=SOON)
    expect(page.locator("main")).to_contain_text("Rp150.000")
    expect(page.locator("dl").first).to_contain_text(where)
    # Told to those who can't see it, too.
    expect(page.get_by_role("status")).to_have_text(after)
    assert after in page.title()
    assert not reloads
    assert code["payment_code"] not in page.content()


def test_a_code_appears_when_it_is_ready(stack: LocalStack, open_page: Open) -> None:
    order = stack.order()
    stack.fault(operation="generate", invoice_number=order["invoice_number"], kind="error_5xx")
    pending = stack.call("POST", "/payment-codes", json=order)
    assert pending.status_code == 202, pending.text
    page = open_page(pending.json()["pay_url"])
    expect(title(page)).to_have_text("Kode sedang disiapkan")
    reloads = loads(page)
    stack.advance(minutes=1, seconds=5)
    code = stack.becomes(order["invoice_number"], "active")
    expect(page.locator("button")).to_have_attribute(
        "data-copy", code["payment_code"], timeout=SOON
    )
    assert not reloads


def test_a_code_ends_at_its_deadline(stack: LocalStack, open_page: Open) -> None:
    code = stack.create(expires_in_minutes=10)
    page = open_page(code["pay_url"])
    expect(page.get_by_role("timer")).to_have_text(re.compile("00:09:"))
    reloads = loads(page)
    fault = stack.fault(
        operation="status", invoice_number=code["invoice_number"], kind="error_5xx", times=None
    )
    stack.advance(minutes=10)
    expect(title(page)).to_have_text("Waktu pembayaran habis", timeout=SOON)
    assert code["payment_code"] not in page.content()
    stack.doku("DELETE", f"/faults/{fault['id']}")
    stack.advance(minutes=30)
    stack.becomes(code["invoice_number"], "expired")
    expect(title(page)).to_have_text("Kode sudah kedaluwarsa", timeout=SOON)
    assert not reloads


def test_a_replaced_code_leads_to_the_new_one(stack: LocalStack, open_page: Open) -> None:
    former = stack.create()
    page = open_page(former["pay_url"])
    newer = stack.create(channel="indomaret", replaces=former["invoice_number"])
    page.get_by_role("link", name="Buka kode yang baru").click(timeout=SOON)
    expect(page.locator("button")).to_have_attribute("data-copy", newer["payment_code"])
    # The customer took the old code to the till all the same.
    stack.pay(former)
    expect(title(page)).to_have_text("Pesanan ini sudah dibayar", timeout=SOON)
    page.get_by_role("link", name="Lihat pembayarannya").click()
    expect(title(page)).to_have_text("Pembayaran diterima")
    expect(page.locator(".notice")).to_contain_text("setelah batas waktu")


def test_a_wrong_amount_is_told_while_the_code_stays(stack: LocalStack, open_page: Open) -> None:
    code = stack.create(amount=150_000)
    page = open_page(code["pay_url"])
    stack.pay(code, amount=100_000)
    notice = page.locator(".notice")
    expect(notice).to_contain_text("Rp100.000", timeout=SOON)
    expect(page.locator("button")).to_be_visible()


def test_the_language_can_be_switched(stack: LocalStack, open_page: Open) -> None:
    page = open_page(stack.create()["pay_url"], locale="id-ID")
    page.get_by_role("link", name="English").click()
    expect(title(page)).to_contain_text("Pay at the till")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="Bahasa Indonesia").click()
    expect(title(page)).to_contain_text("Bayar di kasir")


def test_a_wrong_address_gets_a_friendly_page(stack: LocalStack, browser: Browser) -> None:
    page = browser.new_page()
    answer = page.goto(stack.create()["pay_url"][:-3])
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.close()


# --- what helps at the till ------------------------------------------------------------------


def test_the_code_is_copied_without_spaces(stack: LocalStack, open_page: Open) -> None:
    code = stack.create()
    page = open_page(code["pay_url"], permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Salin kode").click()
    expect(page.get_by_role("button", name="Kode disalin")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Kode disalin")
    assert page.evaluate("navigator.clipboard.readText()") == code["payment_code"]
    expect(page.get_by_role("button", name="Salin kode")).to_be_visible()


def test_it_is_copied_where_there_is_no_clipboard(stack: LocalStack, open_page: Open) -> None:
    code = stack.create()
    script = """
      delete Navigator.prototype.clipboard;
      addEventListener("copy", () => { window.copied = document.activeElement.value; });
    """
    page = open_page(code["pay_url"], script=script)
    page.get_by_role("button").press("Enter")
    expect(page.get_by_role("button", name="Kode disalin")).to_be_focused()
    assert page.evaluate("window.copied") == code["payment_code"]


def test_the_countdown_does_not_trust_the_phone(stack: LocalStack, open_page: Open) -> None:
    script = "const real = Date.now; Date.now = () => real() + 5 * 3600 * 1000;"
    page = open_page(stack.create()["pay_url"], script=script, timezone_id="Asia/Jayapura")
    timer = page.get_by_role("timer")
    expect(timer).to_have_text(re.compile(r"00:59:\d\d"))
    first = timer.text_content()
    expect(timer).not_to_have_text(first or "")
    # Another clock at the server: the next look takes it over.
    stack.advance(minutes=30)
    expect(timer).to_have_text(re.compile(r"00:29:\d\d"), timeout=SOON)


def test_a_page_in_the_background_keeps_quiet(stack: LocalStack, open_page: Open) -> None:
    code = stack.create()
    page = open_page(code["pay_url"], own_time=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    stack.pay(code)
    stack.becomes(code["invoice_number"], "paid")
    page.clock.run_for(10 * 60_000)
    assert not asked
    page.evaluate(hide, False)
    expect(title(page)).to_have_text("Pembayaran diterima")


def test_without_javascript_it_is_all_there_and_reloads_itself(
    stack: LocalStack, open_page: Open
) -> None:
    code = stack.create()
    page = open_page(code["pay_url"], java_script_enabled=False)

    def hasten(route: Route) -> None:
        """Serve the page as it is, but with its 15 seconds as one."""
        served = route.fetch()
        hastened = served.text().replace(EVERY_15_SECONDS, EVERY_15_SECONDS.replace("15", "1"))
        route.fulfill(response=served, body=hastened)

    page.route("**/pay/*", hasten)
    page.reload()
    digits = page.locator(".code")
    assert re.sub(r"\D", "", digits.inner_text()).endswith(code["payment_code"])
    expect(page.locator("button")).to_be_hidden()
    expect(page.locator(".left")).to_be_hidden()
    expect(page.locator(".barcode")).to_be_visible()
    stack.pay(code)
    stack.becomes(code["invoice_number"], "paid")
    expect(title(page)).to_have_text("Pembayaran diterima", timeout=SOON)


@pytest.mark.parametrize("width", [320, 360, 430, 1280])
def test_it_fits_every_screen_and_the_bars_can_be_read(
    stack: LocalStack, open_page: Open, width: int
) -> None:
    code = stack.create(channel="indomaret", info="Pesanan 1042", amount=5_000_000)
    page = open_page(code["pay_url"], viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    visible = page.locator(".code").bounding_box()
    assert visible is not None
    assert visible["y"] + visible["height"] < 500  # without scrolling
    image = Image.open(io.BytesIO(page.locator(".scan").screenshot())).convert("L")
    (found,) = zxingcpp.read_barcodes(image)
    assert found.text == code["payment_code"]


def test_it_prints_on_one_page(stack: LocalStack, open_page: Open) -> None:
    code = stack.create(amount=150_000, info="Pesanan 1042")
    stack.pay(code, amount=100_000)
    until(lambda: stack.get(code["invoice_number"])["payments_count"])
    for language in ("id", "en"):
        page = open_page(f"{code['pay_url']}?lang={language}")
        pdf = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
        page.emulate_media(media="print")
        expect(page.locator("button")).to_be_hidden()
        expect(page.locator(".barcode")).to_be_visible()
        expect(page.locator(".left")).to_be_hidden()


# --- for everybody ---------------------------------------------------------------------------


def sample(state: PageState, branding: Branding) -> Shown:
    code: PaymentCode = make_own_code(payment_code=DIGITS, info="Pesanan 7")
    kinds = (PaymentKind.PAID, PaymentKind.PAID_AGAIN, PaymentKind.AMOUNT_MISMATCH)
    payments = tuple(
        Payment(identity=kind, kind=kind, report=make_report(), recorded_at=at(minutes=6))
        for kind in kinds
    )
    return Shown(
        status=PageStatus(code, state, at(minutes=3)),
        branding=branding,
        storefront_name="Toko Sejahtera",
        payments=payments,
        elsewhere="SU5WLTI.AAAAAAAAAAAAAAAAAAAAAA",
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("colour", [None, "#ffe600"])
def test_axe_finds_nothing(browser: Browser, axe: str, scheme: Any, colour: str | None) -> None:
    pages = {
        f"{state} {language}": render(sample(state, Branding("shop", colour=colour)), language)
        for state in PageState
        for language in Language
    }
    pages["missing"] = render_missing(Language.INDONESIAN)
    context = browser.new_context(viewport=PHONE, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    for name, html in pages.items():
        page.set_content(html.body)
        page.evaluate(axe)
        found = page.evaluate("axe.run(document).then((results) => results.violations)")
        told = [(each["id"], each["impact"], each["nodes"][0]["html"]) for each in found]
        assert not told, (name, json.dumps(told, indent=2))
    context.close()


# --- pictures --------------------------------------------------------------------------------


def test_what_it_looks_like(
    stack: LocalStack, open_page: Open, picture: Callable[[Page, str], None]
) -> None:
    code = stack.create(amount=150_000, info="Pesanan 1042", invoice_number="TOKO-1042")
    picture(open_page(code["pay_url"]), "page-active")
    picture(open_page(code["pay_url"], locale="en-GB", color_scheme="dark"), "page-dark")
    wide = {"viewport": {"width": 1100, "height": 800}, "device_scale_factor": 1}
    picture(open_page(code["pay_url"], locale="en-GB", **wide), "page-wide")
    stack.pay(code)
    stack.becomes(code["invoice_number"], "paid")
    picture(open_page(code["pay_url"], reduced_motion="reduce"), "page-paid")
