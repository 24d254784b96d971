"""The process that stands in for AWS: moto's server, with the template's resources.

It reads one line of JSON from standard input, with ``template``, ``parameters`` and ``name``, and
writes one to standard output, with ``url`` and ``resources``, or with ``error``. It ends when
standard input closes, so it can't outlive the supervisor.
"""

import json
import logging
import sys
from pathlib import Path

from moto.server import ThreadedMotoServer

from local.errors import StackError
from local.template import resolve, translate


def main() -> None:
    """Create the resources, then serve until the supervisor has ended."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs every poll
    request = json.loads(sys.stdin.readline())
    try:
        template = translate(Path(request["template"]), request["parameters"])
        resources = resolve(template, request["parameters"], request["name"])
    except StackError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(json.dumps({"url": f"http://{host}:{port}", "resources": resources}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
