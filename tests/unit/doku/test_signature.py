"""The signature against the vectors that DOKU's own code agrees with, and its properties."""

import base64
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2o.adapters.doku import signature

VECTORS = json.loads((Path(__file__).parents[2] / "doku-vectors.json").read_text("utf-8"))

texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def component_of(vector: dict[str, Any]) -> str:
    return signature.component(
        client_id=vector["client_id"],
        request_id=vector["request_id"],
        timestamp=vector["timestamp"],
        target=vector["request_target"],
        body=None if vector["body"] is None else vector["body"].encode(),
        timestamp_name=vector["timestamp_name"],
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["kind"])
def test_vectors(vector: dict[str, Any]) -> None:
    if vector["body"] is not None:
        assert len(vector["body"].encode()) == vector["body_bytes"]
        assert signature.digest(vector["body"].encode()) == vector["digest"]
    text = component_of(vector)
    assert text == vector["component"]
    assert signature.sign(vector["secret_key"], text) == vector["signature"]
    assert signature.verify(vector["signature"], text, [vector["secret_key"]])


@given(keys, texts)
def test_what_is_signed_verifies_with_and_without_padding(key: str, text: str) -> None:
    signed = signature.sign(key, text)
    assert signature.verify(signed, text, [key])
    assert signature.verify(signed.rstrip("="), text, [key])
    assert signature.verify(f" {signed} ", text, [key])


@given(keys, keys, texts)
def test_any_of_several_keys_will_do_and_no_other(key: str, other: str, text: str) -> None:
    signed = signature.sign(key, text)
    assert signature.verify(signed, text, [other, key])
    # HMAC pads a key with NUL bytes, so two keys that differ in these are one.
    same = other.rstrip("\0") == key.rstrip("\0")
    if len(key.encode()) <= 64 and len(other.encode()) <= 64:
        assert signature.verify(signed, text, [other]) is same


@given(keys, st.binary(max_size=200), st.data())
def test_one_flipped_bit_in_the_body_fails(key: str, body: bytes, data: st.DataObject) -> None:
    def text(content: bytes) -> str:
        return signature.component(
            client_id="c", request_id="r", timestamp="t", target="/p", body=content
        )

    signed = signature.sign(key, text(body))
    assert not signature.verify(signed, text(body + b"\n"), [key])
    if body:
        place = data.draw(st.integers(0, len(body) * 8 - 1))
        altered = bytearray(body)
        altered[place // 8] ^= 1 << place % 8
        assert not signature.verify(signed, text(bytes(altered)), [key])


@given(keys, texts, st.integers(0, 32 * 8 - 1))
def test_one_flipped_bit_in_the_signature_fails(key: str, text: str, place: int) -> None:
    made = bytearray(base64.b64decode(signature.sign(key, text).removeprefix("HMACSHA256=")))
    made[place // 8] ^= 1 << place % 8
    altered = "HMACSHA256=" + base64.b64encode(made).decode()
    assert not signature.verify(altered, text, [key])


@given(st.text())
def test_no_text_crashes_and_none_verifies_by_chance(given_signature: str) -> None:
    assert not signature.verify(given_signature, given_signature, ["key"])
    assert not signature.verify("HMACSHA256=" + given_signature, given_signature, ["key"])


@pytest.mark.parametrize("missing", ["", None])
def test_a_missing_key_never_verifies(missing: str | None) -> None:
    assert not signature.verify(signature.sign("", "text"), "text", [missing])


def test_the_scheme_is_needed() -> None:
    signed = signature.sign("key", "text")
    assert not signature.verify(signed.removeprefix("HMACSHA256="), "text", ["key"])
    assert not signature.verify(signed.lower(), "text", ["key"])


def test_each_part_is_covered() -> None:
    parts = {"client_id": "c", "request_id": "r", "timestamp": "t", "target": "/p"}
    text = signature.component(**parts, body=b"{}")
    others = [signature.component(**{**parts, name: "x"}, body=b"{}") for name in parts]
    others.append(signature.component(**parts, body=None))
    others.append(
        signature.component(**parts, body=b"{}", timestamp_name=signature.RESPONSE_TIMESTAMP)
    )
    signed = signature.sign("key", text)
    assert not any(signature.verify(signed, other, ["key"]) for other in others)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long it takes must tell nobody how much of a guess is right."""
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: True)
    assert signature.verify("HMACSHA256=AAAA", "text", ["key"])
