"""Control routes of faults: list, add, remove, release."""

from http import HTTPStatus

from simulator.account import Account
from simulator.control.call import Call
from simulator.control.views import fault_view
from simulator.errors import ControlError


class FaultRoutes:
    """Faults on demand."""

    def __init__(self, account: Account) -> None:
        self._faults = account.faults
        self._queue = account.store.fault_queue

    def show(self, _call: Call) -> object:
        """Return every fault, used up or not, and how many requests hang."""
        return {
            "hanging": self._faults.hanging.count(),
            "faults": [fault_view(fault) for fault in self._queue.all()],
        }

    def add(self, call: Call) -> object:
        """Queue a fault."""
        return fault_view(self._faults.add(call.body(None).document))

    def clear(self, _call: Call) -> object:
        """Remove every fault, and let what hangs continue."""
        return {"cleared": self._faults.clear()}

    def remove(self, call: Call) -> object:
        """Remove one fault."""
        name = call.name
        if not (name.isascii() and name.isdigit() and len(name) < 16):  # noqa: PLR2004 - an id
            raise ControlError(f"There is no fault {name!r}.", HTTPStatus.NOT_FOUND)
        return {"cleared": self._faults.clear(int(name))}

    def release(self, _call: Call) -> object:
        """Let what hangs continue."""
        return {"released": self._faults.hanging.release()}
