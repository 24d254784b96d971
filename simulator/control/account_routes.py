"""Control routes of the account: overview, clock, the merchant's URLs, reset."""

from collections.abc import Callable
from typing import Any

from simulator.account import Account
from simulator.clock import utc_text
from simulator.control.call import Call
from simulator.errors import ConfigError, ControlError
from simulator.merchant_urls import MerchantUrls
from simulator.notifier import Notifier
from simulator.store.settings import CLOCK_OFFSET

_MAX_URL = 500


class AccountRoutes:
    """What there is, what time it is, and where the merchant is reached."""

    def __init__(
        self, account: Account, notifier: Notifier, about: Callable[[], dict[str, Any]]
    ) -> None:
        self._account = account
        self._notifier = notifier
        self._about = about

    def overview(self, call: Call) -> dict[str, Any]:
        """Return address, time and channels."""
        account = self._account
        return {
            **self._about(),
            **self.show_clock(call),
            "channels": [
                {
                    "name": channel.name,
                    "label": channel.label,
                    "notification_url": account.notification_urls.get(channel.name),
                    "inquiry_url": account.inquiry_urls.get(channel.name),
                    "bins": [
                        {
                            "digits": merchant_bin.digits,
                            "type": merchant_bin.type,
                            "features": sorted(merchant_bin.features),
                            "max_free_digits": merchant_bin.max_free,
                        }
                        for merchant_bin in account.catalogue.bins_of(channel)
                    ],
                }
                for channel in account.catalogue.channels.values()
            ],
        }

    def show_clock(self, _call: Call) -> dict[str, Any]:
        """Return the simulator's time."""
        clock = self._account.clock
        return {"now": utc_text(clock.now()), "offset_seconds": clock.offset_seconds}

    def advance_clock(self, call: Call) -> dict[str, Any]:
        """Move the clock, by a negative number back."""
        seconds = call.body({"advance_seconds"}).value("advance_seconds")
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
            raise ControlError("advance_seconds is a number.")
        clock, store = self._account.clock, self._account.store
        with store.transaction():
            clock.advance(seconds)
            store.settings.put(CLOCK_OFFSET, repr(clock.offset_seconds))
        self._notifier.wake()
        return self.show_clock(call)

    def show_notification_urls(self, _call: Call) -> object:
        """Return where notifications go, by channel."""
        return self._account.notification_urls.of(self._account.catalogue.channels)

    def set_notification_urls(self, call: Call) -> object:
        """Change where notifications go."""
        return self._set(call, self._account.notification_urls)

    def show_inquiry_urls(self, _call: Call) -> object:
        """Return where inquiries go, by channel."""
        return self._account.inquiry_urls.of(self._account.catalogue.channels)

    def set_inquiry_urls(self, call: Call) -> object:
        """Change where inquiries go."""
        return self._set(call, self._account.inquiry_urls)

    def _set(self, call: Call, urls: MerchantUrls) -> dict[str, str | None]:
        channels = self._account.catalogue.channels
        body = call.body(set(channels))
        given = {channel: body.text(channel, limit=_MAX_URL) for channel in channels}
        wanted = {channel: url for channel, url in given.items() if url is not None}
        try:
            for url in wanted.values():
                urls.check(url)
        except ConfigError as error:
            raise ControlError(str(error)) from error
        with self._account.store.transaction():
            for channel, url in wanted.items():
                urls.set(channel, url)
        return urls.of(channels)

    def reset(self, _call: Call) -> object:
        """Forget everything but the clock and the merchant's URLs."""
        self._account.faults.hanging.release()
        self._account.store.reset()
        self._notifier.wake()
        return {"reset": True}
