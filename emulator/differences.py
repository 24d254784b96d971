"""Where the emulator is not AWS: all that `make emulate` works around or does not hold against it.

docs/emulator.md says what each one means; a test holds its table to these names. A run fails if it
meets a difference that is not listed, or does not meet one that is: the list can only be true.
"""

from dataclasses import dataclass, field

DIFFERENCES = frozenset(
    {
        "alarms-on-expressions",
        "batches-of-messages",
        "compiled-modules",
        "condition-keys",
        "deployments",
        "domain-name",
        "gateway-responses",
        "host-name",
        "numbers-through-references",
        "references-to-secrets",
        "rules",
    }
)


@dataclass(slots=True)
class Seen:
    """The differences that one run met, each with where it did."""

    places: dict[str, list[str]] = field(default_factory=dict)

    def note(self, name: str, where: str) -> None:
        """Note a difference."""
        self.places.setdefault(name, []).append(where)


def disagreements(seen: Seen) -> list[str]:
    """What the list and a run do not agree about, as sentences."""
    return [
        f"The difference {name} is not listed in docs/emulator.md; it was met at {places[0]}."
        for name, places in sorted(seen.places.items())
        if name not in DIFFERENCES
    ] + [
        f"The difference {name} is listed in docs/emulator.md and is no more: take it out."
        for name in sorted(DIFFERENCES - seen.places.keys())
    ]
