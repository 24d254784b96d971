"""The page's words in both languages."""

from dataclasses import dataclass

from o2o.core.channels import Channel
from o2o.core.how_to_pay import Language
from o2o.usecases.show_code import PageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. Braces are filled in: ``{merchant}``, ``{amount}`` and so on."""

    language: Language
    other_language: str
    conjunction: str
    pay: str
    places: str
    code: str
    copy: str
    copied: str
    not_copied: str
    scan: str
    reusable: str
    deadline: str
    time_left: str
    days: str
    how_to_pay: str
    amount: str
    when: str
    where: str
    store: str
    receipt: str
    reference: str
    purpose: str
    private: str
    stale: str
    titles: dict[PageState, str]
    texts: dict[PageState, str]
    late: str
    received: str
    again: str
    mismatch: str
    open_other: dict[PageState, str]
    preview: str
    missing_title: str
    missing_text: str

    def list_places(self, channel: Channel) -> str:
        """The brands of a channel as a person lists them."""
        *others, last = channel.facts.brands
        if not others:
            return last
        return f"{', '.join(others)}{',' if len(others) > 1 else ''} {self.conjunction} {last}"


INDONESIAN = Words(
    language=Language.INDONESIAN,
    other_language="English",
    conjunction="atau",
    pay="Bayar di kasir",
    places="di {places}",
    code="Kode pembayaran",
    copy="Salin kode",
    copied="Kode disalin",
    not_copied="Tidak dapat disalin di sini. Kode di atas sudah dipilih, silakan salin sendiri.",
    scan="Kasir dapat memindai atau mengetik kode ini.",
    reusable="Kode ini dapat dipakai berulang kali.",
    deadline="Bayar sebelum",
    time_left="Sisa waktu",
    days="hari",
    how_to_pay="Cara membayar",
    amount="Jumlah",
    when="Waktu",
    where="Tempat",
    store="toko {store}",
    receipt="No. struk",
    reference="No. tagihan",
    purpose="Keterangan",
    private="Siapa pun yang punya alamat halaman ini dapat melihat kodenya.",
    stale="Halaman ini sedang tidak dapat diperbarui dan mungkin tidak menunjukkan keadaan terbaru."
    " Periksa koneksi internet Anda.",
    titles={
        PageState.REQUESTED: "Kode sedang disiapkan",
        PageState.ACTIVE: "Bayar {amount}",
        PageState.CLOSING: "Waktu pembayaran habis",
        PageState.PAID: "Pembayaran diterima",
        PageState.PAID_BEFORE: "Pesanan ini sudah dibayar",
        PageState.EXPIRED: "Kode sudah kedaluwarsa",
        PageState.CANCELLED: "Kode dibatalkan",
        PageState.REPLACED: "Kode ini sudah diganti",
        PageState.FAILED: "Kode tidak dapat dibuat",
    },
    texts={
        PageState.REQUESTED: "Biasanya hanya beberapa detik. Halaman ini menampilkannya begitu"
        " siap, Anda tidak perlu melakukan apa pun.",
        PageState.CLOSING: "Jangan bayar lagi dengan kode ini. Jika Anda baru saja membayar,"
        " tunggu sebentar: hasilnya akan muncul di sini.",
        PageState.PAID: "Terima kasih. {merchant} sudah menerima pembayaran Anda.",
        PageState.PAID_BEFORE: "Kode sebelumnya untuk pesanan yang sama sudah dibayar."
        " Jangan bayar lagi.",
        PageState.EXPIRED: "Batas waktunya {deadline}. Jangan bayar dengan kode ini; minta kode"
        " baru kepada {merchant}.",
        PageState.CANCELLED: "Jangan bayar dengan kode ini. Jika Anda masih ingin membayar, minta"
        " kode baru kepada {merchant}.",
        PageState.REPLACED: "Jangan bayar dengan kode lama. Gunakan kode yang baru.",
        PageState.FAILED: "Tidak ada yang perlu dibayar di sini. Minta kode baru kepada"
        " {merchant}.",
    },
    late="Pembayaran ini masuk setelah batas waktu. Hubungi {merchant} jika pesanan Anda tidak"
    " diproses.",
    received="Pembayaran {amount} diterima pada {when}.",
    again="Tagihan ini dibayar lebih dari sekali: {amount} pada {when}. Hubungi {merchant}.",
    mismatch="Pembayaran {amount} pada {when} tidak sesuai dengan tagihan ini. Hubungi {merchant}.",
    open_other={
        PageState.REPLACED: "Buka kode yang baru",
        PageState.PAID_BEFORE: "Lihat pembayarannya",
    },
    preview="Buka halaman ini untuk kode pembayaran, cara membayar, dan statusnya.",
    missing_title="Halaman ini tidak ada",
    missing_text="Periksa apakah alamatnya lengkap: aplikasi pesan kadang memotongnya. Kode yang"
    " sudah lama selesai juga tidak ditampilkan lagi.",
)

ENGLISH = Words(
    language=Language.ENGLISH,
    other_language="Bahasa Indonesia",
    conjunction="or",
    pay="Pay at the till",
    places="at {places}",
    code="Payment code",
    copy="Copy code",
    copied="Code copied",
    not_copied="It could not be copied here. The code above is selected: please copy it yourself.",
    scan="The cashier can scan or type this code.",
    reusable="This code can be used again and again.",
    deadline="Pay before",
    time_left="Time left",
    days="d",
    how_to_pay="How to pay",
    amount="Amount",
    when="Time",
    where="Place",
    store="store {store}",
    receipt="Receipt no.",
    reference="Invoice no.",
    purpose="For",
    private="Anyone with the address of this page can see the code.",
    stale="This page can't be updated at the moment and may be out of date. Check your internet"
    " connection.",
    titles={
        PageState.REQUESTED: "Your code is on its way",
        PageState.ACTIVE: "Pay {amount}",
        PageState.CLOSING: "The time to pay is over",
        PageState.PAID: "Payment received",
        PageState.PAID_BEFORE: "This order has been paid",
        PageState.EXPIRED: "This code has expired",
        PageState.CANCELLED: "This code was cancelled",
        PageState.REPLACED: "This code was replaced",
        PageState.FAILED: "The code could not be made",
    },
    texts={
        PageState.REQUESTED: "It usually takes a few seconds. This page shows it as soon as it is"
        " ready; there is nothing you need to do.",
        PageState.CLOSING: "Do not pay with this code any more. If you have just paid, wait a"
        " moment: the result will appear here.",
        PageState.PAID: "Thank you. {merchant} has received your payment.",
        PageState.PAID_BEFORE: "An earlier code for the same order was paid. Do not pay again.",
        PageState.EXPIRED: "It was valid until {deadline}. Do not pay with this code; ask"
        " {merchant} for a new one.",
        PageState.CANCELLED: "Do not pay with this code. If you still want to pay, ask {merchant}"
        " for a new one.",
        PageState.REPLACED: "Do not pay with the old code. Use the new one.",
        PageState.FAILED: "There is nothing to pay here. Ask {merchant} for a new code.",
    },
    late="This payment came after the deadline. Contact {merchant} if your order is not processed.",
    received="A payment of {amount} was received on {when}.",
    again="This bill was paid more than once: {amount} on {when}. Contact {merchant}.",
    mismatch="A payment of {amount} on {when} does not match this bill. Contact {merchant}.",
    open_other={
        PageState.REPLACED: "Open the new code",
        PageState.PAID_BEFORE: "See the payment",
    },
    preview="Open this page for the payment code, how to pay, and its status.",
    missing_title="There is no such page",
    missing_text="Check that the address is complete: messengers sometimes cut it off. Codes that"
    " were settled long ago are not shown any more, either.",
)

BY_LANGUAGE = {words.language: words for words in (INDONESIAN, ENGLISH)}
