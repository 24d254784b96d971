"""Settlement reports as files: what the mapping makes of them, and what is refused."""

import io
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from admin import settlement_file
from admin.settlement_file import Report, Unusable, read_mapping, read_report
from tests.support.documents import ROOT

EXAMPLES = ROOT / "docs/examples/settlement"

MAPPING = """
[columns]
order_number = "Order"
amount = "Amount"
paid_at = "Paid"
fee = "Fee"
net = "Net"
receipt_number = "Receipt"
payment_code = "Code"

[rows.only]
"Status" = ["OK"]
"""
HEADER = "Order,Amount,Paid,Fee,Net,Receipt,Code,Status,Customer"
LINE = "INV-1,150000,2026-03-01 10:15:00,5000,145000,00A1,'8899551234567890,OK,Anton Budiman"
NAMES = HEADER.split(",")


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def reading(content: str | bytes, mapping: str = MAPPING, name: str = "r.csv") -> Report:
        (tmp_path / "m.toml").write_text(mapping, "utf-8")
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_report(file, read_mapping(tmp_path / "m.toml"))

    return reading


def csv_of(*lines: str, end: str = "\n") -> str:
    return end.join((HEADER, *lines)) + end


def book_of(*rows: list[Any], **sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (NAMES, *rows):
        sheet.append(row)
    for name, others in sheets.items():
        further = book.create_sheet(name)
        for row in others:
            further.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def refused(read: Any, *given: Any, **options: Any) -> str:
    with pytest.raises(Unusable) as told:
        read(*given, **options)
    sentence = str(told.value)
    assert "Anton" not in sentence
    return sentence


ROW: list[Any] = ["INV-1", 150_000, datetime(2026, 3, 1, 10, 15), 5000, 145_000.5, "00A1",  # noqa: DTZ001
                  "8899551234567890", "OK", "Anton Budiman"]  # fmt: skip


def test_a_line_says_what_the_mapping_names(read: Any) -> None:
    report = read(csv_of(LINE))
    (line,) = report.lines
    assert (line.number, line.order_number, line.receipt_number) == (2, "INV-1", "00A1")
    assert (line.amount, line.fee, line.net) == tuple(map(Decimal, (150_000, 5_000, 145_000)))
    assert line.paid_at == datetime(2026, 3, 1, 3, 15, tzinfo=UTC)
    assert (line.paid_until, line.payment_code) == (None, "8899551234567890")
    assert line.file == report.sha256
    assert "Anton" not in line.evidence.body


@pytest.mark.parametrize(
    "content",
    [
        csv_of(LINE).encode("utf-8-sig"),
        csv_of("", LINE, ",,,,,,,,", end="\r\n").encode(),
        csv_of(LINE, "TOTAL,150000,,5000,145000,,,,").encode(),
        csv_of(LINE.replace("INV-1", '"INV-1"'), 'INV-2,x,x,x,x,x,x,"FAIL\nED",x').encode(),
        book_of(ROW),
        book_of([], ROW, ["TOTAL", 150_000]),
    ],
)
def test_what_does_not_count_is_left_out(read: Any, content: bytes) -> None:
    (line,) = read(content).lines
    assert (line.order_number, line.payment_code) == ("INV-1", "8899551234567890")
    assert line.paid_at == datetime(2026, 3, 1, 3, 15, tzinfo=UTC)


def test_lines_are_numbered_as_an_editor_shows_them(read: Any) -> None:
    odd = LINE.replace("Anton Budiman", '"Anton\nBudiman"')
    report = read(csv_of(odd, "", LINE))
    assert [line.number for line in report.lines] == [2, 5]


def test_the_example_with_every_key_reads_its_own_form(tmp_path: Path) -> None:
    text = (
        "PT Contoh\r\n\r\nTransaksi\r\n"
        "No. Pesanan;Tanggal;Nominal;Biaya;Diterima;No. Struk;Kode Bayar;Kanal;Status\r\n"
        'INV-1;01/03/2026;Rp 1.250.000,50;-5.000;1.245.000,50;="0012";\'8899;Alfa;Lunas\r\n'
        "INV-2;01/03/2026 23:59;Rp1000;;;;;Alfa;Gagal\r\n"
        ";;1;;;;;;Lunas\r\n"
    )
    file = tmp_path / "laporan.csv"
    file.write_bytes(text.encode("cp1252"))
    report = read_report(file, read_mapping(EXAMPLES / "every-key.toml"))
    (line,) = report.lines
    assert (line.number, line.amount, line.fee) == (5, Decimal("1250000.50"), Decimal(-5000))
    assert (line.receipt_number, line.payment_code) == ("0012", "8899")
    assert line.paid_at == datetime(2026, 2, 28, 17, tzinfo=UTC)
    assert line.paid_until == datetime(2026, 3, 1, 16, 59, 59, tzinfo=UTC)
    assert report.skipped == 2


def test_a_workbook_s_midnight_is_a_day(read: Any) -> None:
    (line,) = read(book_of([*ROW[:2], datetime(2026, 3, 1), *ROW[3:]])).lines  # noqa: DTZ001
    assert line.paid_until == datetime(2026, 3, 1, 16, 59, 59, tzinfo=UTC)


def test_a_workbook_s_sheet_is_named_if_there_are_several(read: Any) -> None:
    book = book_of(ROW, Other=[["nothing"]])
    assert "2 sheets" in refused(read, book)
    assert read(book, f'{MAPPING}\n[file]\nsheet = "Sheet"').lines
    assert "no sheet 'Shoot'" in refused(read, book, f'{MAPPING}\n[file]\nsheet = "Shoot"')


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        (MAPPING + "[other]\n", "m.toml: other is unknown"),
        (MAPPING.replace("fee =", "fees ="), "columns.fees is unknown"),
        (MAPPING.replace("amount =", "net_ ="), "columns.amount is missing"),
        (MAPPING + "[file]\nheader_row = 0\n", "file.header_row"),
        (MAPPING + '[file]\nheader_row = "1"\n', "file.header_row"),
        (MAPPING + '[file]\nencoding = "utf-9"\n', "file.encoding: is not an encoding"),
        (MAPPING + '[file]\ndelimiter = ";;"\n', "file.delimiter"),
        (MAPPING + '[dates]\ntime_zone = "Jakarta"\n', "must be one of UTC, WIB"),
        (MAPPING + '[dates]\nformats = ["%Q"]\n', "'%Q' is not a format"),
        (MAPPING + '[amounts]\nthousands = "."\n', "decimal and thousands are the same"),
        (MAPPING + '[rows]\nsome = "x"\n', "rows.some is unknown"),
        ("columns = ", "m.toml can't be read"),
        (MAPPING.replace('"Receipt"', '"Struk"'), "line 1: the column 'Struk' is not there"),
        (MAPPING.replace('"Status"', '"State"'), "line 1: the column 'State' is not there"),
        (MAPPING + "[file]\nheader_row = 2\n", "line 2: the column 'Order' is not there"),
        (MAPPING + "[file]\nheader_row = 9\n", "has no line 9"),
        (MAPPING.replace('["OK"]', '["PAID"]'), "no row that counts"),
    ],
)
def test_what_a_mapping_has_wrong_is_named(read: Any, mapping: str, sentence: str) -> None:
    assert sentence in refused(read, csv_of(LINE), mapping)


def changed(column: str, value: str) -> str:
    cells = LINE.split(",")
    cells[NAMES.index(column)] = value
    return csv_of(",".join(cells))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (changed("Order", "8.89977E+15"), "line 2: Order was written in scientific notation"),
        (changed("Code", '"8,89977E+15"'), "line 2: Code was written in scientific notation"),
        (changed("Receipt", "9E+10"), "line 2: Receipt was written in scientific notation"),
        (changed("Order", ""), "line 2: Order is empty"),
        (changed("Order", "I" * 201), "line 2: Order must be at most 200"),
        (changed("Amount", ""), "line 2: Amount must be an amount above nothing"),
        (changed("Amount", "-150000"), "line 2: Amount must be an amount above nothing"),
        (changed("Amount", "1.5E+5"), "line 2: Amount is not an amount as the mapping has them"),
        (changed("Amount", '"150,000"'), "line 2: Amount is not an amount"),
        (changed("Amount", "1500000000000"), "line 2: Amount must be"),
        (changed("Fee", "Anton"), "line 2: Fee is not an amount"),
        (changed("Paid", "01/03/2026"), "line 2: Paid is not a date as the mapping has them"),
        (changed("Paid", "1026-03-01"), "line 2: Paid is out of range"),
        (csv_of(LINE).replace("Customer", "Order"), "the column 'Order' is there 2 times"),
        (csv_of(LINE.replace("OK", '"O"K')), "line 2: is not CSV"),
        (csv_of('"Anton'), "line 2: is not CSV"),
        (csv_of(LINE).encode("utf-16"), "is not utf-8: see file.encoding"),
        (csv_of(LINE).encode("utf-16-le"), "is no text in utf-8: see file.encoding"),
        (b"", "has no line 1"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 encrypted", "an encrypted or an old workbook"),
        (b"PK\x03\x04 broken", "is no XLSX workbook that can be read"),
        (book_of(ROW)[:-200], "is no XLSX workbook that can be read"),
        (book_of([8.89977e15, *ROW[1:]]), "line 2: Order is a number that may have lost digits"),
        (book_of([1234567890123456, *ROW[1:]]), "line 2: Order is a number that may have lost"),
        (book_of([datetime(2026, 3, 1), *ROW[1:]]), "line 2: Order is not text"),  # noqa: DTZ001
        (book_of(["INV-1", True, *ROW[2:]]), "line 2: Amount is not an amount"),
        (book_of([*ROW[:2], 46_082.5, *ROW[3:]]), "line 2: Paid is not a date"),
        (book_of([*ROW[:6], 8899551234567890, *ROW[7:]]), "line 2: Code is a number that may"),
    ],
)
def test_what_can_not_be_read_is_refused_by_line_and_column(
    read: Any, content: str | bytes, sentence: str
) -> None:
    assert sentence in refused(read, content)


def test_an_order_number_may_look_like_a_number(read: Any) -> None:
    assert read(changed("Order", "8E15")).lines[0].order_number == "8E15"
    assert read(book_of([12, *ROW[1:]])).lines[0].order_number == "12"


def test_what_would_unpack_to_too_much_is_not_unpacked(
    read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", b" " * settlement_file.MAX_UNPACKED_BYTES)
        book.writestr("xl/more.xml", b" ")
    assert "would unpack to more than" in refused(read, packed.getvalue())
    monkeypatch.setattr(settlement_file, "MAX_BYTES", 10)
    assert "has more than 10 bytes" in refused(read, csv_of(LINE))


def test_entities_are_not_unfolded(read: Any) -> None:
    original = zipfile.ZipFile(io.BytesIO(book_of(ROW)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as book:
        for name in original.namelist():
            text = original.read(name)
            if name.startswith("xl/worksheets/"):
                text = b'<!DOCTYPE x [<!ENTITY a "Anton">]>' + text
            book.writestr(name, text)
    assert "is no XLSX workbook" in refused(read, packed.getvalue())


def test_rows_have_an_end(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement_file, "MAX_ROWS", 3)
    assert "has more than 3 rows" in refused(read, csv_of(*[LINE] * 3))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"^none\.toml can't be read"):
        read_mapping(tmp_path / "none.toml")
    with pytest.raises(Unusable, match=r"^none\.csv can't be read"):
        read_report(tmp_path / "none.csv", read_mapping(EXAMPLES / "simulator.toml"))
