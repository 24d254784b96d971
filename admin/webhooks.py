"""A storefront's webhooks, on the command line."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from o2o.core.webhooks import Endpoint
from o2o.entry import wiring
from o2o.usecases.endpoints import KEEP_FORMER_SECRET

if TYPE_CHECKING:
    from admin.cli import Desk

app = typer.Typer(no_args_is_help=True, help="Webhooks: where a storefront hears of its codes.")

StorefrontId = Annotated[str, typer.Argument(metavar="STOREFRONT", help="The storefront's id.")]

_COLUMNS = ("storefront_id", "url", "status", "failures", "failing_since", "secret_version")
_FUNCTIONS = ("DeliverWebhooks", "BrowseEvents")


@app.command("set")
def set_url(
    context: typer.Context,
    storefront_id: StorefrontId,
    url: Annotated[str, typer.Argument(metavar="URL", help="https, on the public internet.")],
) -> None:
    """Send a storefront's events there from now on. `secret` shows what signs them."""
    desk: Desk = context.obj
    with desk.inside(*_FUNCTIONS):
        desk.show([_row(wiring.endpoints().set_url(storefront_id, url))], _COLUMNS)


@app.command("show")
def show(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Show where events go and how that fares."""
    desk: Desk = context.obj
    with desk.inside(*_FUNCTIONS):
        desk.show([_row(wiring.endpoints().show(storefront_id))], _COLUMNS)


@app.command("secret")
def secret(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Print the secrets that sign, the newest first. Hand them over on a safe way."""
    desk: Desk = context.obj
    with desk.inside(*_FUNCTIONS):
        found = wiring.endpoints().secrets(storefront_id)
        rows = [{"version": each.version, "secret": each.text} for each in found]
        desk.show(rows, ("version", "secret"))


@app.command("rotate")
def rotate(
    context: typer.Context,
    storefront_id: StorefrontId,
    hours: Annotated[
        int, typer.Option(min=0, max=24 * 30, help="How long the former secret signs, too.")
    ] = KEEP_FORMER_SECRET // timedelta(hours=1),
) -> None:
    """Sign with a new secret; the former one signs, too, for a while."""
    desk: Desk = context.obj
    with desk.inside(*_FUNCTIONS):
        endpoint = wiring.endpoints().rotate(storefront_id, timedelta(hours=hours))
        desk.show([_row(endpoint)], _COLUMNS)


@app.command("pause")
def pause(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Send nothing; events are kept until you resume."""
    desk: Desk = context.obj
    with desk.inside(*_FUNCTIONS):
        desk.show([_row(wiring.endpoints().pause(storefront_id))], _COLUMNS)


@app.command("resume")
def resume(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Send again, and first of all what was paused meanwhile."""
    desk: Desk = context.obj
    with desk.inside(*_FUNCTIONS):
        count = wiring.endpoints().resume(storefront_id)
        desk.tell({"resent": count}, f"Resumed; {count} events go out that had waited.")


def _row(endpoint: Endpoint) -> dict[str, Any]:
    status = "up"
    if endpoint.is_paused:
        status = f"paused ({endpoint.pause_reason})"
    elif endpoint.is_down:
        status = "down"
    since = endpoint.failing_since
    return {
        "storefront_id": endpoint.storefront_id,
        "url": endpoint.url,
        "status": status,
        "failures": endpoint.failures,
        "failing_since": None if since is None else since.isoformat(timespec="seconds"),
        "secret_version": endpoint.secret_version,
    }
