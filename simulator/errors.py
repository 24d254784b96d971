"""Errors whose text is a sentence for a person."""

from collections.abc import Mapping
from http import HTTPStatus


class ConfigError(ValueError):
    """A setting with which the simulator can't start."""


class StartError(RuntimeError):
    """The simulator could not start: port taken, database unusable."""


class ControlError(Exception):
    """A request to the control API that is refused; ``status`` is the HTTP status."""

    def __init__(
        self,
        sentence: str,
        status: int = HTTPStatus.BAD_REQUEST,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = int(status)
        self.more = more or {}
        """Further fields of the answer."""
