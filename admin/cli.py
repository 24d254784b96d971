"""Everything that the operator does by hand, on a terminal or in a script."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from admin import (
    archive,
    bins,
    books,
    branding,
    codes,
    deadletters,
    events,
    notifications,
    payments,
    settlement,
    webhooks,
)
from admin.audit import audited, show_audit
from admin.target import Target
from admin.terminal import PAGE, StorefrontId, Terminal
from admin.web.command import open_desk
from o2o.core.pages import all_items
from o2o.core.storefronts import ApiKey, Storefront, to_order_number
from o2o.entry import wiring

app = typer.Typer(no_args_is_help=True, help="Administer an O2O stack.", add_completion=False)
storefront = typer.Typer(no_args_is_help=True, help="Storefronts: who may ask for codes.")
key = typer.Typer(no_args_is_help=True, help="API keys: what a storefront proves itself with.")
bin_table = typer.Typer(no_args_is_help=True, help="BINs: which codes can be made.")
app.add_typer(storefront, name="storefront")
app.add_typer(key, name="key")
app.add_typer(bin_table, name="bins")
app.add_typer(branding.app, name="branding")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(codes.app, name="codes")
app.add_typer(events.app, name="events")
app.add_typer(notifications.app, name="notifications")
app.add_typer(payments.app, name="payments")
app.add_typer(archive.app, name="archive")
app.add_typer(books.app, name="books")
app.add_typer(settlement.app, name="settlement")
app.add_typer(deadletters.app, name="deadletters")


@app.callback()
def main(
    context: typer.Context,
    stack: Annotated[
        str | None,
        typer.Option(
            envvar="O2O_STACK", help="A CloudFormation stack; without it, the local stack."
        ),
    ] = None,
    region: Annotated[str | None, typer.Option(help="The stack's AWS region.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile of your AWS settings.")] = None,
    state_dir: Annotated[
        Path, typer.Option(envvar="O2O_STATE_DIR", help="Where the local stack keeps its state.")
    ] = Path(".local"),
    as_json: Annotated[  # noqa: FBT002 - a switch of the command line
        bool, typer.Option("--json", help="Print JSON, for scripts.")
    ] = False,
) -> None:
    """Choose the stack."""
    context.obj = Terminal(Target(stack, region, profile, state_dir), as_json=as_json)


@storefront.command("add")
@audited
def add_storefront(
    context: typer.Context,
    storefront_id: StorefrontId,
    name: Annotated[str, typer.Option(help="What people call it.")],
) -> None:
    """Add a storefront, with a rate limit of its own."""
    terminal: Terminal = context.obj
    with terminal.storefronts() as storefronts:
        added = storefronts.add(storefront_id, name)
    with terminal.limits() as limits:
        added = limits.one(added.storefront_id)
        terminal.say(_storefront(added), _next_steps(added))


@storefront.command("limit")
@audited
def limit_storefronts(context: typer.Context) -> None:
    """Give each storefront that has none a rate limit of its own, and check the others'."""
    terminal: Terminal = context.obj
    with terminal.limits() as limits:
        found = limits.all()
        terminal.say(
            {"storefronts": [each.storefront_id for each in found]},
            f"Each of {len(found)} storefronts has a rate limit of its own.",
        )


@storefront.command("list")
def list_storefronts(context: typer.Context) -> None:
    """List the storefronts, newest first."""
    terminal: Terminal = context.obj
    with terminal.storefronts() as storefronts:
        store = storefronts.storefronts
        found = all_items(lambda cursor: store.list_storefronts(limit=PAGE, cursor=cursor))
        columns = ("storefront_id", "name", "namespace", "own_limit", "created_at")
        terminal.show([_storefront(each) for each in found], columns)


@key.command("issue")
@audited
def issue_key(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Issue one more key. It is shown this once and can't be shown again."""
    terminal: Terminal = context.obj
    with terminal.storefronts() as storefronts:
        issued = storefronts.issue_key(storefront_id)
        terminal.say(_key(issued.key) | {"api_key": issued.api_key}, issued.api_key)


@key.command("list")
def list_keys(context: typer.Context, storefront_id: StorefrontId) -> None:
    """List a storefront's keys, newest first."""
    terminal: Terminal = context.obj
    with terminal.storefronts() as storefronts:
        store = storefronts.storefronts
        found = all_items(lambda cursor: store.list_keys(storefront_id, limit=PAGE, cursor=cursor))
        terminal.show([_key(each) for each in found], ("key_id", "created_at", "revoked_at"))


@key.command("revoke")
@audited
def revoke_key(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id.")],
) -> None:
    """Revoke a key for good. The API may honour it until its authorizer's cache is stale."""
    terminal: Terminal = context.obj
    with terminal.storefronts() as storefronts:
        revoked = storefronts.revoke_key(key_id)
        terminal.say(_key(revoked), f"Revoked {revoked.key_id} of {revoked.storefront_id}.")


@bin_table.callback()
def about_bins() -> None:
    """BINs: which codes can be made."""


@bin_table.command("check")
def check_bins(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option(help="A file with BINs, as the parameter Bins has them.")
    ] = None,
    stage: Annotated[str | None, typer.Option(help="A stage of samconfig.toml.")] = None,
) -> None:
    """Check the BINs of samconfig.toml, of all stages that give any, as the functions will."""
    terminal: Terminal = context.obj
    if file is not None and stage is not None:
        terminal.fail("give --file or --stage, not both")
    try:
        found = [bins.of_file(file)] if file else bins.of_stages(stage)
    except bins.NothingToCheck as error:
        terminal.fail(str(error))
    verdicts = {each.source: bins.check(each) for each in found}
    if terminal.as_json:
        terminal.show([row for verdict in verdicts.values() for row in verdict.rows], ())
    else:
        for source, verdict in verdicts.items():
            typer.echo(f"BINs of {source}")
            terminal.show(verdict.rows, bins.COLUMNS)
            for note in verdict.notes:
                typer.echo(note)
    mistakes = [
        f"{source}: {mistake}"
        for source, verdict in verdicts.items()
        for mistake in verdict.mistakes
    ]
    if mistakes:
        terminal.fail(*mistakes)


app.command("find")(payments.find)
app.command("attention")(payments.attention)
app.command("audit")(show_audit)
app.command("desk")(open_desk)


@app.command("upgrade")
@audited
def upgrade(context: typer.Context) -> None:
    """Bring what version 0.1 stored into this version's form. It reads the whole table, twice."""
    terminal: Terminal = context.obj
    with terminal.environment("ReconcileCodes"):
        done = wiring.upgrade()(wiring.clock())
        terminal.say(
            asdict(done),
            f"{done.changed} of {done.seen} items are upgraded, {done.listed} payments are"
            f" listed now, {done.forgotten} codes were forgotten.",
        )


def _next_steps(added: Storefront) -> str:
    sentence = f"Added {added.storefront_id}. Next: key issue {added.storefront_id}"
    if added.namespace is None:
        return sentence
    return (
        f"{sentence}\nDOKU gets its invoice numbers as {to_order_number(added.namespace, '…')}."
        f" BINs of the types exclusive and direct are for the first storefront only, unless their"
        f' entries in Bins name others under "storefronts".'
    )


def _storefront(each: Storefront) -> dict[str, Any]:
    return {
        "storefront_id": each.storefront_id,
        "name": each.name,
        "namespace": each.namespace,
        "own_limit": each.usage_key is not None,
        "created_at": each.created_at.isoformat(timespec="seconds"),
    }


def _key(each: ApiKey) -> dict[str, Any]:
    revoked_at = each.revoked_at
    return {
        "key_id": each.key_id,
        "storefront_id": each.storefront_id,
        "created_at": each.created_at.isoformat(timespec="seconds"),
        "revoked_at": None if revoked_at is None else revoked_at.isoformat(timespec="seconds"),
    }
