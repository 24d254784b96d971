"""A storefront's look on its customers' pages, on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from o2o.core.look import MAX_LOGO_BYTES, Look

if TYPE_CHECKING:
    from admin.cli import Desk

app = typer.Typer(no_args_is_help=True, help="Looks: what customers see on their pages.")

StorefrontId = Annotated[str, typer.Argument(metavar="STOREFRONT", help="The storefront's id.")]

_COLUMNS = ("storefront_id", "name", "colour", "logo")


@app.command("set")
def set_look(
    context: typer.Context,
    storefront_id: StorefrontId,
    name: Annotated[
        str | None, typer.Option(help="What customers call it; otherwise the storefront's name.")
    ] = None,
    colour: Annotated[str | None, typer.Option(help="As #0b6b4f; pages see to contrast.")] = None,
    logo: Annotated[
        Path | None,
        typer.Option(
            help=f"A PNG, JPEG, WebP or SVG file of at most {MAX_LOGO_BYTES} bytes, square is best."
        ),
    ] = None,
) -> None:
    """Change what is given, and keep the rest. Pages follow within a minute."""
    desk: Desk = context.obj
    image: bytes | None = None
    if logo is not None:
        try:
            image = logo.read_bytes()
        except OSError as error:
            desk.fail(f"{logo} can't be read: {error.strerror}")
    with desk.storefronts() as storefronts:
        look = storefronts.set_look(storefront_id, name=name, colour=colour, logo=image)
        desk.show([_row(look)], _COLUMNS)


@app.command("show")
def show_look(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Show a storefront's look; what is empty is as it is for everybody."""
    desk: Desk = context.obj
    with desk.storefronts() as storefronts:
        desk.show([_row(storefronts.look(storefront_id))], _COLUMNS)


@app.command("clear")
def clear_look(context: typer.Context, storefront_id: StorefrontId) -> None:
    """Go back to the storefront's own name and the colour of everybody."""
    desk: Desk = context.obj
    with desk.storefronts() as storefronts:
        desk.show([_row(storefronts.clear_look(storefront_id))], _COLUMNS)


def _row(look: Look) -> dict[str, Any]:
    # The logo itself is of no use on a terminal.
    logo = look.logo and f"{look.logo.partition(';')[0].removeprefix('data:')}, {len(look.logo)} B"
    return {
        "storefront_id": look.storefront_id,
        "name": look.name,
        "colour": look.colour,
        "logo": logo,
    }
