"""Time and chance, as the machine has them."""

import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

from o2o.adapters.system import SystemEntropy, system_clock


def test_the_clock_tells_utc() -> None:
    before = datetime.now(UTC)
    now = system_clock()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)


def test_request_ids_are_random_uuids() -> None:
    ids = {SystemEntropy().request_id() for _ in range(100)}
    assert len(ids) == 100
    assert {UUID(each).version for each in ids} == {4}


def test_tokens_use_the_whole_alphabet() -> None:
    token = SystemEntropy().token(4000)
    assert len(token) == 4000
    assert set(token) == set(string.ascii_lowercase + string.digits)


def test_numbers_stay_below_their_bound() -> None:
    assert {SystemEntropy().randbelow(3) for _ in range(300)} == {0, 1, 2}
