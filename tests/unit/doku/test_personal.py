"""A person is taken out of DOKU's messages, and what they tell of money stays."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.adapters.doku.messages import parse_notification, parse_order_status
from o2o.adapters.doku.personal import without_person
from o2o.core.codes import Customer
from o2o.core.payments import Evidence
from o2o.core.persons import Person

ANTON = Person.of(Customer("Anton  Budiman™", "Anton@Example.com"))
PAID: dict[str, Any] = {
    "service": {"id": "ONLINE_TO_OFFLINE"},
    "acquirer": {"id": "ALFA"},
    "channel": {"id": "ONLINE_TO_OFFLINE_ALFA"},
    "transaction": {"status": "SUCCESS", "date": "2026-03-01T03:10:00Z"},
    "order": {"invoice_number": "INV-1", "amount": 150000},
    "online_to_offline_info": {"payment_code": "8896512345678123"},
    "online_to_offline_payment": {
        "identifier": [
            {"name": "AGENT_ID", "value": "ALFAMART"},
            {"name": "AGENT_STORE_ID", "value": "store"},
            {"name": "AGENT_TRX_ID", "value": "1246"},
        ]
    },
}


def left(message: object, person: Person = ANTON, *, is_theirs: bool = True) -> Any:
    return json.loads(without_person(json.dumps(message), person, is_theirs))


@pytest.mark.parametrize(
    "spelling",
    [
        "Anton  Budiman™",
        "Anton BudimanTM",
        "ANTON BUDIMAN",
        "Bp. anton\nbudiman, Jakarta",
        "\uff21nton Budiman",
        "anton@example.com",
        "mailto:ANTON@EXAMPLE.COM",
        "<anton@example.com>, cc",
        "to anton@example.com.",
    ],
)
def test_a_name_or_an_address_is_known_in_any_spelling(spelling):
    assert left(PAID | {"note": {"to": [spelling, "Siti"]}}, is_theirs=False) == PAID | {
        "note": {"to": [None, "Siti"]}
    }


@pytest.mark.parametrize(
    "text",
    [
        "Antonia Budimanova", "Budiman", "x.anton@example.com", "anton@example.com.sg",
        "anton@example.community", "anton+1@example.com", "anton@example",
    ],
)  # fmt: skip
def test_somebody_else_stays(text):
    body = json.dumps(PAID | {"note": text, "customer": {"name": text}}, indent=3)
    assert without_person(body, ANTON, False) is body


def test_of_their_own_order_whatever_is_said_of_a_customer_goes():
    said = PAID | {
        "Customer": {"id": 7, "name": "Siti Rahma", "email": "siti@example.com"},
        "note": "for Siti Rahma",
        "additional_info": [{"customer": "Siti", "mail": "siti@example.com"}],
    }
    expected = PAID | {
        "Customer": None,
        "note": None,
        "additional_info": [{"customer": None, "mail": None}],
    }
    assert left(said, Person()) == expected
    assert left(expected, Person()) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"customer": {"name": "Anton Budiman"', ""),
        ('{"Customer": {', ""),
        ("to anton@example.com", ""),
        ("broken", "broken"),
        ('"Anton Budiman"', "null"),
        ("[" * 100_000, "[" * 100_000),
        ('\ufeff{"a": "Anton Budiman"}', '{"a":null}'),
        ('{"amount": 19000.00, "a": "Anton Budiman"}', '{"amount":"19000.00","a":null}'),
        ('{"b": "\\ud800", "a": "Anton Budiman"}', '{"b":"\\ud800","a":null}'),
    ],
)
def test_whatever_came(body, expected):
    assert without_person(body, ANTON, True) == expected


texts = st.sampled_from(["Anton Budiman", "anton@example.com", "Siti", "", "1246", "ALFAMART"])
extras = st.recursive(
    texts | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)
names = st.sampled_from(
    ["Anton Budiman", "ALFAMART", "store", "1246", "ALFA", "SUCCESS", "INV-1", "150000", "Ä", "8"]
)


@given(names, extras, extras, st.sampled_from([150000, "39000", 19000.5]), st.booleans())
def test_a_payment_is_read_as_before_and_the_person_is_gone(name, extra, more, amount, is_theirs):
    """Whatever the customer is called."""
    person = Person.of(Customer(name, "anton@example.com"))
    message = PAID | {"order": PAID["order"] | {"amount": amount}, "extra": extra}
    message["online_to_offline_payment"] = {
        "identifier": [
            *PAID["online_to_offline_payment"]["identifier"],
            {"name": "MORE", "value": more},
        ]
    }
    evidence = Evidence(json.dumps(message), {"Signature": "s"})
    clean = evidence.with_body(without_person(evidence.body, person, is_theirs))
    assert (clean.digest, clean.headers) == (evidence.digest, evidence.headers)
    for read in (
        lambda each: parse_notification(each).payment,
        lambda each: parse_order_status(each, "INV-1").payment,
    ):
        before, after = read(evidence), read(clean)
        assert before is not None
        assert after == replace(before, evidence=clean)
    assert "anton@example.com" not in clean.body
    assert without_person(clean.body, person, is_theirs) is clean.body


def test_who_is_not_known_is_nowhere():
    assert not Person().is_in("anything")
    assert not Person.of(Customer("", None)).is_in("")
    assert "Anton" not in repr(ANTON)
