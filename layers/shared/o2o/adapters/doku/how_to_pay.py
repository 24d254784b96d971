"""DOKU's How-To-Pay API (DOKU protocol, section 3): optional, so nothing here is ever fatal."""

import json
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import requests
import urllib3

from o2o.adapters.doku.transport import USER_AGENT, BareSession, NotConnected
from o2o.core.how_to_pay import Instruction
from o2o.usecases.ports import InstructionSource, TimeLeft

_DOKUS_HOST = re.compile(r"([a-z0-9-]{1,63}\.){0,5}doku\.com", re.ASCII)
_LONGEST_WAIT = 2.0
_RESERVE = 1.0
_MAX_BODY_BYTES = 32 * 1024
_MOST_PLACES = 10
_MOST_STEPS = 20
_LONGEST_STEP = 500
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": USER_AGENT,
}


class HowToPayApi(InstructionSource):
    """``InstructionSource`` over HTTP.

    The address comes out of an answer, so it is fetched only over https from DOKU's own
    hosts, or from the very origin that is configured as DOKU.
    """

    def __init__(self, base_url: str) -> None:
        self._origin = _origin(base_url)
        self._session = BareSession()

    def fetch(self, address: str, time_left: TimeLeft) -> Sequence[Instruction]:
        wait = min(_LONGEST_WAIT, time_left() - _RESERVE)
        if wait <= 0:
            return ()
        timeout = urllib3.Timeout(total=wait)
        try:
            prepared = requests.Request("GET", address, headers=_HEADERS).prepare()
            # What is judged is what will be asked, and not what another parser makes of it.
            if not self._is_dokus(prepared.url or ""):
                return ()
            with self._session.send(
                prepared,
                stream=True,
                allow_redirects=False,
                timeout=timeout,  # type: ignore[arg-type]  # requests takes urllib3's, too
            ) as response:
                if response.status_code != requests.codes.ok:
                    return ()
                body = response.raw.read(_MAX_BODY_BYTES + 1, decode_content=False)
        except (
            NotConnected,
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
            ValueError,
        ):
            return ()
        return () if len(body) > _MAX_BODY_BYTES else read_instructions(body)

    def _is_dokus(self, address: str) -> bool:
        origin = _origin(address)
        if origin == self._origin:
            return True
        scheme, host, port = origin
        return scheme == "https" and port in (None, 443) and bool(_DOKUS_HOST.fullmatch(host))


def read_instructions(body: bytes) -> tuple[Instruction, ...]:
    """The instructions of an answer; what is not as documented is passed over."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    entries = message.get("payment_instruction") if isinstance(message, dict) else None
    if not isinstance(entries, list):
        return ()
    found = (_read(entry) for entry in entries[:_MOST_PLACES] if isinstance(entry, dict))
    return tuple(instruction for instruction in found if instruction.steps)


def _read(entry: dict[str, object]) -> Instruction:
    steps = entry.get("step")
    texts = steps if isinstance(steps, list) else []
    return Instruction(
        _readable(entry.get("channel")),
        tuple(text for text in map(_readable, texts[:_MOST_STEPS]) if text),
    )


def _readable(value: object) -> str:
    """A text on one line, fit for any answer of ours; empty for anything else."""
    if not isinstance(value, str):
        return ""
    kept = (character if character.isprintable() else " " for character in value)
    return " ".join("".join(kept).split())[:_LONGEST_STEP]


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    if parts.username is not None or parts.password is not None:
        raise ValueError("credentials in an address")
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port
