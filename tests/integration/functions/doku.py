"""Signed answers of DOKU's, made from the protocol and not by our own code."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from werkzeug import Request, Response

CLIENT_ID = "MCH-0001-10791114622547"
SECRET_KEY = "SK-local-test-key-0001"


def sign(text: str) -> str:
    mac = hmac.new(SECRET_KEY.encode(), text.encode(), hashlib.sha256).digest()
    return "HMACSHA256=" + base64.b64encode(mac).decode()


def request_headers(path: str, body: bytes, request_id: str, timestamp: str) -> dict[str, str]:
    """The headers of a message of DOKU's to this path, signed as section 2 of the protocol says."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = (
        f"Client-Id:{CLIENT_ID}\nRequest-Id:{request_id}\nRequest-Timestamp:{timestamp}\n"
        f"Request-Target:{path}\nDigest:{digest}"
    )
    return {
        "client-id": CLIENT_ID,
        "request-id": request_id,
        "request-timestamp": timestamp,
        "signature": sign(text),
    }


def answer(request: Request, payload: Any, status: int = 200) -> Response:
    """The answer to a request, signed as section 2 of the protocol says."""
    body = json.dumps(payload).encode()
    request_id = request.headers["Request-Id"]
    timestamp = "2026-03-01T03:00:01Z"
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = (
        f"Client-Id:{CLIENT_ID}\nRequest-Id:{request_id}\nResponse-Timestamp:{timestamp}\n"
        f"Request-Target:{request.path}\nDigest:{digest}"
    )
    return Response(
        body,
        status,
        {
            "Client-Id": CLIENT_ID,
            "Request-Id": request_id,
            "Response-Timestamp": timestamp,
            "Signature": sign(text),
            "Content-Type": "application/json",
        },
    )


def code(request: Request, payment_code: str, expires_at: datetime, status: int = 200) -> Response:
    """DOKU's answer to a request for a code."""
    sent = json.loads(request.data)
    return answer(
        request,
        {
            "order": {"invoice_number": sent["order"]["invoice_number"]},
            "online_to_offline_info": {
                "payment_code": payment_code,
                "expired_date_utc": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "how_to_pay_page": "https://sandbox.doku.com/how-to-pay/1",
                "how_to_pay_api": "https://api-sandbox.doku.com/how-to-pay/1",
            },
        },
        status,
    )
