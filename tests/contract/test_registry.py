"""What every registry does."""

from dataclasses import replace

from o2o.core.look import Look
from o2o.usecases.ports import ApiKey, Page, Storefront
from tests.contract.conftest import Stores
from tests.support.samples import NOW, at

SHOP = Storefront("shop", "Toko Sebelah ☕", NOW)
KEY = ApiKey("abc123def456", "shop", "0a" * 32, NOW)


def test_a_storefront_is_added_once(stores: Stores) -> None:
    assert stores.registry.get_storefront("shop") is None
    assert stores.registry.add_storefront(SHOP)
    assert not stores.registry.add_storefront(replace(SHOP, name="Other"))
    assert not stores.registry.add_storefront(SHOP)
    assert stores.registry.get_storefront("shop") == SHOP
    assert stores.registry.list_storefronts(limit=5, cursor=None) == Page([SHOP], None)


def test_a_key_is_written_and_changed(stores: Stores) -> None:
    assert stores.registry.get_key(KEY.key_id) is None
    stores.registry.put_key(KEY)
    assert stores.registry.get_key(KEY.key_id) == KEY
    revoked = replace(KEY, revoked_at=at(days=1))
    stores.registry.put_key(revoked)
    assert stores.registry.get_key(KEY.key_id) == revoked
    assert stores.registry.list_keys("shop", limit=5, cursor=None) == Page([revoked], None)


def test_a_storefront_and_a_key_of_the_same_name_are_two_things(stores: Stores) -> None:
    stores.registry.put_key(replace(KEY, key_id="shop"))
    assert stores.registry.get_storefront("shop") is None
    assert stores.registry.add_storefront(SHOP)


def test_a_look_is_written_and_changed(stores: Stores) -> None:
    assert stores.registry.get_look("shop") is None
    assert stores.registry.add_storefront(SHOP)
    assert stores.registry.get_look("shop") is None
    look = Look("shop", "Kopi Senja ☕", "data:image/png;base64,AAAA", "#ff8800")
    for each in (look, replace(look, logo=None), Look("shop")):
        stores.registry.put_look(each)
        assert stores.registry.get_look("shop") == each
    assert stores.registry.get_storefront("shop") == SHOP
    assert stores.registry.get_look("other") is None
