"""Where the emulator is not AWS: all that `make emulate` works around or does not hold against it.

docs/emulator.md says what each one means; a test holds its table to these names. A run fails if it
meets a difference that is not listed, or does not meet one that is: the list can only be true.
"""

from dataclasses import dataclass, field

WORK_AROUNDS = frozenset(
    {
        "alarms-on-expressions",
        "base-path",
        "batches-of-messages",
        "compiled-modules",
        "condition-keys",
        "deployments",
        "domain-name",
        "empty-secrets",
        "gateway-responses",
        "host-name",
        "keys-of-the-authorizer",
        "numbers-through-references",
        "plain-http",
        "references-to-secrets",
        "rules",
        "unknown-types",
    }
)

ANSWERS = frozenset(
    {
        'an escaped path: body.type: "/problems/invalid-request" is "/problems/not-found"',
        "an escaped path: status: 400 is 404",
    }
)
"""The request, the part of its answer, what the local stack says and what the emulator."""

EVENT_KEYS = {
    "API": "+version -requestContext.deploymentId -requestContext.domainName"
    " -requestContext.domainPrefix -requestContext.identity.*",
    "authorizer": "-body -isBase64Encoded -requestContext.deploymentId -requestContext.domainName"
    " -requestContext.domainPrefix -requestContext.extendedRequestId -requestContext.identity.*"
    " -requestContext.path -requestContext.protocol -requestContext.requestId"
    " -requestContext.requestTime -requestContext.requestTimeEpoch",
    "schedule": "+account +detail +detail-type +id +region +resources +source +time +version",
}
"""Keys that only the emulator's events have (+), or only the examples in ``events/`` (-)."""

DIFFERENCES = (
    WORK_AROUNDS
    | ANSWERS
    | {f"{source} {key}" for source, keys in EVENT_KEYS.items() for key in keys.split()}
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
