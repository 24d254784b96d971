"""DOKU's settlement report as a file: which of its columns are which, and what its lines say.

Nothing is documented about the report's columns, and they differ from merchant to merchant (DOKU
protocol, section 10). A mapping file names them. What does not fit it is refused with file, line
and column, and never with what stands there: it may be a customer's name.
"""

import csv
import io
import re
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from o2o.core.money import parse_doku_amount
from o2o.core.settlements import SettlementLine

MAX_BYTES = 50_000_000
MAX_UNPACKED_BYTES = 300_000_000
"""Of everything in a workbook: what unpacks to more is a bomb, or no day's report."""

MAX_ROWS = 1_000_000
_MAX_TEXT = 200
_EXACT = 10**15
"""A workbook's numbers have 15 digits; of longer ones it has lost the last."""

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ZONES = {"UTC": 0, "WIB": 7, "WITA": 8, "WIT": 9}
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
_EARLIEST, _LATEST = 2000, 2200
_SCIENTIFIC = re.compile(r"\d+[.,]\d*E[+-]?\d+|\d+E\+\d+", re.ASCII | re.IGNORECASE)
_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)
"""How spreadsheets are told that digits are text."""

Cell = object
Row = tuple[int, Sequence[Cell]]


class Unusable(Exception):
    """A file that can't be used; the message says which one, where and why."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_Name = Annotated[str, Field(min_length=1)]


class Columns(_Table):
    """The columns, as the header names them."""

    order_number: _Name
    amount: _Name
    paid_at: _Name | None = None
    fee: _Name | None = None
    net: _Name | None = None
    receipt_number: _Name | None = None
    payment_code: _Name | None = None
    channel: _Name | None = None


class Source(_Table):
    """How the file is written."""

    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    sheet: str | None = None
    header_row: Annotated[int, Field(ge=1)] = 1

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str) -> str:
        try:
            "1".encode(encoding)
        except LookupError as error:
            raise ValueError("is not an encoding of text that Python knows") from error
        return encoding


class Dates(_Table):
    """How dates are written. A format without hours means a day."""

    formats: Annotated[list[str], Field(min_length=1)] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d"]
    time_zone: str = "WIB"

    @field_validator("formats")
    @classmethod
    def _can_be_read(cls, formats: list[str]) -> list[str]:
        for each in formats:
            sample = datetime(2026, 3, 1, 13, 45, 30, tzinfo=timezone(timedelta()))
            try:
                datetime.strptime(sample.strftime(each), each)  # noqa: DTZ007 - any format
            except (ValueError, re.error) as error:
                raise ValueError(f"{each!r} is not a format of dates") from error
        return formats

    @field_validator("time_zone")
    @classmethod
    def _is_offset(cls, name: str) -> str:
        _zone(name)
        return name


class Amounts(_Table):
    """How amounts are written."""

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    prefix: str = ""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same")
        return self


class Rows(_Table):
    """Which rows are payments: those that have one of these values in these columns."""

    only: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    without_order_number: Literal["refuse", "skip"] = "refuse"


class ColumnMapping(_Table):
    """A mapping file."""

    columns: Columns
    file: Source = Source()
    dates: Dates = Dates()
    amounts: Amounts = Amounts()
    rows: Rows = Rows()


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says; ``skipped`` are rows that the mapping leaves out."""

    sha256: str
    lines: tuple[SettlementLine, ...]
    skipped: int


def read_mapping(path: Path) -> ColumnMapping:
    """A mapping file. Raises Unusable, naming every key at fault."""
    try:
        return ColumnMapping.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unusable(f"{path.name} can't be read: {error}") from error
    except ValidationError as error:
        raise Unusable("; ".join(_faults(path.name, error))) from error


def _faults(name: str, error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_input=False, include_url=False):
        key = ".".join(map(str, each["loc"])) or "the file"
        match each["type"]:
            case "extra_forbidden":
                yield f"{name}: {key} is unknown"
            case "missing":
                yield f"{name}: {key} is missing"
            case _:
                yield f"{name}: {key}: {each['msg'].removeprefix('Value error, ')}"


def digest(path: Path) -> str:
    """A file's SHA-256. Raises Unusable."""
    return sha256(_content(path)).hexdigest()


def read_report(path: Path, mapping: ColumnMapping) -> Report:
    """The lines of a report. Raises Unusable."""
    content = _content(path)
    reader = _Reader(path.name, mapping, sha256(content).hexdigest())
    if content.startswith(_OLE):
        raise Unusable(
            f"{path.name} is an encrypted or an old workbook: open it and save it as XLSX without"
            " a password, or as CSV"
        )
    if content.startswith(b"PK"):
        return reader.read(_workbook_rows(path.name, content, mapping.file.sheet))
    return reader.read(_csv_rows(path.name, content, mapping.file))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unusable(f"{path.name} can't be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise Unusable(f"{path.name} has more than {MAX_BYTES} bytes")
    return content


# --- rows -----------------------------------------------------------------------------------


def _csv_rows(name: str, content: bytes, source: Source) -> Iterator[Row]:
    encoding = "utf-8-sig" if source.encoding.casefold() in ("utf-8", "utf8") else source.encoding
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        raise Unusable(f"{name} is not {source.encoding}: see file.encoding") from error
    if "\0" in text:
        raise Unusable(f"{name} is no text in {source.encoding}: see file.encoding")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=source.delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unusable(f"{name}, line {number}: is not CSV: {error}") from error
        yield number, row


def _workbook_rows(name: str, content: bytes, wanted: str | None) -> Iterator[Row]:
    import openpyxl  # noqa: PLC0415 - no other command needs it, and it takes its time

    try:
        _check_size(name, content)
        book = openpyxl.load_workbook(
            io.BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        sheet: Any = book[_choose(name, [each.title for each in book.worksheets], wanted)]
        # What a sheet says of its own size may be wrong.
        sheet.reset_dimensions()
        yield from enumerate(sheet.iter_rows(values_only=True), start=1)
    except Unusable:
        raise
    except Exception as error:
        # Whatever a broken archive or XML makes of the packages that read it.
        raise Unusable(f"{name} is no XLSX workbook that can be read") from error


def _check_size(name: str, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        size = sum(each.file_size for each in packed.infolist())
    if size > MAX_UNPACKED_BYTES:
        raise Unusable(f"{name} would unpack to more than {MAX_UNPACKED_BYTES} bytes")


def _choose(name: str, titles: Sequence[str], wanted: str | None) -> str:
    if wanted is None and len(titles) != 1:
        raise Unusable(f"{name} has {len(titles)} sheets: name one as file.sheet")
    if wanted is not None and wanted not in titles:
        raise Unusable(f"{name} has no sheet {wanted!r}")
    return wanted or titles[0]


class _Reader:
    """Reads rows by a mapping."""

    def __init__(self, name: str, mapping: ColumnMapping, file: str) -> None:
        self._name = name
        self._mapping = mapping
        self._file = file
        self._columns = {
            field: column for field, column in mapping.columns.model_dump().items() if column
        }
        self._zone = _zone(mapping.dates.time_zone)

    def read(self, rows: Iterator[Row]) -> Report:
        """Every row that counts. Raises Unusable."""
        places: dict[str, int] | None = None
        lines: list[SettlementLine] = []
        skipped = 0
        for count, (number, cells) in enumerate(rows, start=1):
            if count > MAX_ROWS:
                raise Unusable(f"{self._name} has more than {MAX_ROWS} rows")
            if places is None:
                if number >= self._mapping.file.header_row:
                    places = self._header(number, cells)
                continue
            if all(_is_blank(each) for each in cells):
                continue
            row = _Cells(self._name, number, cells, places)
            if self._counts(row):
                lines.append(self._line(row))
            else:
                skipped += 1
        if places is None:
            raise Unusable(f"{self._name} has no line {self._mapping.file.header_row}")
        if not lines:
            raise Unusable(f"{self._name} has no row that counts as a payment: see rows.only")
        return Report(self._file, tuple(lines), skipped)

    def _header(self, number: int, cells: Sequence[Cell]) -> dict[str, int]:
        titles = [str(each).strip() if each is not None else "" for each in cells]
        wanted = [*self._columns.values(), *self._mapping.rows.only]
        for column in dict.fromkeys(wanted):
            found = titles.count(column)
            if found != 1:
                often = "is not there" if not found else f"is there {found} times"
                raise Unusable(f"{self._name}, line {number}: the column {column!r} {often}")
        return {column: titles.index(column) for column in wanted}

    def _counts(self, row: "_Cells") -> bool:
        wanted = self._mapping.rows.only.items()
        if any(row.text(column) not in values for column, values in wanted):
            return False
        skips = self._mapping.rows.without_order_number == "skip"
        return not (skips and not row.text(self._columns["order_number"]))

    def _line(self, row: "_Cells") -> SettlementLine:
        order_number = self._identifier(row, "order_number")
        if order_number is None:
            raise row.error(self._columns["order_number"], "is empty")
        amount = self._number(row, "amount")
        try:
            amount = parse_doku_amount(amount)
        except ValueError as error:
            raise row.error(
                self._columns["amount"], "must be an amount above nothing: see rows.only"
            ) from error
        paid_at, paid_until = self._date(row)
        return SettlementLine(
            file=self._file,
            number=row.number,
            order_number=order_number,
            amount=amount,
            fee=self._number(row, "fee"),
            net=self._number(row, "net"),
            paid_at=paid_at,
            paid_until=paid_until,
            payment_code=self._identifier(row, "payment_code"),
            receipt_number=self._identifier(row, "receipt_number"),
            channel=self._identifier(row, "channel"),
        )

    def _identifier(self, row: "_Cells", field: str) -> str | None:
        """Digits and letters, as they are. A number is one only as long as it is exact."""
        column = self._columns.get(field)
        if column is None:
            return None
        value = row.value(column)
        match value:
            case bool() | date() | time() | timedelta():
                raise row.error(column, "is not text: format the column as text")
            case int() if 0 <= value < _EXACT:
                return str(value)
            case int() | float():
                raise row.error(
                    column,
                    "is a number that may have lost digits: have the column written as text",
                )
        text = row.text(column)
        if _SCIENTIFIC.fullmatch(text):
            raise row.error(
                column,
                "was written in scientific notation, which has lost digits: have the column"
                " written as text",
            )
        if len(text) > _MAX_TEXT or not text.isprintable():
            raise row.error(column, f"must be at most {_MAX_TEXT} printable characters")
        return text or None

    def _number(self, row: "_Cells", field: str) -> Decimal | None:
        column = self._columns.get(field)
        if column is None:
            return None
        value = row.value(column)
        match value:
            case bool() | date() | time() | timedelta():
                raise row.error(column, "is not an amount")
            case int() | float():
                number = Decimal(str(value))
                if not number.is_finite() or abs(number) >= _EXACT:
                    raise row.error(column, "is out of range")
                return number
        text = row.text(column)
        if not text:
            return None
        how = self._mapping.amounts
        if how.prefix and text.startswith(how.prefix):
            text = text.removeprefix(how.prefix).strip()
        grouped = rf"\d{{1,3}}(?:{re.escape(how.thousands)}\d{{3}})+|" if how.thousands else ""
        form = re.compile(rf"([+-]?)({grouped}\d+)(?:{re.escape(how.decimal)}(\d+))?", re.ASCII)
        found = form.fullmatch(text)
        if found is None or len(text) > _MAX_TEXT:
            raise row.error(column, "is not an amount as the mapping has them: see amounts")
        sign, whole, fraction = found.groups(default="")
        if how.thousands:
            whole = whole.replace(how.thousands, "")
        return Decimal(f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}")

    def _date(self, row: "_Cells") -> tuple[datetime | None, datetime | None]:
        """The moment of the payment, or the first and the last one of its day."""
        column = self._columns.get("paid_at")
        if column is None or not (text := row.text(column)):
            return None, None
        value = row.value(column)
        found, is_day = self._parse(text) if isinstance(value, str) else _written(value)
        if found is None:
            raise row.error(column, "is not a date as the mapping has them: see dates.formats")
        if not _EARLIEST <= found.year < _LATEST:
            raise row.error(column, "is out of range")
        aware = found if found.tzinfo else found.replace(tzinfo=self._zone)
        begin = aware.astimezone(timezone(timedelta()))
        return begin, begin + timedelta(days=1, seconds=-1) if is_day else None

    def _parse(self, text: str) -> tuple[datetime | None, bool]:
        for each in self._mapping.dates.formats:
            try:
                found = datetime.strptime(text, each)  # noqa: DTZ007 - the zone is the mapping's
            except ValueError:
                continue
            return found, not re.search(r"%[-#]?[HIcXsT]", each)
        return None, False


@dataclass(frozen=True, slots=True)
class _Cells:
    """A row, by its columns' names."""

    name: str
    number: int
    cells: Sequence[Cell]
    places: Mapping[str, int]

    def value(self, column: str) -> Cell:
        """What stands there."""
        place = self.places[column]
        return self.cells[place] if place < len(self.cells) else None

    def text(self, column: str) -> str:
        """The same as text, without what only tells a spreadsheet that it is text."""
        value = self.value(column)
        text = "" if value is None else str(value).strip()
        if found := _AS_TEXT.fullmatch(text):
            text = found[1].strip()
        return text.removeprefix("'").strip()

    def error(self, column: str, what: str) -> Unusable:
        """What is wrong there."""
        return Unusable(f"{self.name}, line {self.number}: {column} {what}")


def _written(value: Cell) -> tuple[datetime | None, bool]:
    """A workbook's own date; midnight is a day."""
    match value:
        case datetime():
            return value, value.time() == time()
        case date():
            return datetime.combine(value, time()), True
    return None, False


def _is_blank(cell: Cell) -> bool:
    return cell is None or not str(cell).strip()


def _zone(name: str) -> timezone:
    """WIB, WITA, WIT, UTC or an offset. Raises ValueError."""
    if name in _ZONES:
        return timezone(timedelta(hours=_ZONES[name]))
    found = _OFFSET.fullmatch(name)
    if found is None:
        raise ValueError(f"must be one of {', '.join(_ZONES)}, or an offset such as +07:00")
    sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset)
