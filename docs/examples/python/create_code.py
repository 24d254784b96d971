"""Create a payment code and wait until the customer can go.

    python create_code.py INVOICE_NUMBER AMOUNT

Needs the package requests; O2O_URL and O2O_KEY in the environment.
"""

import os
import sys
import time
from typing import Any

import requests

URL, KEY = os.environ.get("O2O_URL"), os.environ.get("O2O_KEY")
INVOICE_NUMBER, AMOUNT = [*sys.argv[1:], "", ""][:2]
if not (URL and KEY and INVOICE_NUMBER and AMOUNT.isdigit()):
    sys.exit("Set O2O_URL and O2O_KEY, and give an order: create_code.py INVOICE_NUMBER AMOUNT")
MAX_WAIT = int(os.environ.get("O2O_MAX_WAIT", "60"))
ATTEMPTS = 5
# Worth another try; the invoice number is the idempotency key, so it is safe.
AGAIN = {429, 500, 503}

session = requests.Session()
session.headers["Authorization"] = f"Bearer {KEY}"


class Refused(Exception):
    """A problem document. Decide by ``type``, which is stable."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem['type']}: {problem.get('detail') or problem['title']}")
        self.type = problem["type"]


def ask(method: str, path: str, **options: Any) -> requests.Response:
    """Send a request, again if the answer says so or none came. Raises Refused."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = session.request(method, URL + path, timeout=35, **options)
        except (requests.ConnectionError, requests.Timeout):
            if attempt == ATTEMPTS:
                raise
            time.sleep(min(2**attempt, MAX_WAIT))
            continue
        if answer.ok:
            return answer
        problem = answer.json()
        again = answer.status_code in AGAIN or problem["type"] == "/problems/concurrent-update"
        if not again or attempt == ATTEMPTS:
            raise Refused(problem)
        time.sleep(wait_of(answer, 2**attempt))
    raise AssertionError("the last attempt returns or raises")


def wait_of(answer: requests.Response, otherwise: int) -> int:
    """Seconds to wait, as the answer says."""
    return min(int(answer.headers.get("Retry-After", otherwise)), MAX_WAIT)


def create_code(invoice_number: str, amount: int) -> dict[str, Any]:
    """The payment code of this invoice number: a new one, or the one that it has already."""
    order = {
        "invoice_number": invoice_number,
        "amount": amount,
        "channel": "alfa",
        "customer": {"name": "Anton Budiman"},
    }
    answer = ask("POST", "/payment-codes", json=order)
    code: dict[str, Any] = answer.json()
    # 202: DOKU has not answered clearly yet. The code is finished by itself: read it until it is.
    while code["status"] == "requested":
        time.sleep(wait_of(answer, 2))
        answer = ask("GET", f"/payment-codes/{invoice_number}")
        code = answer.json()
    return code


if __name__ == "__main__":
    try:
        code = create_code(INVOICE_NUMBER, int(AMOUNT))
    except Refused as refused:
        sys.exit(str(refused))
    except requests.RequestException:
        sys.exit(f"No answer from {URL}.")
    print(code["invoice_number"], code["status"], code["payment_code"], code["amount"])
