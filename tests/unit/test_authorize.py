"""An API key opens its storefront's door, and nothing else does."""

import hmac

import pytest

from o2o.usecases.authorize_storefront import AuthorizeStorefront
from o2o.usecases.manage_storefronts import ManageStorefronts
from tests.support.memory import MemoryStorefrontStore
from tests.support.world import SeededEntropy, TurnableClock


@pytest.fixture
def desk() -> ManageStorefronts:
    desk = ManageStorefronts(
        storefronts=MemoryStorefrontStore(), clock=TurnableClock(), entropy=SeededEntropy()
    )
    desk.add("shop", "Shop")
    return desk


@pytest.fixture
def issued(desk):
    return desk.issue_key("shop")


@pytest.fixture
def authorize(desk):
    return AuthorizeStorefront(storefronts=desk.storefronts)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_is_its_storefront_s(issued, authorize, scheme):
    assert authorize(f"{scheme} {issued.api_key}") == issued.key


@pytest.mark.parametrize("scheme", ["Basic", "", "Token"])
def test_a_key_is_a_bearer_s(issued, authorize, scheme):
    assert authorize(f"{scheme} {issued.api_key}") is None
    assert authorize(issued.api_key) is None


def test_another_secret_opens_nothing(issued, authorize):
    last = "a" if issued.api_key[-1] != "a" else "b"
    assert authorize(f"Bearer {issued.api_key[:-1]}{last}") is None


def test_a_key_that_nobody_issued_opens_nothing(authorize):
    assert authorize(f"Bearer o2o_{'a' * 12}_{'b' * 50}") is None


def test_a_revoked_key_opens_nothing(desk, issued, authorize):
    desk.revoke_key(issued.key.key_id)
    assert authorize(f"Bearer {issued.api_key}") is None


def test_secrets_are_compared_in_constant_time(issued, authorize, monkeypatch):
    """How long it takes must tell nobody how much of a guess is right."""
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: True)
    assert authorize(f"Bearer {issued.api_key[:-50]}{'x' * 50}") == issued.key
