"""Reads a request for a payment code, of DOKU's or the merchant's (DOKU protocol, section 3)."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from simulator.catalogue import MerchantBin
from simulator.channels import MAX_CODE_LENGTH, Channel
from simulator.protocol.error_answers import DokuError, invalid_fields, invalid_json

BinOf = Callable[[str, Channel], MerchantBin | None]

_DEFAULT_EXPIRED_TIME = 60
_MAX_EXPIRED_TIME = 10**8 - 1
_MAX_REPORT_KEY = 64
_WHOLE_TEXT = re.compile(r"(\d{1,12})(?:\.0{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequest:
    """A request for a payment code, checked."""

    invoice_number: str
    amount: int
    """Rupiah."""
    expired_time: int
    """Minutes."""
    reusable: bool
    info: str | None
    """The line that the cashier sees."""
    customer_name: str
    notification_url: str | None
    """``additional_info.override_notification_url``."""
    report: tuple[tuple[str, str], ...]
    """``additional_info.report``: columns of the settlement report, each its key and value."""
    payment_code: str | None
    """The merchant's own digits, if it registers a code."""


class _Fields:
    """Reads fields and collects what is wrong with them.

    Unless ``strict``, whole numbers are also taken as DOKU's own plug-ins write them.
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self.messages: list[str] = []

    def text(
        self, document: dict[str, Any], path: str, limit: int | None, *, required: bool = False
    ) -> str | None:
        value = document.get(path.rpartition(".")[2])
        if value is None:
            if required:
                self.messages.append(f"{path} is required")
            return None
        if not isinstance(value, str):
            self.messages.append(f"{path} must be a string")
            return None
        if required and not value.strip():
            self.messages.append(f"{path} must not be blank")
        if limit is not None and len(value) > limit:
            self.messages.append(f"{path} must not be longer than {limit} characters")
        if not all(character.isprintable() for character in value):
            self.messages.append(f"{path} must not contain control characters")
        return value

    def integer(
        self,
        document: dict[str, Any],
        path: str,
        low: int,
        high: int,
        *,
        default: int | None = None,
    ) -> int:
        value = document.get(path.rpartition(".")[2])
        if value is None:
            if default is None:
                self.messages.append(f"{path} is required")
            return default or 0
        if not self._strict:
            value = _whole(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.messages.append(f"{path} must be an integer")
            return 0
        if not low <= value <= high:
            self.messages.append(f"{path} must be between {low} and {high}")
        return value

    def report(self, additional: dict[str, Any]) -> tuple[tuple[str, str], ...]:
        """Read columns of the settlement report (DOKU protocol, section 10)."""
        path = "additional_info.report"
        entries = additional.get("report", [])
        if not isinstance(entries, list):
            self.messages.append(f"{path} must be a list")
            return ()
        columns = []
        for position, entry in enumerate(entries):
            where = f"{path}[{position}]"
            if not isinstance(entry, dict):
                self.messages.append(f"{where} must be an object")
                continue
            key = self.text(entry, f"{where}.key", _MAX_REPORT_KEY, required=True)
            value = self.text(entry, f"{where}.value", None, required=True)
            columns.append((key or "", value or ""))
        return tuple(columns)

    def payment_code(self, document: dict[str, Any], channel: Channel, bin_of: BinOf) -> str | None:
        """Read digits that belong to a BIN with ``mgpc``."""
        path = f"online_to_offline_info.{channel.code_field}"
        value = self.text(document, path, MAX_CODE_LENGTH, required=True)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit()):
            self.messages.append(f"{path} must be digits")
            return None
        merchant_bin = bin_of(value, channel)
        if merchant_bin is None or "mgpc" not in merchant_bin.features:
            self.messages.append(f"{path} must begin with a BIN of the merchant")
        elif not merchant_bin.fits(value):
            self.messages.append(
                f"{path} must have 1 to {merchant_bin.max_free} digits after the BIN"
            )
        return value


def _whole(value: Any) -> Any:
    """Return ``250000`` for ``250000.0``, ``"250000"`` and ``"250000.00"``; else the value."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    match = _WHOLE_TEXT.fullmatch(value) if isinstance(value, str) else None
    return value if match is None else int(match[1])


def _object(document: dict[str, Any], name: str, known: frozenset[str] | None) -> dict[str, Any]:
    """Return an object inside a document; raises ``DokuError`` for fields that are not ``known``.

    ``None``: any field is taken.
    """
    value = document.get(name, {})
    if not isinstance(value, dict) or (known is not None and value.keys() - known):
        raise DokuError(invalid_json())
    return value


def read_code_request(
    document: dict[str, Any],
    channel: Channel,
    configured_url: str | None,
    bin_of: BinOf | None = None,
    *,
    strict: bool = False,
) -> CodeRequest:
    """Read a request for a payment code; raises ``DokuError``.

    ``configured_url`` is the channel's notification URL. With ``bin_of``, which finds the BIN of
    some digits, the request registers the merchant's own code. ``strict`` refuses what the protocol
    does not ask for but DOKU's own code sends: fields that the channel does not have, and whole
    numbers in another form.
    """

    def part(parent: dict[str, Any], name: str, known: Collection[str]) -> dict[str, Any]:
        return _object(parent, name, frozenset(known) if strict else None)

    objects = {"order", "online_to_offline_info", "customer", "additional_info"}
    if strict and document.keys() - objects - {channel.receipt_object}:
        raise DokuError(invalid_json())
    order = part(document, "order", ("invoice_number", "amount"))
    known = ("expired_time", "reusable_status", "info")
    info = part(
        document,
        "online_to_offline_info",
        known if bin_of is None else (*known, channel.code_field),
    )
    customer = part(document, "customer", ("name", "email"))
    channel_info = part(document, channel.receipt_object, ("receipt",))
    receipt = part(channel_info, "receipt", channel.receipt_fields)
    additional = _object(document, "additional_info", None)

    fields = _Fields(strict=strict)
    invoice_number = fields.text(order, "order.invoice_number", 64, required=True)
    amount = fields.integer(order, "order.amount", channel.min_amount, channel.max_amount)
    expired_time = fields.integer(
        info,
        "online_to_offline_info.expired_time",
        1,
        _MAX_EXPIRED_TIME,
        default=_DEFAULT_EXPIRED_TIME,
    )
    reusable = info.get("reusable_status", False)
    if not isinstance(reusable, bool):
        fields.messages.append("online_to_offline_info.reusable_status must be a boolean")
    payment_code = None if bin_of is None else fields.payment_code(info, channel, bin_of)
    line = fields.text(info, "online_to_offline_info.info", 30)
    name = fields.text(customer, "customer.name", 64, required=True)
    fields.text(customer, "customer.email", 128)
    for field in sorted(channel.receipt_fields):
        fields.text(receipt, f"{channel.receipt_object}.receipt.{field}", 128)
    override = fields.text(additional, "additional_info.override_notification_url", 512)
    if override is not None and not _differs_in_host_only(override, configured_url):
        fields.messages.append(
            "additional_info.override_notification_url may differ in its host only"
        )
    report = fields.report(additional)
    if fields.messages:
        raise DokuError(invalid_fields(fields.messages))
    return CodeRequest(
        invoice_number=invoice_number or "",
        amount=amount,
        expired_time=expired_time,
        reusable=bool(reusable),
        info=line,
        customer_name=name or "",
        notification_url=override,
        report=report,
        payment_code=payment_code,
    )


def _differs_in_host_only(override: str, configured: str | None) -> bool:
    try:
        mine, theirs = urlsplit(override), urlsplit(configured or "")
        reachable = mine.scheme in {"http", "https"} and bool(mine.hostname) and mine.port != 0
    except ValueError:
        return False
    return (
        reachable
        and override.isascii()
        and " " not in override
        and (mine.path, mine.query, mine.fragment) == (theirs.path, theirs.query, "")
    )
