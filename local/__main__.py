"""``python -m local``: start the stack, say where things are, stay until Ctrl-C."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table

from local.errors import StackError
from local.stack import ROOT, Options, Stack, Started


class _Stop(BaseException):
    """Somebody asked the stack to end while it was starting."""


class _Signals:
    """Hears that the stack shall end.

    Starting is broken off by an exception. One that is raised while Python cleans something up
    is lost, so that the wish is also remembered; waiting needs nothing but that.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.breaks_off = True
        for number in _ENDS:
            signal.signal(number, self._hear)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.ignore()  # once is enough; the end must not be interrupted
        self.asked.set()
        if self.breaks_off:
            raise _Stop

    @staticmethod
    def ignore() -> None:
        """Hear nothing more."""
        for number in _ENDS:
            signal.signal(number, signal.SIG_IGN)


_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _number(name: str) -> int | None:
    value = os.environ.get(name)
    if not value:
        return None
    try:
        return int(value)
    except ValueError:
        raise StackError(f"{name} is a port number, not {value!r}.") from None


def read_options(arguments: Sequence[str] | None) -> Options:
    """The options of the command line, with environment variables behind them."""
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="The whole system on this machine, with DOKU's simulator.",
    )
    add = parser.add_argument
    add("--api-port", type=int, metavar="PORT", help="else $O2O_API_PORT")
    add("--simulator-port", type=int, metavar="PORT", help="else $O2O_SIMULATOR_PORT")
    add("--console-port", type=int, metavar="PORT", help="else $O2O_CONSOLE_PORT")
    add("--dynamodb-url", metavar="URL", help="an engine of your own; else $O2O_DYNAMODB_URL")
    add("--state-dir", type=Path, metavar="FOLDER", help="else $O2O_STATE_DIR, else .local")
    add("--workers", type=int, default=4, metavar="N", help="per function (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.workers < 1:
        parser.error("--workers is 1 or more.")

    def port(option: int | None, name: str) -> int | None:
        return _number(name) if option is None else option

    return Options(
        state_dir=options.state_dir or Path(os.environ.get("O2O_STATE_DIR") or ROOT / ".local"),
        api_port=port(options.api_port, "O2O_API_PORT"),
        simulator_port=port(options.simulator_port, "O2O_SIMULATOR_PORT"),
        console_port=port(options.console_port, "O2O_CONSOLE_PORT"),
        dynamodb_url=options.dynamodb_url or os.environ.get("O2O_DYNAMODB_URL") or None,
        workers=options.workers,
    )


def tell(console: Console, started: Started, state_dir: Path) -> None:
    """Say where things are, with a request that is ready to be sent."""
    description = started.description
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("API", description["api_url"]),
        ("API key", description["api_key"]),
        ("Cashier", f"{description['doku']['base_url']}/cashier"),
        ("Console", description["console_url"]),
        ("All of it", str(state_dir / "stack.json")),
    ):
        table.add_row(f"[bold]{name}", value)
    console.print(table)
    if started.note:
        console.print(f"[yellow]{started.note}")
    console.print("\nA code for Alfa:\n")
    console.print(
        f"curl -s {description['api_url']}/payment-codes"
        f" -H 'Authorization: Bearer {description['api_key']}'"
        " -H 'Content-Type: application/json'"
        """ -d '{"invoice_number": "INV-1", "amount": 25000, "channel": "alfa","""
        """ "customer": {"name": "Anton Budiman"}}'""",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    console.print("\nCtrl-C stops it." if started.note else "\nCtrl-C stops it; the data stays.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until asked to stop; the exit code is 0 then, and 1 if the stack can't go on."""
    console = Console(soft_wrap=True)
    stack = None
    try:
        signals = _Signals()
        options = read_options(arguments)
        stack = Stack(options)
        started = stack.start()
        tell(console, started, options.state_dir)
        signals.breaks_off = False
        stack.wait(signals.asked)
    except _Stop:
        return 0
    except StackError as error:
        print(f"local stack: {error}", file=sys.stderr)
        return 1
    finally:
        _Signals.ignore()
        if stack is not None:
            stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
