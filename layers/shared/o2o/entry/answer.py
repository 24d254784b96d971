"""What a function answers API Gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a route: text, with its media type and its other headers."""

    status: int
    content_type: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_lambda(self) -> dict[str, Any]:
        """The shape that API Gateway takes."""
        return {
            "statusCode": self.status,
            "headers": {**self.headers, "Content-Type": self.content_type},
            "body": self.body,
            "isBase64Encoded": False,
        }
