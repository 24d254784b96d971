"""The console, as a developer uses it: with a browser, on a whole local stack."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from o2o.core.wib import WIB
from tests.support.local_stack import LocalStack
from tests.support.patience import CALL_SECONDS, until
from tests.system.browser.conftest import SOON

expect.set_options(timeout=SOON)
VIEWS = ("shop", "till", "codes", "events", "search", "attention", "books", "workshop")
SORTS = ("Alfa dgpc", "Alfa mgpc", "Alfa dipc", "Indomaret dgpc")


class Console:
    """A tab with the console in it."""

    def __init__(self, page: Page, stack: LocalStack) -> None:
        self.page = page
        self.url = stack.about["console_url"]
        self.http = stack.http

    def now(self) -> datetime:
        """The stack's time."""
        told = self.http.get(f"{self.url}/_local/clock", timeout=CALL_SECONDS).json()
        return datetime.fromisoformat(told["now"])

    def go(self, place: str) -> None:
        self.page.goto(f"{self.url}/#/{place}")
        expect(self.page.locator(".head h1")).to_be_visible()

    def field(self, name: str) -> Locator:
        return self.page.locator(f'[name="{name}"]')

    def about(self, rows: str, invoice: str) -> Locator:
        """The rows that link to a code. Its number as a text could run into what follows it."""
        link = self.page.get_by_role("link", name=invoice, exact=True)
        return self.page.locator(rows).filter(has=link)

    @property
    def slip(self) -> Locator:
        return self.page.locator(".slip")

    def create(self, sort: str = "Alfa dgpc", **fields: str) -> str:
        """Order a code in the shop; returns its invoice number."""
        self.go("shop")
        return self.order(sort, **fields)

    def order(self, sort: str, **fields: str) -> str:
        self.page.get_by_role("radio", name=re.compile(f"^{sort}")).check()
        for name, value in fields.items():
            control = self.field(name)
            if control.evaluate("control => control.tagName") == "SELECT":
                control.select_option(value)
            else:
                control.fill(value)
        invoice = self.field("invoice_number").input_value()
        self.press("Create the code")
        expect(self.slip).to_contain_text(invoice)
        expect(self.slip).to_have_attribute("data-status", "active")
        return invoice

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).click()

    def pay(self) -> None:
        """Pay at the till what the slip shows, and wait until the merchant knows."""
        self.follow("Pay at the till")
        self.press("Take the cash")
        expect(self.page.locator("#notified")).to_have_text("The merchant has been notified.")

    def row(self, invoice: str) -> Locator:
        return self.page.locator(f'tr[data-invoice="{invoice}"]')

    def card(self, title: str) -> Locator:
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator("section.card, form.card").filter(has=heading)


@pytest.fixture
def console(browser: Browser, stack: LocalStack) -> Iterator[Console]:
    """A console in which nothing goes wrong unseen: no script error, nothing from elsewhere."""
    context = browser.new_context(
        viewport={"width": 1080, "height": 760},
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(SOON)
    page = context.new_page()
    broken: list[str] = []
    hosts: set[str] = set()
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on(
        "console",
        # The browser tells of every answer of 400 and more; the console tells the person.
        lambda told: (
            broken.append(told.text)
            if told.type == "error" and "Failed to load resource" not in told.text
            else None
        ),
    )
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    yield Console(page, stack)
    context.close()
    assert broken == []
    assert hosts == {urlsplit(stack.about["console_url"]).netloc}


# --- the story -------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", SORTS)
def test_a_code_of_every_sort_is_created_asked_about_and_paid(console: Console, sort: str) -> None:
    invoice = console.create(sort, amount="150000")
    console.follow("Pay at the till")
    bill = console.page.locator("#bill")
    expect(bill).to_contain_text("Rp150.000")
    expect(bill).to_contain_text("Anton Budiman")
    expect(bill).to_contain_text(sort.split()[1])
    asked = bill.get_by_text("DOKU asked the shop: success")
    expect(asked).to_have_count(1 if "dipc" in sort else 0)
    console.press("Take the cash")
    expect(console.page.locator("#notified")).to_have_text("The merchant has been notified.")
    console.follow("View the code")
    expect(console.slip).to_have_attribute("data-status", "paid")
    expect(console.card("Payments")).to_contain_text("Rp150.000")
    console.follow("Codes")
    expect(console.row(invoice).locator(".chip")).to_have_text("paid")


def test_the_shop_sees_the_payment_without_a_reload(console: Console, stack: LocalStack) -> None:
    invoice = console.create()
    stack.doku("POST", "/pay", {"invoice_number": invoice})
    expect(console.slip).to_have_attribute("data-status", "paid")


def test_the_same_request_again_is_the_same_code(console: Console) -> None:
    console.create()
    digits = console.page.locator(".digits span").inner_text()
    expect(console.page.locator(".http")).to_contain_text("201")
    console.press("Send the same again")
    expect(console.page.locator(".http")).to_contain_text("200")
    expect(console.page.locator(".digits span")).to_have_text(digits)


def test_a_refusal_stands_at_its_field(console: Console) -> None:
    console.go("shop")
    console.field("amount").fill("5")
    console.field("metadata").evaluate("field => { field.closest('details').open = true; }")
    console.field("metadata").fill("no object")
    console.press("Create the code")
    expect(console.page.get_by_role("alert")).to_be_visible()
    expect(console.field("metadata")).to_have_attribute("aria-invalid", "true")
    console.field("metadata").fill("")
    console.press("Create the code")
    expect(console.field("amount")).to_have_attribute("aria-invalid", "true")
    expect(console.field("amount")).to_be_focused()
    expect(console.page.locator("#f-amount-note")).to_contain_text("10000")


def test_everything_that_a_code_can_have(console: Console, stack: LocalStack) -> None:
    day = (console.now() + timedelta(days=1)).astimezone(WIB).date()
    console.go("shop")
    console.page.locator("#more > summary").click()
    invoice = console.order(
        "Indomaret dgpc",
        **{
            "customer.name": "Siti Rahma",
            "customer.email": "siti@example.com",
            "info": "Toko Sinar Jaya",
            "receipt.description": "Pesanan 42",
            "receipt.footer": "Terima kasih",
            "metadata": '{"order": 42}',
            "expiry": "expires_on",
            "expires_on": day.isoformat(),
        },
    )
    view = stack.get(invoice)
    assert view["customer"] == {"name": "Siti Rahma", "email": "siti@example.com"}
    assert view["receipt"] == {"description": "Pesanan 42", "footer": "Terima kasih"}
    assert (view["info"], view["metadata"]) == ("Toko Sinar Jaya", {"order": 42})
    # DOKU counts in whole minutes from the creation, of which the view shows the whole seconds, and
    # the day's end is the limit.
    left = datetime.fromisoformat(f"{day}T16:59:59Z") - datetime.fromisoformat(view["expires_at"])
    assert timedelta() <= left <= timedelta(minutes=1)


def test_the_shops_own_digits(console: Console) -> None:
    console.create("Alfa mgpc", bin="889955", unique_part="0812345678")
    expect(console.page.locator(".digits span")).to_have_text("8899 5508 1234 5678")
    console.pay()  # the digits are free again


def test_a_reusable_code_is_paid_twice(console: Console) -> None:
    console.go("shop")
    console.page.get_by_role("checkbox", name=re.compile("Reusable")).check()
    console.order("Alfa mgpc")
    console.pay()
    console.follow("View the code")
    console.pay()
    console.follow("View the code")
    expect(console.card("Payments").locator("li")).to_have_count(2)
    expect(console.slip).to_have_attribute("data-status", "active")


def test_a_customer_switches_from_alfa_to_indomaret(console: Console) -> None:
    former = console.create("Alfa dgpc")
    console.follow("Details")
    console.follow("Replace")
    expect(console.field("replaces")).to_have_value(former)
    latter = console.order("Indomaret dgpc")
    console.go(f"codes/{former}")
    expect(console.slip).to_have_attribute("data-status", "cancelled")
    console.follow(latter)
    expect(console.slip).to_have_attribute("data-status", "active")


def test_a_code_expires_and_is_paid_all_the_same(console: Console) -> None:
    invoice = console.create(expiry="expires_in_minutes", expires_in_minutes="5")
    console.page.locator("#clock > summary").click()
    console.press("+15 minutes")
    expect(console.slip).to_have_attribute("data-status", "expired")
    console.page.keyboard.press("Escape")
    digits = console.page.locator(".digits span").inner_text()
    console.go("till")
    console.field("payment_code").fill(digits)
    console.press("Look it up")
    expect(console.page.get_by_text("The till refuses the payment")).to_be_visible()
    expect(console.page.get_by_role("button", name="Take the cash")).to_be_disabled()
    console.page.locator("#pay-how > summary").click()
    console.page.get_by_role("checkbox", name=re.compile("would refuse")).check()
    console.press("Take the cash")
    expect(console.page.locator("#notified")).to_have_text("The merchant has been notified.")
    console.go("codes?status=paid")
    expect(console.row(invoice).locator(".chip")).to_have_text("paid late")


def test_cancel_and_refresh(console: Console) -> None:
    console.create("Alfa dipc")
    console.follow("Details")
    expect(console.card("How to pay")).to_contain_text("Alfamart")
    expect(console.card("History")).to_contain_text("activated")
    console.press("Refresh")
    expect(console.page.get_by_role("status")).to_have_text("DOKU was asked.")
    console.press("Cancel")
    expect(console.slip).to_have_attribute("data-status", "cancelled")
    expect(console.page.get_by_text("definitely not")).to_be_visible()
    expect(console.page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(console.card("History")).to_contain_text("cancelled")


def test_the_customers_page_is_one_press_away(console: Console, stack: LocalStack) -> None:
    invoice = console.create()
    link = console.page.get_by_role("link", name=re.compile("^Customer.s page$"))
    expect(link).to_have_attribute("href", stack.get(invoice)["pay_url"])


# --- lists -----------------------------------------------------------------------------------


def test_filters_and_pages(console: Console, stack: LocalStack) -> None:
    stack.advance(hours=1)  # nothing older is in the way
    start = f"{console.now().astimezone(WIB):%Y-%m-%dT%H:%M:%S}"
    made = [stack.create()["invoice_number"] for _ in range(12)]
    stack.call("POST", f"/payment-codes/{made[3]}/cancel")
    console.go("codes")
    console.field("limit").select_option("10")
    rows = console.page.locator("tbody tr")
    expect(rows).to_have_count(10)
    expect(rows.first).to_have_attribute("data-invoice", made[-1])
    console.follow("Older →")
    expect(console.row(made[0])).to_be_visible()
    console.page.reload()
    expect(console.row(made[1])).to_be_visible()
    console.follow("← Newer")
    expect(console.row(made[-1])).to_be_visible()
    expect(console.page.get_by_role("link", name="← Newer")).to_have_count(0)
    console.field("status").select_option("cancelled")
    expect(console.row(made[3])).to_be_visible()
    expect(console.row(made[-1])).to_have_count(0)
    console.follow("Clear")
    console.field("to").fill(start)
    console.field("to").dispatch_event("change")
    expect(console.row(made[-1])).to_have_count(0)
    console.follow("Clear")
    console.field("from").fill(start)
    console.field("from").dispatch_event("change")
    expect(rows).to_have_count(12)


# --- events ----------------------------------------------------------------------------------


def test_events_arrive_at_the_shop_signed(console: Console) -> None:
    invoice = console.create()
    console.pay()
    console.go("events")
    feed = console.about("[data-event]", invoice)
    expect(feed).to_have_count(2)
    expect(feed.first).to_contain_text("paid")
    expect(feed.first.locator(".chip")).to_have_text("delivered")
    arrived = console.about("[data-webhook]", invoice)
    expect(arrived).to_have_count(2)
    for index in range(2):
        expect(arrived.nth(index).locator(".chip")).to_have_text("signature verified")
    feed.first.get_by_role("button", name="Deliver again").click()
    expect(arrived).to_have_count(3)
    console.field("type").select_option("payment_code.paid")
    expect(console.page.locator("[data-event] b").first).to_have_text("paid")
    expect(console.page.locator("[data-event] b").get_by_text("activated")).to_have_count(0)


def test_a_shop_that_fails_gets_it_later(console: Console, stack: LocalStack) -> None:
    console.go("events")
    console.field("answer").select_option("500")
    expect(console.page.get_by_role("status")).to_have_text("The shop now answers 500.")
    try:
        invoice = stack.create()["invoice_number"]
        feed = console.about("[data-event]", invoice)
        expect(feed.locator(".chip")).to_have_text("pending")
        expect(feed).to_contain_text("500")
    finally:
        console.field("answer").select_option("200")
        expect(console.page.get_by_role("status")).to_have_text("The shop now answers 200.")

    def delivered() -> bool:
        stack.advance(minutes=10)
        (event,) = stack.call("GET", f"/events?invoice_number={invoice}").json()["items"]
        return bool(event["delivery"]["status"] == "delivered")

    until(delivered)
    expect(feed.locator(".chip")).to_have_text(re.compile(r"^delivered · \d attempts$"))


# --- the workshop ----------------------------------------------------------------------------


def test_a_fault_is_set_met_and_cleared(console: Console) -> None:
    console.go("workshop")
    faults = console.page.locator("#faults")
    faults.locator('[name="kind"]').select_option("unavailable")
    faults.locator('[name="operation"]').select_option("generate")
    console.press("Add the fault")
    expect(faults.locator("li")).to_contain_text("1 left")
    console.go("shop")
    console.press("Create the code")
    expect(console.page.locator(".http b")).to_have_text(re.compile("^(202|502|503)$"))
    console.go("workshop")
    expect(faults.locator("li")).to_contain_text("used up")
    faults.locator('[name="kind"]').select_option("late")
    faults.locator('[name="p-seconds"]').fill("90")
    faults.locator('[name="times"]').fill("")
    console.press("Add the fault")
    expect(faults.locator("li").last).to_contain_text("always")
    console.press("Clear all")
    expect(faults).to_contain_text("No faults are set.")


def test_an_odd_telling_is_set_for_one_channel(console: Console, stack: LocalStack) -> None:
    console.go("workshop")
    faults = console.page.locator("#faults")
    faults.locator('[name="kind"]').select_option("missing_field")
    faults.locator('[name="operation"]').select_option("notify")
    faults.locator('[name="p-field"]').select_option("store")
    faults.locator('[name="channel"]').select_option("indomaret")
    console.press("Add the fault")
    expect(faults.locator("li")).to_contain_text("missing field of notify at Indomaret")
    paid = {}
    for channel in ("alfa", "indomaret"):
        code = stack.create(channel=channel)
        stack.pay(code)
        stack.becomes(code["invoice_number"], "paid")
        (paid[channel],) = stack.get(code["invoice_number"])["payments"]
    assert paid["alfa"]["store_id"] is not None
    assert paid["indomaret"]["store_id"] is None
    console.press("Clear all")
    expect(faults).to_contain_text("No faults are set.")


def test_what_doku_says_of_an_order_is_set(console: Console, stack: LocalStack) -> None:
    invoice = stack.create()["invoice_number"]
    console.go("workshop")
    order = console.card("An order at DOKU")
    order.locator('[name="order"]').fill(invoice)
    expect(order.locator('[name="status"]')).to_have_value("REFUNDED")
    console.press("Set the status")
    expect(console.page.get_by_role("status")).to_have_text("The status is set.")
    assert stack.doku("GET", f"/orders/{invoice}")["status"] == "REFUNDED"
    console.press("Notify")
    expect(console.page.get_by_role("status")).to_have_text("The notification is on its way.")
    assert stack.attempts(invoice)
    console.press("Restore")
    expect(console.page.get_by_role("status")).to_have_text("The status is its own again.")
    assert stack.doku("GET", f"/orders/{invoice}")["status"] == "PENDING"
    order.locator('[name="order"]').fill("UNKNOWN")
    console.press("Set the status")
    expect(order.get_by_role("alert")).to_contain_text("unknown")


def test_time_and_schedules(console: Console, stack: LocalStack) -> None:
    def offset() -> float:
        told: dict[str, Any] = stack.http.get(
            f"{console.url}/_local/clock", timeout=CALL_SECONDS
        ).json()
        return float(told["offset_seconds"])

    before = offset()
    console.go("workshop")
    time = console.card("Time")
    time.locator('[name="amount"]').fill("2")
    time.locator('[name="unit"]').select_option("3600")
    console.press("Advance")
    expect(console.page.get_by_role("status")).to_have_text("The clock moved forward by 2 h.")
    assert offset() == before + 7200
    console.press("Run the schedules now")
    expect(console.page.get_by_role("status")).to_have_text("The schedules have run.")
    time.locator('[name="amount"]').fill("-1")
    console.press("Advance")
    expect(time.get_by_role("alert")).to_contain_text("The clock moves forward")


def test_logs_are_followed(console: Console, stack: LocalStack) -> None:
    console.go("workshop?log=GenerateCodeFunction")
    lines = console.page.get_by_label("Lines of the log").locator("li")
    created = lines.filter(has_text="CodeCreated 1")
    stack.create()
    count = sum("CodeCreated" in line for line in stack.log("GenerateCodeFunction"))
    expect(created).to_have_count(count)
    stack.create()
    expect(created).to_have_count(count + 1)
    console.field("only").fill("no such words")
    expect(lines.filter(visible=True)).to_have_count(0)
    console.field("log").select_option("ReadCodesFunction")
    expect(console.page.get_by_role("link", name="Whole log")).to_have_attribute(
        "href", "/logs/ReadCodesFunction"
    )


# --- for everybody ---------------------------------------------------------------------------


def test_the_story_with_the_keyboard_alone(console: Console) -> None:
    console.go("shop")
    keys = console.page.keyboard
    console.page.get_by_role("radio", name=re.compile("^Alfa dgpc")).focus()
    for _ in range(3):
        keys.press("ArrowDown")
    expect(console.page.get_by_role("radio", name=re.compile("^Indomaret dgpc"))).to_be_checked()
    keys.press("Tab")
    expect(console.field("invoice_number")).to_be_focused()
    invoice = console.field("invoice_number").input_value()
    keys.press("Enter")
    expect(console.slip).to_contain_text(invoice)
    console.page.get_by_role("link", name="Pay at the till").focus()
    keys.press("Enter")
    expect(console.page.get_by_role("button", name="Take the cash")).to_be_focused()
    keys.press("Enter")
    expect(console.page.get_by_role("link", name="View the code")).to_be_focused()
    keys.press("Enter")
    expect(console.slip).to_have_attribute("data-status", "paid")


def test_the_focus_survives_what_changes_by_itself(console: Console, stack: LocalStack) -> None:
    first = stack.create()["invoice_number"]
    console.go("codes")
    link = console.row(first).get_by_role("link")
    link.focus()
    second = stack.create()["invoice_number"]
    expect(console.row(second)).to_be_visible()
    expect(link).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, axe: str, stack: LocalStack, scheme: Any) -> None:
    code, other = stack.create(), stack.create(channel="indomaret")
    stack.pay(other)
    stack.becomes(other["invoice_number"], "paid")
    # Axe comes from outside, which is what the console's policy is there to refuse.
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, reduced_motion="reduce")
    console = Console(context.new_page(), stack)
    places = (
        f"till/{code['payment_code']}",
        *(f"codes/{each['invoice_number']}" for each in (code, other)),
    )
    for place in (*VIEWS, *places):
        console.go(place)
        console.page.wait_for_load_state("networkidle")
        console.page.evaluate(
            "for (const each of document.querySelectorAll('details')) each.open = true"
        )
        console.page.evaluate(axe)
        found = console.page.evaluate("axe.run(document).then((results) => results.violations)")
        told = [(each["id"], each["nodes"][0]["html"]) for each in found]
        assert not told, (place, told)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_phone_scrolls_one_way_only(
    console: Console, stack: LocalStack, picture: Callable[[Page, str], None], scheme: Any
) -> None:
    code = stack.create(channel="indomaret", info="Toko Sinar Jaya")
    stack.pay(code)
    stack.becomes(code["invoice_number"], "paid")
    page = console.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 740})
    for place in (*VIEWS, f"till/{code['payment_code']}", f"codes/{code['invoice_number']}"):
        console.go(place)
        page.wait_for_load_state("networkidle")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, place
    console.go("codes")
    expect(console.row(code["invoice_number"])).to_be_visible()
    if scheme == "dark":
        picture(page, "console-phone")


def test_what_it_looks_like(
    console: Console, stack: LocalStack, picture: Callable[[Page, str], None]
) -> None:
    page = console.page
    page.set_viewport_size({"width": 1000, "height": 660})
    stack.create(channel="indomaret", amount=99_500, customer={"name": "Siti Rahma"})
    stack.call("POST", f"/payment-codes/{stack.create()['invoice_number']}/cancel")
    console.create("Alfa dipc", amount="150000")
    picture(page, "console-shop")
    console.follow("Pay at the till")
    expect(page.get_by_role("button", name="Take the cash")).to_be_focused()
    picture(page, "console-till")
    console.press("Take the cash")
    expect(page.locator("#notified")).to_have_text("The merchant has been notified.")
    console.follow("View the code")
    expect(console.slip).to_have_attribute("data-status", "paid")
    expect(console.card("History").locator("li")).to_have_count(2)
    expect(console.card("History").locator(".chip").first).to_have_text("delivered")
    picture(page, "console-code")
    console.go("codes")
    expect(page.locator("tbody tr").first).to_be_visible()
    picture(page, "console-codes")
    console.go("events")
    expect(page.locator("[data-webhook]").first).to_be_visible()
    picture(page, "console-events")
    console.go("workshop")
    expect(page.get_by_text("No faults are set.")).to_be_visible()
    expect(page.locator(".log li").first).to_be_visible()
    picture(page, "console-workshop")


def test_the_key_stays_on_the_server(console: Console, stack: LocalStack) -> None:
    seen: list[bytes] = []
    console.page.on("requestfinished", lambda done: seen.append(_body(done.response())))
    console.create()
    for view in VIEWS:
        console.go(view)
    texts = until(lambda: seen if len(seen) > 20 else None)
    for secret in (stack.about["api_key"], stack.about["doku"]["secret_key"]):
        assert not any(secret.encode() in text for text in texts)


def _body(response: Any) -> bytes:
    return bytes(response.body())
