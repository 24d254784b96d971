"""Carries out the faults of DOKU's own routes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from simulator.faults import Faults
from simulator.protocol.errors import error_object, inactive, unknown_order
from simulator.protocol.security import Gate
from simulator.state import FaultRow
from simulator.wire import Answer, Delivery, Request

_GARBAGE = b"<html><body><h1>Bad Gateway</h1></body></html>"
_WRONG_KEY = "SK-not-the-key-of-doku"
_NOBODY = Answer(status=0, delivery=Delivery.NONE)
_EMPTY = Answer(status=HTTPStatus.OK, body=b"{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A request that has met a fault."""

    fault: FaultRow
    request: Request
    act: Callable[[], Answer]
    """Does the real work and answers, not yet signed."""
    gate: Gate
    faults: Faults
    base_url: str

    def value(self, name: str) -> Any:
        """Return a parameter of the fault."""
        return self.fault.parameters[name]

    def act_if_wanted(self) -> Answer:
        """Do the real work where the fault says ``accepted``; else answer with nothing."""
        return self.act() if self.value("accepted") else _EMPTY

    def sign(self, answer: Answer) -> Answer:
        """Sign as DOKU does."""
        return self.gate.sign(self.request, answer)

    def hang(self) -> bool:
        """Hang as long as the fault wants; whether the client is still there."""
        return self.faults.hang(self.request.connection, self.value("seconds"))


def misbehave(turn: Turn) -> Answer:
    """Answer a request as its fault wants it."""
    return _BEHAVIOUR[turn.fault.kind](turn)


def _hang_before_accept(turn: Turn) -> Answer:
    return turn.sign(turn.act()) if turn.hang() else _NOBODY


def _hang_after_accept(turn: Turn) -> Answer:
    answer = turn.act()
    return turn.sign(answer) if turn.hang() else _NOBODY


def _error_5xx(turn: Turn) -> Answer:
    turn.act_if_wanted()
    status = turn.value("status")
    return turn.sign(error_object(status, "internal_server_error", "Please try again"))


def _rate_limited(turn: Turn) -> Answer:
    answer = error_object(
        HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", "Too many requests"
    ).with_headers({"Retry-After": str(turn.value("retry_after"))})
    return turn.sign(answer)


def _unavailable(turn: Turn) -> Answer:
    return turn.sign(inactive())


def _not_found(turn: Turn) -> Answer:
    return turn.sign(unknown_order())


def _reset(turn: Turn) -> Answer:
    turn.act_if_wanted()
    return Answer(status=0, delivery=Delivery.RESET)


def _half_answer(turn: Turn) -> Answer:
    return replace(turn.sign(turn.act_if_wanted()), delivery=Delivery.HALF)


def _slow_drip(turn: Turn) -> Answer:
    return replace(
        turn.sign(turn.act_if_wanted()),
        delivery=Delivery.DRIP,
        seconds_per_byte=turn.value("seconds_per_byte"),
    )


def _huge_body(turn: Turn) -> Answer:
    answer = turn.act_if_wanted()
    comma = b"" if answer.body == b"{}" else b","
    padding = b'"padding":"' + b"x" * turn.value("bytes") + b'"}'
    return turn.sign(replace(answer, body=answer.body[:-1] + comma + padding))


def _wrong_signature(turn: Turn) -> Answer:
    return turn.gate.sign(turn.request, turn.act_if_wanted(), secret_key=_WRONG_KEY)


def _no_signature(turn: Turn) -> Answer:
    return turn.act_if_wanted()


def _redirect(turn: Turn) -> Answer:
    turn.act_if_wanted()
    location = turn.value("location") or f"{turn.base_url}/redirected"
    return turn.sign(Answer(status=turn.value("status"), headers={"Location": location}))


def _garbage(turn: Turn) -> Answer:
    turn.act_if_wanted()
    return turn.sign(Answer(status=HTTPStatus.OK, body=_GARBAGE, content_type="text/html"))


_BEHAVIOUR: dict[str, Callable[[Turn], Answer]] = {
    "hang_before_accept": _hang_before_accept,
    "hang_after_accept": _hang_after_accept,
    "error_5xx": _error_5xx,
    "rate_limited": _rate_limited,
    "unavailable": _unavailable,
    "not_found": _not_found,
    "reset": _reset,
    "half_answer": _half_answer,
    "slow_drip": _slow_drip,
    "huge_body": _huge_body,
    "wrong_signature": _wrong_signature,
    "no_signature": _no_signature,
    "redirect": _redirect,
    "garbage": _garbage,
}
