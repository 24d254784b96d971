"""The customer's page as HTML: every state, two languages, and nothing that could run."""

import io
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
import resvg_py
import zxingcpp
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from o2o.core.channels import Channel
from o2o.core.codes import PaymentCode, PaymentKind, Status
from o2o.core.how_to_pay import Language
from o2o.core.payments import Payment
from o2o.core.storefronts import MAX_LOGO_BYTES, Branding, read_colour, read_logo, read_name
from o2o.entry.page.address import read_token, way_to_others
from o2o.entry.page.barcode import draw_barcode
from o2o.entry.page.colour import DARK_GROUND, ENOUGH, LIGHT_GROUND, accent, contrast
from o2o.entry.page.language import choose_language
from o2o.entry.page.render import DEFAULT_COLOUR, Html, render, render_missing
from o2o.entry.page.words import BY_LANGUAGE
from o2o.usecases.show_code import PageState, PageStatus, Shown
from tests.support.samples import at, make_own_code, make_report

DIGITS = "8123456789012345"
TOKEN = "SU5WLTI.AAAAAAAAAAAAAAAAAAAAAA"
HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{7*7}}</title></style>"""


def code(**changes: Any) -> PaymentCode:
    return make_own_code(payment_code=DIGITS, **changes)


def payment(kind: PaymentKind = PaymentKind.PAID, **changes: Any) -> Payment:
    report = make_report(**changes)
    return Payment(identity="R-1", kind=kind, report=report, recorded_at=at(minutes=6))


def shown(
    state: PageState = PageState.ACTIVE,
    *payments: Payment,
    of: PaymentCode | None = None,
    branding: Branding | None = None,
    name: str = "Toko Sejahtera",
    biller: str = "DOKU",
) -> Shown:
    return Shown(
        status=PageStatus(of or code(), state, at(minutes=3)),
        branding=branding or Branding("shop"),
        storefront_name=name,
        biller=biller,
        payments=payments,
        elsewhere=TOKEN,
    )


class Outline(HTMLParser):
    """What a reader of the page makes of it: its elements, and the text outside of them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside = ""
        self.raw: dict[str, list[str]] = {"style": [], "script": []}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside].append(data)
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).replace("\xa0", " ").split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def text_of(page: Html) -> str:
    return Outline(page.body).text


def every_page() -> Iterator[Html]:
    for language in Language:
        for state in PageState:
            yield render(shown(state, payment()), language)
        yield render_missing(language)


# --- the code itself -------------------------------------------------------------------------


def test_the_code_is_large_grouped_and_copied_ungrouped():
    page = Outline(render(shown(), Language.INDONESIAN).body)
    assert "8123 4567 8901 2345" in page.text
    (button,) = page.all("button")
    assert button["data-copy"] == DIGITS
    # Spelt for a screen reader, which would make a number of each group.
    assert "8 1 2 3, 4 5 6 7, 8 9 0 1, 2 3 4 5" in page.text


def test_it_tells_where_how_much_and_until_when():
    page = text_of(render(shown(), Language.INDONESIAN))
    assert "Bayar di kasir Rp150.000" in page
    assert "di Alfamart, Alfamidi, Alfaexpress, Lawson, atau Dan+Dan" in page
    assert "Bayar sebelum Minggu, 1 Maret 2026, 11.00 WIB" in page
    assert "Datang ke Alfamart, Alfamidi, Alfaexpress, Lawson, atau Dan+Dan terdekat" in page
    assert "Periksa layar kasir: jumlahnya harus Rp150.000." in page
    english = text_of(render(shown(of=code(channel=Channel.INDOMARET)), Language.ENGLISH))
    assert "Pay at the till Rp150.000 at Indomaret" in english
    assert "Pay before Sunday, 1 March 2026, 11:00 WIB" in english
    assert "Go to the nearest Indomaret before Sunday" in english


def test_it_tells_whom_to_name_to_the_cashier():
    page = text_of(render(shown(biller="Kopi & Teh"), Language.INDONESIAN))
    assert "Katakan kepada kasir bahwa Anda ingin melakukan pembayaran Kopi & Teh." in page
    # A cashier may know no English.
    english = text_of(render(shown(), Language.ENGLISH))
    assert "that you want to make a DOKU payment (“pembayaran DOKU”)." in english


def test_the_countdown_runs_on_the_servers_clock():
    page = Outline(render(shown(), Language.ENGLISH).body)
    (main,) = page.all("main")
    (until,) = (each["data-until"] for each in page.all("span") if "data-until" in each)
    assert int(until or 0) - int(main["data-now"] or 0) == 57 * 60 * 1000


def test_the_digits_are_shown_only_while_they_can_be_paid():
    for language in Language:
        for state in PageState:
            page = render(shown(state, payment()), language).body
            assert (DIGITS in page) == (state is PageState.ACTIVE), state
            assert ("8123" in page) == (state is PageState.ACTIVE), state


@pytest.mark.parametrize("length", [6, 16, 20, 25])
@pytest.mark.parametrize("start", ["8", "88899", "990", "000"])
def test_the_barcode_says_exactly_the_code(start, length):
    digits = (start + "1234567890" * 3)[:length]
    page = render(shown(of=replace(code(), payment_code=digits)), Language.INDONESIAN).body
    (svg,) = re.findall(r'<svg class="barcode".*?</svg>', page, re.DOTALL)
    # As wide as on the smallest of phones.
    image = resvg_py.svg_to_bytes(
        svg_string=svg.replace('preserveAspectRatio="none"', ""), width=576
    )
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(image)).convert("L"))
    assert found.text == digits
    assert found.format == zxingcpp.BarcodeFormat.Code128


@given(st.from_regex(r"[0-9]{6,25}", fullmatch=True))
@example("990000")
@example("9999999999999999")
def test_two_digits_share_a_symbol(digits):
    width = int(re.findall(r'viewBox="0 0 (\d+) ', draw_barcode(digits))[0])
    symbols = 3 + len(digits) // 2 + 2 * (len(digits) % 2)  # an odd digit needs code set B
    assert width == symbols * 11 + 2 + 2 * 10


# --- every state -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "indonesian", "english"),
    [
        (PageState.REQUESTED, "Kode sedang disiapkan", "Your code is on its way"),
        (PageState.CLOSING, "Waktu pembayaran habis", "The time to pay is over"),
        (PageState.PAID, "Pembayaran diterima Rp150.000", "Payment received Rp150.000"),
        (PageState.PAID_BEFORE, "Pesanan ini sudah dibayar", "This order has been paid"),
        (PageState.EXPIRED, "Kode sudah kedaluwarsa", "This code has expired"),
        (PageState.CANCELLED, "Kode dibatalkan", "This code was cancelled"),
        (PageState.REPLACED, "Kode ini sudah diganti", "This code was replaced"),
        (PageState.FAILED, "Kode tidak dapat dibuat", "The code could not be made"),
    ],
)
def test_a_state_is_told_in_words(state, indonesian, english):
    assert indonesian in text_of(render(shown(state), Language.INDONESIAN))
    assert english in text_of(render(shown(state), Language.ENGLISH))


def test_a_paid_page_tells_when_and_where():
    paid = shown(PageState.PAID, payment(), of=code(status=Status.PAID))
    page = text_of(render(paid, Language.INDONESIAN))
    assert "Waktu Minggu, 1 Maret 2026, 10.05 WIB" in page
    assert "Tempat Alfa Group, toko S-1" in page
    assert "No. struk R-1" in page
    assert "batas waktu" not in page


def test_a_late_payment_is_told():
    late = code(status=Status.PAID, late=True)
    page = text_of(render(shown(PageState.PAID, payment(), of=late), Language.ENGLISH))
    assert "This payment came after the deadline. Contact Toko Sejahtera" in page


@pytest.mark.parametrize(
    ("kind", "amount", "sentence"),
    [
        (PaymentKind.PAID_AGAIN, "150000.00", "paid more than once: Rp150.000 on Sunday"),
        (PaymentKind.AMOUNT_MISMATCH, "100000.50", "A payment of Rp100.000,50 on Sunday"),
        (PaymentKind.DIGITS_MISMATCH, "150000", "does not match this bill"),
    ],
)
def test_money_that_went_astray_is_told(kind, amount, sentence):
    astray = payment(kind, amount=Decimal(amount))
    assert sentence in text_of(render(shown(PageState.ACTIVE, astray), Language.ENGLISH))
    assert sentence in text_of(render(shown(PageState.PAID, payment(), astray), Language.ENGLISH))


def test_a_reusable_code_stays_and_tells_what_came():
    page = text_of(
        render(shown(PageState.ACTIVE, payment(), of=code(reusable=True)), Language.ENGLISH)
    )
    assert "8123 4567" in page
    assert "can be used again and again" in page
    assert "A payment of Rp150.000 was received on Sunday, 1 March 2026, 10:05 WIB." in page


@pytest.mark.parametrize("state", PageState)
def test_only_another_page_is_linked_to_and_only_where_it_helps(state):
    links = [each["href"] for each in Outline(render(shown(state), Language.ENGLISH).body).all("a")]
    expected = ["?lang=id"]
    if state in (PageState.REPLACED, PageState.PAID_BEFORE):
        expected.append(f"./{TOKEN}?lang=en")
    assert links == expected


@pytest.mark.parametrize("state", PageState)
def test_a_page_without_scripts_reloads_itself_while_it_waits(state):
    page = render(shown(state), Language.INDONESIAN).body
    assert ('<noscript><meta http-equiv="refresh"' in page) == state.is_open


@pytest.mark.parametrize("state", PageState)
def test_a_page_asks_again_until_it_is_paid(state):
    (main,) = Outline(render(shown(state), Language.INDONESIAN).body).all("main")
    assert ("data-pace" in main) == (state not in (PageState.PAID, PageState.PAID_BEFORE))


# --- guards ----------------------------------------------------------------------------------


def policy(page: Html) -> dict[str, str]:
    return dict(
        part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";")
    )


def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else():
    for page in every_page():
        outline = Outline(page.body)
        allowed = policy(page)
        for name, directive in (("style", "style-src"), ("script", "script-src")):
            hashes = [
                f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
                for text in ["".join(outline.raw[name])]
                if text
            ]
            assert allowed[directive] == " ".join(hashes or ["'none'"])
            assert len(outline.all(name)) == len(hashes)
        assert allowed["default-src"] == "'none'"
        assert allowed["connect-src"] == "'self'"
        assert (
            allowed["frame-ancestors"] == allowed["base-uri"] == allowed["form-action"] == "'none'"
        )
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        for _, attributes in outline.elements:
            assert not any(each.startswith("on") or each == "style" for each in attributes)


def test_nobody_keeps_it_finds_it_or_learns_of_it():
    for page in every_page():
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert "noindex" in page.headers["X-Robots-Tag"]
        names = {
            each.get("name"): each["content"]
            for each in Outline(page.body).all("meta")
            if "name" in each
        }
        assert "noindex" in (names["robots"] or "")


def test_nothing_comes_from_elsewhere():
    for page in every_page():
        assert not re.search(r"(?:src|href|url\()=?[\"']?(?:https?:)?//", page.body)
        assert "@import" not in page.body


def test_the_preview_in_a_messenger_does_not_tell_the_code():
    page = Outline(render(shown(of=code(info="Pesanan 7")), Language.INDONESIAN).body)
    preview = [each["content"] or "" for each in page.all("meta") if "property" in each]
    assert "Bayar Rp150.000 · Toko Sejahtera" in preview
    told = " ".join([*preview, *page.texts[: page.texts.index("Toko Sejahtera")]])
    assert not re.search(r"8123|4567|INV-1|Pesanan", told)


def test_hostile_text_is_text():
    look = Branding("shop", name=HOSTILE)
    hostile = code(info=HOSTILE, invoice_number=HOSTILE, metadata=f'{{"a": "{HOSTILE}"}}')
    paid = payment(receipt_number=HOSTILE, store_id=HOSTILE)
    plain = Outline(render(shown(PageState.PAID, payment()), Language.ENGLISH).body)
    for state in PageState:
        page = render(shown(state, paid, of=hostile, branding=look), Language.ENGLISH)
        outline = Outline(page.body)
        assert not outline.all("img")
        assert HOSTILE in outline.text
        assert len(outline.all("script")) == len(plain.all("script")) == 1
        assert outline.raw == plain.raw
        assert HOSTILE not in page.body


def test_a_page_shows_no_more_of_the_customer_than_it_must():
    for page in every_page():
        assert not re.search(r"Anton|example\.com", page.body)


def test_it_is_small():
    logo = read_logo(b"\xff\xd8\xff" + b"\0" * (MAX_LOGO_BYTES - 3))
    busy = [payment(PaymentKind.PAID_AGAIN) for _ in range(20)]
    page = render(
        shown(
            PageState.ACTIVE, *busy, of=code(info="x" * 30), branding=Branding("shop", logo=logo)
        ),
        Language.INDONESIAN,
    )
    assert len(page.body.encode()) < 50_000
    assert len(render(shown(), Language.INDONESIAN).body.encode()) < 16_000


# --- looks -----------------------------------------------------------------------------------


def test_a_look_is_name_logo_and_colour():
    logo = read_logo(b"\x89PNG\r\n\x1a\n...")
    look = Branding("shop", "Kopi Senja", logo, "#ff8800")
    page = Outline(render(shown(branding=look), Language.INDONESIAN).body)
    assert "Kopi Senja" in page.text
    assert "Toko Sejahtera" not in page.text
    assert [each["src"] for each in page.all("img")] == [logo]
    shades = accent("#ff8800")
    assert f"--accent-light:{shades.light};--accent-dark:{shades.dark}" in page.raw["style"][0]


def test_without_a_look_it_has_the_storefronts_name_and_our_colour():
    page = Outline(render(shown(), Language.INDONESIAN).body)
    assert "Toko Sejahtera" in page.text
    assert not page.all("img")
    # It can be read as it is.
    assert accent(DEFAULT_COLOUR).light == DEFAULT_COLOUR


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_any_colour_can_be_read(colour):
    shades = accent(colour)
    for ground in (LIGHT_GROUND, "#ffffff"):
        assert contrast(shades.light, ground) >= ENOUGH
    for ground in (DARK_GROUND, "#000000", "#131519", "#1c1f24", "#101215"):
        assert contrast(shades.dark, ground) >= ENOUGH


def test_contrast_is_as_wcag_defines_it():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#0b6b4f", "#0b6b4f") == 1


@pytest.mark.parametrize("colour", ["red", "#fff", "#0b6e4", "0b6e4f", "#0b6e4g", "#0b6e4f;}", ""])
def test_a_colour_is_six_digits(colour):
    with pytest.raises(ValueError, match="#0b6e4f"):
        read_colour(colour)


@pytest.mark.parametrize(
    "name", ["Kopi Senja", " Kopi\u00a0Senja\r\n", "Kopi\tSenja", "\ufeffKopi \u200bSenja\u202c"]
)
def test_a_name_loses_what_the_clipboard_adds(name):
    assert read_name(name) == "Kopi Senja"


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "x" * 65, "a\x00b", "a\ud800b"])
def test_a_name_is_short_and_printable(name):
    with pytest.raises(ValueError, match="printable"):
        read_name(name)


@pytest.mark.parametrize(
    ("image", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"<?xml version='1.0'?>\n<!-- a logo --><svg />", "image/svg+xml"),
    ],
)
def test_a_logo_is_an_image(image, media_type):
    assert read_logo(image) == f"data:{media_type};base64,{b64encode(image).decode()}"


@pytest.mark.parametrize("image", [b"", b"GIF89a", b"<html><svg>", b"%PDF", b"RIFF\0\0\0\0WAVE"])
def test_other_files_are_no_logo(image):
    with pytest.raises(ValueError, match="PNG, JPEG"):
        read_logo(image)


def test_a_logo_is_small():
    with pytest.raises(ValueError, match="6144 bytes"):
        read_logo(b"\xff\xd8\xff" + b"\0" * MAX_LOGO_BYTES)


# --- language --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "id"),
        (None, "id-ID,id;q=0.9,en-US;q=0.8,en;q=0.7", "id"),
        (None, "en-US,en;q=0.9,id;q=0.8", "en"),
        (None, "in-ID, en;q=0.5", "id"),
        (None, "fr, en;q=0.1", "en"),
        (None, "fr, de", "id"),
        ("en", "id", "en"),
        ("id", "en", "id"),
        ("fr", "en", "en"),
        ("<script>", "", "id"),
        # As chat apps and people pass it on.
        ("", "en", "en"),
        (",en", "id", "en"),
        ("en,id", "id", "en"),
        ("EN", "id", "en"),
        ("en-US", "id", "en"),
        ("en/", "id", "en"),
        (" id.", "en", "id"),
        ("jv", "en", "id"),
        ("english", "id", "id"),
    ],
)
def test_the_language_is_asked_for_accepted_or_indonesian(asked, accepted, language):
    assert choose_language(asked, accepted) == language


@pytest.mark.parametrize("tag", ["jv", "su", "mad", "min", "bew", "ban", "bjn", "ace", "ms", "in"])
def test_who_reads_a_language_of_the_region_reads_indonesian(tag):
    for accepted in (
        f"{tag},en-US;q=0.9,en;q=0.8",
        f"{tag}-ID,{tag};q=0.9,en-US;q=0.8,en;q=0.7",
        f"{tag.upper()}-Latn-ID, en;q=0.9",
        f"{tag}_ID, en;q=0.9",
        f"{tag}_ID_x, en;q=0.9",
    ):
        assert choose_language(None, accepted) == "id", accepted


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        # Whoever sets English reads it; any other language of Indonesia is better served in
        # Indonesian, also one that no list has.
        ("en-ID,en;q=0.9,id;q=0.8", "en"),
        ("bhw-ID,bhw;q=0.9,en-US;q=0.8", "id"),
        ("bhw_ID_x, en;q=0.8", "id"),
        ("zh-Hans-ID,en;q=0.8", "id"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "en"),
        # A region stands before the extensions and private parts of a tag.
        ("fr-x-id, en;q=0.5", "en"),
        ("fr-u-rg-idzzzz, en;q=0.5", "en"),
        # Weights.
        ("en;q=0", "id"),
        ("en;q=0, *", "id"),
        ("jv;q=0, en;q=0.1", "en"),
        ("en;q=0.5, *;q=0.8", "id"),
        ("en, *;q=0.5", "en"),
        ("*, en;q=0.5", "id"),
        ("id;q=0, *", "en"),
        ("en;q=0.8, id;q=0.8", "en"),
        ("id;q=0.8, en;q=0.8", "id"),
        ("id;q=0.3, en;Q = 0.7", "en"),
        ("en;level=1;q=0.2, id;q=0.3", "id"),
        # What is malformed counts for nothing, and spoils nothing.
        ("en;q=x", "id"),
        ("en;q=nan", "id"),
        ("en;q=inf, id;q=0.1", "id"),
        ("en;q=-1", "id"),
        ("en;q=5", "id"),
        ("en;q=\x1d.9", "en"),
        ("en;q=", "id"),
        ("en;;, id;q=0.1", "en"),
        (",;,-,;q=1,en;q=0.2", "en"),
        ("e n, \x00, 英語", "id"),
    ],
)
def test_what_a_browser_accepts_is_weighed(accepted, language):
    assert choose_language(None, accepted) == language


@given(st.none() | st.text(), st.text())
def test_no_header_breaks_a_page(asked, accepted):
    assert choose_language(asked, accepted) in Language


# --- addresses as they are passed on ---------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        TOKEN,
        TOKEN.replace(".", "%2E"),
        f"{TOKEN}%2F",
        f"{TOKEN}.",
        f"{TOKEN},",
        f"{TOKEN})",
        f"%3C{TOKEN}%3E",
        f"%20{TOKEN}%20",
        f"{TOKEN}%E2%80%8B",
        f"{TOKEN}&fbclid=IwAR0x.y-z",
    ],
)
def test_what_hangs_on_an_address_is_left_out(written):
    assert read_token(written) == TOKEN


@pytest.mark.parametrize(
    "written", ["", "nonsense", TOKEN[:-1], f"{TOKEN}A", f"{TOKEN}-", f"{TOKEN}%41", "%", "%ff"]
)
def test_what_is_no_token_stays_none(written):
    assert read_token(written) != TOKEN


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/pay/T", "./"),
        ("/pay/T/", "../"),
        ("/pay/T//", "../../"),
        ("/v1/pay/T/", "../"),
        ("/pay//T", "./"),
        ("/pay/T%2F", "./"),
    ],
)
def test_the_way_to_another_page_starts_where_the_browser_is(path, way):
    assert way_to_others(path) == way


@pytest.mark.parametrize("language", Language)
def test_a_page_says_which_language_it_is_in(language):
    page = render(shown(), language)
    (html,) = Outline(page.body).all("html")
    assert html["lang"] == page.headers["Content-Language"] == language
    assert page.headers["Vary"] == "Accept-Language"


def test_both_languages_say_all_there_is_to_say():
    for words in BY_LANGUAGE.values():
        assert set(words.titles) == set(PageState)
        assert set(words.texts) == set(PageState) - {PageState.ACTIVE}
