"""Assembles the simulator: ``Simulator(config).start()``, ``.url``, ``.stop()``."""

import threading
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from simulator.account import Account
from simulator.catalogue import Catalogue
from simulator.clock import Clock
from simulator.config import SimulatorConfig
from simulator.control.router import PREFIX, Control
from simulator.faults import Faults
from simulator.inquirer import Inquirer
from simulator.merchant_urls import MerchantUrls
from simulator.notifier import Notifier
from simulator.pages import cashier_page
from simulator.protocol.api import DokuApi
from simulator.server import Server
from simulator.store import Store
from simulator.store.settings import CLOCK_OFFSET
from simulator.till import Till
from simulator.wire import Answer, Request


class Simulator:
    """A DOKU for one merchant account, on a port of this machine.

    ``start`` raises ``StartError`` with a sentence if it can't. Also a context manager.
    """

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        self._catalogue = Catalogue(config.channels, config.bins)
        self._parts: _Parts | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end; raises ``RuntimeError`` unless it runs."""
        return self._running().url

    def start(self) -> Self:
        """Open the database, listen, and send the notifications that an earlier run left over."""
        if self._parts is None:
            self._parts = _Parts(self._config, self._catalogue)
            self._parts.start()
        return self

    def stop(self) -> None:
        """Stop; what is unfinished stays in the database. A second call does no harm."""
        parts, self._parts = self._parts, None
        if parts is not None:
            parts.stop()

    def set_notification_url(self, channel: str, url: str) -> None:
        """Configure a channel's notification URL; raises ``ConfigError``."""
        self._catalogue.channel(channel)
        self._running().account.notification_urls.set(channel, url)

    def set_inquiry_url(self, channel: str, url: str) -> None:
        """Configure a channel's inquiry URL; raises ``ConfigError``."""
        self._catalogue.channel(channel)
        self._running().account.inquiry_urls.set(channel, url)

    def wake(self) -> None:
        """Look for due notifications now, because a shared clock has moved."""
        self._running().notifier.wake()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _running(self) -> "_Parts":
        if self._parts is None:
            raise RuntimeError("The simulator is not running.")
        return self._parts


class _Parts:
    """What exists while the simulator runs."""

    def __init__(self, config: SimulatorConfig, catalogue: Catalogue) -> None:
        self._store = Store(config.database)
        try:
            self._server = Server(config.host, config.port, self._answer)
        except BaseException:
            self._store.close()
            raise
        host, port = self._server.server_address[:2]
        self.url = f"http://{host!s}:{port}"
        settings = self._store.settings
        offset = float(settings.get(CLOCK_OFFSET) or 0) if config.now is None else 0.0
        self.account = Account(
            config=config,
            catalogue=catalogue,
            clock=Clock(config.now, offset),
            store=self._store,
            faults=Faults(self._store.fault_queue, tuple(catalogue.channels)),
            notification_urls=MerchantUrls(
                settings, "notification", config.notification_urls, strict=config.strict
            ),
            inquiry_urls=MerchantUrls(
                settings, "inquiry", config.inquiry_urls, strict=config.strict
            ),
            base_url=(config.public_url or self.url).rstrip("/"),
        )
        self.notifier = Notifier(self.account)
        self._inquirer = Inquirer(self.account)
        till = Till(self.account, self._inquirer)
        self._api = DokuApi(self.account, till)
        self._control = Control(self.account, till, self.notifier, self._about)
        self._thread = threading.Thread(target=self._server.serve, name="simulator", daemon=True)

    def start(self) -> None:
        self.notifier.start()
        self._thread.start()

    def stop(self) -> None:
        self.account.faults.hanging.close()
        self._inquirer.stop()
        self._server.stop()
        self._thread.join()
        self._server.finish()
        self.notifier.stop()
        self._store.close()

    def _about(self) -> dict[str, Any]:
        return {
            "name": "DOKU simulator",
            "url": self.url,
            "cashier": f"{self.url}/cashier",
            "client_id": self.account.config.client_id,
            "time_scale": self.account.config.time_scale,
        }

    def _answer(self, request: Request) -> Answer:
        if request.target == PREFIX or request.target.startswith(PREFIX + "/"):
            return self._control.answer(request)
        if request.method in {"GET", "HEAD"}:
            if request.target == "/cashier":
                return cashier_page()
            if request.target == "/":
                return Answer(status=HTTPStatus.FOUND, headers={"Location": "/cashier"})
        return self._api.answer(request)
