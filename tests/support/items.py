"""Items as DynamoDB has them, for those who look into them."""

from typing import Any

from o2o.adapters.dynamodb.codec import load_text


def readable(value: Any) -> Any:
    """An item, or a part of one, with the text in place of compressed bytes."""
    match value:
        case {"B": bytes()}:
            return {"S": load_text(value)}
        case dict():
            return {name: readable(entry) for name, entry in value.items()}
        case list():
            return [readable(entry) for entry in value]
    return value
