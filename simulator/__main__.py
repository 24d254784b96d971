"""Runs the simulator from the command line."""

import argparse
import os
import secrets
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from simulator.app import Simulator
from simulator.catalogue import read_bin, with_bins
from simulator.channels import BIN_EXAMPLE, BINS
from simulator.config import AMOUNT_FORMS, SimulatorConfig
from simulator.errors import ConfigError, StartError

_CLIENT_ID_VARIABLE = "DOKU_CLIENT_ID"
_SECRET_KEY_VARIABLE = "DOKU_SECRET_KEY"  # noqa: S105 - a name


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not CHANNEL=VALUE")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A DOKU to run against: signs, verifies, pays, and misbehaves on demand.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=8700, help="0 takes a free one (default: %(default)s)")
    add("--client-id", help=f"default: ${_CLIENT_ID_VARIABLE}, else made up")
    add("--secret-key", help=f"default: ${_SECRET_KEY_VARIABLE}, else made up and printed")
    add("--database", type=Path, metavar="FILE", help="SQLite file; in memory without")
    add("--public-url", metavar="URL", help="start of the how-to-pay links")
    add(
        "--time-scale",
        type=float,
        default=1.0,
        help="how many times faster notifications are retried",
    )
    add(
        "--notify-url",
        type=_pair,
        action="append",
        default=[],
        metavar="CHANNEL=URL",
        help="where notifications go, as set in DOKU's Back Office; may be repeated",
    )
    add(
        "--inquiry-url",
        type=_pair,
        action="append",
        default=[],
        metavar="CHANNEL=URL",
        help="where to ask about codes that live at the merchant; may be repeated",
    )
    add("--inquiry-timeout", type=float, default=5.0, metavar="SECONDS",
        help="until an inquiry is given up (default: %(default)s)")  # fmt: skip
    add(
        "--bin",
        action="append",
        default=[],
        metavar="CHANNEL:TYPE:DIGITS",
        help=f"in place of the BINs of that channel and type, such as {BIN_EXAMPLE};"
        " may be repeated",
    )
    add("--amount-form", choices=AMOUNT_FORMS, default="decimal", help="default: %(default)s")
    add("--status-delay", type=float, default=60.0, metavar="SECONDS",
        help="until a payment shows in the status check (default: %(default)s)")  # fmt: skip
    add(
        "--strict",
        action="store_true",
        help="refuse what the protocol does not ask for, though DOKU's own plug-ins send it",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; the exit code is 0 after a clean stop, else 1."""
    options = _parser().parse_args(arguments)
    client_id = options.client_id or os.environ.get(_CLIENT_ID_VARIABLE) or "MCH-SIMULATOR-0001"
    secret_key = options.secret_key or os.environ.get(_SECRET_KEY_VARIABLE)
    made_up = secret_key is None
    if secret_key is None:
        secret_key = f"SK-{secrets.token_hex(16)}"
    try:
        simulator = Simulator(
            SimulatorConfig(
                client_id=client_id,
                secret_key=secret_key,
                host=options.host,
                port=options.port,
                database=options.database,
                public_url=options.public_url,
                notification_urls=dict(options.notify_url),
                inquiry_urls=dict(options.inquiry_url),
                inquiry_timeout_seconds=options.inquiry_timeout,
                bins=with_bins(BINS, [read_bin(text) for text in options.bin]),
                time_scale=options.time_scale,
                status_delay_seconds=options.status_delay,
                amount_form=options.amount_form,
                strict=options.strict,
            )
        )
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        simulator.start()
    except (ConfigError, StartError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    print(f"DOKU simulator  {simulator.url}")
    print(f"cashier page    {simulator.url}/cashier")
    print(f"control API     {simulator.url}/_control")
    print(f"Client-Id       {client_id}")
    if made_up:
        print(f"secret key      {secret_key}")
    print("Ctrl-C stops it.", flush=True)
    stopped.wait()
    simulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
