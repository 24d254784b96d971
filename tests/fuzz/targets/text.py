"""People's texts, names, colours, dates, amounts and languages, as bytes that came from anywhere.

Reading is total, and what was read once is not changed by reading it again.
"""

from contextlib import suppress
from datetime import UTC
from decimal import Decimal

from o2o.core.how_to_pay import Language
from o2o.core.money import parse_doku_amount
from o2o.core.storefronts import (
    read_colour,
    read_logo,
    read_name,
    read_storefront_id,
    to_invoice_number,
    to_order_number,
)
from o2o.core.till_text import bare, till_text
from o2o.core.wib import parse_doku_instant
from o2o.entry.page.address import read_token
from o2o.entry.page.language import choose_language

SEEDS = (
    "Toko “Maju” — 5€ ½ ﷺ \u200b☕️".encode(),
    "ﬁle\u0301 \u1160 \U000e0101 ℡".encode(),
    b"#0b6e4f",
    b"shop-1",
    b"20260301100000",
    b"2026-03-01T10:00:00.123+07:00",
    b"2026-W09-7T10:00:00+07:00",
    b"0001-01-01T00:00:00+14:00",
    b"150000.00",
    b"1e11",
    b"id-ID,id;q=0.9,en;q=0.8,*;q=0.1",
    b"INV-1.AAAAAAAAAAAAAAAAAAAAAA",
    b"\x89PNG\r\n\x1a\nx",
    b"RIFF0000WEBP",
    b'<?xml version="1.0"?><!-- x --><!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg"/>',
)


def check(data: bytes) -> None:
    """Raise AssertionError if a text is read wrongly."""
    text = data.decode("utf-8", "replace")
    shown = till_text(text)
    assert till_text(shown) == shown
    assert shown.strip() == shown
    assert shown.isprintable()
    assert bare(bare(text)) == bare(text)
    with suppress(ValueError):
        name = read_name(text)
        assert read_name(name) == name
        assert name.isprintable()
    with suppress(ValueError):
        assert read_colour(read_colour(text)) == text.lower()
    with suppress(ValueError):
        assert read_storefront_id(text) == text
    with suppress(ValueError):
        assert read_logo(data).startswith("data:image/")
    with suppress(ValueError):
        assert parse_doku_instant(text).tzinfo is UTC
    with suppress(ValueError):
        amount = parse_doku_amount(text)
        assert amount == Decimal(text)
        assert 0 < amount < 10**12
    assert choose_language(None, text) in Language
    assert choose_language(text, text) in Language
    assert read_token(read_token(text)) == read_token(text)
    if len(text) <= 58:
        assert to_invoice_number("k7q2", to_order_number("k7q2", text)) == text
