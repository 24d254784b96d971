"""Limit storefronts: each one's requests are counted by themselves, for the operator."""

from dataclasses import dataclass, replace

from o2o.core.errors import NotFound
from o2o.core.pages import all_items
from o2o.core.storefronts import Storefront
from o2o.usecases.ports import RateLimits, StorefrontStore

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitStorefronts:
    """The use cases. All may be repeated: what is there already stays."""

    storefronts: StorefrontStore
    limits: RateLimits

    def one(self, storefront_id: str) -> Storefront:
        """Give a storefront a limit of its own. Raises NotFound."""
        storefront = self.storefronts.get_storefront(storefront_id)
        if storefront is None:
            raise NotFound("there is no such storefront")
        # The API refuses usage keys that it does not know, so it has to learn this one first.
        usage_key = self.limits.open(storefront_id)
        self.storefronts.put_usage_key(storefront_id, usage_key)
        return replace(storefront, usage_key=usage_key)

    def all(self) -> list[Storefront]:
        """Give every storefront a limit of its own: those of before an upgrade have none."""
        found = all_items(
            lambda cursor: self.storefronts.list_storefronts(limit=_PAGE, cursor=cursor)
        )
        return [self.one(each.storefront_id) for each in found]
