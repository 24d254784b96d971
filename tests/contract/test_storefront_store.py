"""What every storefronts does."""

from dataclasses import replace

import pytest

from o2o.core.errors import VersionConflict
from o2o.core.pages import Page
from o2o.core.storefronts import ApiKey, Branding, Storefront
from tests.contract.conftest import Stores
from tests.support.samples import NOW, at

SHOP = Storefront("shop", "Toko Sebelah ☕", NOW)
KEY = ApiKey("abc123def456", "shop", "0a" * 32, NOW)


def test_a_storefront_is_added_once(stores: Stores) -> None:
    assert stores.storefronts.get_storefront("shop") is None
    assert stores.storefronts.add_storefront(SHOP)
    assert not stores.storefronts.add_storefront(replace(SHOP, name="Other"))
    assert not stores.storefronts.add_storefront(SHOP)
    assert stores.storefronts.get_storefront("shop") == SHOP
    assert stores.storefronts.list_storefronts(limit=5, cursor=None) == Page([SHOP], None)


@pytest.mark.parametrize("namespace", [None, "k7q2"])
def test_a_namespace_is_one_storefront_s(stores: Stores, namespace: str | None) -> None:
    shop = replace(SHOP, namespace=namespace)
    assert stores.storefronts.add_storefront(shop)
    with pytest.raises(VersionConflict):
        stores.storefronts.add_storefront(replace(shop, storefront_id="other"))
    assert stores.storefronts.get_storefront("other") is None
    assert not stores.storefronts.add_storefront(replace(shop, namespace="m3p9"))
    other = replace(shop, storefront_id="other", namespace="m3p9")
    assert stores.storefronts.add_storefront(other)
    assert stores.storefronts.get_storefront("other") == other


def test_a_key_is_written_and_changed(stores: Stores) -> None:
    assert stores.storefronts.get_key(KEY.key_id) is None
    stores.storefronts.put_key(KEY)
    assert stores.storefronts.get_key(KEY.key_id) == KEY
    revoked = replace(KEY, revoked_at=at(days=1))
    stores.storefronts.put_key(revoked)
    assert stores.storefronts.get_key(KEY.key_id) == revoked
    assert stores.storefronts.list_keys("shop", limit=5, cursor=None) == Page([revoked], None)


def test_a_usage_key_reaches_all_keys_of_its_storefront_and_changes_nothing_else(
    stores: Stores,
) -> None:
    revoked = replace(KEY, key_id="revoked00000", revoked_at=at(days=1))
    foreign = replace(KEY, key_id="foreign00000", storefront_id="other")
    assert stores.storefronts.add_storefront(SHOP)
    for key in (KEY, revoked, foreign):
        stores.storefronts.put_key(key)
    for usage_key in ("first", "second"):
        stores.storefronts.put_usage_key("shop", usage_key)
        shop = replace(SHOP, usage_key=usage_key)
        assert stores.storefronts.get_storefront("shop") == shop
        for key in (KEY, revoked):
            written = replace(key, usage_key=usage_key)
            assert stores.storefronts.get_key(key.key_id) == written
    assert stores.storefronts.get_key(foreign.key_id) == foreign


def test_a_storefront_and_a_key_of_the_same_name_are_two_things(stores: Stores) -> None:
    stores.storefronts.put_key(replace(KEY, key_id="shop"))
    assert stores.storefronts.get_storefront("shop") is None
    assert stores.storefronts.add_storefront(SHOP)


def test_a_look_is_written_and_changed(stores: Stores) -> None:
    assert stores.storefronts.get_branding("shop") is None
    assert stores.storefronts.add_storefront(SHOP)
    assert stores.storefronts.get_branding("shop") is None
    look = Branding("shop", "Kopi Senja ☕", "data:image/png;base64,AAAA", "#ff8800")
    for each in (look, replace(look, logo=None), Branding("shop")):
        stores.storefronts.put_branding(each)
        assert stores.storefronts.get_branding("shop") == each
    assert stores.storefronts.get_storefront("shop") == SHOP
    assert stores.storefronts.get_branding("other") is None
