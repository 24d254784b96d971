"""What every command needs: a stack to act on, and a way to say what came of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import botocore.exceptions
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from admin.environment import StackEnvironment, environment
from admin.target import Target, UnreachableStack
from o2o.core.errors import O2OError
from o2o.usecases.limit_storefronts import LimitStorefronts
from o2o.usecases.manage_storefronts import ManageStorefronts

PAGE = 100

StorefrontId = Annotated[str, typer.Argument(metavar="STOREFRONT", help="The storefront's id.")]


class Terminal:
    """A stack, and the form in which results are shown."""

    def __init__(self, target: Target, *, as_json: bool) -> None:
        self.target = target
        self.as_json = as_json
        self._out = Console(highlight=False)
        self._err = Console(stderr=True, highlight=False)

    @contextmanager
    def storefronts(self) -> Iterator[ManageStorefronts]:
        """The use cases; what goes wrong becomes one sentence and exit code 1."""
        with self.sentences():
            yield self.target.storefronts()

    @contextmanager
    def limits(self) -> Iterator[LimitStorefronts]:
        """The same for storefronts' limits."""
        with self.sentences():
            yield self.target.limits()

    @contextmanager
    def environment(self, *functions: str) -> Iterator[StackEnvironment]:
        """The environment of these functions; what goes wrong becomes one sentence and code 1."""
        with self.sentences(), environment(self.target, *functions) as found:
            yield found

    @contextmanager
    def sentences(self) -> Iterator[None]:
        """What goes wrong meanwhile becomes one sentence and exit code 1."""
        try:
            yield
        except (O2OError, UnreachableStack) as error:
            self.fail(str(error))
        except botocore.exceptions.ClientError as error:
            self.fail(str(error))
        except botocore.exceptions.BotoCoreError as error:
            self.fail(f"the stack does not answer: {error}")

    def show(self, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
        """Rows as a table, or as JSON."""
        if self.as_json:
            typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
            return
        table = Table()
        for column in columns:
            # An id that is cut off is of no use.
            table.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*(Text(_shown(row[column])) for column in columns))
        self._out.print(table)

    def say(self, row: dict[str, Any], sentence: str) -> None:
        """One result as a sentence, or as JSON."""
        typer.echo(
            json.dumps(row, indent=2, ensure_ascii=False) if self.as_json else _shown(sentence)
        )

    def fail(self, *sentences: str) -> NoReturn:
        """What is wrong, and exit code 1."""
        for sentence in sentences:
            self._err.print(Text(_shown(sentence), style="red"), soft_wrap=True)
        raise typer.Exit(1)


def _shown(value: object) -> str:
    """A value as a terminal may have it: what is in it, others wrote. It can steer nothing."""
    text = "" if value is None else str(value)
    return "".join(
        each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text
    )
