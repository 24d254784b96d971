"""The generated parts of docs/life-cycle.md: diagram, moves and timetable.

    .venv/bin/python -m tools.life_cycle

regenerates the text between the markers from the transition table and the template's default
timetable. A test compares the committed text with it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from samtranslator.yaml_helper import yaml_parse

from o2o.core.channels import Feature
from o2o.core.codes import TRANSITIONS, Move, PaymentKind, Status
from o2o.entry.settings.codes import parse_timetable

Named = TypeVar("Named", Move, PaymentKind)

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "life-cycle.md"

MOVES = {
    Move.ACTIVATE: "DOKU answered with the digits",
    Move.FAIL: "DOKU refused this very order, or never confirmed it by the code's expiry",
    Move.PAY: "A payment of the code's amount and digits",
    Move.PAY_REUSABLE: "The same, on a code that may be paid again and again",
    Move.PAY_ENDED: "The same, after the code had ended",
    Move.EXPIRE: "Nobody paid in time, as far as DOKU knows",
    Move.CANCEL: "The storefront wants the code no longer",
    Move.INQUIRE: (
        "DOKU asked about a `dipc` code, and the answer was that it can be paid; the next look"
        " comes soon"
    ),
    Move.REFUND: "DOKU said for the first time that the money went back to the customer",
    Move.RECORD: "A payment that leaves the status alone, see [payments](#payments)",
    Move.WAIT: "Nothing happened; only the instant of the next look changes",
    Move.REPLACE: "Another code stands in for one that has ended; an open one is cancelled for it",
    Move.RESOLVE: "A person said what was done about a payment",
    Move.FORGET: "What is personal, and later DOKU's messages, go from a code that has ended",
}
"""When a move is made, for the table of moves."""

KINDS = {
    PaymentKind.PAID: "It pays the code. On a reusable code every payment in time is of this kind",
    PaymentKind.PAID_LATE: "It pays the code, and DOKU dates it after its deadline or cancellation",
    PaymentKind.PAID_AGAIN: (
        "A further payment: its code is for one payment and was paid before, or another such code"
        " of the same [chain](#replacing) was. `first_paid` names the one that was paid first"
    ),
    PaymentKind.AMOUNT_MISMATCH: "Its amount or currency is not the code's: it pays nothing",
    PaymentKind.DIGITS_MISMATCH: "It names other digits than the code's: it pays nothing",
}
"""What a kind of payment means, for the table of kinds."""

NOT_DRAWN = {
    Move.INQUIRE,
    Move.REFUND,
    Move.RECORD,
    Move.RESOLVE,
    Move.WAIT,
    Move.REPLACE,
    Move.FORGET,
}
"""Moves that are not in the diagram: they lead back to the same status."""


def diagram() -> str:
    """The life cycle as a Mermaid diagram."""
    arrows: dict[tuple[Status, Status], list[Move]] = {}
    for (status, move), to in TRANSITIONS.items():
        if move not in NOT_DRAWN:
            arrows.setdefault((status, to), []).append(move)
    return "\n".join(
        [
            "```mermaid",
            "stateDiagram-v2",
            f"    [*] --> {Status.REQUESTED}: {Feature.DGPC}, {Feature.MGPC}",
            f"    [*] --> {Status.ACTIVE}: {Feature.DIPC}",
            *(
                f"    {status} --> {to}: {', '.join(moves)}"
                for (status, to), moves in arrows.items()
            ),
            "```",
        ]
    )


def moves() -> str:
    """The table of moves, with all their transitions."""
    rows = []
    for move in Move:
        edges = {status: to for (status, name), to in TRANSITIONS.items() if name is move}
        edge_texts = [f"`{status}` → `{to}`" for status, to in edges.items() if status is not to]
        if kept := [f"`{status}`" for status, to in edges.items() if status is to]:
            edge_texts.append(f"{', '.join(kept)}: stays")
        rows.append((f"`{move}`", "; ".join(edge_texts), f"{_explain(MOVES, move)}."))
    return _table(("move", "from → to", "when"), rows)


def kinds() -> str:
    """The table of the kinds of payments."""
    rows = [(f"`{kind}`", f"{_explain(KINDS, kind)}.") for kind in PaymentKind]
    return _table(("kind", "what it is"), rows)


def timetable() -> str:
    """The table of the template's default timetable."""
    table = parse_timetable(default_of("Timetable"))
    look_again = _list(table.look_again)
    rows = [
        (
            "`requested`",
            f"{_series(table.requested, 'its creation')}; at its expiry",
            "`requested_minutes`",
        ),
        (
            "`active`",
            f"{_series(table.active, 'its creation')}; at its expiry",
            "`active_minutes`",
        ),
        (
            "`dipc`, DOKU was told that it can be paid, and no payment followed",
            f"also {_list(table.inquired)} after that answer, then as the others",
            "`inquired_minutes`",
        ),
        (
            "`active`, its time over, and DOKU says neither paid nor expired",
            f"{_words(table.grace)} after its expiry",
            "`grace_seconds`",
        ),
        (
            "open, its time over, nobody said that it was paid, and DOKU can't be asked",
            f"again and again; {_words(table.guess)} after its expiry it ends by guess",
            "`requested_minutes`, `guess_minutes`",
        ),
        (
            "open or ended, its time over, and DOKU says nothing at such a look",
            f"again, {_series(table.active, 'its end')}; until a week after its last look",
            "`active_minutes`",
        ),
        (
            "`expired`, or `failed` because DOKU never confirmed it",
            f"{look_again} after its end, then never",
            "`look_again_minutes`",
        ),
        (
            "`cancelled`",
            f"{look_again} after its cancellation and after its expiry, then never",
            "`look_again_minutes`",
        ),
        ("`paid`, or `failed` because DOKU refused it", "never", ""),
        (
            "at rest: it is final, or was left to a person",
            "not again; what is personal goes after its retention",
            "`CodeRetentionDays`, `EvidenceRetentionDays`",
        ),
    ]
    return _table(("a code that is", "is looked at", "setting"), rows)


PARTS = {"diagram": diagram, "moves": moves, "kinds": kinds, "timetable": timetable}


def generate(text: str) -> str:
    """The document with all parts regenerated. Raises ValueError if a part has no markers."""
    for name, part in PARTS.items():
        begin, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->\n"
        before, begins, rest = text.partition(begin)
        _, ends, after = rest.partition(end)
        if not (begins and ends):
            raise ValueError(f"{DOCUMENT.name} lacks the markers of {name!r}")
        text = f"{before}{begin}{part()}\n{end}{after}"
    return text


def default_of(parameter: str) -> str:
    """The default of a parameter in template.yaml."""
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    return str(template["Parameters"][parameter]["Default"])


def _explain(words: Mapping[Named, str], name: Named) -> str:
    if name not in words:
        raise ValueError(f"tools/life_cycle.py does not say yet what {name!r} means")
    return words[name]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _series(durations: Sequence[timedelta], since: str) -> str:
    return f"{_list(durations)} after {since}, then every {_words(durations[-1])}"


def _list(durations: Sequence[timedelta]) -> str:
    words = [_words(each).split() for each in durations]
    units = dict.fromkeys(unit for _, unit in words)
    by_unit = [
        f"{', '.join(number for number, its_unit in words if its_unit == unit)} {unit}"
        for unit in units
    ]
    return " and ".join(by_unit)


def _words(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    for length, unit in ((3600, "h"), (60, "min")):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def main() -> None:
    """Regenerate the document in place."""
    DOCUMENT.write_text(generate(DOCUMENT.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
