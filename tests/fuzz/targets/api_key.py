"""An ``Authorization`` header. Only the key that was handed out opens anything."""

from typing import Any

from o2o.core.storefronts import format_api_key
from tests.fuzz.functions import KEY_ID, KEY_SECRET, SECRETS, functions, must_not_tell
from tests.fuzz.seeds import any_text

_KEY = format_api_key(KEY_ID, KEY_SECRET)
SEEDS = (
    f"Bearer {_KEY}".encode(),
    f"bearer  {_KEY} ".encode(),
    f"Basic {_KEY}".encode(),
    f"Bearer {format_api_key(KEY_ID, 'x' * 50)}".encode(),
    f"Bearer {format_api_key('z' * 12, KEY_SECRET)}".encode(),
)


def check(data: bytes) -> None:
    """Raise AssertionError if anything else is let in, or a key comes out."""
    text = any_text(data)
    event: dict[str, Any] = {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:ap-southeast-3:123456789012:a1b2c3d4e5/v1/GET/channels",
        "headers": {"Authorization": text},
        "requestContext": {"requestId": "request"},
    }
    answer = functions().invoke("authorize_storefront", event)
    scheme, _, key = text.partition(" ")
    is_ours = scheme.lower() == "bearer" and key.strip() == _KEY
    assert ('"Effect": "Allow"' in answer.body) == is_ours, answer.body
    assert ('"shop"' in answer.body) == is_ours
    must_not_tell(answer.text + answer.told, *SECRETS)
    assert not answer.is_written
