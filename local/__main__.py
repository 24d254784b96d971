"""``python -m local``: start the stack, print its addresses, run until Ctrl-C."""

import argparse
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.errors import StackError
from local.options import add_state_dir, positive
from local.stack import Options, Stack, Started


class _Stop(BaseException):
    """A signal asked the stack to stop while it was starting."""


class _StopSignals:
    """Handles the signals that ask the stack to stop.

    While the stack starts, a signal raises ``_Stop``. Python drops an exception that is raised in a
    finalizer, so the signal sets an event too, which is all that a running stack needs.
    """

    def __init__(self) -> None:
        self.received = threading.Event()
        self.starting = True
        for number in _STOP_SIGNALS:
            signal.signal(number, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.ignore()  # a second signal must not interrupt the shutdown
        self.received.set()
        if self.starting:
            raise _Stop

    @staticmethod
    def ignore() -> None:
        """Ignore these signals from now on."""
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)


_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _port_variable(name: str) -> int | None:
    value = os.environ.get(name)
    if not value:
        return None
    try:
        return int(value)
    except ValueError:
        raise StackError(f"{name} must be a port number, not {value!r}.") from None


def _base_path(text: str) -> str:
    """The type of ``--base-path``."""
    if not re.fullmatch(r"(/[A-Za-z0-9_-]+)*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no path like /o2o")
    return text


def read_options(arguments: Sequence[str] | None) -> Options:
    """The options of the command line; environment variables are the defaults.

    Raises ``StackError`` if a variable is not a number.
    """
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="Run the whole system locally, with a simulator of DOKU.",
    )
    add = parser.add_argument
    for server in ("api", "simulator", "console"):
        variable = f"$O2O_{server.upper()}_PORT"
        text = f"default: {variable}, else the previous one, else any free one"
        add(f"--{server}-port", type=int, metavar="PORT", help=text)
    text = "what goes before the API's routes, as behind a custom domain: /o2o (default: nothing)"
    add("--base-path", type=_base_path, default="", metavar="PATH", help=text)
    text = "a DynamoDB engine that runs already (default: $O2O_DYNAMODB_URL, else one of its own)"
    add("--dynamodb-url", metavar="URL", help=text)
    add_state_dir(parser, "where the data is kept")
    add(
        "--workers",
        type=positive,
        default=4,
        metavar="N",
        help="processes per function (default: %(default)s)",
    )
    add(
        "--kill-points",
        action="store_true",
        help="let functions' processes be killed at their calls: for tests",
    )
    add(
        "--parameter",
        type=_parameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the template that is to have another value here",
    )
    options = parser.parse_args(arguments)

    def port(option: int | None, name: str) -> int | None:
        return _port_variable(name) if option is None else option

    return Options(
        state_dir=options.state_dir,
        api_port=port(options.api_port, "O2O_API_PORT"),
        simulator_port=port(options.simulator_port, "O2O_SIMULATOR_PORT"),
        console_port=port(options.console_port, "O2O_CONSOLE_PORT"),
        base_path=options.base_path,
        dynamodb_url=(
            os.environ.get("O2O_DYNAMODB_URL") or None
            if options.dynamodb_url is None
            else options.dynamodb_url
        ),
        workers=options.workers,
        kill_points=options.kill_points,
        parameters=dict(options.parameter),
    )


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _shown(folder: Path) -> Path:
    """A folder as a person in this one would write it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def print_summary(console: Console, started: Started, state_dir: Path) -> None:
    """Print the addresses, the API key and a request that is ready to be sent."""
    description = started.description
    table = Table.grid(padding=(0, 2))
    for name, value in (
        ("API", description["api_url"]),
        ("API key", description["api_key"]),
        ("Cashier", f"{description['doku']['base_url']}/cashier"),
        ("Console", description["console_url"]),
        ("For a shell", f". {shlex.quote(str(_shown(state_dir) / 'env'))}"),
        ("For programs", str(_shown(state_dir) / "stack.json")),
    ):
        table.add_row(f"[bold]{name}", Text(value))
    console.print(table)
    if started.note:
        console.print(Text(started.note, style="yellow"))
    console.print("\nCreate a payment code for Alfa:\n")
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
    kept = "lost" if started.note else "kept"
    console.print(f"\nPress Ctrl-C to stop; the data is {kept}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal asks to stop (exit code 0) or the stack fails (exit code 1)."""
    console = Console(soft_wrap=True)
    stack = None
    try:
        signals = _StopSignals()
        options = read_options(arguments)
        stack = Stack(options)
        started = stack.start()
        print_summary(console, started, options.state_dir)
        signals.starting = False
        stack.wait(signals.received)
    except _Stop:
        return 0
    except StackError as error:
        print(f"local stack: {error}", file=sys.stderr)
        return 1
    finally:
        _StopSignals.ignore()
        if stack is not None:
            stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
