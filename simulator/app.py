"""Puts the parts together: ``Simulator(config).start()``, ``.url``, ``.stop()``."""

import threading
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from simulator.channels import Catalogue
from simulator.clock import Clock
from simulator.config import SimulatorConfig, check_url
from simulator.control import (
    INQUIRY_URL_SETTING,
    NOTIFICATION_URL_SETTING,
    OFFSET_SETTING,
    PREFIX,
    Control,
)
from simulator.faults import Faults
from simulator.inquiry import Inquirer
from simulator.notify import Notifier
from simulator.pages import cashier_page
from simulator.protocol.api import DokuApi
from simulator.server import Server
from simulator.state import State
from simulator.till import Till
from simulator.wire import Answer, Request


class Simulator:
    """A DOKU for one merchant account, on a port of this machine.

    ``start`` raises ``StartError`` with a sentence where it can't. Also a context manager.
    """

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        self._catalogue = Catalogue(config.channels, config.bins)
        self._parts: _Parts | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end; only while it runs."""
        return self._running().url

    def start(self) -> Self:
        """Open the database, listen, and go on with notifications that were left over."""
        if self._parts is None:
            self._parts = _Parts(self._config, self._catalogue)
            self._parts.start()
        return self

    def stop(self) -> None:
        """End everything; what is unfinished stays in the database. Twice does no harm."""
        parts, self._parts = self._parts, None
        if parts is not None:
            parts.stop()

    def set_notification_url(self, channel: str, url: str) -> None:
        """Configure a channel's notification URL; raises ``ConfigError``."""
        self._catalogue.channel(channel)
        self._running().set_url(NOTIFICATION_URL_SETTING, channel, check_url(url))

    def set_inquiry_url(self, channel: str, url: str) -> None:
        """Configure whom DOKU asks about codes at the merchant; raises ``ConfigError``."""
        self._catalogue.channel(channel)
        self._running().set_url(INQUIRY_URL_SETTING, channel, check_url(url))

    def wake(self) -> None:
        """Look for due notifications now: a shared clock has moved."""
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
        self._config = config
        self._state = State(config.database)
        try:
            self._server = Server(config.host, config.port, self._answer)
        except BaseException:
            self._state.close()
            raise
        host, port = self._server.server_address[:2]
        self.url = f"http://{host!s}:{port}"
        offset = float(self._state.setting(OFFSET_SETTING) or 0) if config.now is None else 0.0
        self._clock = Clock(config.now, offset)
        notified = {**self._state.settings(NOTIFICATION_URL_SETTING), **config.notification_urls}
        asked = {**self._state.settings(INQUIRY_URL_SETTING), **config.inquiry_urls}
        self._urls = {NOTIFICATION_URL_SETTING: notified, INQUIRY_URL_SETTING: asked}
        self._faults = Faults(self._state)
        self.notifier = Notifier(config, self._clock, self._state, self._faults, notified.get)
        self._inquirer = Inquirer(
            config, catalogue, self._clock, self._state, self._faults, asked.get
        )
        till = Till(catalogue, self._clock, self._state, self._inquirer)
        api = DokuApi(
            config,
            catalogue,
            self._clock,
            self._state,
            self._faults,
            till,
            notified.get,
            lambda: (config.public_url or self.url).rstrip("/"),
        )
        self._api = api
        self._control = Control(
            catalogue=catalogue,
            clock=self._clock,
            state=self._state,
            faults=self._faults,
            notifier=self.notifier,
            till=till,
            api=api,
            urls=self._urls,
            about=self._about,
        )
        self._thread = threading.Thread(target=self._server.serve, name="simulator", daemon=True)

    def start(self) -> None:
        self.notifier.start()
        self._thread.start()

    def stop(self) -> None:
        self._faults.close()
        self._inquirer.stop()
        self._server.stop()
        self._thread.join()
        self._server.finish()
        self.notifier.stop()
        self._state.close()

    def set_url(self, setting: str, channel: str, url: str) -> None:
        self._state.remember(setting + channel, url)
        self._urls[setting][channel] = url

    def _about(self) -> dict[str, Any]:
        return {
            "name": "DOKU simulator",
            "url": self.url,
            "cashier": f"{self.url}/cashier",
            "client_id": self._config.client_id,
            "time_scale": self._config.time_scale,
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
