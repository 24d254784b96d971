"""What is derived from the master secret: addresses that can't be guessed, secrets that rotate."""

from base64 import b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.adapters.signing import Signing
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


def test_a_webhook_secret_is_as_standard_webhooks_wants_it():
    secret = signing().webhook_secret("shop", 1)
    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    others = {signing().webhook_secret(*each) for each in [("shop", 2), ("shop2", 1), ("sho", 1)]}
    assert len(others | {secret}) == 4
    assert secret == signing().webhook_secret("shop", 1)


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
