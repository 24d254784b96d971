"""The command line: every command is in a document, and every command in a document exists."""

import inspect
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from admin.audit import AUDITED, RECORDED
from admin.cli import app
from local.__main__ import read_options
from tests.support.documents import ROOT, read, rows, section
from tools.drills.__main__ import drills

# The changelog and the decisions tell of commands as they were.
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
    if path.name != "CHANGELOG.md"
)
CLI: Any = typer.main.get_command(app)

_INVOCATION = re.compile(r"python -m admin\b([^`\n]*)")
_PLACEHOLDER = re.compile(r"<[^<>]+>")
_END = {"|", ">", ">>", "&&", ";"}
"""Where a shell's line goes on with something else."""


def invocations(text: str) -> list[str]:
    """The arguments of every ``python -m admin`` in a text, up to where the shell goes on."""
    joined = text.replace("\\\n", " ")
    found = []
    for words in _INVOCATION.findall(joined):
        arguments = shlex.split(_PLACEHOLDER.sub("SOMETHING", words), comments=True)
        end = next((at for at, word in enumerate(arguments) if word in _END), len(arguments))
        found.append(shlex.join(arguments[:end]))
    return found


INVOCATIONS = sorted(
    {(document, words) for document in DOCUMENTS for words in invocations(read(document)) if words}
)


def commands(group: Any = CLI, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command by its words, as in ``("key", "issue")``."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*above, name))
        else:
            yield (*above, name)


def parse(words: list[str]) -> tuple[str, ...]:
    """The command that the arguments name. Raises typer's error if there is no such thing."""
    command, name, context = CLI, "python -m admin", None
    named: tuple[str, ...] = ()
    while True:
        context = command.make_context(name, words, parent=context)
        if not hasattr(command, "commands"):
            return named
        # A group has read its own options, and leaves the rest.
        rest = [*context._protected_args, *context.args]
        name, command, words = command.resolve_command(context, rest)
        named = (*named, name)


@pytest.mark.parametrize(("document", "words"), INVOCATIONS)
def test_what_a_document_tells_to_type_is_a_command(document, words):
    assert parse(shlex.split(words)) in set(commands())


@pytest.mark.parametrize("command", sorted(commands()), ids=" ".join)
def test_every_command_is_in_a_document(command):
    assert any(f" {' '.join(command)} " in f" {words} " for _, words in INVOCATIONS)


@pytest.mark.parametrize(
    "words",
    ["key issue", "key isue shop", "codes show INV-1 --deep", "--satck x key list shop"],
)
def test_what_is_no_command_is_found(words):
    with pytest.raises(Exception, match=r"(?i)missing|no such"):
        parse(shlex.split(words))


# --- the drills ------------------------------------------------------------------------------

OPERATIONS = "docs/operations.md"
WALKED = sorted(
    {
        (path.stem, command)
        for path in ROOT.glob("tools/drills/*.py")
        for command in re.findall(r'\.runbook\(\s*"([^"]+)"', path.read_text("utf-8"))
    }
)


@pytest.mark.parametrize(("drill", "command"), WALKED)
def test_what_a_drill_types_stands_in_the_runbook(drill, command):
    typed = shlex.join(shlex.split(_PLACEHOLDER.sub("SOMETHING", command)))
    assert (OPERATIONS, typed) in INVOCATIONS


def test_every_drill_is_in_the_runbook():
    listed = rows(section(read(OPERATIONS), "## Drills"))
    assert sorted(listed) == sorted(drills())


# ---------------------------------------------------------------------------------------------


def test_every_option_of_the_local_stack_is_in_its_document(capsys):
    with pytest.raises(SystemExit):
        read_options(["--help"])
    options = re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE)
    table = rows(section(read("docs/console.md"), "## Options of `make run`"))
    assert sorted(table) == sorted(options)


# --- the audit -------------------------------------------------------------------------------

READING = {
    "attention",
    "audit",
    "bins check",
    "books list",
    "books show",
    "branding show",
    "codes inquired",
    "codes show",
    "deadletters list",
    "desk",
    "events list",
    "find",
    "key list",
    "notifications list",
    "payments export",
    "payments list",
    "storefront list",
    "webhooks show",
}


def function_of(words: tuple[str, ...]) -> Any:
    command = CLI
    for word in words:
        command = command.commands[word]
    return command.callback


@pytest.mark.parametrize("words", sorted(commands()), ids=" ".join)
def test_a_command_that_does_not_only_read_is_audited(words):
    audited = getattr(function_of(words), AUDITED, False)
    assert audited is (" ".join(words) not in READING)


@pytest.mark.parametrize("words", sorted(set(commands()) - {tuple(r.split()) for r in READING}))
def test_of_every_argument_it_is_decided_what_is_recorded(words):
    arguments = set(inspect.signature(function_of(words)).parameters) - {"context", "reason"}
    assert arguments <= set(RECORDED)
