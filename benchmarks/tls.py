"""What reading the roots costs each connection to AWS, before it begins.

    .venv/bin/python -m benchmarks.tls [--times 30]

botocore reads its file of roots anew for each connection. Each round reads every file once, in a
new order. Writes the table in docs/benchmarks.md.
"""

import argparse
import platform
import random
import ssl
import time
from pathlib import Path
from statistics import median

import botocore
import certifi
from rich.console import Console

from benchmarks import document
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
    spent: dict[str, list[float]] = {name: [] for name in FILES}
    order = random.Random(1)  # noqa: S311 - no secret
    for _ in range(times):
        for name in order.sample(sorted(FILES), len(FILES)):
            began = time.process_time()
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(FILES[name])
            spent[name].append((time.process_time() - began) * 1000)
    rows = [
        f"| {name} | {FILES[name].read_text().count('BEGIN CERTIFICATE')} | {median(each):.1f} |\n"
        for name, each in spent.items()
    ]
    document.write(
        "tls",
        f"{times} readings of each, Python {platform.python_version()} on {platform.machine()}.\n\n"
        "| roots | how many | ms of one processor for a connection |\n|---|---:|---:|\n"
        + "".join(rows),
    )
    Console().print(document.marked("tls"))


if __name__ == "__main__":
    main()
