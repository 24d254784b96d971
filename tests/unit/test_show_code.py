"""What the customer's page says about a code, from its making to its end."""

from dataclasses import replace

import pytest

from o2o.core.channels import Feature
from o2o.core.codes import PaymentKind
from o2o.core.errors import NotFound
from o2o.core.storefronts import Branding, Storefront
from o2o.usecases.show_code import PageState, ShowCode, Shown
from tests.support.memory import MemoryStorefrontStore
from tests.support.world import BINS, START, TIMETABLE, Mood, World

TOKEN = "token-of-INV-1"


class StorefrontStore(MemoryStorefrontStore):
    """Counts how often a look is read."""

    reads = 0

    def get_branding(self, storefront_id: str) -> Branding | None:
        self.reads += 1
        return super().get_branding(storefront_id)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def storefronts() -> StorefrontStore:
    storefronts = StorefrontStore()
    storefronts.add_storefront(Storefront("shop", "Toko Sejahtera", START))
    return storefronts


@pytest.fixture
def show(world: World, storefronts: StorefrontStore) -> ShowCode:
    def read(token: str) -> str | None:
        prefix, _, invoice_number = token.partition("token-of-")
        return invoice_number if not prefix and invoice_number else None

    return ShowCode(
        codes=world.codes,
        storefronts=storefronts,
        clock=world.clock,
        bins=BINS,
        page_token=world.generate.page_token,
        read_page_token=read,
    )


def state(shown: Shown) -> PageState:
    return shown.status.state


def test_a_code_is_given_the_address_of_its_page(world: World) -> None:
    with_page = world.ask(public_url="https://pay.example.com/v1").code
    assert with_page.pay_url == f"https://pay.example.com/v1/pay/{TOKEN}"
    assert world.code().pay_url == with_page.pay_url
    assert world.ask("INV-2").code.pay_url is None


def test_the_address_stays_when_the_storefront_calls_from_elsewhere(world: World) -> None:
    request = replace(world.request(), public_url="https://one.example.com")
    first = world.generate("shop", request, time_left=lambda: 10.0)
    again = world.generate(
        "shop", replace(request, public_url="https://two.example.com"), time_left=lambda: 10.0
    )
    assert again.code == first.code


def test_an_active_code(world: World, show: ShowCode) -> None:
    world.ask()
    shown = show(TOKEN)
    assert (state(shown), shown.merchant, shown.payments) == (
        PageState.ACTIVE,
        "Toko Sejahtera",
        (),
    )
    assert shown.status == show.status(TOKEN)


def test_a_code_that_doku_has_not_made_yet(world: World, show: ShowCode) -> None:
    world.doku.mood = Mood.DOWN
    world.ask()
    assert state(show(TOKEN)) is PageState.REQUESTED
    world.doku.mood = Mood.WELL
    world.clock.advance(minutes=1)
    world.work_off()
    assert state(show(TOKEN)) is PageState.ACTIVE


def test_a_paid_code(world: World, show: ShowCode) -> None:
    world.ask()
    world.clock.advance(minutes=5)
    report = world.doku.pay("INV-1")
    world.notify(report)
    shown = show(TOKEN)
    assert state(shown) is PageState.PAID
    assert shown.paid_by is not None
    assert shown.paid_by.report == report


def test_the_payment_that_counts_is_the_one_that_matches(world: World, show: ShowCode) -> None:
    world.ask()
    world.notify(world.doku.pay("INV-1", amount=100_000))
    assert (state(show(TOKEN)), show(TOKEN).paid_by) == (PageState.ACTIVE, None)
    world.clock.advance(minutes=1)
    right = world.doku.pay("INV-1")
    world.notify(right)
    world.clock.advance(minutes=1)
    world.notify(world.doku.pay("INV-1"))
    shown = show(TOKEN)
    assert [each.kind for each in shown.payments] == [
        PaymentKind.AMOUNT_MISMATCH,
        PaymentKind.PAID,
        PaymentKind.PAID_AGAIN,
    ]
    assert shown.paid_by is not None
    assert shown.paid_by.report == right


def test_between_the_deadline_and_doku_s_word_it_is_closing(world: World, show: ShowCode) -> None:
    world.ask()
    world.clock.advance(minutes=59, seconds=59)
    assert state(show(TOKEN)) is PageState.ACTIVE
    world.clock.advance(seconds=1)
    assert state(show(TOKEN)) is PageState.CLOSING
    world.live(world.clock.now + TIMETABLE.grace)
    assert state(show(TOKEN)) is PageState.EXPIRED
    world.notify(world.doku.pay("INV-1"))
    assert state(show(TOKEN)) is PageState.PAID
    assert show(TOKEN).code.late


def test_a_cancelled_code(world: World, show: ShowCode) -> None:
    world.ask()
    world.cancel("shop", "INV-1")
    assert state(show(TOKEN)) is PageState.CANCELLED


def test_a_replaced_code_shows_the_way(world: World, show: ShowCode) -> None:
    world.ask()
    world.ask("INV-2", replaces="INV-1")
    former = show(TOKEN)
    assert (state(former), former.elsewhere) == (PageState.REPLACED, "token-of-INV-2")
    assert state(show("token-of-INV-2")) is PageState.ACTIVE


def test_an_order_that_was_paid_before_must_not_be_paid_again(world: World, show: ShowCode) -> None:
    world.ask()
    world.ask("INV-2", replaces="INV-1")
    world.ask("INV-3", replaces="INV-2")
    world.notify(world.doku.pay("INV-1"))
    newest = show("token-of-INV-3")
    assert (state(newest), newest.elsewhere) == (PageState.PAID_BEFORE, TOKEN)
    assert show.status("token-of-INV-3").state is PageState.PAID_BEFORE
    assert state(show(TOKEN)) is PageState.PAID


def test_a_code_of_the_merchants_own(world: World, show: ShowCode) -> None:
    world.ask(feature=Feature.DIPC, bin="889955")
    assert state(show(TOKEN)) is PageState.ACTIVE


@pytest.mark.parametrize("token", ["", "nonsense", "token-of-INV-9"])
def test_any_other_address_opens_nothing(world: World, show: ShowCode, token: str) -> None:
    world.ask()
    for open_page in (show, show.status):
        with pytest.raises(NotFound, match="no such page"):
            open_page(token)


def test_a_look_is_read_once_a_minute(
    world: World, show: ShowCode, storefronts: StorefrontStore
) -> None:
    world.ask()
    assert show(TOKEN).merchant == show(TOKEN).merchant == "Toko Sejahtera"
    storefronts.put_branding(Branding("shop", name="Kopi Senja", colour="#ff8800"))
    world.clock.advance(seconds=59)
    assert show(TOKEN).merchant == "Toko Sejahtera"
    assert storefronts.reads == 1
    world.clock.advance(seconds=1)
    assert (show(TOKEN).merchant, show(TOKEN).branding.colour) == ("Kopi Senja", "#ff8800")
    assert storefronts.reads == 2


def test_a_clock_that_is_set_back_keeps_no_look(
    world: World, show: ShowCode, storefronts: StorefrontStore
) -> None:
    world.ask()
    assert show(TOKEN).merchant == "Toko Sejahtera"
    storefronts.put_branding(Branding("shop", name="Kopi Senja"))
    world.clock.advance(hours=-1)
    assert show(TOKEN).merchant == "Kopi Senja"


def test_a_forgotten_code_has_no_page(world: World, show: ShowCode) -> None:
    world.ask()
    world.notify(world.doku.pay("INV-1"))
    world.codes.save(world.code().forget(world.clock()))
    for open_page in (show, show.status):
        with pytest.raises(NotFound, match="no such page"):
            open_page(TOKEN)
