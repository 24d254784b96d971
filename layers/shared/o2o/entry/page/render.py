"""The page as HTML, with the headers that guard it."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from o2o.core.codes import PaymentKind
from o2o.core.how_to_pay import Language, day_and_time, deadline, group_digits, rupiah, steps
from o2o.core.payments import Payment
from o2o.core.till_text import till_text
from o2o.entry.page.barcode import draw_barcode
from o2o.entry.page.colour import accent
from o2o.entry.page.words import BY_LANGUAGE, Words
from o2o.usecases.show_code import PageState, Shown

CONTENT_TYPE = "text/html; charset=utf-8"

DEFAULT_COLOUR = "#0b6b4f"

_FOLDER = Path(__file__).parent


def _read(name: str) -> str:
    """A file of ours without indentation and comments: no customer should have to load those."""
    lines = (line.strip() for line in (_FOLDER / name).read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


_STYLE = re.sub(r"(?<=[:;,{}])\s+|\s+(?={)", "", _read("page.css"))
_SCRIPT = _read("page.js")

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
# Compiled while the function starts, and with them the one that both extend.
_ENVIRONMENT.get_template("page.html")
_CODE = _ENVIRONMENT.get_template("code.html")
_MISSING = _ENVIRONMENT.get_template("missing.html")

_QUICK, _USUAL, _SLOW = "3000 20000", "5000 60000", "30000 300000"
"""Milliseconds between two looks at the status: the first pause, and the longest. Each is twice as
long as the one before, from when the customer comes or a cashier asks (decision 0089)."""

_CHECK, _CLOCK, _CROSS, _TURN = (
    "M14.500 25l6.500 6.500 13-14",
    "M24 13v11l7.500 4.500",
    "M17 17l14 14M31 17L17 31",
    "M15 24h18M26.500 17.500L33 24l-6.500 6.500",
)
_MARKS = {
    PageState.PAID: _CHECK,
    PageState.PAID_BEFORE: _CHECK,
    PageState.REQUESTED: _CLOCK,
    PageState.CLOSING: _CLOCK,
    PageState.EXPIRED: _CLOCK,
    PageState.CANCELLED: _CROSS,
    PageState.FAILED: _CROSS,
    PageState.REPLACED: _TURN,
}
_NOTICES = 3
"""A reusable code may have thousands of payments."""

_GOOD = (PageState.PAID, PageState.PAID_BEFORE)


@dataclass(frozen=True, slots=True)
class Html:
    """A page as it is sent."""

    body: str
    headers: Mapping[str, str]


def render(shown: Shown, language: Language, way_to_others: str = "./") -> Html:
    """The page of a code; ``way_to_others`` is how a link to another page begins."""
    state = shown.status.state
    words = BY_LANGUAGE[language]
    filled = {
        "amount": rupiah(shown.code.amount),
        "deadline": _bind(deadline(shown.code, language)),
        "merchant": shown.merchant,
        "places": words.list_places(shown.code.channel),
    }
    title = words.titles[state].format(**filled)
    is_active = state is PageState.ACTIVE
    return _html(
        _CODE,
        words,
        colour=shown.branding.colour or DEFAULT_COLOUR,
        logo=shown.branding.logo,
        merchant=shown.merchant,
        page_title=f"{title} · {shown.merchant}",
        preview=words.preview,
        is_open=state.is_open,
        script=Markup(_SCRIPT),  # noqa: S704 - a file of ours
        state=state,
        seen=f"{state} {shown.code.payments}",
        now_ms=_milliseconds(shown.status.now),
        pace=_pace(state),
        title=title,
        text=words.texts.get(state, "").format(**filled),
        mood="good" if state in _GOOD else "",
        mark=_MARKS.get(state),
        notices=_notices(shown, words),
        payment=_payment(shown, words),
        elsewhere=_link(shown, words, way_to_others) if state in words.open_other else None,
        open_other=words.open_other.get(state),
        about=_about(shown, words),
        amount=filled["amount"],
        over=_over(shown, words, filled) if is_active else None,
        **(_ticket(shown, words, filled) if is_active else {}),
    )


def render_missing(language: Language) -> Html:
    """The page for an address that opens nothing."""
    words = BY_LANGUAGE[language]
    return _html(
        _MISSING,
        words,
        colour=DEFAULT_COLOUR,
        logo=None,
        merchant=None,
        page_title=words.missing_title,
        preview=None,
        is_open=False,
        script=None,
    )


def _html(template: Any, words: Words, *, colour: str, **values: Any) -> Html:
    shades = accent(colour)
    style = f":root{{--accent-light:{shades.light};--accent-dark:{shades.dark}}}\n{_STYLE}"
    other = next(language for language in Language if language is not words.language)
    body = template.render(
        words=words,
        other_language=other,
        style=Markup(style),  # noqa: S704 - files of ours, and colours that were computed
        **values,
    )
    return Html(body, _headers(words.language, style, values["script"]))


def _headers(language: Language, style: str, script: str | None) -> dict[str, str]:
    policy = {
        "default-src": "'none'",
        "script-src": _hash(script) if script else "'none'",
        "style-src": _hash(style),
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        # The address alone opens the page, and what it shows changes: so no cache may keep either.
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Language",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }


def _link(shown: Shown, words: Words, way_to_others: str) -> str | None:
    if shown.elsewhere is None:
        return None
    return f"{way_to_others}{shown.elsewhere}?lang={words.language}"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _pace(state: PageState) -> str | None:
    if state is PageState.ACTIVE:
        return _USUAL
    if state.is_open:
        return _QUICK
    # What has ended may still be paid late; what was paid stays so.
    return None if state in _GOOD else _SLOW


def _ticket(shown: Shown, words: Words, filled: Mapping[str, str]) -> dict[str, Any]:
    code = shown.code
    digits = code.payment_code or ""
    groups = group_digits(digits).split()
    return {
        "digits": digits,
        "groups": groups,
        "columns": _columns(len(groups)),
        # One by one, with a pause after each group.
        "spelt": ", ".join(" ".join(group) for group in groups),
        "barcode": draw_barcode(digits),
        "reusable": code.reusable,
        "places": words.places.format(**filled),
        "deadline": filled["deadline"],
        "expires_at": code.expiry.isoformat(timespec="seconds"),
        "expires_ms": _milliseconds(code.expiry),
        "steps": [
            _bind(step) for step in steps(code, words.language, filled["places"], shown.biller)
        ],
    }


def _over(shown: Shown, words: Words, filled: Mapping[str, str]) -> dict[str, str]:
    """What an open page turns to when the time is over, also where it can't ask anybody."""
    state = PageState.CLOSING
    title = words.titles[state].format(**filled)
    return {
        "title": title,
        "page_title": f"{title} · {shown.merchant}",
        "text": words.texts[state].format(**filled),
        "mark": _MARKS[state],
    }


def _columns(groups: int) -> int:
    """So that the lines of a narrow screen are of about equal length."""
    if groups in (2, 4):
        return 2
    return min(groups, 3) if groups <= 6 else 4  # noqa: PLR2004 - two lines of three


def _about(shown: Shown, words: Words) -> list[tuple[str, str]]:
    about = [(words.reference, shown.code.invoice_number)]
    return [(words.purpose, till_text(shown.code.info)), *about] if shown.code.info else about


def _payment(shown: Shown, words: Words) -> list[tuple[str, str]]:
    payment = shown.paid_by
    if shown.status.state is not PageState.PAID or payment is None:
        return []
    report = payment.report
    where = shown.code.channel.facts.name
    if report.store_id:
        where += f", {words.store.format(store=report.store_id)}"
    rows = [
        (words.when, _bind(day_and_time(report.paid_at, words.language))),
        (words.where, where),
    ]
    return [*rows, (words.receipt, report.receipt_number)] if report.receipt_number else rows


def _notices(shown: Shown, words: Words) -> list[tuple[str, str]]:
    """Payments other than the one that was expected, the newest last."""
    is_settled = shown.status.state is PageState.PAID
    others = [each for each in shown.payments if not (is_settled and each is shown.paid_by)]
    notices = [_notice(each, shown.merchant, words) for each in others[-_NOTICES:]]
    if is_settled and shown.code.late:
        notices.insert(0, ("warn", words.late.format(merchant=shown.merchant)))
    return notices


def _notice(payment: Payment, merchant: str, words: Words) -> tuple[str, str]:
    filled = {
        "amount": _amount(payment),
        "when": _bind(day_and_time(payment.report.paid_at, words.language)),
        "merchant": merchant,
    }
    if payment.kind is PaymentKind.PAID_AGAIN:
        return "warn", words.again.format(**filled)
    if payment.kind.matches:
        return "good", words.received.format(**filled)
    return "warn", words.mismatch.format(**filled)


def _amount(payment: Payment) -> str:
    amount = payment.report.amount
    whole = rupiah(int(amount))
    sen = f"{amount % 1:.2f}"[2:]
    return whole if sen == "00" else f"{whole},{sen}"


def _bind(text: str) -> str:
    """Keep on one line what is read as one: a date, and an hour with its zone."""
    return re.sub(r"(?<=\d) (?=[^\W\d])|(?<=[^\W\d]) (?=\d{4}\b)", "\N{NO-BREAK SPACE}", text)


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
