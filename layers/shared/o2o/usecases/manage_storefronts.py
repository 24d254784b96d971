"""Manage storefronts, their API keys and their branding, for the operator."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from o2o.core.errors import InvalidRequest, NotFound, VersionConflict
from o2o.core.storefronts import (
    KEY_ID_LENGTH,
    NAMESPACE_LENGTH,
    SECRET_LENGTH,
    ApiKey,
    Branding,
    Storefront,
    format_api_key,
    read_colour,
    read_logo,
    read_name,
    read_storefront_id,
)
from o2o.usecases.ports import Clock, Entropy, StorefrontStore
from o2o.usecases.retry_on_conflict import retry_on_conflict

Given = TypeVar("Given", str, bytes)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key. ``api_key`` is shown once and stored nowhere."""

    key: ApiKey
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageStorefronts:
    """The use cases of the operator."""

    storefronts: StorefrontStore
    clock: Clock
    entropy: Entropy

    def add(self, storefront_id: str, name: str) -> Storefront:
        """Add a storefront. Raises InvalidRequest if the id is taken or malformed.

        The first one of a stack has no namespace, every later one has its own.
        """
        storefront = Storefront(
            _read("storefront_id", storefront_id, read_storefront_id),
            _read("name", name, read_name),
            self.clock(),
        )
        if self.storefronts.list_storefronts(limit=1, cursor=None).items:
            storefront = self._in_a_namespace(storefront)

        def attempt() -> Storefront:
            nonlocal storefront
            try:
                if not self.storefronts.add_storefront(storefront):
                    raise InvalidRequest.of("storefront_id", "is taken")
            except VersionConflict:
                storefront = self._in_a_namespace(storefront)
                raise
            return storefront

        return retry_on_conflict(attempt)

    def _in_a_namespace(self, storefront: Storefront) -> Storefront:
        return replace(storefront, namespace=self.entropy.token(NAMESPACE_LENGTH))

    def set_branding(
        self,
        storefront_id: str,
        *,
        name: str | None = None,
        colour: str | None = None,
        logo: bytes | None = None,
    ) -> Branding:
        """Change what is given of a storefront's branding. Raises NotFound, InvalidRequest."""
        branding = self.branding(storefront_id)
        if name is not None:
            branding = replace(branding, name=_read("name", name, read_name))
        if colour is not None:
            branding = replace(branding, colour=_read("colour", colour, read_colour))
        if logo is not None:
            branding = replace(branding, logo=_read("logo", logo, read_logo))
        self.storefronts.put_branding(branding)
        return branding

    def clear_branding(self, storefront_id: str) -> Branding:
        """Give a storefront's pages the default branding again. Raises NotFound."""
        self.branding(storefront_id)
        branding = Branding(storefront_id)
        self.storefronts.put_branding(branding)
        return branding

    def branding(self, storefront_id: str) -> Branding:
        """A storefront's branding. Raises NotFound."""
        if self.storefronts.get_storefront(storefront_id) is None:
            raise NotFound("there is no such storefront")
        return self.storefronts.get_branding(storefront_id) or Branding(storefront_id)

    def issue_key(self, storefront_id: str) -> IssuedKey:
        """Issue one more key. Raises NotFound."""
        storefront = self.storefronts.get_storefront(storefront_id)
        if storefront is None:
            raise NotFound("there is no such storefront")
        secret = self.entropy.token(SECRET_LENGTH)
        key = ApiKey.of(self.entropy.token(KEY_ID_LENGTH), secret, storefront, self.clock())
        self.storefronts.put_key(key)
        return IssuedKey(key, format_api_key(key.key_id, secret))

    def revoke_key(self, key_id: str) -> ApiKey:
        """Revoke a key for good, also if it was revoked before. Raises NotFound."""
        key = self.storefronts.get_key(key_id)
        if key is None:
            raise NotFound("there is no such key")
        if key.revoked_at is None:
            key = replace(key, revoked_at=self.clock())
            self.storefronts.put_key(key)
        return key


def _read(field: str, given: Given, read: Callable[[Given], str]) -> str:
    try:
        return read(given)
    except ValueError as error:
        raise InvalidRequest.of(field, str(error)) from error
