"""What reading the roots costs each connection to AWS, before it begins.

    .venv/bin/python -m benchmarks.tls [--times 30]

botocore reads its file of roots anew for each connection. Each round reads every file once, in a
new order. Writes the table in docs/benchmarks.md.
"""

import argparse
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path

import botocore
import certifi
from rich.console import Console

from benchmarks import document
from benchmarks.measuring import in_turns, keep, machine
from local.options import positive
from o2o.adapters.aws import AMAZON_ROOTS

FILES = {
    "Amazon's, as on Lambda": Path(AMAZON_ROOTS),
    "botocore's own": Path(botocore.__file__).with_name("cacert.pem"),
    "certifi's, for DOKU and webhooks": Path(certifi.where()),
}


def main() -> None:
    """Measure, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=positive, default=30, help="readings of each file")
    times: int = parser.parse_args().times
    cases = {name: partial(_reading, path) for name, path in FILES.items()}
    found = in_turns(cases, times)
    keep("tls", found)
    floor = min(each.cpu.median for each in found.values())
    rows = [
        f"| {name} | {FILES[name].read_text().count('BEGIN CERTIFICATE')} | {each.cpu}"
        f" | {each.wall.median:.1f} | {each.cpu.median / floor:.1f} |\n"
        for name, each in found.items()
    ]
    document.write(
        "tls",
        f"{times} readings of each, {machine()}.\n\n"
        "| roots | how many | ms of one processor for a connection | half of them between | ms"
        " | times the least |\n|---|---:|---:|---:|---:|---:|\n" + "".join(rows),
    )
    Console().print(document.marked("tls"))


def _reading(path: Path) -> Callable[[], object]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return partial(context.load_verify_locations, path)


if __name__ == "__main__":
    main()
