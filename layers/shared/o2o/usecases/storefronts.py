"""Storefronts and their API keys: add, issue, revoke, and authorize."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeVar

from o2o.core.errors import InvalidRequest, NotFound
from o2o.core.look import Look, read_colour, read_logo, read_name
from o2o.usecases.ports import ApiKey, Clock, Entropy, Registry, Storefront

Given = TypeVar("Given", str, bytes)

_STOREFRONT_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
_API_KEY = re.compile(r"o2o_([a-z0-9]{12})_([a-z0-9]{50})", re.ASCII)

_LONGEST_NAME = 64
_KEY_ID_LENGTH = 12
_SECRET_LENGTH = 50
"""Lower-case letters and digits: 36 to the power of 50 is more than 2 to the power of 258."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key. ``api_key`` is shown once and stored nowhere."""

    key: ApiKey
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Storefronts:
    """The use cases of whoever runs the stack."""

    registry: Registry
    clock: Clock
    entropy: Entropy

    def add(self, storefront_id: str, name: str) -> Storefront:
        """Add a storefront. Raises InvalidRequest if the id is taken or malformed."""
        if not _STOREFRONT_ID.fullmatch(storefront_id):
            raise InvalidRequest.of(
                "storefront_id", "must be 1 to 40 lower-case letters, digits and inner hyphens"
            )
        if not 1 <= len(name.strip()) <= _LONGEST_NAME:
            raise InvalidRequest.of("name", f"must have 1 to {_LONGEST_NAME} characters")
        storefront = Storefront(storefront_id, name.strip(), self.clock())
        if not self.registry.add_storefront(storefront):
            raise InvalidRequest.of("storefront_id", "is taken")
        return storefront

    def set_look(
        self,
        storefront_id: str,
        *,
        name: str | None = None,
        colour: str | None = None,
        logo: bytes | None = None,
    ) -> Look:
        """Change what is given of a storefront's look. Raises NotFound and InvalidRequest."""
        look = self.look(storefront_id)
        if name is not None:
            look = replace(look, name=_read("name", name, read_name))
        if colour is not None:
            look = replace(look, colour=_read("colour", colour, read_colour))
        if logo is not None:
            look = replace(look, logo=_read("logo", logo, read_logo))
        self.registry.put_look(look)
        return look

    def clear_look(self, storefront_id: str) -> Look:
        """Give a storefront the look of those that have none. Raises NotFound."""
        self.look(storefront_id)
        look = Look(storefront_id)
        self.registry.put_look(look)
        return look

    def look(self, storefront_id: str) -> Look:
        """A storefront's look. Raises NotFound."""
        if self.registry.get_storefront(storefront_id) is None:
            raise NotFound("there is no such storefront")
        return self.registry.get_look(storefront_id) or Look(storefront_id)

    def issue_key(self, storefront_id: str) -> IssuedKey:
        """Issue one more key. Raises NotFound."""
        if self.registry.get_storefront(storefront_id) is None:
            raise NotFound("there is no such storefront")
        secret = self.entropy.token(_SECRET_LENGTH)
        key = ApiKey(
            key_id=self.entropy.token(_KEY_ID_LENGTH),
            storefront_id=storefront_id,
            secret_sha256=_digest(secret),
            created_at=self.clock(),
        )
        self.registry.put_key(key)
        return IssuedKey(key, f"o2o_{key.key_id}_{secret}")

    def revoke_key(self, key_id: str) -> ApiKey:
        """Revoke a key for good, also if it was revoked before. Raises NotFound."""
        key = self.registry.get_key(key_id)
        if key is None:
            raise NotFound("there is no such key")
        if key.revoked_at is None:
            key = replace(key, revoked_at=self.clock())
            self.registry.put_key(key)
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeStorefront:
    """The use case of the API's door."""

    registry: Registry

    def __call__(self, authorization: str) -> ApiKey | None:
        """The key behind an ``Authorization`` header, or None: nobody may know why not."""
        scheme, _, api_key = authorization.partition(" ")
        parts = _API_KEY.fullmatch(api_key.strip())
        if scheme.lower() != "bearer" or parts is None:
            return None
        key_id, secret = parts.groups()
        key = self.registry.get_key(key_id)
        if key is None or key.revoked_at is not None:
            return None
        return key if hmac.compare_digest(key.secret_sha256, _digest(secret)) else None


def _read(field: str, given: Given, read: Callable[[Given], str]) -> str:
    try:
        return read(given)
    except ValueError as error:
        raise InvalidRequest.of(field, str(error)) from error


def _digest(secret: str) -> str:
    # The secret has 256 random bits, so a slow password hash would add nothing.
    return sha256(secret.encode()).hexdigest()
