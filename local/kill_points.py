"""Kill points: the moments at which a function's process can be made to die.

A function changes the world over HTTP alone: AWS, DOKU and receivers of webhooks are all called
through ``http.client``, and that is where the process can end. It kills itself as a crash does,
with nothing flushed: just before a request leaves, or once it is answered and before the function
learns it. The product knows nothing of it, and only a stack that is started with ``--kill-points``
has it (decision 0084).
"""

import http.client
import json
import os
import signal
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BEFORE = "before"
AFTER = "after"
_TARGET = "x-amz-target"


@dataclass(frozen=True, slots=True)
class Call:
    """A request that a function sent: ``TransactWriteItems``, or ``POST /first-part-of-the-path``.

    ``nth`` counts those of one function that have this name, from 1.
    """

    function: str
    name: str
    nth: int


@dataclass(frozen=True, slots=True)
class KillPoint:
    """A call, and the side of it on which the process dies: before it leaves, or after it."""

    call: Call
    side: str


class KillPoints:
    """The kill points of one stack, in a folder that its workers share with who drives them.

    A function must have one worker only: each counts its own calls.
    """

    def __init__(self, folder: Path) -> None:
        self._order = folder / "order.json"
        self._calls = folder / "calls.jsonl"

    # --- for who drives the stack --------------------------------------------------------------

    def order(self, point: KillPoint) -> None:
        """Have the process die that comes to this point, counted from now; one process, once."""
        fresh = self._order.with_suffix(".new")
        fresh.write_text(json.dumps({"id": uuid.uuid4().hex, **asdict(point)}))
        fresh.replace(self._order)

    def withdraw(self) -> None:
        """Take the order back, if nobody has carried it out."""
        self._order.unlink(missing_ok=True)

    @property
    def is_ordered(self) -> bool:
        """Whether an order is there that nobody has carried out."""
        return self._order.exists()

    def calls(self) -> list[dict[str, Any]]:
        """All calls so far, oldest first: ``function``, ``name``, and the process as ``pid``."""
        try:
            return [json.loads(line) for line in self._calls.read_text().splitlines()]
        except FileNotFoundError:
            return []

    # --- in a process that may die -------------------------------------------------------------

    def watch(self, function: str) -> None:
        """Note every HTTP request of this process, and die where that is ordered."""
        counts: Counter[tuple[str, str]] = Counter()

        def leave(name: str) -> Call:
            line = json.dumps({"function": function, "name": name, "pid": os.getpid()}) + "\n"
            with self._calls.open("ab", buffering=0) as file:
                file.write(line.encode())
            order = self._ordered()
            count = (order["id"] if order else "", name)
            counts[count] += 1
            call = Call(function, name, counts[count])
            self._come_to(KillPoint(call, BEFORE))
            return call

        _watch_http(leave, lambda call: self._come_to(KillPoint(call, AFTER)))

    def _ordered(self) -> dict[str, Any] | None:
        try:
            order: dict[str, Any] = json.loads(self._order.read_text())
        except FileNotFoundError:
            return None
        return order

    def _come_to(self, point: KillPoint) -> None:
        order = self._ordered()
        if order is not None and order == {"id": order["id"], **asdict(point)}:
            self._order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def _watch_http(leave: Callable[[str], Call], answered: Callable[[Call], None]) -> None:
    """Call ``leave`` before the head of a request goes, ``answered`` when that of its answer came.

    Of requests to AWS the name is known only once the headers are.
    """
    plain = http.client.HTTPConnection
    put_request, put_header = plain.putrequest, plain.putheader
    end_headers, get_response = plain.endheaders, plain.getresponse

    def putrequest(self: Any, method: str, url: str, *args: Any, **options: Any) -> None:
        self.o2o_name = f"{method} /{urlsplit(url).path.split('/')[1]}"
        put_request(self, method, url, *args, **options)

    def putheader(self: Any, header: Any, *values: Any) -> None:
        put_header(self, header, *values)
        if _text(header).lower() == _TARGET:
            self.o2o_name = _text(values[0]).rpartition(".")[2]

    def endheaders(self: Any, *args: Any, **options: Any) -> None:
        self.o2o_call = leave(self.o2o_name)
        end_headers(self, *args, **options)

    def getresponse(self: Any) -> http.client.HTTPResponse:
        response = get_response(self)
        answered(self.o2o_call)
        return response

    for patched in (putrequest, putheader, endheaders, getresponse):
        setattr(plain, patched.__name__, patched)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
