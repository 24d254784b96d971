"""Errors that end in a sentence for a person."""

from collections.abc import Mapping
from http import HTTPStatus


class ConfigError(ValueError):
    """A setting that the simulator can't start with."""


class StartError(RuntimeError):
    """The simulator could not start: port taken, database unusable."""


class ControlError(Exception):
    """A request to the control API, or a payment, that is refused."""

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
        """What else the answer says, beside the sentence."""
