"""How to pay at the till, in words: what we say when DOKU's own instructions can't be had."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from o2o.core.codes import PaymentCode
from o2o.core.wib import WIB


class Language(StrEnum):
    """The languages of our own instructions."""

    INDONESIAN = "id"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Instruction:
    """Steps for one place to pay; ``place`` is a store brand, or DOKU's name for the channel."""

    place: str
    steps: tuple[str, ...]


_STEPS = {
    Language.INDONESIAN: (
        "Datang ke {brand} terdekat sebelum {deadline}.",
        "Katakan kepada kasir bahwa Anda ingin melakukan pembayaran {biller}.",
        "Tunjukkan atau bacakan kode pembayaran {code}.",
        "Periksa layar kasir: jumlahnya harus {amount}.",
        "Bayar dengan jumlah yang sama persis, lalu simpan struknya sebagai bukti pembayaran.",
    ),
    Language.ENGLISH: (
        "Go to the nearest {brand} before {deadline}.",
        "Tell the cashier that you want to make a {biller} payment (“pembayaran {biller}”).",
        "Show or read out the payment code {code}.",
        "Check the cashier's screen: the amount must be {amount}.",
        "Pay exactly this amount, and keep the receipt as proof of payment.",
    ),
}

_MONTHS = {
    Language.INDONESIAN: (
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ),
    Language.ENGLISH: (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}

_DAYS = {
    Language.INDONESIAN: ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    Language.ENGLISH: (
        *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ),
}

_TIME = {Language.INDONESIAN: "%H.%M", Language.ENGLISH: "%H:%M"}


def explain(code: PaymentCode, language: Language, biller: str) -> list[Instruction]:
    """Our own instructions for a code that has its digits, one for each brand of its channel."""
    return [
        Instruction(brand, steps(code, language, brand, biller))
        for brand in code.channel.facts.brands
    ]


def steps(code: PaymentCode, language: Language, place: str, biller: str) -> tuple[str, ...]:
    """What to do with a code that has its digits, at a place.

    ``biller`` is what the till knows the payment by (BinTable.biller).
    """
    words = {
        "brand": place,
        "biller": biller,
        "code": group_digits(code.payment_code or ""),
        "amount": rupiah(code.amount),
        "deadline": deadline(code, language),
    }
    return tuple(step.format(**words) for step in _STEPS[language])


def rupiah(amount: int) -> str:
    """An amount as Indonesians write it: ``Rp150.000``."""
    return f"Rp{amount:,}".replace(",", ".")


def group_digits(payment_code: str) -> str:
    """Digits in groups of four, to be read out."""
    return " ".join(payment_code[start : start + 4] for start in range(0, len(payment_code), 4))


def deadline(code: PaymentCode, language: Language) -> str:
    """The end of a code in WIB, with the day named."""
    return day_and_time(code.expiry, language)


def day_and_time(instant: datetime, language: Language) -> str:
    """An instant in WIB, with the day named."""
    local = instant.astimezone(WIB)
    day = _DAYS[language][local.weekday()]
    month = _MONTHS[language][local.month - 1]
    return f"{day}, {local.day} {month} {local.year}, {local:{_TIME[language]}} WIB"
