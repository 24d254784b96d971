"""A request to ``POST /doku/inquiries``; ``Signature: sign`` stands for DOKU's own.

Whoever is not DOKU learns nothing and changes nothing, and every answer is one that the till knows.
"""

import json

from o2o.core.inquiries import InquiryStatus
from tests.fuzz.doku import signed
from tests.fuzz.functions import (
    PERSON,
    RIVAL,
    SECRETS,
    Request,
    functions,
    must_be_declared,
    must_not_tell,
)
from tests.fuzz.seeds import doku_requests

PATH = "/doku/inquiries"
SEEDS = doku_requests("answer_inquiry", PATH)
STATUSES = {str(each): each.http_status for each in InquiryStatus}


def check(data: bytes) -> None:
    """Raise AssertionError if an inquiry is believed or answered wrongly."""
    request, is_doku_s = signed(Request.read(data), f"/v1{PATH}")
    asked = Request("POST", PATH, request.query, request.headers, request.body)
    answer = functions().invoke("answer_inquiry", asked.event(PATH))
    must_be_declared(answer, "POST", PATH)
    must_not_tell(answer.text, *SECRETS)
    must_not_tell(answer.told, *SECRETS, PERSON, RIVAL)
    said = json.loads(answer.body)
    status = said["online_to_offline_inquiry"]["status"]
    assert STATUSES[status] == answer.status
    succeeds = status == InquiryStatus.SUCCESS
    assert answer.is_written == succeeds
    if not is_doku_s:
        assert status == InquiryStatus.INVALID_SIGNATURE
    if not succeeds:
        must_not_tell(answer.text, PERSON, RIVAL)
        assert "order" not in said
    else:
        digits = json.loads(request.body.decode("utf-8-sig"))["online_to_offline_info"]
        named = said["online_to_offline_info"]["payment_code"]
        assert str(digits["payment_code"]).strip() == named
