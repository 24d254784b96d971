"""DOKU's own vectors."""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator import signature

VECTORS = json.loads((Path(__file__).parents[1] / "doku-vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector: dict[str, Any]) -> None:
    body = None if vector["body"] is None else vector["body"].encode()
    text = signature.component(
        client_id=vector["client_id"],
        request_id=vector["request_id"],
        timestamp_name=vector["timestamp_name"],
        timestamp=vector["timestamp"],
        target=vector["request_target"],
        body=body,
    )
    assert text == vector["component"]
    assert signature.sign(vector["secret_key"], text) == vector["signature"]
    assert signature.matches(vector["secret_key"], text, vector["signature"])
    if body is not None:
        assert len(body) == vector["body_bytes"]
        assert signature.digest(body) == vector["digest"]


@pytest.mark.parametrize("wrong", ["", "HMACSHA256=", "é", "HMACSHA256=AAAA"])
def test_other_signatures_do_not_match(wrong: str) -> None:
    assert not signature.matches("SK", "text", wrong)
    assert not signature.matches("SK", "text", signature.sign("other", "text"))
    assert not signature.matches("SK", "text", signature.sign("SK", "text").removeprefix("HMAC"))
