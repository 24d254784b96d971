"""``desk``: the console's pages against a stack, on this machine's loopback."""

import contextlib
import json
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer
import uvicorn

from admin.web.access import Access
from admin.web.pages import CHANGES, READS
from admin.web.server import DeskServer
from local.errors import StackError
from local.ports import HOST, PortChoice, port_of

if TYPE_CHECKING:
    from admin.terminal import Terminal


def open_desk(
    context: typer.Context,
    write: Annotated[  # noqa: FBT002 - a switch of the command line
        bool,
        typer.Option("--write", help="Let the pages change something; each change is audited."),
    ] = False,
    port: Annotated[int | None, typer.Option(help="Otherwise any that is free.")] = None,
    no_open: Annotated[  # noqa: FBT002 - the same
        bool, typer.Option("--no-open", help="Print the link, and open no browser.")
    ] = False,
    until_input_ends: Annotated[  # noqa: FBT002 - the same
        bool, typer.Option("--until-input-ends", hidden=True)
    ] = False,
) -> None:
    """Search, codes, payments to look at and webhooks in a browser on this machine."""
    terminal: Terminal = context.obj
    functions = (*READS, *(CHANGES if write else ()))
    with terminal.environment(*functions):
        try:
            bound = PortChoice(what="desk", option="--port", configured=port).listen()
        except StackError as error:
            terminal.fail(str(error))
        access = Access()
        server = uvicorn.Server(
            uvicorn.Config(
                DeskServer(terminal.target, access, write=write).app,
                access_log=False,
                lifespan="off",
                log_config=None,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=1,
                ws="none",
            )
        )
        url = f"http://{HOST}:{port_of(bound)}"
        # A browser's arguments are seen by everybody on this machine: the link works once.
        link = f"{url}/#{access.link}"
        if terminal.as_json:
            print(json.dumps({"url": url, "link": link, "token": access.token}), flush=True)
        else:
            _say(terminal, link, write=write)
        if until_input_ends:
            _end_with_input(server)
        if not no_open:
            threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[bound])


def _say(terminal: "Terminal", link: str, *, write: bool) -> None:
    which = terminal.target.stack or "the local stack"
    may = "changes something only where you say so" if write else "only reads"
    print(f"The desk of {which} {may}. Open it once, in a browser on this machine:")
    print(f"\n  {link}\n\nCtrl-C ends it.", flush=True)


def _end_with_input(server: uvicorn.Server) -> None:
    def wait() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=wait, daemon=True).start()
