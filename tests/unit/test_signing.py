"""Addresses that can't be guessed, and webhooks' secrets, whose root can be changed."""

import hmac
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.adapters.signing import Roots, Signing, WebhookRoots
from o2o.core.errors import InvalidConfiguration

MASTER = "0123456789abcdef" * 4
INVOICE_NUMBERS = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)


class Vault:
    """Secrets Manager with one entry; counts how often it is read."""

    def __init__(self, value: str = MASTER) -> None:
        self.value = value
        self.reads = 0

    def get_secret_value(self, **_: str) -> dict[str, str]:
        self.reads += 1
        return {"SecretString": self.value}


def signing(value: str = MASTER) -> Signing:
    return Signing(Vault(value), "signing")  # type: ignore[arg-type]


@given(INVOICE_NUMBERS)
def test_a_token_tells_its_invoice_number(invoice_number):
    token = signing().page_token(invoice_number)
    assert signing().read_page_token(token) == invoice_number
    assert len(token) <= 109


@given(INVOICE_NUMBERS, st.data())
def test_any_other_character_spoils_it(invoice_number, data):
    token = signing().page_token(invoice_number)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("AQaz09-_.=/ é\n"))
    changed = token[:place] + other + token[place + 1 :]
    assert changed == token or signing().read_page_token(changed) is None


def test_tokens_are_compared_in_constant_time(monkeypatch):
    """How long it takes must tell nobody how much of a guess is right."""
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: True)
    assert signing().read_page_token(f"SU5WLTE.{'A' * 22}") == "INV-1"


@given(st.text())
def test_garbage_opens_nothing_and_reads_no_secret_unless_it_looks_like_a_token(garbage):
    vault = Vault()
    assert Signing(vault, "signing").read_page_token(garbage) is None  # type: ignore[arg-type]
    assert vault.reads == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + "A",
        lambda token: token[:-1],
        lambda token: token.replace(".", ""),
        lambda token: "." + token,
        lambda token: token.partition(".")[2],
        # The same bytes, with other bits in what base64 does not use.
        lambda token: token[:-1] + chr(ord(token[-1]) + 1),
        lambda token: (
            urlsafe_b64encode(b"\xff\xfe").decode().rstrip("=") + token[token.index(".") :]
        ),
    ],
)
def test_a_token_has_one_spelling(change):
    token = signing().page_token("INV-1")
    assert signing().read_page_token(change(token)) is None


def test_another_master_means_other_addresses():
    assert signing("x" * 64).read_page_token(signing().page_token("INV-1")) is None


class NoValue(Exception):
    """Secrets Manager's ResourceNotFoundException."""


class Entries:
    """Secrets Manager with an entry for pages and one for webhooks, which may lack a value."""

    exceptions = SimpleNamespace(ResourceNotFoundException=NoValue)

    def __init__(self, webhooks: str | None = None) -> None:
        self.values = {"signing": MASTER, "webhooks": webhooks}

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        value = self.values[SecretId]
        if value is None:
            raise NoValue
        return {"SecretString": value}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:  # noqa: N803 - AWS's names
        self.values[SecretId] = SecretString


def roots(entries: Entries) -> WebhookRoots:
    client: Any = entries
    return WebhookRoots(client, "webhooks", Signing(client, "signing"), report=_raise)


def _raise(error: Exception) -> None:
    raise error


def test_a_webhook_secret_is_as_standard_webhooks_wants_it():
    having = roots(Entries(json.dumps({"current": "c" * 64})))
    (secret,) = having.secrets("shop", 1)
    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    others = {having.secrets(*each) for each in [("shop", 2), ("shop2", 1), ("sho", 1)]}
    assert len(others | {(secret,)}) == 4
    assert having.secrets("shop", 1) == (secret,)


@pytest.mark.parametrize("current", ["c" * 31, 7, None, "\ud800" * 64])
def test_what_is_no_root_is_refused_and_not_told(current):
    with pytest.raises(InvalidConfiguration, match="current, and previous") as caught:
        roots(Entries(json.dumps({"current": current}))).secrets("shop", 1)
    assert "\ud800" not in str(caught.value)


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_root_of_its_own_a_secret_is_what_it_was_before_there_was_one(value):
    known = hmac.digest(MASTER.encode(), b"webhook\nshop\n1", sha256)
    assert roots(Entries(value)).secrets("shop", 1) == (f"whsec_{b64encode(known).decode()}",)


def test_a_root_of_its_own_keeps_the_secrets_that_storefronts_have():
    entries = Entries()
    before = roots(entries).secrets("shop", 1)
    assert roots(entries).make(keep_secrets=True)
    assert roots(entries).secrets("shop", 1) == before
    # From now on a new signing secret means new pages, and no other webhooks.
    entries.values["signing"] = "x" * 64
    assert roots(entries).secrets("shop", 1) == before


def test_a_new_stack_has_a_root_that_is_nothing_elses():
    entries = Entries()
    assert roots(entries).make(keep_secrets=False)
    root = json.loads(entries.values["webhooks"] or "")["current"]
    assert len(root) >= 64
    assert root != MASTER


def test_a_root_is_made_once():
    entries = Entries()
    roots(entries).make(keep_secrets=False)
    kept = entries.values["webhooks"]
    assert not roots(entries).make(keep_secrets=True)
    assert entries.values["webhooks"] == kept


def test_while_a_root_is_changed_both_sign_and_the_new_one_comes_first():
    entries = Entries()
    changing = roots(entries)
    before = changing.secrets("shop", 1)
    changing.change()
    new, *former = roots(entries).secrets("shop", 1)
    assert tuple(former) == before
    assert new not in before
    roots(entries).forget_previous()
    assert roots(entries).secrets("shop", 1) == (new,)


@pytest.mark.parametrize(
    "value", ["{}", '{"current": "short"}', '{"current": 5}', '{"current": "%s", "previous": "x"}']
)
def test_a_root_that_makes_no_sense_is_named_and_not_told(value):
    entries = Entries(value.replace("%s", "c" * 64))
    with pytest.raises(InvalidConfiguration, match="'webhooks': current, and previous") as caught:
        roots(entries).secrets("shop", 1)
    assert "ccc" not in str(caught.value)


def test_roots_tell_nothing():
    assert repr(Roots("secret", "secret")) == "Roots()"


def test_the_entry_is_read_once_and_not_before_it_is_needed():
    vault = Vault()
    once = Signing(vault, "signing")  # type: ignore[arg-type]
    assert vault.reads == 0
    for number in range(3):
        once.page_token(f"INV-{number}")
    assert vault.reads == 1


def test_a_short_entry_is_named():
    with pytest.raises(InvalidConfiguration, match="'signing': it must be a text of 32"):
        signing("short").page_token("INV-1")
