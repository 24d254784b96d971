"""People's text at a till, name by name and by its properties."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.core.till_text import bare, till_text

NAMES = json.loads((Path(__file__).parents[1] / "support" / "pasted-names.json").read_text("utf-8"))


@pytest.mark.parametrize("name", NAMES, ids=[name["from"] for name in NAMES])
def test_a_pasted_name_is_readable_at_a_till(name: dict[str, str]) -> None:
    assert till_text(name["sent"]) == name["till"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u00bd kg", "1/2 kg"),
        ("1\u2044\u200b2", "1/2"),
        ("e\u200b\u0301", "\u00e9"),
        ("A\u200bB", "AB"),
        ("\u2028A\u2029B\x85", "A B"),
        ("`~^|<>$+=", "`~^|<>$+="),
        ("\u3164", ""),
        ("\U0001f389", ""),
        ("\ud800", ""),
        ("", ""),
    ],
)
def test_what_is_left_of_a_text(text: str, shown: str) -> None:
    assert till_text(text) == shown


@given(st.text())
def test_a_till_gets_letters_digits_punctuation_and_single_spaces(text: str) -> None:
    shown = till_text(text)
    for character in shown:
        plain = character.isascii() and character.isprintable()
        assert plain or unicodedata.category(character) in (
            *("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No"),
            *("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Mn", "Mc"),
        )
    assert shown == " ".join(shown.split())
    assert till_text(shown) == shown


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_loses_nothing_but_doubled_spaces(text: str) -> None:
    assert till_text(text).split() == text.split()


@given(st.text())
def test_a_bare_text_loses_nothing_that_can_be_seen(text: str) -> None:
    assert till_text(bare(text)) == till_text(text)
    assert bare(bare(text)) == bare(text)
