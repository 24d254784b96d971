"""Names as people paste them: through the API to the till's screen, and back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.local_stack import LocalStack

NAMES = json.loads((Path(__file__).parents[1] / "support" / "pasted-names.json").read_text("utf-8"))
INFO_LENGTH = 30

FEATURES: dict[str, dict[str, Any]] = {
    "dgpc": {},
    "dipc": {"feature": "dipc", "bin": "889955"},
}
"""DOKU hears the name when the code is made, or when a till asks."""


@pytest.mark.parametrize("feature", sorted(FEATURES))
@pytest.mark.parametrize("name", NAMES, ids=[name["from"] for name in NAMES])
def test_a_pasted_name_is_read_at_the_till_and_kept_as_sent(
    stack: LocalStack, name: dict[str, str], feature: str
) -> None:
    info = name["sent"] if len(name["till"]) <= INFO_LENGTH else None
    code = stack.create(customer={"name": name["sent"]}, info=info, **FEATURES[feature])
    shown = stack.doku("POST", "/inquiry", {"payment_code": code["payment_code"]})
    assert shown["customer_name"] == name["till"]
    assert shown["info"] == (None if info is None else name["till"])
    assert shown["payable"]
    kept = stack.get(code["invoice_number"])
    assert (kept["customer"]["name"], kept["info"]) == (name["sent"], info)
