"""A storefront's branding on its customers' pages, on the command line."""

from pathlib import Path
from typing import Annotated, Any

import typer

from admin.audit import audited
from admin.terminal import StorefrontId, Terminal
from o2o.core.storefronts import MAX_LOGO_BYTES, Branding

app = typer.Typer(no_args_is_help=True, help="Branding: what customers see on their pages.")


_COLUMNS = ("storefront_id", "name", "colour", "logo")


@app.command("set")
@audited
def set_branding(
    context: typer.Context,
    storefront_id: StorefrontId,
    name: Annotated[
        str | None, typer.Option(help="What customers call it; otherwise the storefront's name.")
    ] = None,
    colour: Annotated[
        str | None, typer.Option(help="Such as #0b6b4f; pages adjust its contrast.")
    ] = None,
    logo: Annotated[
        Path | None,
        typer.Option(
            help=f"A PNG, JPEG, WebP or SVG file of at most {MAX_LOGO_BYTES} bytes, square is best."
        ),
    ] = None,
) -> None:
    """Change what is given, and keep the rest. Pages follow within a minute."""
    terminal: Terminal = context.obj
    image: bytes | None = None
    if logo is not None:
        try:
            image = logo.read_bytes()
        except OSError as error:
            terminal.fail(f"{logo} can't be read: {error.strerror}")
    with terminal.storefronts() as storefronts:
        branding = storefronts.set_branding(storefront_id, name=name, colour=colour, logo=image)
        terminal.show([_row(branding)], _COLUMNS)


@app.command("show")
def show_branding(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Show a storefront's branding; what is empty has the default."""
    terminal: Terminal = context.obj
    with terminal.storefronts() as storefronts:
        terminal.show([_row(storefronts.branding(storefront_id))], _COLUMNS)


@app.command("clear")
@audited
def clear_branding(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Go back to the storefront's own name and the default colour."""
    terminal: Terminal = context.obj
    with terminal.storefronts() as storefronts:
        terminal.show([_row(storefronts.clear_branding(storefront_id))], _COLUMNS)


def _row(branding: Branding) -> dict[str, Any]:
    # The logo itself is of no use on a terminal.
    logo = (
        branding.logo
        and f"{branding.logo.partition(';')[0].removeprefix('data:')}, {len(branding.logo)} B"
    )
    return {
        "storefront_id": branding.storefront_id,
        "name": branding.name,
        "colour": branding.colour,
        "logo": logo,
    }
