"""Why a till takes no money, in English and Indonesian."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from simulator.errors import ControlError
from simulator.inquirer import NO_URL
from simulator.store.inquiries import Inquiry


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason, as a sentence in both languages, and the HTTP status that goes with it."""

    en: str
    id: str
    status: HTTPStatus = HTTPStatus.CONFLICT

    def error(self, more: Mapping[str, object] | None = None) -> ControlError:
        """Return the refusal as an error of the control API."""
        return ControlError(self.en, self.status, {"error_id": self.id, **(more or {})})


_SENTENCES: Mapping[str, tuple[str, str]] = {
    "billing_not_found": (
        "Payment code {code} is unknown.",
        "Kode pembayaran {code} tidak dikenal.",
    ),
    "billing_was_expired": (
        "Payment code {code} has expired.",
        "Kode pembayaran {code} sudah kedaluwarsa.",
    ),
    "billing_already_paid": (
        "Payment code {code} has already been paid.",
        "Kode pembayaran {code} sudah dibayar.",
    ),
    "decline": (
        "The merchant declined payment code {code}.",
        "Kode pembayaran {code} ditolak oleh pedagang.",
    ),
    "invalid_signature": (
        "The merchant refused the signature of the inquiry.",
        "Pedagang menolak tanda tangan inquiry.",
    ),
}


def refusal_of(status: str, payment_code: str) -> Refusal:
    """Return the refusal for a status of direct inquiry (DOKU protocol, section 5).

    A till uses the same sentences for codes that DOKU holds itself.
    """
    en, indonesian = (sentence.format(code=payment_code) for sentence in _SENTENCES[status])
    unknown = status == "billing_not_found"
    return Refusal(en, indonesian, HTTPStatus.NOT_FOUND if unknown else HTTPStatus.CONFLICT)


def refusal_after(inquiry: Inquiry) -> Refusal | None:
    """Return the refusal that an inquiry ends in; ``None``: the till may take the cash."""
    if inquiry.problem is None:
        status = inquiry.status or ""
        return None if status == "success" else refusal_of(status, inquiry.payment_code)
    reason = f"{inquiry.problem[:1].upper()}{inquiry.problem[1:]}."
    if inquiry.problem == NO_URL:
        return Refusal(reason, "URL inquiry belum diatur.")
    if inquiry.http_status is None:
        return Refusal(reason, "Pedagang tidak menjawab. Silakan coba lagi.")
    return Refusal(reason, "Jawaban pedagang tidak bisa dipakai.")
