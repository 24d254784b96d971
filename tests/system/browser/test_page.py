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

from benchmarks.bill import Assumptions
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

    def load(
        address: str,
        *,
        script: str = "",
        own_time: bool = False,
        troubled: bool = False,
        **options: Any,
    ) -> Page:
        settings = {"viewport": PHONE, "device_scale_factor": 2, "locale": "id-ID", **options}
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        if own_time:
            page.clock.install()
        if script:
            page.add_init_script(script)
        page.on("request", lambda request: asked.append(request.url))
        if not troubled:  # what a request is refused with stands in the console, too
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


@pytest.mark.parametrize("channel", ["alfa", "indomaret"])
def test_the_steps_name_whom_doku_s_instructions_name(
    stack: LocalStack, open_page: Open, channel: str
) -> None:
    code = stack.create(channel=channel)
    told = stack.call("GET", f"/payment-codes/{code['invoice_number']}/how-to-pay").json()
    dokus = " ".join(told["doku"][0]["steps"])
    (biller,) = re.findall(r"ingin membayar (\w+)", dokus)
    steps = open_page(code["pay_url"]).locator("ol")
    expect(steps).to_contain_text(f"ingin melakukan pembayaran {biller}.")
    assert all(biller in " ".join(each["steps"]) for each in told["id"] + told["en"])


def test_the_language_can_be_switched(stack: LocalStack, open_page: Open) -> None:
    page = open_page(stack.create()["pay_url"], locale="id-ID")
    page.get_by_role("link", name="English").click()
    expect(title(page)).to_contain_text("Pay at the till")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="Bahasa Indonesia").click()
    expect(title(page)).to_contain_text("Bayar di kasir")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_slash_at_the_end_of_an_address_changes_nothing(
    stack: LocalStack, open_page: Open, scripts: bool
) -> None:
    former = stack.create()
    newer = stack.create(channel="indomaret", replaces=former["invoice_number"])
    page = open_page(
        former["pay_url"] + "/?fbclid=IwAR0&utm_source=wa", java_script_enabled=scripts
    )
    page.get_by_role("link", name="English").click()
    page.get_by_role("link", name="Open the new code").click()
    assert page.url.startswith(newer["pay_url"] + "?")
    expect(title(page)).to_contain_text("Pay at the till")


def test_a_page_with_a_slash_at_the_end_turns_to_paid(stack: LocalStack, open_page: Open) -> None:
    code = stack.create(amount=150_000)
    page = open_page(code["pay_url"] + "/?fbclid=IwAR0&lang=&lang=en")
    expect(title(page)).to_have_text("Pay at the till Rp150.000")
    stack.pay(code)
    expect(title(page)).to_have_text("Payment received", timeout=SOON)


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


NO_CLIPBOARD = "delete Navigator.prototype.clipboard;"
REFUSES = "navigator.clipboard.writeText = () => Promise.reject(new Error()); 0;"
NEVER_ANSWERS = "navigator.clipboard.writeText = () => new Promise(() => {}); 0;"
COPIES_NOTHING = "document.execCommand = () => false; 0;"


def clipboard(page: Page) -> str:
    """What is in the clipboard, as another page reads it."""
    other = page.context.new_page()
    other.goto(page.url)
    text: str = other.evaluate("navigator.clipboard.readText()")
    other.close()
    return text


@pytest.mark.parametrize("script", [NO_CLIPBOARD, REFUSES])
def test_it_is_copied_where_there_is_no_clipboard(
    stack: LocalStack, open_page: Open, script: str
) -> None:
    code = stack.create()
    page = open_page(code["pay_url"], permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(script)
    page.get_by_role("button").press("Enter")
    expect(page.get_by_role("button", name="Kode disalin")).to_be_focused()
    expect(page.locator(".hint")).to_be_hidden()
    assert page.evaluate("String(getSelection())") == ""
    assert clipboard(page) == code["payment_code"]


@pytest.mark.parametrize(
    ("locale", "hint"),
    [("id-ID", "Tidak dapat disalin di sini"), ("en-GB", "It could not be copied here")],
)
@pytest.mark.parametrize("script", [NO_CLIPBOARD, REFUSES, NEVER_ANSWERS])
def test_what_was_not_copied_is_not_said_to_be(
    stack: LocalStack, open_page: Open, script: str, locale: str, hint: str
) -> None:
    code = stack.create()
    page = open_page(
        code["pay_url"], locale=locale, permissions=["clipboard-read", "clipboard-write"]
    )
    label = page.get_by_role("button").text_content() or ""
    page.evaluate("navigator.clipboard.writeText('before')")
    page.evaluate(script + COPIES_NOTHING)
    page.get_by_role("button").click()
    expect(page.locator(".hint")).to_contain_text(hint)
    expect(page.locator(".hint")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text(hint)
    expect(page.get_by_role("button")).to_have_text(label)
    # The digits are selected, so that the customer can do it, and come out without spaces.
    selected = page.evaluate("String(getSelection())")
    assert re.sub(r"\s", "", selected) == code["payment_code"]
    assert clipboard(page) == "before"
    page.bring_to_front()
    page.keyboard.press("Control+C")
    assert clipboard(page) == code["payment_code"]


def test_a_second_try_that_copies_takes_the_refusal_back(
    stack: LocalStack, open_page: Open
) -> None:
    page = open_page(stack.create()["pay_url"], permissions=["clipboard-write"])
    page.evaluate("window.write = navigator.clipboard.writeText;" + REFUSES + COPIES_NOTHING)
    page.get_by_role("button").click()
    expect(page.locator(".hint")).to_be_visible()
    page.evaluate("navigator.clipboard.writeText = window.write; 0")
    page.get_by_role("button").click()
    expect(page.get_by_role("button", name="Kode disalin")).to_be_visible()
    expect(page.locator(".hint")).to_be_hidden()


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


HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""

# A phone that sleeps: no timer runs, the clock on the wall goes on, the other one may stand still.
CAN_SLEEP = """(stands) => {
  const date = Date.now, ran = performance.now.bind(performance);
  let slept = 0;
  Date.now = () => date() + slept;
  performance.now = () => ran() + (stands ? 0 : slept);
  window.sleep = (minutes) => { slept += minutes * 60_000; };
}"""
WAKES = {
    "visible": "document.dispatchEvent(new Event('visibilitychange'))",
    "resumed": "document.dispatchEvent(new Event('resume'))",
    "focused": "window.dispatchEvent(new Event('focus'))",
    "online": "window.dispatchEvent(new Event('online'))",
    "out of the cache": "window.dispatchEvent("
    "new PageTransitionEvent('pageshow', { persisted: true }))",
}


def asked_by(page: Page) -> list[str]:
    """The addresses that a page asks from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


# What is left of an hour, on a fast machine and on a slow one.
AN_HOUR = re.compile(r"01:00:00|00:59:\d\d")
HALF_AN_HOUR = re.compile(r"00:30:00|00:29:\d\d")

# Counts the answers that a page has read and dealt with: a message comes after all promises.
COUNT_LOOKS = """() => {
  const read = Response.prototype.json;
  window.looks = 0;
  Response.prototype.json = async function () {
    const told = await read.call(this);
    const channel = new MessageChannel();
    channel.port1.onmessage = () => { window.looks += 1; };
    channel.port2.postMessage(null);
    return told;
  };
}"""


def look_now(page: Page) -> None:
    """Stop the page's time and let it look: its next look by itself is five seconds away."""
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)
    page.evaluate(COUNT_LOOKS)
    page.evaluate(WAKES["focused"])
    page.clock.run_for(100)
    until(lambda: page.evaluate("window.looks") == 1)


def test_a_page_in_the_background_keeps_quiet(stack: LocalStack, open_page: Open) -> None:
    code = stack.create()
    page = open_page(code["pay_url"], own_time=True)
    asked = asked_by(page)
    page.evaluate(HIDE, True)
    stack.pay(code)
    stack.becomes(code["invoice_number"], "paid")
    page.clock.run_for(10 * 60_000)
    assert not asked
    page.evaluate(HIDE, False)
    expect(title(page)).to_have_text("Pembayaran diterima")


# Tells the milliseconds until the page's next look by itself.
TELL_PAUSES = """(() => {
  const later = window.setTimeout;
  window.pauses = [];
  window.setTimeout = (run, milliseconds, ...rest) => {
    if (run.name === "look") window.pauses.push(milliseconds);
    return later(run, milliseconds, ...rest);
  };
})()"""


def looks_until(page: Page, end: int) -> list[int]:
    """The seconds at which an untouched page looks, from now on until ``end``."""
    looks = [0]
    while True:
        until(lambda: page.evaluate("window.pauses.length") > 0)
        pause = page.evaluate("window.pauses.pop()")
        looks.append(looks[-1] + round(pause / 1000))
        if looks[-1] > end:
            return looks[1:-1]
        page.clock.run_for(pause)


def test_a_page_that_is_looked_at_for_five_minutes_asks_eight_times(
    stack: LocalStack, open_page: Open
) -> None:
    code = stack.create()
    page = open_page(code["pay_url"], own_time=True, script=TELL_PAUSES)
    asked = asked_by(page)
    looks = looks_until(page, end=300)
    assert looks == [5, 15, 35, 75, 135, 195, 255]
    assert len(asked) == len(looks)
    # The customer comes back, and looks for as long again: a look at once, then the same.
    page.evaluate("window.pauses = []")
    page.evaluate(WAKES["visible"])
    again = looks_until(page, end=300)
    assert again == [0, *looks]
    assert len(again) == Assumptions().looks_of_a_page


def test_when_a_cashier_has_asked_the_page_looks_more_often_again(
    stack: LocalStack, open_page: Open
) -> None:
    code = stack.create(feature="dipc", bin="889955")
    page = open_page(code["pay_url"], own_time=True, script=TELL_PAUSES)
    looks_until(page, end=140)
    stack.doku("POST", "/inquiry", {"payment_code": code["payment_code"]})
    page.clock.run_for(60_000)
    assert looks_until(page, end=30) == [5, 15]


@pytest.mark.parametrize("stands", [True, False])
@pytest.mark.parametrize("wake", WAKES)
def test_after_sleep_the_countdown_is_right_at_once_and_the_server_is_asked(
    stack: LocalStack, open_page: Open, wake: str, stands: bool
) -> None:
    page = open_page(stack.create()["pay_url"], own_time=True)
    page.evaluate(CAN_SLEEP, stands)
    look_now(page)
    before = page.get_by_role("timer").text_content() or ""
    assert AN_HOUR.fullmatch(before)
    page.evaluate("window.sleep(30)")
    # In one breath with the event: nothing else had the time to put it right.
    after = page.evaluate(f"{WAKES[wake]}; document.querySelector('[role=timer]').textContent")
    assert HALF_AN_HOUR.fullmatch(after)
    asked = asked_by(page)
    with page.expect_response("**/status"):
        page.clock.run_for(100)
    # The server did not sleep, and knows better.
    expect(page.get_by_role("timer")).to_have_text(AN_HOUR)
    assert len(asked) == 1


@pytest.mark.parametrize("stands", [True, False])
def test_a_phone_that_does_not_tell_that_it_slept_is_found_out(
    stack: LocalStack, open_page: Open, stands: bool
) -> None:
    page = open_page(stack.create()["pay_url"], own_time=True)
    page.evaluate(CAN_SLEEP, stands)
    look_now(page)
    page.evaluate("window.sleep(30)")
    with page.expect_response("**/status"):
        page.clock.run_for(1_100)


@pytest.mark.parametrize("stands", [True, False])
def test_after_its_time_no_code_is_shown_though_nobody_can_be_asked(
    stack: LocalStack, open_page: Open, stands: bool
) -> None:
    code = stack.create(expires_in_minutes=10)
    page = open_page(code["pay_url"], own_time=True, troubled=True)
    page.evaluate(CAN_SLEEP, stands)
    look_now(page)
    page.get_by_role("button").focus()
    page.context.set_offline(True)
    page.evaluate("window.sleep(20)")
    shown = page.evaluate(f"{WAKES['visible']}; document.documentElement.outerHTML")
    assert code["payment_code"] not in shown
    assert not re.search(code["payment_code"][:4] + r"\b", shown)
    expect(title(page)).to_have_text("Waktu pembayaran habis")
    expect(title(page)).to_be_focused()
    assert page.title().startswith("Waktu pembayaran habis")
    expect(page.locator("footer")).not_to_contain_text("melihat kodenya")
    page.clock.run_for(100)
    expect(page.locator("#stale")).to_be_visible()
    # The phone's clock was wrong after all: the server has the last word.
    page.context.set_offline(False)
    page.wait_for_function("navigator.onLine")
    page.evaluate(WAKES["online"])
    page.clock.run_for(100)
    expect(page.locator("button")).to_have_attribute("data-copy", code["payment_code"])
    expect(page.locator("#stale")).to_be_hidden()
    # And what it showed anew goes again in its time.
    page.context.set_offline(True)
    page.evaluate("window.sleep(20)")
    page.clock.run_for(1_100)
    expect(title(page)).to_have_text("Waktu pembayaran habis")
    assert code["payment_code"] not in page.content()


@pytest.mark.parametrize("locale", ["id-ID", "en-GB"])
def test_a_page_that_gets_no_answers_says_so(
    stack: LocalStack, open_page: Open, locale: str
) -> None:
    code = stack.create()
    page = open_page(code["pay_url"], troubled=True, locale=locale)
    told = "tidak dapat diperbarui" if locale == "id-ID" else "can't be updated"
    stale = page.locator("#stale")
    expect(stale).to_be_hidden()
    page.context.set_offline(True)
    expect(stale).to_be_visible()
    expect(stale).to_contain_text(told)
    expect(page.get_by_role("status")).to_contain_text(told)
    stack.pay(code)
    stack.becomes(code["invoice_number"], "paid")
    page.context.set_offline(False)
    paid = "Pembayaran diterima" if locale == "id-ID" else "Payment received"
    expect(title(page)).to_have_text(paid, timeout=SOON)
    expect(stale).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text(paid)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503, "body": "{}"},
        {"status": 200, "content_type": "text/html", "body": "<main>Log in to the Wi-Fi</main>"},
        None,
    ],
)
def test_no_answer_and_a_strange_one_are_told_and_asked_again(
    stack: LocalStack, open_page: Open, answer: dict[str, Any] | None
) -> None:
    page = open_page(stack.create()["pay_url"], own_time=True, troubled=True)
    look_now(page)

    def refuse(route: Route) -> None:
        if answer is not None:
            route.fulfill(**answer)  # else it hangs

    page.route("**/status", refuse)
    with page.expect_request("**/status"):
        page.clock.run_for(6_000)
    if answer is None:
        expect(page.locator("#stale")).to_be_hidden()
        page.clock.run_for(10_000)
    expect(page.locator("#stale")).to_be_visible()
    expect(page.locator("button")).to_be_visible()
    page.unroute("**/status")
    with page.expect_response("**/status"):
        page.clock.run_for(11_000)
    expect(page.locator("#stale")).to_be_hidden()


def test_a_page_that_is_gone_goes(stack: LocalStack, open_page: Open) -> None:
    code = stack.create()
    page = open_page(code["pay_url"], own_time=True, troubled=True)
    other = page.context.new_page()
    answer = other.goto(code["pay_url"][:-3])
    assert answer is not None
    gone = answer.text()
    other.close()
    page.route("**/pay/**", lambda route: route.fulfill(status=404, body=gone))
    page.clock.run_for(6_000)
    expect(title(page)).to_have_text("Halaman ini tidak ada")
    assert code["payment_code"] not in page.content()
    asked = asked_by(page)
    page.clock.run_for(10 * 60_000)
    assert not asked


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
        biller="DOKU",
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
        # What is shown only sometimes is looked at, too.
        page.evaluate(
            "document.querySelectorAll('[hidden]').forEach((each) => each.hidden = false)"
        )
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
