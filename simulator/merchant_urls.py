"""Where DOKU reaches the merchant: one URL for each channel, as set in the Back Office."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from simulator.errors import ConfigError
from simulator.store.settings import Settings

MAX_PORT = 65_535


def check_url(url: str, *, with_query: bool = False) -> str:
    """Return the URL if it is http(s), and without a query string unless ``with_query``.

    Raises ``ConfigError``.
    """
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or 0 < parts.port <= MAX_PORT
    except ValueError:
        raise ConfigError(f"{url!r} is not a URL.") from None
    printable = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in {"http", "https"} or not parts.hostname or not printable:
        raise ConfigError(f"{url!r} is not an http or https URL.")
    if parts.fragment or parts.username is not None or not port_is_valid:
        raise ConfigError(f"{url!r}: a URL here has a host, a port and a path, nothing else.")
    if parts.query and not with_query:
        raise ConfigError(f"{url!r}: a URL here has no query string.")
    return url


class MerchantUrls:
    """The URLs for one purpose, by channel name: configured ones win over remembered ones.

    They may have a query string, as DOKU's own plug-ins configure it, unless ``strict``.
    """

    def __init__(
        self, settings: Settings, purpose: str, configured: Mapping[str, str], *, strict: bool
    ) -> None:
        self._settings = settings
        self._strict = strict
        self._prefix = f"{purpose}_url:"
        self._urls = {**settings.starting_with(self._prefix), **configured}

    def get(self, channel: str) -> str | None:
        """Return a channel's URL, if it has one."""
        return self._urls.get(channel)

    def of(self, channels: Iterable[str]) -> dict[str, str | None]:
        """Return the URLs of these channels."""
        return {channel: self.get(channel) for channel in channels}

    def check(self, url: str) -> str:
        """Return the URL if a channel may have it; raises ``ConfigError``."""
        return check_url(url, with_query=not self._strict)

    def set(self, channel: str, url: str) -> None:
        """Change a channel's URL, and remember it; raises ``ConfigError``."""
        self._settings.put(self._prefix + channel, self.check(url))
        self._urls[channel] = url
