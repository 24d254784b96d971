"""Authorize a storefront: an API key in, whose it is out."""

from dataclasses import dataclass

from o2o.core.storefronts import ApiKey, parse_api_key
from o2o.usecases.ports import StorefrontStore


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeStorefront:
    """The use case."""

    storefronts: StorefrontStore

    def __call__(self, authorization: str) -> ApiKey | None:
        """The key behind an ``Authorization`` header, or None, for whatever reason."""
        scheme, _, text = authorization.partition(" ")
        parts = parse_api_key(text.strip())
        if scheme.lower() != "bearer" or parts is None:
            return None
        key_id, secret = parts
        key = self.storefronts.get_key(key_id)
        return key if key is not None and key.is_opened_by(secret) else None
