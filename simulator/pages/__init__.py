"""The simulator's web pages: plain files that load nothing from elsewhere."""

import base64
import hashlib
import html
import re
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from string import Template

from simulator.clock import WIB
from simulator.wire import Answer

_FOLDER = Path(__file__).parent
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def _policy(page: str) -> str:
    """Return a Content-Security-Policy that allows the page's own script and style only."""
    sources: dict[str, list[str]] = {"script": ["'none'"], "style": ["'none'"]}
    for kind, text in _INLINE.findall(page):
        mark = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        sources[kind] = [f"'sha256-{mark}'"]
    return (
        "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none';"
        f" frame-ancestors 'none'; script-src {sources['script'][0]};"
        f" style-src {sources['style'][0]}"
    )


def _page(text: str, policy: str) -> Answer:
    return Answer(
        status=HTTPStatus.OK,
        body=text.encode(),
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"},
    )


_CASHIER = (_FOLDER / "cashier.html").read_text(encoding="utf-8")
_CASHIER_POLICY = _policy(_CASHIER)
_HOW_TO_PAY = (_FOLDER / "how_to_pay.html").read_text(encoding="utf-8")
_HOW_TO_PAY_POLICY = _policy(_HOW_TO_PAY)


def cashier_page() -> Answer:
    """Return the page of the till."""
    return _page(_CASHIER, _CASHIER_POLICY)


def how_to_pay_page(
    *, channel: str, payment_code: str, amount: int, expires: datetime, steps: list[str]
) -> Answer:
    """Return the page to which ``how_to_pay_page`` links; ``amount`` is rupiah, dates are WIB."""
    text = Template(_HOW_TO_PAY).substitute(
        channel=html.escape(channel),
        payment_code=" ".join(
            payment_code[start : start + 4] for start in range(0, len(payment_code), 4)
        ),
        amount=f"Rp{amount:,}".replace(",", "."),
        expires=expires.astimezone(WIB).strftime("%d-%m-%Y %H:%M WIB"),
        steps="".join(f"<li>{html.escape(step)}</li>" for step in steps),
    )
    return _page(text, _HOW_TO_PAY_POLICY)
