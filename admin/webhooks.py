"""A storefront's webhooks, on the command line."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from admin.audit import audited
from admin.terminal import PAGE, StorefrontId, Terminal
from o2o.core.endpoints import Endpoint
from o2o.core.pages import all_items
from o2o.entry import wiring
from o2o.usecases.manage_endpoints import KEEP_FORMER_SECRET

app = typer.Typer(no_args_is_help=True, help="Webhooks: where a storefront's events are sent.")
root = typer.Typer(no_args_is_help=True, help="What all storefronts' secrets are derived from.")
app.add_typer(root, name="root")

_COLUMNS = ("storefront_id", "url", "status", "failures", "failing_since", "secret_version")
_FUNCTIONS = ("DeliverWebhooks", "BrowseEvents")


@app.command("set")
@audited
def set_url(
    context: typer.Context,
    storefront_id: StorefrontId,
    url: Annotated[str, typer.Argument(metavar="URL", help="https, on the public internet.")],
) -> None:
    """Send a storefront's events there from now on. `secret` shows what signs them."""
    terminal: Terminal = context.obj
    with terminal.environment(*_FUNCTIONS):
        terminal.show([_row(wiring.manage_endpoints().set_url(storefront_id, url))], _COLUMNS)


@app.command("show")
def show(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Show where events are sent, and whether that works."""
    terminal: Terminal = context.obj
    with terminal.environment(*_FUNCTIONS):
        terminal.show([_row(wiring.manage_endpoints().show(storefront_id))], _COLUMNS)


@app.command("secret")
@audited
def secret(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Print the secrets that sign, the newest first. Pass them on by a safe channel."""
    terminal: Terminal = context.obj
    with terminal.environment(*_FUNCTIONS):
        found = wiring.manage_endpoints().secrets(storefront_id)
        rows = [{"version": each.version, "secret": each.text} for each in found]
        terminal.show(rows, ("version", "secret"))


@app.command("rotate")
@audited
def rotate(
    context: typer.Context,
    storefront_id: StorefrontId,
    hours: Annotated[
        int, typer.Option(min=0, max=24 * 30, help="How long the former secret signs too.")
    ] = KEEP_FORMER_SECRET // timedelta(hours=1),
) -> None:
    """Sign with a new secret; the former one signs too for a while."""
    terminal: Terminal = context.obj
    with terminal.environment(*_FUNCTIONS):
        endpoint = wiring.manage_endpoints().rotate(storefront_id, timedelta(hours=hours))
        terminal.show([_row(endpoint)], _COLUMNS)


@root.command("make")
@audited
def make_root(context: typer.Context) -> None:
    """Give webhooks a root of their own, once. Secrets that storefronts have stay as they are."""
    terminal: Terminal = context.obj
    with terminal.environment(*_FUNCTIONS):
        made = wiring.webhook_roots().make(keep_secrets=_has_endpoints())
        said = "Webhooks have a root of their own." if made else "They have one already."
        terminal.say({"made": made}, said)


@root.command("change")
@audited
def change_root(context: typer.Context) -> None:
    """Derive all storefronts' secrets anew; those that they have now sign too until `forget`."""
    terminal: Terminal = context.obj
    with terminal.environment(*_FUNCTIONS):
        wiring.webhook_roots().change()
        terminal.say(
            {"changed": True},
            "Changed. In five minutes every webhook has both signatures: give each storefront its"
            " new `secret`, the first of those shown. Then: webhooks root forget",
        )


@root.command("forget")
@audited
def forget_root(context: typer.Context) -> None:
    """Sign no more with secrets from before the last change."""
    terminal: Terminal = context.obj
    with terminal.environment(*_FUNCTIONS):
        wiring.webhook_roots().forget_previous()
        terminal.say({"forgotten": True}, "The secrets from before the change sign no more.")


def _has_endpoints() -> bool:
    manage = wiring.manage_endpoints()
    storefronts = all_items(
        lambda cursor: manage.storefronts.list_storefronts(limit=PAGE, cursor=cursor)
    )
    return any(
        manage.endpoints.get_endpoint(each.storefront_id) is not None for each in storefronts
    )


@app.command("pause")
@audited
def pause(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Send nothing; events are kept until you resume."""
    terminal: Terminal = context.obj
    with terminal.environment(*_FUNCTIONS):
        terminal.show([_row(wiring.manage_endpoints().pause(storefront_id))], _COLUMNS)


@app.command("resume")
@audited
def resume(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Send events again, those that were paused at once."""
    terminal: Terminal = context.obj
    with terminal.environment(*_FUNCTIONS):
        count = wiring.manage_endpoints().resume(storefront_id)
        terminal.say({"resent": count}, f"Resumed; {count} paused events are being sent.")


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
