"""A target that can't fail proves nothing: each finds a fault that is put into the code."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest

from o2o.adapters.dynamodb.listing import Position, Span, _read_position
from tests.fuzz.all_targets import NAMES, Target, load


def _yes(*_: object, **__: object) -> bool:
    return True


def _read_any(_: Span, cursor: str) -> Position | None:
    return _read_position(cursor)


FAULTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "api_key": ("o2o.core.storefronts.ApiKey.is_opened_by", _yes),
    "cursor": ("o2o.adapters.dynamodb.listing.Span.read_cursor", _read_any),
    "doku_code": ("o2o.adapters.doku.client._require_signature", _yes),
    "doku_status": ("o2o.adapters.doku.client._require_signature", _yes),
    "how_to_pay": ("o2o.adapters.doku.how_to_pay.HowToPayApi._is_dokus", _yes),
    "inquiry": ("o2o.adapters.doku.signature.verify", _yes),
    "item": ("o2o.adapters.dynamodb.stream.b64decode", str.encode),
    "notification": ("o2o.adapters.doku.signature.verify", _yes),
    "pay_page": ("hmac.compare_digest", _yes),
    "secret_document": ("o2o.adapters.signing._is_root", _yes),
    "settings": ("o2o.entry.settings.parse_address", urlsplit),
    "storefront": (
        "o2o.usecases.cancel_code.owned_code",
        lambda codes, _, order_number: codes.get(order_number),
    ),
    "stream_record": ("o2o.entry.stream_batch.is_outage", _yes),
    "text": ("o2o.core.till_text._at_till", str),
    "webhook": ("o2o.adapters.webhook_sender.is_public", _yes),
    "work": ("o2o.adapters.queue.parse_instant", datetime.fromisoformat),
}
"""Where each fault is, and what stands there instead."""


def test_every_target_has_a_fault_to_find() -> None:
    assert sorted(FAULTS) == list(NAMES)


def holds(target: Target) -> bool:
    """Whether nothing is found with what a run begins with."""
    try:
        for seed in target.seeds:
            target.check(seed)
    except Exception:  # noqa: BLE001 - whatever it is, it is found
        return False
    return True


@pytest.mark.parametrize("name", FAULTS)
def test_a_target_finds_the_fault(name: str) -> None:
    target = load(name)
    assert holds(target)
    with patch(*FAULTS[name]):
        assert not holds(target)
