"""The audit: every command that changes something, or hands out a secret, says who, what and why.

An entry is written before the command does anything, and another one when it has ended.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import urlsplit

import typer

from admin.settlement_file import Unusable, digest
from admin.target import Target
from o2o.adapters.dynamodb.audit import DynamoAudit
from o2o.adapters.system import SystemEntropy, system_clock
from o2o.core.audit import AuditEntry, Outcome
from o2o.core.errors import InvalidRequest

if TYPE_CHECKING:
    from admin.terminal import Terminal

Command = TypeVar("Command", bound=Callable[..., Any])

Reason = Annotated[
    str | None,
    typer.Option(
        envvar="O2O_REASON",
        help="Why; it is kept in the audit. A deployed stack asks for it. No names of customers.",
    ),
]

AUDITED = "audited"
"""The attribute of a command's function that says so."""

_COLUMNS = ("created_at", "who", "command", "arguments", "reason", "outcome")
_LAST = 4


def _host(url: object) -> str:
    """An address without what may be a secret in it."""
    return urlsplit(str(url)).hostname or "?"


def _end(digits: object) -> str:
    return f"…{str(digits)[-_LAST:]}"


def _given(_: object) -> str:
    return "given"


def _sha256(path: object) -> str:
    """Which file it was, by its content."""
    try:
        return f"sha256:{digest(Path(str(path)))}"
    except Unusable:
        return "unreadable"


def _days(given: object) -> str:
    """A day, or several."""
    return " ".join(f"{each:%Y-%m-%d}" for each in (given if isinstance(given, list) else [given]))


def _digest(address: object) -> str:
    """What tells, to whoever knows an address, that it was this one."""
    return f"sha256:{sha256(str(address).strip().casefold().encode()).hexdigest()}"


RECORDED: Mapping[str, Callable[[object], str]] = {
    "channel": str,
    "colour": str,
    "day": _days,
    "dry_run": str,
    "email": _digest,
    "file": _sha256,
    "event_ids": lambda ids: " ".join(map(str, ids)),  # type: ignore[call-overload]
    "hours": str,
    "identity": str,
    "invoice_number": str,
    "key_id": str,
    "logo": _given,
    "mapping": _sha256,
    "name": _given,
    "note": _given,
    "order_number": str,
    "payment": str,
    "payment_code": _end,
    "queue": str,
    "record": lambda lines: " ".join(map(str, lines)),  # type: ignore[call-overload]
    "reference": str,
    "resolution": str,
    "result": _given,
    "since": str,
    "status": str,
    "storefront_id": str,
    "type_": str,
    "unproven": str,
    "until": str,
    "url": _host,
    "write": str,
    "yes": str,
}
"""What is recorded of each argument. A new one has to be decided on: a test asks for it."""


def audited(command: Command) -> Command:
    """Have a command recorded. It gets the option ``--reason`` unless it has one of its own."""
    return audited_if(None)(command)


def audited_if(switch: str | None) -> Callable[[Command], Command]:
    """The same if an option of the command is given, without which it only reads."""

    def audited(command: Command) -> Command:
        return _audited(command, switch)

    return audited


def _audited(command: Command, switch: str | None) -> Command:
    signature = inspect.signature(command)
    has_reason = "reason" in signature.parameters

    @wraps(command)
    def recorded(**arguments: Any) -> Any:
        context: typer.Context = arguments["context"]
        terminal: Terminal = context.obj
        reason = arguments["reason"] if has_reason else arguments.pop("reason")
        if switch is not None and not arguments[switch]:
            return command(**arguments)
        if not (reason or "").strip() and terminal.target.stack:
            terminal.fail("say why: --reason, or the variable O2O_REASON")
        with terminal.sentences(), on_record(terminal.target, _words(context), arguments, reason):
            return command(**arguments)

    if not has_reason:
        option = inspect.Parameter(
            "reason", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Reason
        )
        parameters = [*signature.parameters.values(), option]
        recorded.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        recorded.__annotations__ = {**command.__annotations__, "reason": Reason}
    setattr(recorded, AUDITED, True)
    return recorded  # type: ignore[return-value]


def _words(context: typer.Context) -> str:
    """The command as it is typed after ``python -m admin``."""
    words: list[str] = []
    at: Any = context
    while at.parent is not None:
        words.insert(0, str(at.info_name))
        at = at.parent
    return " ".join(words)


@contextmanager
def on_record(
    target: Target, command: str, arguments: Mapping[str, Any], reason: str | None
) -> Iterator[None]:
    """Record what is done meanwhile, before it begins and as it has ended.

    Raises InvalidRequest if a deployed stack is not told why.
    """
    reason = (reason or "").strip() or None
    if reason is None and target.stack:
        raise InvalidRequest.of("reason", "must say why: it is kept in the audit")
    audit = DynamoAudit(target.store())
    begun = AuditEntry(
        audit_id=SystemEntropy().request_id(),
        created_at=system_clock(),
        who=target.caller(),
        command=command,
        arguments={
            name.rstrip("_"): show(arguments[name])
            for name, show in RECORDED.items()
            if arguments.get(name) is not None
        },
        reason=reason,
    )
    audit.add(begun)
    outcome = Outcome.FAILED
    try:
        yield
        outcome = Outcome.DONE
    except typer.Exit as ended:
        # Any other code than 1 tells what was found.
        outcome = Outcome.FAILED if ended.exit_code == 1 else Outcome.DONE
        raise
    finally:
        audit.add(replace(begun, created_at=system_clock(), outcome=outcome))


def show_audit(
    context: typer.Context,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="In UTC; otherwise the last 31 days.",
        ),
    ] = None,
    command: Annotated[
        str, typer.Option(help="Only this command, or those that begin so: `key`, `key revoke`.")
    ] = "",
) -> None:
    """List what was done by hand, newest first."""
    terminal: Terminal = context.obj
    begin = since.replace(tzinfo=UTC) if since else system_clock() - timedelta(days=31)
    with terminal.sentences():
        entries = list(DynamoAudit(terminal.target.store()).entries(begin))
    outcomes = {each.audit_id: each.outcome for each in entries if each.outcome}
    rows = [
        _row(each, outcomes.get(each.audit_id))
        for each in entries
        if each.outcome is None and f"{each.command} ".startswith(f"{command} ".lstrip())
    ]
    terminal.show(rows, _COLUMNS)


def _row(entry: AuditEntry, outcome: Outcome | None) -> dict[str, Any]:
    return {
        "created_at": entry.created_at.isoformat(timespec="seconds"),
        "who": entry.who,
        "command": entry.command,
        "arguments": " ".join(f"{name}={value}" for name, value in entry.arguments.items()),
        "reason": entry.reason,
        "outcome": outcome or "unknown",
    }
