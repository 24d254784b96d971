"""The desk, as an operator without the manual uses it: with a browser, on a whole local stack."""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from local.stack import ROOT
from tests.support.local_stack import LocalStack, clean_environment, new_storefront
from tests.support.patience import CALL_SECONDS, PATIENCE_SECONDS, until
from tests.system.browser.conftest import SOON

expect.set_options(timeout=SOON)
PLACES = ("search?text=INV", "attention", "books", "webhooks")


@contextmanager
def running(stack: LocalStack, *options: str) -> Iterator[dict[str, str]]:
    """The command, as a terminal runs it; what it prints."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "admin", "--json", "--state-dir", str(stack.folder)),
            *("desk", "--no-open", "--until-input-ends", *options),
        ],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told: dict[str, str] = json.loads(process.stdout.readline())
    try:
        yield told
    finally:
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, errors) == (0, "")


class Desk:
    """A tab with the desk in it."""

    def __init__(self, page: Page, told: dict[str, str]) -> None:
        self.page = page
        self.url = told["url"]
        self.link = told["link"]

    def go(self, place: str) -> None:
        self.page.goto(f"{self.url}/#/{place}")
        expect(self.page.locator("h1")).to_be_visible()
        expect(self.page.locator("[aria-busy]")).to_have_count(0)

    def row(self, invoice: str) -> Locator:
        link = self.page.get_by_role("link", name=invoice, exact=True)
        return self.page.locator("tbody tr").filter(has=link)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()


@contextmanager
def opened(browser: Browser, told: dict[str, str], **options: Any) -> Iterator[Desk]:
    """A browser in which nothing goes wrong unseen: no script error, nothing from elsewhere."""
    context = browser.new_context(viewport={"width": 1080, "height": 760}, **options)
    context.set_default_timeout(SOON)
    page = context.new_page()
    broken: list[str] = []
    hosts: set[str] = set()
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on(
        "console",
        lambda said: (
            broken.append(said.text)
            if said.type == "error" and "Failed to load resource" not in said.text
            else None
        ),
    )
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    desk = Desk(page, told)
    page.goto(desk.link)
    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    yield desk
    context.close()
    assert broken == []
    assert hosts == {urlsplit(desk.url).netloc}


@pytest.fixture(scope="module")
def shop(stack: LocalStack) -> LocalStack:
    """The stack with a second storefront, so that there is a choice."""
    new_storefront(stack, "desk-shop")
    return stack


@pytest.fixture
def desk(browser: Browser, shop: LocalStack) -> Iterator[Desk]:
    """A desk that can change something."""
    with running(shop, "--write") as told, opened(browser, told) as desk:
        yield desk


@pytest.fixture
def reader(browser: Browser, shop: LocalStack) -> Iterator[Desk]:
    """A desk that only reads."""
    with running(shop) as told, opened(browser, told) as desk:
        yield desk


def paid_again(stack: LocalStack, receipt_number: str) -> dict[str, Any]:
    """A code that was paid twice; the second time with this receipt."""
    code = stack.create(amount=150_000)
    stack.pay(code)
    stack.becomes(code["invoice_number"], "paid")
    stack.pay(code, force=True, receipt_number=receipt_number)
    return until(lambda: _with_payments(stack, code["invoice_number"], 2))


def _with_payments(stack: LocalStack, invoice: str, count: int) -> dict[str, Any] | None:
    view = stack.get(invoice)
    return view if view["payments_count"] == count else None


def found(stack: LocalStack, receipt_number: str) -> list[Any]:
    """What the search has for a receipt; its entry comes a moment later."""
    path = f"/payments?receipt_number={receipt_number}"
    return until(lambda: stack.call("GET", path).json()["items"] or None)


def delivered(stack: LocalStack, code: dict[str, Any], count: int) -> None:
    """Wait until so many events of a code were delivered: a page looks once."""
    path = f"/events?invoice_number={code['invoice_number']}"

    def look() -> bool:
        events = stack.call("GET", path).json()["items"]
        return [each["delivery"]["status"] for each in events] == ["delivered"] * count

    until(look)


# --- the story -------------------------------------------------------------------------------


def test_a_payment_is_found_by_its_receipt_and_resolved(desk: Desk, shop: LocalStack) -> None:
    code = paid_again(shop, "77001122")
    found(shop, "77001122")
    page = desk.page
    page.get_by_label("Receipt number, payment code, invoice or order number").fill("0077 001122")
    desk.press("Search")
    row = desk.row(code["invoice_number"])
    expect(row).to_contain_text("Rp150.000")
    expect(row).to_contain_text("Paid again")
    page.get_by_role("link", name=code["invoice_number"], exact=True).click()
    payment = page.locator('[data-payment="2"]')
    expect(payment).to_contain_text("The code was paid before.")
    payment.get_by_role("button", name="Resolve").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Record it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("must say what was done")
    dialog.get_by_label("Refunded").check()
    dialog.get_by_label("Reference").fill("TRF-2026-117")
    dialog.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("status")).to_have_text("Recorded. The storefront is told.")
    expect(payment).to_contain_text("TRF-2026-117")
    expect(payment).to_contain_text("refunded")
    # Whoever looks at the code later sees who did it.
    expect(page.get_by_text("By hand: desk payments resolve")).to_be_visible()
    resolved = shop.get(code["invoice_number"])["payments"][1]
    assert resolved["needs_attention"] is False
    assert resolved["resolutions"][0]["reference"] == "TRF-2026-117"
    desk.go("attention")
    expect(desk.row(code["invoice_number"])).to_have_count(0)


def test_the_same_with_the_keyboard_alone(desk: Desk, shop: LocalStack) -> None:
    code = paid_again(shop, "77003344")
    found(shop, "77003344")
    page, keys = desk.page, desk.page.keyboard
    expect(page.locator('[name="text"]')).to_be_focused()
    keys.type("77003344")
    keys.press("Enter")
    page.get_by_role("link", name=code["invoice_number"], exact=True).focus()
    keys.press("Enter")
    button = page.locator('[data-payment="2"]').get_by_role("button", name="Resolve")
    button.focus()
    keys.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Fulfilled")).to_be_focused()
    keys.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    keys.press("Enter")
    expect(dialog.get_by_label("Fulfilled")).to_be_focused()
    keys.press("ArrowDown")
    for _ in range(2):
        keys.press("Tab")
    keys.type("Given back by transfer.")
    keys.press("Tab")
    expect(dialog.get_by_role("button", name="Record it")).to_be_focused()
    keys.press("Enter")
    expect(page.locator('[data-payment="2"]')).to_contain_text("Given back by transfer.")


def test_who_only_reads_finds_no_way_to_write(reader: Desk, shop: LocalStack) -> None:
    code = paid_again(shop, "77005566")
    delivered(shop, code, 3)
    page = reader.page
    expect(page.locator("#mode")).to_have_text("only reads")
    places = {
        f"code/{code['invoice_number']}": "[data-payment]",
        "attention": "[data-payment]",
        "webhooks?storefront=demo": "[data-event]",
    }
    for place, shown in places.items():
        reader.go(place)
        expect(page.locator(shown).first).to_be_visible()
        for name in ("Resolve", "again …", "Assign", "Dismiss"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_a_message_without_a_code_is_assigned_or_dismissed(desk: Desk, shop: LocalStack) -> None:
    page = desk.page
    code = shop.create(amount=75_000)
    invoice = code["invoice_number"]
    for order in ("LOST-1", "LOST-2"):
        notify(shop, order, code)
    desk.go("attention")
    kept = page.locator("[data-kept]")
    first = kept.filter(has_text="LOST-1")
    expect(first).to_contain_text("Rp75.000")
    expect(first).to_contain_text("No code here has this order number.")
    first.get_by_role("button", name="Assign").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Order number of the code").fill("NO-SUCH-CODE")
    dialog.get_by_role("button", name="Assign it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is no such payment code.")
    dialog.get_by_label("Order number of the code").fill(invoice)
    dialog.get_by_role("button", name="Assign it").click()
    expect(page.get_by_role("status")).to_have_text(f"Assigned to {invoice}.")
    expect(first).to_have_count(0)
    assert shop.get(invoice)["status"] == "paid"
    second = kept.filter(has_text="LOST-2")
    second.get_by_role("button", name="Dismiss").click()
    dialog.get_by_label("Why").fill("Of another system.")
    dialog.get_by_role("button", name="Dismiss it").click()
    expect(second).to_have_count(0)


def notify(stack: LocalStack, order_number: str, code: dict[str, Any]) -> None:
    """A notification of DOKU's that names these digits, and an order that nobody here has."""
    doku = stack.about["doku"]
    document = json.loads((ROOT / "events/receive_notification/alfa_paid.json").read_text())
    told = json.loads(document["body"])
    told["order"] = {"invoice_number": order_number, "amount": code["amount"]}
    told["online_to_offline_info"]["payment_code"] = code["payment_code"]
    body = json.dumps(told)
    headers = {
        "Client-Id": doku["client_id"],
        "Request-Id": order_number,
        "Request-Timestamp": "2026-01-31T12:00:00Z",
    }
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    path = urlsplit(stack.about["notification_url"]).path
    lines = [*(f"{name}:{text}" for name, text in headers.items()), f"Request-Target:{path}"]
    made = hmac.digest(
        doku["secret_key"].encode(), "\n".join([*lines, f"Digest:{digest}"]).encode(), "sha256"
    )
    signature = f"HMACSHA256={base64.b64encode(made).decode()}"
    answer = stack.http.post(
        stack.about["notification_url"],
        data=body,
        headers={"Content-Type": "application/json", "Signature": signature, **headers},
        timeout=CALL_SECONDS,
    )
    assert answer.status_code == 200, answer.text


def test_an_event_is_sent_again(desk: Desk, shop: LocalStack) -> None:
    code = shop.create()
    shop.pay(code)
    delivered(shop, code, 2)
    desk.go("webhooks?storefront=demo")
    event = desk.page.locator("[data-event]").filter(has_text=code["invoice_number"]).first
    expect(event).to_contain_text("payment_code.")
    event.get_by_role("button", name="again").click()
    desk.page.get_by_role("dialog").get_by_role("button", name="Send again").click()
    expect(desk.page.get_by_role("status")).to_have_text("1 event is being sent again.")


def test_nothing_found_says_what_to_try(desk: Desk) -> None:
    desk.page.locator('[name="text"]').fill("no such receipt")
    desk.press("Search")
    expect(desk.page.get_by_role("heading", name="Nothing was found")).to_be_visible()
    desk.page.get_by_text("By day, amount or store").click()
    desk.page.locator('[name="text"]').fill("")
    desk.page.locator('[name="amount"]').fill("150.000")
    desk.press("Search")
    expect(desk.page.get_by_text("Give a day, too")).to_be_visible()


def test_the_link_opens_one_browser_and_the_page_keeps_working(
    browser: Browser, shop: LocalStack
) -> None:
    with running(shop) as told, opened(browser, told) as desk:
        assert told["link"].rpartition("#")[2] not in desk.page.url
        desk.page.reload()
        expect(desk.page.get_by_role("heading", name="Search")).to_be_visible()
        another = browser.new_context()
        page = another.new_page()
        for place in (told["url"], told["link"]):
            page.goto("about:blank")
            page.goto(place)
            expect(page.get_by_role("heading", name="The desk is closed")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("was used before")
        another.close()


# --- the console has the same pages ----------------------------------------------------------


def test_the_console_searches_and_resolves_too(browser: Browser, shop: LocalStack) -> None:
    code = paid_again(shop, "77007788")
    found(shop, "77007788")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{shop.about['console_url']}/#/search")
    page.get_by_label("Receipt number, payment code, invoice or order number").fill("77007788")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("button", name=f"Resolve payment 2 of {code['invoice_number']}").click()
    page.get_by_role("dialog").get_by_label("Kept").check()
    page.get_by_role("dialog").get_by_role("button", name="Record it").click()
    expect(page.get_by_role("status")).to_have_text("Recorded. The storefront is told.")
    context.close()


# --- for everybody ---------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, axe: str, shop: LocalStack, scheme: Any) -> None:
    code = paid_again(shop, f"770099{len(scheme)}")
    # Axe comes from outside, which is what the desk's policy is there to refuse.
    options: dict[str, Any] = {
        "bypass_csp": True,
        "color_scheme": scheme,
        "reduced_motion": "reduce",
    }
    with running(shop, "--write") as told, opened(browser, told, **options) as desk:
        for place in (*PLACES, "webhooks?storefront=demo", f"code/{code['invoice_number']}"):
            desk.go(place)
            page = desk.page
            page.wait_for_load_state("networkidle")
            page.evaluate(
                "for (const each of document.querySelectorAll('details')) each.open = true"
            )
            page.evaluate(axe)
            violations = page.evaluate("axe.run(document).then((results) => results.violations)")
            assert not [(each["id"], each["nodes"][0]["html"]) for each in violations], place


# --- pictures --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of its own that has closed a few days, and has something to look at."""
    running = LocalStack(folder=tmp_path_factory.mktemp("month"))
    running.start()
    new_storefront(running, "warung-sari")
    for day in range(9):
        for number in range(3 + day * 5 % 7):
            channel = "indomaret" if number % 3 == 1 else "alfa"
            code = running.create(channel=channel, amount=35_000 + 20_000 * ((number + day) % 5))
            if (number, day) in {(0, 2), (1, 5)}:
                # Of this one the notification is lost: it is found by asking DOKU.
                running.fault(
                    kind="lost", operation="notify", invoice_number=code["invoice_number"]
                )
            running.pay(code)
        running.create()
        running.advance(hours=24)
    running.advance(hours=20)
    yield running
    running.http.close()
    running.stop()


def test_what_it_looks_like(
    browser: Browser, month: LocalStack, picture: Callable[[Page, str], None]
) -> None:
    code = paid_again(month, "753401045003")
    other = month.create(amount=120_000, channel="indomaret")
    month.pay(other, amount=100_000)
    found(month, "753401045003")
    delivered(month, code, 3)
    delivered(month, other, 2)
    with running(month, "--write") as told, opened(browser, told) as desk:
        page = desk.page
        page.set_viewport_size({"width": 1000, "height": 660})
        page.locator('[name="text"]').fill("7534 0104 5003")
        desk.press("Search")
        expect(desk.row(code["invoice_number"])).to_be_visible()
        picture(page, "desk-search")
        page.get_by_role("link", name=code["invoice_number"], exact=True).click()
        expect(page.get_by_text("payment_code.paid_again")).to_be_visible()
        picture(page, "desk-code")
        desk.go("attention")
        expect(desk.row(other["invoice_number"])).to_be_visible()
        picture(page, "desk-attention")
        page.get_by_role("button", name=f"Resolve payment 2 of {code['invoice_number']}").click()
        page.get_by_role("dialog").get_by_label("Refunded").check()
        page.get_by_role("dialog").get_by_label("Reference").fill("TRF-2026-117")
        picture(page, "desk-resolve")
        page.keyboard.press("Escape")
        desk.go("books")
        expect(page.locator("[data-day]").first).to_be_visible()
        for measure, what in (
            ("Payments", "payments"),
            ("Codes", "codes made"),
            ("Found by status check", "status check alone"),
            ("Rupiah", "taken"),
        ):
            page.get_by_role("radio", name=measure).check(force=True)
            chart = page.get_by_role("img", name=re.compile(r"^\d+ days from"))
            expect(chart).to_have_attribute("aria-label", re.compile(what))
            if measure != "Found by status check":
                expect(page.locator(".legend")).to_contain_text(re.compile("Alfa.*Indomaret"))
        picture(page, "desk-books")
        page.locator("[data-day] a").first.click()
        expect(page.get_by_role("heading", name="Edition and proof")).to_be_visible()
        desk.go("webhooks?storefront=demo")
        expect(page.locator("[data-event]").first).to_be_visible()
        picture(page, "desk-webhooks")
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 360, "height": 740})
        for place in (*PLACES, "webhooks?storefront=demo", f"code/{code['invoice_number']}"):
            desk.go(place)
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, place
        desk.go("attention")
        expect(desk.row(code["invoice_number"])).to_be_visible()
        picture(page, "desk-phone")
