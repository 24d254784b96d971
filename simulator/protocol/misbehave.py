"""Answers requests to DOKU's routes as a fault demands."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from simulator import tellings
from simulator.hanging import HangingRequests
from simulator.protocol.authentication import Authenticator
from simulator.protocol.error_answers import (
    error_object,
    inactive,
    not_routed,
    refusal,
    unknown_order,
)
from simulator.store import Store
from simulator.store.fault_queue import QueuedFault
from simulator.wire import Answer, Delivery, Request, json_answer

_GARBAGE = b"<html><body><h1>Bad Gateway</h1></body></html>"
_FORBIDDEN = (
    b"<html><head><title>403 Forbidden</title></head><body><h1>Request blocked</h1></body></html>"
)
_WRONG_KEY = "SK-not-the-key-of-doku"
_NOBODY = Answer(status=0, delivery=Delivery.NONE)
_EMPTY = Answer(status=HTTPStatus.OK, body=b"{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoiledRequest:
    """A request that has met a fault."""

    fault: QueuedFault
    request: Request
    act: Callable[[], Answer]
    """Does the real work; returns the answer, not yet signed."""
    authenticator: Authenticator
    hanging: HangingRequests
    base_url: str
    store: Store

    def value(self, name: str) -> Any:
        """Return a parameter of the fault."""
        return self.fault.parameters[name]

    def act_if_wanted(self) -> Answer:
        """Do the real work if the fault says ``accepted``; else return an empty object."""
        return self.act() if self.value("accepted") else _EMPTY

    def sign(self, answer: Answer) -> Answer:
        """Sign as DOKU does."""
        return self.authenticator.sign(self.request, answer)

    def sign_if_wanted(self, answer: Answer) -> Answer:
        """Sign the answer if the fault says ``signed``."""
        return self.sign(answer) if self.value("signed") else answer

    def hang(self) -> bool:
        """Hang as long as the fault says; return whether the client is still there."""
        return self.hanging.hang(self.request.connection, self.value("seconds"))


def misbehave(spoiled: SpoiledRequest) -> Answer:
    """Answer a request as its fault demands."""
    return _BEHAVIOUR.get(spoiled.fault.kind, _told_otherwise)(spoiled)


def _told_otherwise(spoiled: SpoiledRequest) -> Answer:
    """Answer a status check with another telling."""
    answer, fault = spoiled.act(), spoiled.fault
    if answer.status == HTTPStatus.OK:
        document = json.loads(answer.body)
        told = tellings.spoil(fault.kind, document, fault.parameters, spoiled.store)
        answer = json_answer(answer.status, told)
    return spoiled.sign(answer)


def _hang_before_accept(spoiled: SpoiledRequest) -> Answer:
    return spoiled.sign(spoiled.act()) if spoiled.hang() else _NOBODY


def _hang_after_accept(spoiled: SpoiledRequest) -> Answer:
    answer = spoiled.act()
    return spoiled.sign(answer) if spoiled.hang() else _NOBODY


def _error_5xx(spoiled: SpoiledRequest) -> Answer:
    spoiled.act_if_wanted()
    status = spoiled.value("status")
    return spoiled.sign(error_object(status, "internal_server_error", "Please try again"))


def _rate_limited(spoiled: SpoiledRequest) -> Answer:
    answer = error_object(
        HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", "Too many requests"
    ).with_headers({"Retry-After": str(spoiled.value("retry_after"))})
    return spoiled.sign(answer)


def _unavailable(spoiled: SpoiledRequest) -> Answer:
    return spoiled.sign_if_wanted(inactive())


def _not_found(spoiled: SpoiledRequest) -> Answer:
    return spoiled.sign_if_wanted(unknown_order())


def _refused(spoiled: SpoiledRequest) -> Answer:
    spoiled.act_if_wanted()
    shape, status, code, message = map(spoiled.value, ("shape", "status", "code", "message"))
    return spoiled.sign_if_wanted(refusal(shape, status, code, message))


def _refused_repeat(spoiled: SpoiledRequest) -> Answer:
    return spoiled.sign_if_wanted(
        error_object(spoiled.value("status"), "invalid_request", "Request refused")
    )


def _not_routed(spoiled: SpoiledRequest) -> Answer:
    return not_routed(spoiled.request.target)


def _firewall(spoiled: SpoiledRequest) -> Answer:
    return Answer(status=spoiled.value("status"), body=_FORBIDDEN, content_type="text/html")


def _early_hints(spoiled: SpoiledRequest) -> Answer:
    return replace(spoiled.sign(spoiled.act()), interim_status=spoiled.value("status"))


def _reset(spoiled: SpoiledRequest) -> Answer:
    spoiled.act_if_wanted()
    return Answer(status=0, delivery=Delivery.RESET)


def _half_answer(spoiled: SpoiledRequest) -> Answer:
    return replace(spoiled.sign(spoiled.act_if_wanted()), delivery=Delivery.HALF)


def _slow_drip(spoiled: SpoiledRequest) -> Answer:
    return replace(
        spoiled.sign(spoiled.act_if_wanted()),
        delivery=Delivery.DRIP,
        seconds_per_byte=spoiled.value("seconds_per_byte"),
    )


def _huge_body(spoiled: SpoiledRequest) -> Answer:
    answer = spoiled.act_if_wanted()
    comma = b"" if answer.body == b"{}" else b","
    padding = b'"padding":"' + b"x" * spoiled.value("bytes") + b'"}'
    return spoiled.sign(replace(answer, body=answer.body[:-1] + comma + padding))


def _wrong_signature(spoiled: SpoiledRequest) -> Answer:
    return spoiled.authenticator.sign(
        spoiled.request, spoiled.act_if_wanted(), secret_key=_WRONG_KEY
    )


def _no_signature(spoiled: SpoiledRequest) -> Answer:
    return spoiled.act_if_wanted()


def _redirect(spoiled: SpoiledRequest) -> Answer:
    spoiled.act_if_wanted()
    location = spoiled.value("location") or f"{spoiled.base_url}/redirected"
    return spoiled.sign(Answer(status=spoiled.value("status"), headers={"Location": location}))


def _garbage(spoiled: SpoiledRequest) -> Answer:
    spoiled.act_if_wanted()
    return spoiled.sign(Answer(status=HTTPStatus.OK, body=_GARBAGE, content_type="text/html"))


_BEHAVIOUR: dict[str, Callable[[SpoiledRequest], Answer]] = {
    "hang_before_accept": _hang_before_accept,
    "hang_after_accept": _hang_after_accept,
    "error_5xx": _error_5xx,
    "rate_limited": _rate_limited,
    "unavailable": _unavailable,
    "not_found": _not_found,
    "refused": _refused,
    "refused_repeat": _refused_repeat,
    "not_routed": _not_routed,
    "firewall": _firewall,
    "early_hints": _early_hints,
    "reset": _reset,
    "half_answer": _half_answer,
    "slow_drip": _slow_drip,
    "huge_body": _huge_body,
    "wrong_signature": _wrong_signature,
    "no_signature": _no_signature,
    "redirect": _redirect,
    "garbage": _garbage,
}
